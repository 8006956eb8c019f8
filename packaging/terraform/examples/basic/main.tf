# Two people, two roles, MFA before anything.

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

module "identity" {
  source = "../.."

  users = {
    alice = { levels = ["readonly", "admin"] }
    bob   = { levels = ["readonly"] }
  }
}

# terraform output -json aws_config | jq -r .alice >> ~/.aws/config
output "aws_config" {
  value = module.identity.aws_config
}
