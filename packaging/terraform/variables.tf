variable "name_prefix" {
  description = "Prefix of every name this module creates. A second copy in the same account needs another one."
  type        = string
  default     = "mfa"
  nullable    = false
}

variable "path" {
  description = "IAM path of users, groups, roles and policies; begins and ends with a slash."
  type        = string
  default     = "/"
  nullable    = false
}

variable "levels" {
  description = <<-EOT
    Level of access => its role and group. `readonly` and `admin` are always there: an entry of that name changes
    only what it says, and `null` leaves the level out. `policies` are managed policies under names of your own:
    an ARN, or the name of an AWS managed policy (`job-function/Billing`). `max_session_duration` is in seconds,
    3600 to 43200; default 43200, for `admin` 14400. `mfa_max_age` is how old, in seconds, the MFA sign-in may be;
    null is as old as the session.
  EOT
  type = map(object({
    description          = optional(string)
    policies             = optional(map(string))
    max_session_duration = optional(number)
    mfa_max_age          = optional(number)
  }))
  default  = {}
  nullable = false

  # What else a level must satisfy, modules/roles says. This one is about groups.
  validation {
    condition     = !contains([for n in keys(var.levels) : lower(n)], "users")
    error_message = "No level can be called \"users\": the group of that name is everybody's."
  }
}

variable "external_roles" {
  description = <<-EOT
    Level of access => role that exists already, in another account or in this one, whose trust policy asks for
    MFA (modules/roles makes such roles). This module adds the group that may assume it. `max_session_duration`
    goes into the profile; null leaves the duration to mfa-run. `mfa_max_age` as in `levels`.
  EOT
  type = map(object({
    role_arn             = string
    max_session_duration = optional(number)
    mfa_max_age          = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for r in values(var.external_roles) : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", r.role_arn))])
    error_message = "role_arn must be the ARN of one role: arn:PARTITION:iam::ACCOUNT:role/NAME, no wildcard."
  }

  validation {
    condition = alltrue([
      for r in values(var.external_roles) : r.max_session_duration == null ? true :
      r.max_session_duration >= 3600 && r.max_session_duration <= 43200 && floor(r.max_session_duration) == r.max_session_duration
    ])
    error_message = "A role's max_session_duration is a whole number of seconds from 3600 to 43200."
  }

  validation {
    condition = alltrue([
      for r in values(var.external_roles) : r.mfa_max_age == null ? true :
      r.mfa_max_age >= 60 && r.mfa_max_age <= 129600 && floor(r.mfa_max_age) == r.mfa_max_age
    ])
    error_message = "mfa_max_age is a whole number of seconds from 60 to 129600."
  }

  validation {
    condition = alltrue([
      for n in keys(var.external_roles) : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", n)) && lower(n) != "users"
      && !contains([for l in keys(module.roles.levels) : lower(l)], lower(n))
    ]) && length(distinct([for n in keys(var.external_roles) : lower(n)])) == length(var.external_roles)
    error_message = "The name of an external role has 1 to 64 letters, digits or any of +=,.@_-; it is not \"users\", and no other level has it in any case."
  }
}

variable "users" {
  description = <<-EOT
    IAM user name => what the user may become. `levels` are keys of `levels` or `external_roles`; without any, the
    user can do nothing but look after password and device. `create = false`: the user exists, only memberships
    are managed. `revoke_direct_policies = true` removes, and keeps removing, every policy attached to or embedded
    in the user (other groups are left alone). `mfa_serial` is for a device that is not called like the user.
    `force_destroy = true` lets a destroy delete a user who still has a key, a password or a device.
  EOT
  type = map(object({
    levels                 = optional(set(string), [])
    create                 = optional(bool, true)
    revoke_direct_policies = optional(bool, false)
    mfa_serial             = optional(string)
    force_destroy          = optional(bool, false)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue(flatten([for u in values(var.users) : [for l in u.levels : contains(keys(local.assumable), l)]]))
    error_message = "A user has a level that is neither in levels nor in external_roles; there are: ${join(", ", keys(local.assumable))}."
  }

  # The name is also the role session name, of which STS wants two characters, and an argument of mfa-run, which
  # takes a leading hyphen for an option.
  validation {
    condition     = alltrue([for n in keys(var.users) : can(regex("^[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{1,63}$", n))])
    error_message = "A user name has 2 to 64 letters, digits or any of +=,.@_- and does not begin with a hyphen."
  }

  validation {
    condition     = length(distinct([for n in keys(var.users) : lower(n)])) == length(var.users)
    error_message = "IAM user names are not case-sensitive: two users differ in case only."
  }

  # It is pasted into a line that a shell may read.
  validation {
    condition     = alltrue([for u in values(var.users) : can(regex("^[A-Za-z0-9+=,.@_/:-]{9,256}$", coalesce(u.mfa_serial, "arn:default")))])
    error_message = "mfa_serial is the ARN of a virtual device or the serial number of a hardware one."
  }
}

variable "mfa_in_group_policies" {
  description = "Ask for MFA in the users' own policies as well as in the trust policies. `false` leaves it to the trust policies: for an account in which AssumeRole with a good code is refused by the users' policies."
  type        = bool
  default     = true
  nullable    = false
}

variable "require_own_session_name" {
  description = "Let a role be assumed only under the user's own name as role session name, so that CloudTrail shows who acted. The profiles of `aws_config` do."
  type        = bool
  default     = false
  nullable    = false
}

variable "enroll_with_access_key" {
  description = "Let an access key enrol the user's first MFA device, as `mfa-run device enroll` does. `false`: only a console sign-in with the password may, so that a stolen key of a user without a device is worth nothing."
  type        = bool
  default     = true
  nullable    = false
}

variable "manage_own_access_keys" {
  description = "Let a user who signed in with MFA create, list, disable and delete their own access keys, as `mfa-run key rotate` does."
  type        = bool
  default     = false
  nullable    = false
}

variable "password_policy" {
  description = "The account's password policy; there is one per account. null leaves it alone, `{}` is no less than CIS asks for."
  type = object({
    minimum_length   = optional(number, 14)
    reuse_prevention = optional(number, 24)
    require_classes  = optional(bool, true)
    max_age_days     = optional(number, 0)
  })
  default = null

  validation {
    condition = var.password_policy == null ? true : (
      var.password_policy.minimum_length >= 8 && var.password_policy.minimum_length <= 128 &&
      var.password_policy.reuse_prevention >= 1 && var.password_policy.reuse_prevention <= 24 &&
      var.password_policy.max_age_days >= 0 && var.password_policy.max_age_days <= 1095
    )
    error_message = "minimum_length is 8 to 128, reuse_prevention 1 to 24, max_age_days 0 (never) to 1095."
  }
}

variable "tags" {
  description = "Tags of every resource that can carry them (IAM groups cannot)."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "mfa_run_path" {
  description = "The `mfa-run` that `aws_config` names. An absolute path also serves programs that do not have the user's PATH, IDEs for one."
  type        = string
  default     = "mfa-run"
  nullable    = false

  # botocore splits the line itself, Go's SDK gives it to a shell. Double quotes mean the same to both, as long as
  # nothing in them does.
  validation {
    condition     = can(regex("^[^~\"'`$%!&|<>;*?\\x00-\\x1F][^\"'`$%!&|<>;*?\\x00-\\x1F]*$", var.mfa_run_path))
    error_message = "mfa_run_path must be a plain path, without quotes and characters that mean something to a shell."
  }
}

variable "source_profile" {
  description = "The profile of `aws_config` that holds the user's access key."
  type        = string
  default     = "default"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_/:][A-Za-z0-9+=,.@_/:-]*$", var.source_profile))
    error_message = "source_profile is a profile name without spaces and quotes."
  }
}

variable "region" {
  description = "The region that `aws_config` sets. null is the provider's."
  type        = string
  default     = null

  validation {
    condition     = var.region == null ? true : can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region is a region's name, as in eu-central-1."
  }
}
