# Every option but cross-account roles.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.72, < 7.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

# Reads invoices; a policy of one's own beside AWS's.
resource "aws_iam_policy" "invoices" {
  name        = "initial-invoices"
  description = "Reads invoices"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "invoicing:Get*", Resource = "*" }]
  })
}

module "identity" {
  source = "../.."

  name_prefix = "initial"
  path        = "/people/"

  levels = {
    # Metadata only, in place of the default ReadOnlyAccess.
    readonly = { policies = { metadata = "job-function/ViewOnlyAccess" } }
    # A code not older than an hour, and four hours at most (the default).
    admin = { mfa_max_age = 3600 }
    billing = {
      description          = "Invoices and budgets"
      max_session_duration = 5400
      policies = {
        billing  = "job-function/Billing"
        invoices = aws_iam_policy.invoices.arn
      }
    }
  }

  users = {
    alice = { levels = ["readonly", "admin"] }
    bob   = { levels = ["readonly", "billing"] }
    # Password and device, nothing else yet.
    carol = {}
    # Was there before, with rights of his own that go away.
    dave = { levels = ["readonly"], create = false, revoke_direct_policies = true }
  }

  require_own_session_name = true
  enroll_with_access_key   = false
  manage_own_access_keys   = true
  password_policy          = { minimum_length = 16 }

  mfa_run_path   = "/usr/local/bin/mfa-run"
  source_profile = "initial"
  region         = "eu-west-1"

  tags = {
    contact     = ""
    ttl         = "infinity"
    deployed-by = "terraform"
  }
}

output "role_arns" {
  value = module.identity.role_arns
}

output "role_ids" {
  value = module.identity.role_ids
}

output "aws_config" {
  value = module.identity.aws_config
}

output "aws_config_plain" {
  value = module.identity.aws_config_plain
}

output "policy_documents" {
  value = module.identity.policy_documents
}
