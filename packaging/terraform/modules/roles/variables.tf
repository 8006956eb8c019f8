variable "trusted_account_id" {
  description = "Account whose IAM users may assume these roles, if their own policies let them."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.trusted_account_id))
    error_message = "trusted_account_id must be an account ID of twelve digits."
  }
}

variable "name_prefix" {
  description = "Prefix of every role name. A second copy in the same account needs another one."
  type        = string
  default     = "mfa"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9+=,.@_-]{0,31}$", var.name_prefix))
    error_message = "name_prefix must be 1 to 32 letters, digits or any of +=,.@_- and begin with a letter or digit."
  }
}

variable "path" {
  description = "IAM path of the roles; begins and ends with a slash."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([\\x21-\\x7E]{1,510}/)?$", var.path))
    error_message = "path must be \"/\" or begin and end with a slash."
  }
}

variable "levels" {
  description = <<-EOT
    Level of access => its role. `readonly` and `admin` are always there: an entry of that name changes only what
    it says, and `null` leaves the level out. `policies` are managed policies under names of your own: an ARN, or
    the name of an AWS managed policy (`job-function/Billing`). `max_session_duration` is in seconds, 3600 to
    43200; default 43200, for `admin` 14400. `mfa_max_age` is how old, in seconds, the MFA sign-in may be; null is
    as old as the session.
  EOT
  type = map(object({
    description          = optional(string)
    policies             = optional(map(string))
    max_session_duration = optional(number)
    mfa_max_age          = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for l in values(var.levels) : try(l.max_session_duration, null) == null ? true :
      l.max_session_duration >= 3600 && l.max_session_duration <= 43200 && floor(l.max_session_duration) == l.max_session_duration
    ])
    error_message = "A role's max_session_duration is a whole number of seconds from 3600 to 43200."
  }

  validation {
    condition = alltrue([
      for l in values(var.levels) : try(l.mfa_max_age, null) == null ? true :
      l.mfa_max_age >= 60 && l.mfa_max_age <= 129600 && floor(l.mfa_max_age) == l.mfa_max_age
    ])
    error_message = "mfa_max_age is a whole number of seconds from 60 to 129600."
  }

  validation {
    condition     = alltrue([for n in keys(var.levels) : can(regex("^[A-Za-z0-9+=,.@_-]{1,31}$", n))])
    error_message = "A level's name becomes part of a role's: 1 to 31 letters, digits or any of +=,.@_-."
  }

  validation {
    condition     = length(distinct([for n in setunion(["readonly", "admin"], keys(var.levels)) : lower(n)])) == length(setunion(["readonly", "admin"], keys(var.levels)))
    error_message = "IAM names are not case-sensitive: two levels differ in case only."
  }
}

variable "require_own_session_name" {
  description = "Let a role be assumed only under the user's own name as role session name, so that CloudTrail shows who acted."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of every role."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(distinct([for k in keys(var.tags) : lower(k)])) == length(var.tags)
    error_message = "IAM tag keys are not case-sensitive: two keys differ in case only."
  }

  validation {
    condition     = alltrue([for k in keys(var.tags) : !startswith(lower(k), "aws:")])
    error_message = "Tag keys that begin with \"aws:\" are reserved."
  }
}
