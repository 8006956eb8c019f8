# Needs no AWS, no moto and no credentials: the provider's schema is used, its API is not.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws-us-gov" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-gov-west-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws-us-gov:iam::111122223333:role/mocked" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws-us-gov:iam::111122223333:policy/mocked" }
  }
}

run "two_levels_by_default" {
  command = apply

  assert {
    condition     = keys(output.role_arns) == ["admin", "readonly"] && output.group_names == { admin = "mfa-admin", readonly = "mfa-readonly" } && output.default_group_name == "mfa-users"
    error_message = "Not the two levels and three groups: ${jsonencode(output.group_names)}, ${output.default_group_name}."
  }

  assert {
    condition     = { for n, l in module.roles.levels : n => l.max_session_duration } == { admin = 14400, readonly = 43200 }
    error_message = "The defaults of max_session_duration are wrong: ${jsonencode(module.roles.levels)}."
  }

  # Whoever changes this has to change every Allow at once, and reads in the README why not to.
  assert {
    condition = alltrue(flatten([
      for doc in values(output.policy_documents) : [
        for s in jsondecode(doc).Statement : [
          for op in keys(lookup(s, "Condition", {})) : s.Effect == "Deny" || !endswith(op, "IfExists")
        ]
      ]
    ]))
    error_message = "An Allow with ...IfExists lets an access key in without MFA."
  }

  assert {
    condition = alltrue([
      for level in ["readonly", "admin"] : alltrue([
        for s in concat(jsondecode(output.policy_documents["trust_${level}"]).Statement, jsondecode(output.policy_documents["assume_${level}"]).Statement) :
        s.Effect == "Allow" && s.Action == "sts:AssumeRole" && try(s.Condition.Bool["aws:MultiFactorAuthPresent"], "") == "true"
      ])
    ])
    error_message = "A trust or group policy lets somebody in without MFA, or to something else than sts:AssumeRole."
  }

  assert {
    condition     = alltrue([for level in ["readonly", "admin"] : jsondecode(output.policy_documents["assume_${level}"]).Statement[*].Resource == [output.role_arns[level]]])
    error_message = "A group policy reaches another role than its own."
  }

  assert {
    condition     = length(aws_iam_account_password_policy.this) == 0
    error_message = "The account's password policy is touched without being asked."
  }
}

run "the_largest_policy_fits" {
  command = apply

  variables {
    path                   = "/${join("", [for i in range(30) : "path-segment-"])}/"
    manage_own_access_keys = true
    enroll_with_access_key = false
    mfa_in_group_policies  = false
  }

  assert {
    condition     = length(output.policy_documents.self_service) <= 6144
    error_message = "IAM's limit of a managed policy is 6144 characters; this one has ${length(output.policy_documents.self_service)}."
  }
}

run "roles_of_the_defaults" {
  command = apply

  module {
    source = "./modules/roles"
  }

  variables {
    trusted_account_id = "999999999999"
    path               = "/people/"
    tags               = { contact = "", ttl = "infinity", deployed-by = "terraform" }
    levels = {
      readonly = { max_session_duration = 7200 }
      billing  = { policies = { aws = "job-function/Billing", own = "arn:aws-us-gov:iam::111122223333:policy/own" } }
    }
  }

  assert {
    condition = { for k, a in aws_iam_role_policy_attachment.this : k => a.policy_arn } == {
      "admin/default"    = "arn:aws-us-gov:iam::aws:policy/AdministratorAccess"
      "readonly/default" = "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"
      "billing/aws"      = "arn:aws-us-gov:iam::aws:policy/job-function/Billing"
      "billing/own"      = "arn:aws-us-gov:iam::111122223333:policy/own"
    }
    error_message = "The roles have other policies: ${jsonencode({ for k, a in aws_iam_role_policy_attachment.this : k => a.policy_arn })}."
  }

  assert {
    condition     = { for n, r in aws_iam_role.this : n => r.max_session_duration } == { admin = 14400, billing = 43200, readonly = 7200 }
    error_message = "max_session_duration is not what was asked."
  }

  assert {
    condition     = alltrue([for r in values(aws_iam_role.this) : r.path == "/people/" && r.tags == tomap({ contact = "", ttl = "infinity", deployed-by = "terraform" })])
    error_message = "Path or tags are missing."
  }

  assert {
    condition     = alltrue([for r in values(aws_iam_role.this) : jsondecode(r.assume_role_policy).Statement[*].Principal.AWS == ["arn:aws-us-gov:iam::999999999999:root"]])
    error_message = "A role trusts another account than it was told to."
  }

  assert {
    condition     = keys(output.external_roles.billing) == ["max_session_duration", "mfa_max_age", "role_arn"]
    error_message = "external_roles is not what the users' account takes."
  }
}

run "a_level_left_out" {
  command = apply

  variables {
    levels = { admin = null, ops = { policies = { ops = "job-function/SystemAdministrator" } } }
    users  = { alice = { levels = ["ops"] } }
  }

  assert {
    condition     = keys(output.role_arns) == ["ops", "readonly"]
    error_message = "Levels are ${join(", ", keys(output.role_arns))}."
  }
}

run "members" {
  command = apply

  variables {
    path           = "/people/"
    tags           = { contact = "" }
    external_roles = { far = { role_arn = "arn:aws-us-gov:iam::210987654321:role/x/far" } }
    users = {
      alice = { levels = ["readonly", "admin"], force_destroy = true }
      bob   = { levels = ["far"] }
      carol = {}
      old   = { create = false, revoke_direct_policies = true }
    }
  }

  assert {
    condition = { for n, m in aws_iam_user_group_membership.this : m.user => m.groups } == {
      alice = toset(["mfa-users", "mfa-readonly", "mfa-admin"])
      bob   = toset(["mfa-users", "mfa-far"])
      carol = toset(["mfa-users"])
      old   = toset(["mfa-users"])
    }
    error_message = "Memberships are ${jsonencode({ for n, m in aws_iam_user_group_membership.this : m.user => m.groups })}."
  }

  assert {
    condition     = { for n, u in aws_iam_user.this : n => u.force_destroy } == { alice = true, bob = false, carol = false } && aws_iam_user.this["bob"].path == "/people/" && aws_iam_user.this["bob"].tags["contact"] == ""
    error_message = "Not the users that were asked for, or not with their path and tags."
  }

  assert {
    condition = (
      keys(aws_iam_user_policy_attachments_exclusive.this) == ["old"] && length(aws_iam_user_policy_attachments_exclusive.this["old"].policy_arns) == 0 &&
      keys(aws_iam_user_policies_exclusive.this) == ["old"] && length(aws_iam_user_policies_exclusive.this["old"].policy_names) == 0
    )
    error_message = "Direct policies are revoked from the wrong users, or not from the right one."
  }

  assert {
    condition     = jsondecode(output.policy_documents.assume_far).Statement[0].Resource == "arn:aws-us-gov:iam::210987654321:role/x/far" && !contains(keys(output.policy_documents), "trust_far")
    error_message = "The external role is not reached, or was made here."
  }
}

run "profiles" {
  command = apply

  variables {
    levels         = { admin = { max_session_duration = 5400 } }
    external_roles = { far = { role_arn = "arn:aws-us-gov:iam::210987654321:role/far" } }
    users = {
      alice = { levels = ["admin", "far", "readonly"] }
      bob   = { levels = ["readonly"], mfa_serial = "GAHT12345678" }
      carol = {}
    }
  }

  assert {
    condition     = output.aws_config.alice == <<-EOT
      [profile mfa-admin]
      credential_process = mfa-run credential-process --role-arn arn:aws-us-gov:iam::111122223333:role/mocked --source-profile default --mfa-serial arn:aws-us-gov:iam::111122223333:mfa/alice --role-session-name alice --duration 90m
      region = us-gov-west-1

      [profile mfa-far]
      credential_process = mfa-run credential-process --role-arn arn:aws-us-gov:iam::210987654321:role/far --source-profile default --mfa-serial arn:aws-us-gov:iam::111122223333:mfa/alice --role-session-name alice
      region = us-gov-west-1

      [profile mfa-readonly]
      credential_process = mfa-run credential-process --role-arn arn:aws-us-gov:iam::111122223333:role/mocked --source-profile default --mfa-serial arn:aws-us-gov:iam::111122223333:mfa/alice --role-session-name alice --duration 12h
      region = us-gov-west-1
    EOT
    error_message = "aws_config is\n${output.aws_config.alice}"
  }

  assert {
    condition     = output.aws_config_plain.bob == <<-EOT
      [profile mfa-readonly]
      role_arn = arn:aws-us-gov:iam::111122223333:role/mocked
      source_profile = default
      mfa_serial = GAHT12345678
      role_session_name = bob
      duration_seconds = 43200
      region = us-gov-west-1
    EOT
    error_message = "aws_config_plain is\n${output.aws_config_plain.bob}"
  }

  assert {
    condition     = output.aws_config.carol == "" && output.mfa_serials.bob == "GAHT12345678" && strcontains(output.aws_config.bob, "--mfa-serial GAHT12345678 ")
    error_message = "A user without levels has a profile, or a device's serial number is lost."
  }
}

run "a_binary_with_a_space" {
  command = apply

  variables {
    mfa_run_path   = "/Applications/My Tools/mfa-run"
    source_profile = "long-term"
    region         = "eu-west-1"
    users          = { alice = { levels = ["readonly"] } }
  }

  assert {
    condition     = strcontains(output.aws_config.alice, "credential_process = \"/Applications/My Tools/mfa-run\" credential-process ") && strcontains(output.aws_config.alice, " --source-profile long-term ") && strcontains(output.aws_config.alice, "region = eu-west-1\n")
    error_message = "aws_config is\n${output.aws_config.alice}"
  }
}

run "password_policy" {
  command = plan

  variables {
    password_policy = { minimum_length = 20 }
  }

  assert {
    condition     = one(aws_iam_account_password_policy.this).minimum_password_length == 20 && one(aws_iam_account_password_policy.this).password_reuse_prevention == 24 && one(aws_iam_account_password_policy.this).allow_users_to_change_password
    error_message = "The password policy is not what was asked."
  }
}

# One run for each rule: one of several failures in a run would satisfy expect_failures for all of a variable's rules.

run "refuses_a_level_called_users" {
  command = plan
  variables {
    levels = { Users = {} }
  }
  expect_failures = [var.levels]
}

run "refuses_a_level_that_is_not_there" {
  command = plan
  variables {
    users = { alice = { levels = ["root"] } }
  }
  expect_failures = [var.users]
}

run "refuses_a_level_left_out" {
  command = plan
  variables {
    levels = { admin = null }
    users  = { alice = { levels = ["admin"] } }
  }
  expect_failures = [var.users]
}

run "refuses_a_user_name_with_a_space" {
  command = plan
  variables {
    users = { "a b" = {} }
  }
  expect_failures = [var.users]
}

run "refuses_a_user_name_that_is_an_option" {
  command = plan
  variables {
    users = { "-alice" = {} }
  }
  expect_failures = [var.users]
}

run "refuses_users_that_differ_in_case" {
  command = plan
  variables {
    users = { alice = {}, Alice = {} }
  }
  expect_failures = [var.users]
}

run "refuses_a_serial_with_a_shell_in_it" {
  command = plan
  variables {
    users = { alice = { mfa_serial = "GAHT12345678;id" } }
  }
  expect_failures = [var.users]
}

run "refuses_an_external_role_with_a_wildcard" {
  command = plan
  variables {
    external_roles = { far = { role_arn = "arn:aws:iam::210987654321:role/*" } }
  }
  expect_failures = [var.external_roles]
}

run "refuses_an_external_role_called_admin" {
  command = plan
  variables {
    external_roles = { Admin = { role_arn = "arn:aws:iam::210987654321:role/x" } }
  }
  expect_failures = [var.external_roles]
}

run "refuses_an_external_role_longer_than_a_day" {
  command = plan
  variables {
    external_roles = { far = { role_arn = "arn:aws:iam::210987654321:role/x", max_session_duration = 86400 } }
  }
  expect_failures = [var.external_roles]
}

run "refuses_an_external_mfa_age_of_none" {
  command = plan
  variables {
    external_roles = { far = { role_arn = "arn:aws:iam::210987654321:role/x", mfa_max_age = 0 } }
  }
  expect_failures = [var.external_roles]
}

run "refuses_a_short_password" {
  command = plan
  variables {
    password_policy = { minimum_length = 6 }
  }
  expect_failures = [var.password_policy]
}

run "refuses_a_binary_with_a_shell_in_it" {
  command = plan
  variables {
    mfa_run_path = "mfa-run $(id)"
  }
  expect_failures = [var.mfa_run_path]
}

run "refuses_a_source_profile_with_a_space" {
  command = plan
  variables {
    source_profile = "two words"
  }
  expect_failures = [var.source_profile]
}

run "refuses_a_region_that_is_none" {
  command = plan
  variables {
    region = "Frankfurt"
  }
  expect_failures = [var.region]
}

# modules/roles judges what it is handed on.

run "refuses_a_duration_below_an_hour" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    levels             = { admin = { max_session_duration = 900 } }
  }
  expect_failures = [var.levels]
}

run "refuses_a_duration_above_twelve_hours" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    levels             = { admin = { max_session_duration = 43201 } }
  }
  expect_failures = [var.levels]
}

run "refuses_an_mfa_age_below_a_minute" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    levels             = { admin = { mfa_max_age = 1 } }
  }
  expect_failures = [var.levels]
}

run "refuses_a_level_that_is_admin_in_another_case" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    levels             = { Admin = {} }
  }
  expect_failures = [var.levels]
}

run "refuses_a_level_with_a_slash" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    levels             = { "a/b" = {} }
  }
  expect_failures = [var.levels]
}

run "refuses_tags_that_differ_in_case" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    tags               = { Contact = "a", contact = "b" }
  }
  expect_failures = [var.tags]
}

run "refuses_reserved_tags" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    tags               = { "AWS:x" = "a" }
  }
  expect_failures = [var.tags]
}

run "refuses_an_account_that_is_none" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "*"
  }
  expect_failures = [var.trusted_account_id]
}

run "refuses_a_prefix_with_a_space" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    name_prefix        = "no spaces"
  }
  expect_failures = [var.name_prefix]
}

run "refuses_a_path_without_slashes" {
  command = plan
  module {
    source = "./modules/roles"
  }
  variables {
    trusted_account_id = "999999999999"
    path               = "people"
  }
  expect_failures = [var.path]
}
