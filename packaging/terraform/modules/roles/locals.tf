data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition

  defaults = {
    readonly = {
      description = "Read-only access, for users who signed in with MFA"
      # Reads data too, S3 objects for one; job-function/ViewOnlyAccess sees names only.
      policies = { default = "ReadOnlyAccess" }
    }
    admin = {
      description = "Full access, for users who signed in with MFA"
      policies    = { default = "AdministratorAccess" }
      # A session cannot be called back by taking its user out of the group, so the strongest role gets the
      # shortest day.
      max_session_duration = 14400
    }
  }

  # try() stands for "the level has no such entry"; a level set to null is left out.
  levels = {
    for n in setunion(keys(local.defaults), keys(var.levels)) : n => {
      description          = coalesce(try(var.levels[n].description, null), try(local.defaults[n].description, null), "For users who signed in with MFA")
      policies             = try(var.levels[n].policies, null) != null ? var.levels[n].policies : try(local.defaults[n].policies, {})
      max_session_duration = coalesce(try(var.levels[n].max_session_duration, null), try(local.defaults[n].max_session_duration, null), 43200)
      mfa_max_age          = try(var.levels[n].mfa_max_age, null)
    } if !contains(keys(var.levels), n) || try(var.levels[n], null) != null
  }

  # Keyed by the caller's names, not by ARN: an ARN may be unknown until apply, which for_each does not take.
  attachments = merge([
    for level, l in local.levels : { for name, arn in l.policies : "${level}/${name}" => { level = level, arn = arn } }
  ]...)
}
