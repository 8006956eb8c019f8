data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  iam       = "arn:${local.partition}:iam::${local.account}"

  # "$${" is a literal "${": AWS fills it in, not Terraform. A user may sit below a path, and IAM matches the
  # whole ARN.
  own_user = ["${local.iam}:user/$${aws:username}", "${local.iam}:user/*/$${aws:username}"]
  # A user may have eight devices: mfa/NAME, as consoles and tutorials call the first, and mfa/NAME/ANYTHING
  # (--path /NAME/). A user name holds no slash, so neither pattern reaches somebody else's.
  own_devices = ["${local.iam}:mfa/$${aws:username}", "${local.iam}:mfa/$${aws:username}/*"]

  # What a user may be let assume: the roles made here and those that exist elsewhere.
  assumable = merge(
    { for n, l in module.roles.levels : n => { max_session_duration = l.max_session_duration, mfa_max_age = l.mfa_max_age } },
    { for n, r in var.external_roles : n => { max_session_duration = r.max_session_duration, mfa_max_age = r.mfa_max_age } },
  )
  role_arns = merge(module.roles.role_arns, { for n, r in var.external_roles : n => r.role_arn })

  # The trust policy's condition once more. Security: Bool, never BoolIfExists; modules/roles/main.tf says why.
  # A condition that is left out must be absent, not null.
  assume_condition = {
    for n, l in local.assumable : n => !var.mfa_in_group_policies ? {} : {
      Condition = merge(
        { Bool = { "aws:MultiFactorAuthPresent" = "true" } },
        l.mfa_max_age == null ? {} : { NumericLessThan = { "aws:MultiFactorAuthAge" = tostring(l.mfa_max_age) } },
        var.require_own_session_name ? { StringEquals = { "sts:RoleSessionName" = "$${aws:username}" } } : {},
      )
    }
  }

  enrolment = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]

  # All that may be done before MFA: look at oneself, set a password, enrol a first device.
  # sts:GetSessionToken needs no Allow, but is one of the ways to MFA; AWS's own example of the Deny excepts it too.
  before_mfa = concat(local.enrolment, [
    "iam:ChangePassword",
    "iam:DeleteVirtualMFADevice",
    "iam:GetAccountPasswordPolicy",
    "iam:GetMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
  ])

  with_mfa = { Bool = { "aws:MultiFactorAuthPresent" = "true" } }

  self_service = concat(
    [
      {
        Sid      = "AccountFacts"
        Effect   = "Allow"
        Action   = ["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"]
        Resource = "*"
      },
      {
        Sid      = "OwnPasswordAndDevices"
        Effect   = "Allow"
        Action   = ["iam:ChangePassword", "iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"]
        Resource = local.own_user
      },
      {
        # An enrolment that was broken off leaves a device that blocks its name. IAM deletes only a device that
        # nobody uses.
        Sid      = "OwnUnusedDevices"
        Effect   = "Allow"
        Action   = ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"]
        Resource = local.own_devices
      },
      {
        Sid       = "GiveUpOwnDeviceWithMfa"
        Effect    = "Allow"
        Action    = ["iam:DeactivateMFADevice"]
        Resource  = local.own_user
        Condition = local.with_mfa
      },
    ],
    !var.manage_own_access_keys ? [] : [
      {
        Sid       = "OwnAccessKeysWithMfa"
        Effect    = "Allow"
        Action    = ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:UpdateAccessKey"]
        Resource  = local.own_user
        Condition = local.with_mfa
      },
    ],
    var.enroll_with_access_key ? [] : [
      {
        # Only a request signed with an access key lacks the condition key altogether; a console sign-in without
        # MFA carries it, as false.
        Sid       = "NoEnrolmentWithAccessKey"
        Effect    = "Deny"
        Action    = local.enrolment
        Resource  = "*"
        Condition = { Null = { "aws:MultiFactorAuthPresent" = "true" } }
      },
    ],
    [
      {
        # Covers whatever any other policy grants the user. In a Deny IfExists is right: a request without the
        # key, one signed with an access key, has to be refused as well.
        Sid       = "NothingElseWithoutMfa"
        Effect    = "Deny"
        NotAction = concat(local.before_mfa, var.mfa_in_group_policies ? [] : ["sts:AssumeRole"])
        Resource  = "*"
        Condition = { BoolIfExists = { "aws:MultiFactorAuthPresent" = "false" } }
      },
    ],
  )

  created = { for n, u in var.users : n => u if u.create }
  revoked = { for n, u in var.users : n => u if u.revoke_direct_policies }

  mfa_serials = { for n, u in var.users : n => coalesce(u.mfa_serial, "${local.iam}:mfa/${n}") }
  region      = coalesce(var.region, data.aws_region.current.id)
  binary      = can(regex("^[A-Za-z0-9._/:\\\\-]+$", var.mfa_run_path)) ? var.mfa_run_path : "\"${var.mfa_run_path}\""

  # As a person would write it: 12h, 90m, or seconds.
  durations = {
    for n, l in local.assumable : n => l.max_session_duration == null ? "" :
    l.max_session_duration % 3600 == 0 ? "${l.max_session_duration / 3600}h" :
    l.max_session_duration % 60 == 0 ? "${l.max_session_duration / 60}m" : "${l.max_session_duration}"
  }

  # Two profiles for the same thing, never one: SDKs disagree about role_arn beside credential_process.
  profiles = {
    for n, u in var.users : n => {
      for l in u.levels : l => {
        header = "[profile ${var.name_prefix}-${l}]"
        process = join(" ", compact([
          local.binary, "credential-process",
          "--role-arn", local.role_arns[l],
          "--source-profile", var.source_profile,
          "--mfa-serial", local.mfa_serials[n],
          "--role-session-name", n,
          local.durations[l] == "" ? "" : "--duration ${local.durations[l]}",
        ]))
        plain = compact([
          "role_arn = ${local.role_arns[l]}",
          "source_profile = ${var.source_profile}",
          "mfa_serial = ${local.mfa_serials[n]}",
          "role_session_name = ${n}",
          local.assumable[l].max_session_duration == null ? "" : "duration_seconds = ${local.assumable[l].max_session_duration}",
        ])
      }
    }
  }
}
