# Everybody's group: own password, own MFA device, and a Deny of everything else until MFA.

resource "aws_iam_group" "default" {
  name = "${var.name_prefix}-users"
  path = var.path
}

resource "aws_iam_policy" "self_service" {
  name        = "${var.name_prefix}-self-service"
  path        = var.path
  description = "Own password and MFA device; nothing else without MFA"
  tags        = var.tags

  policy = jsonencode({ Version = "2012-10-17", Statement = local.self_service })
}

resource "aws_iam_group_policy_attachment" "self_service" {
  group      = aws_iam_group.default.name
  policy_arn = aws_iam_policy.self_service.arn
}

# A role and a group for each level; for an external role the group only.

module "roles" {
  source = "./modules/roles"

  trusted_account_id       = local.account
  name_prefix              = var.name_prefix
  path                     = var.path
  levels                   = var.levels
  require_own_session_name = var.require_own_session_name
  tags                     = var.tags
}

resource "aws_iam_group" "level" {
  for_each = local.assumable

  name = "${var.name_prefix}-${each.key}"
  path = var.path
}

resource "aws_iam_policy" "assume" {
  for_each = local.assumable

  name        = "${var.name_prefix}-assume-${each.key}"
  path        = var.path
  description = "Assume the one role of level ${each.key}"
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Sid      = "AssumeOneRole"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = local.role_arns[each.key]
      },
      local.assume_condition[each.key],
    )]
  })
}

resource "aws_iam_group_policy_attachment" "assume" {
  for_each = local.assumable

  group      = aws_iam_group.level[each.key].name
  policy_arn = aws_iam_policy.assume[each.key].arn
}

resource "aws_iam_user" "this" {
  for_each = local.created

  name          = each.key
  path          = var.path
  force_destroy = each.value.force_destroy
  tags          = var.tags
}

resource "aws_iam_user_group_membership" "this" {
  for_each = var.users

  user   = each.value.create ? aws_iam_user.this[each.key].name : each.key
  groups = concat([aws_iam_group.default.name], [for l in each.value.levels : aws_iam_group.level[l].name])

  # Nobody joins a group before its policies, the Deny above all, are in place.
  depends_on = [aws_iam_group_policy_attachment.self_service, aws_iam_group_policy_attachment.assume, module.roles]
}

# Last: whoever loses direct rights has the roles by then. A destroy does not give the rights back.

resource "aws_iam_user_policy_attachments_exclusive" "this" {
  for_each = local.revoked

  user_name   = aws_iam_user_group_membership.this[each.key].user
  policy_arns = []
}

resource "aws_iam_user_policies_exclusive" "this" {
  for_each = local.revoked

  user_name    = aws_iam_user_group_membership.this[each.key].user
  policy_names = []
}

resource "aws_iam_account_password_policy" "this" {
  count = var.password_policy == null ? 0 : 1

  minimum_password_length        = var.password_policy.minimum_length
  password_reuse_prevention      = var.password_policy.reuse_prevention
  require_lowercase_characters   = var.password_policy.require_classes
  require_numbers                = var.password_policy.require_classes
  require_symbols                = var.password_policy.require_classes
  require_uppercase_characters   = var.password_policy.require_classes
  max_password_age               = var.password_policy.max_age_days
  allow_users_to_change_password = true
  # An expired password can still be changed by its owner; a hard one needs an administrator.
  hard_expiry = false
}
