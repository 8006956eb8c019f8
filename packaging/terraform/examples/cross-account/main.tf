# Users in one account, roles in that and in a second one.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.72, < 7.0"
    }
  }
}

variable "production_account_id" {
  description = "The account that the users of the first one may work in."
  type        = string
  default     = "210987654321"
}

provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "production"
  region = "eu-central-1"

  assume_role {
    role_arn = "arn:aws:iam::${var.production_account_id}:role/OrganizationAccountAccessRole"
  }
}

data "aws_caller_identity" "users" {}

module "production" {
  source    = "../../modules/roles"
  providers = { aws = aws.production }

  trusted_account_id = data.aws_caller_identity.users.account_id
  levels = {
    admin = { mfa_max_age = 3600, max_session_duration = 3600 }
  }
}

module "identity" {
  source = "../.."

  # The keys are written out: they become groups, whose names must be known before anything exists.
  external_roles = {
    production-readonly = module.production.external_roles["readonly"]
    production-admin    = module.production.external_roles["admin"]
  }

  users = {
    alice = { levels = ["readonly", "admin", "production-readonly", "production-admin"] }
    bob   = { levels = ["readonly", "production-readonly"] }
  }
}

output "role_arns" {
  value = module.identity.role_arns
}

output "aws_config" {
  value = module.identity.aws_config
}

output "policy_documents" {
  value = merge(module.identity.policy_documents, { for k, v in module.production.policy_documents : "production_${k}" => v })
}
