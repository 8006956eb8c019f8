output "role_arns" {
  description = "Role ARN by level, external roles included."
  value       = local.role_arns
}

output "role_ids" {
  description = "Unique ID by level of the roles made here (begins with AROA); a new one means that the role was replaced."
  value       = module.roles.role_ids
}

output "group_names" {
  description = "Group name by level."
  value       = { for level, g in aws_iam_group.level : level => g.name }
}

output "default_group_name" {
  description = "The group that everybody belongs to."
  value       = aws_iam_group.default.name
}

output "mfa_serials" {
  description = "User name => serial number of the MFA device that the profiles name."
  value       = local.mfa_serials
}

output "aws_config" {
  description = "User name => text for that user's `~/.aws/config`: a profile per level, with mfa-run as its credential_process."
  value = {
    for n, profiles in local.profiles : n => join("\n", [
      for p in values(profiles) : "${join("\n", [p.header, "credential_process = ${p.process}", "region = ${local.region}"])}\n"
    ])
  }
}

output "aws_config_plain" {
  description = "The same profiles with role_arn, source_profile and mfa_serial, for tools that ask for the code themselves. Instead of `aws_config`, never beside it."
  value = {
    for n, profiles in local.profiles : n => join("\n", [
      for p in values(profiles) : "${join("\n", concat([p.header], p.plain, ["region = ${local.region}"]))}\n"
    ])
  }
}

output "policy_documents" {
  description = "Every policy document as JSON, for policy tests: `self_service`, `assume_LEVEL`, `trust_LEVEL`."
  value = merge(
    { self_service = aws_iam_policy.self_service.policy },
    { for level, p in aws_iam_policy.assume : "assume_${level}" => p.policy },
    module.roles.policy_documents,
  )
}
