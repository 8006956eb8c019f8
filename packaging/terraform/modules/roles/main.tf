# Roles that IAM users of one account, this one or another, may assume with MFA only.

resource "aws_iam_role" "this" {
  for_each = local.levels

  # A fixed name: the ARN is written into everybody's ~/.aws/config.
  name                 = "${var.name_prefix}-${each.key}"
  path                 = var.path
  description          = each.value.description
  max_session_duration = each.value.max_session_duration
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyWithMfa"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:${local.partition}:iam::${var.trusted_account_id}:root" }
      # Security: Bool, never BoolIfExists. A request signed with an access key carries no
      # aws:MultiFactorAuthPresent at all, and in an Allow an absent key satisfies every ...IfExists.
      Condition = merge(
        { Bool = { "aws:MultiFactorAuthPresent" = "true" } },
        each.value.mfa_max_age == null ? {} : { NumericLessThan = { "aws:MultiFactorAuthAge" = tostring(each.value.mfa_max_age) } },
        # "$${" is a literal "${": AWS fills it in, not Terraform.
        var.require_own_session_name ? { StringEquals = { "sts:RoleSessionName" = "$${aws:username}" } } : {},
      )
    }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.attachments

  role       = aws_iam_role.this[each.value.level].name
  policy_arn = startswith(each.value.arn, "arn:") ? each.value.arn : "arn:${local.partition}:iam::aws:policy/${each.value.arn}"
}
