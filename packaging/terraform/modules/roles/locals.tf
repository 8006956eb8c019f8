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

  names  = [for n in setunion(keys(local.defaults), keys(var.levels)) : n if !contains(keys(var.levels), n) ? true : var.levels[n] != null]
  unsaid = { description = null, policies = null, max_session_duration = null, mfa_max_age = null }

  # lookup(), not try(), around what the caller says: with an ARN in it that is unknown until apply, try() makes the
  # whole level unknown, its name included.
  levels = {
    for n in local.names : n => {
      description          = coalesce(lookup(var.levels, n, local.unsaid).description, try(local.defaults[n].description, null), "For users who signed in with MFA")
      policies             = lookup(var.levels, n, local.unsaid).policies != null ? lookup(var.levels, n, local.unsaid).policies : try(tomap(local.defaults[n].policies), tomap({}))
      max_session_duration = coalesce(lookup(var.levels, n, local.unsaid).max_session_duration, try(local.defaults[n].max_session_duration, null), 43200)
      mfa_max_age          = lookup(var.levels, n, local.unsaid).mfa_max_age
    }
  }

  # Keyed by the caller's names, not by ARN: an ARN may be unknown until apply, which for_each does not take.
  attachments = merge([
    for level, l in local.levels : { for name, arn in l.policies : "${level}/${name}" => { level = level, arn = arn } }
  ]...)
}
