# tests/policies.json is what the policy matrix (cargo test --test foundation) decides by; here it is held equal to
# what the module makes. After a wanted change copy the document that the failure prints, and run the matrix.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
  }
}

override_resource {
  target = module.roles.aws_iam_role.this["readonly"]
  values = { arn = "arn:aws:iam::123456789012:role/mfa-readonly" }
}

override_resource {
  target = module.roles.aws_iam_role.this["admin"]
  values = { arn = "arn:aws:iam::123456789012:role/mfa-admin" }
}

override_resource {
  target = module.roles.aws_iam_role.this["billing"]
  values = { arn = "arn:aws:iam::123456789012:role/mfa-billing" }
}

variables {
  levels = {
    billing = { policies = { billing = "job-function/Billing" }, mfa_max_age = 3600 }
  }
  external_roles = {
    production = { role_arn = "arn:aws:iam::210987654321:role/mfa-admin", mfa_max_age = 3600 }
  }
}

run "defaults" {
  command = apply

  assert {
    condition     = jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) }) == jsonencode(jsondecode(file("tests/policies.json")).defaults)
    error_message = "\"defaults\" is now ${jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) })}"
  }
}

run "strict" {
  command = apply

  variables {
    require_own_session_name = true
    enroll_with_access_key   = false
    manage_own_access_keys   = true
  }

  assert {
    condition     = jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) }) == jsonencode(jsondecode(file("tests/policies.json")).strict)
    error_message = "\"strict\" is now ${jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) })}"
  }
}

run "trust_only" {
  command = apply

  variables {
    mfa_in_group_policies = false
  }

  assert {
    condition     = jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) }) == jsonencode(jsondecode(file("tests/policies.json")).trust_only)
    error_message = "\"trust_only\" is now ${jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) })}"
  }
}

# The other side of "production": the role in the second account.
run "production" {
  command = apply

  module {
    source = "./modules/roles"
  }

  variables {
    trusted_account_id = "123456789012"
    levels             = { readonly = null, admin = { mfa_max_age = 3600 } }
  }

  assert {
    condition     = jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) }) == jsonencode(jsondecode(file("tests/policies.json")).production)
    error_message = "\"production\" is now ${jsonencode({ for k, v in output.policy_documents : k => jsondecode(v) })}"
  }
}
