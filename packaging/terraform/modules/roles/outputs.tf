output "levels" {
  description = "Every level as it is after defaults: description, policies, max_session_duration, mfa_max_age."
  value       = local.levels
}

output "role_arns" {
  description = "Role ARN by level."
  value       = { for level, r in aws_iam_role.this : level => r.arn }
}

output "role_ids" {
  description = "Unique role ID by level (begins with AROA); a new one means that the role was replaced."
  value       = { for level, r in aws_iam_role.this : level => r.unique_id }
}

output "external_roles" {
  description = "The same roles in the form that the users' account takes as `external_roles`, by level."
  value = {
    for level, r in aws_iam_role.this : level => {
      role_arn             = r.arn
      max_session_duration = local.levels[level].max_session_duration
      mfa_max_age          = local.levels[level].mfa_max_age
    }
  }
}

output "policy_documents" {
  description = "Trust policies as JSON, as `trust_LEVEL`, for policy tests."
  value       = { for level, r in aws_iam_role.this : "trust_${level}" => r.assume_role_policy }
}
