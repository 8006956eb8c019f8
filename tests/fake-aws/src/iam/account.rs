//! Users, roles, and the little about passwords that a new user meets.

use crate::api::{Answer, ApiError, Caller, Notes, Parameters};
use crate::clock;
use crate::world::{Role, User, World};
use crate::xml::{element, percent_encode, text};

use super::{no_such_entity, required, target};

pub(super) fn user_element(user: &User) -> String {
    let name = (!user.is_root()).then(|| [text("Path", "/"), text("UserName", &user.name)].concat());
    let inner = [
        name.unwrap_or_default(),
        text("UserId", &user.id),
        text("Arn", &user.arn),
        text("CreateDate", &clock::iso(user.created)),
    ];
    element("User", inner)
}

pub(super) fn user(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let name = target(world, caller, parameters, "iam:GetUser")?;
    Ok(Some(user_element(&world.users[&name])))
}

fn role_fields(role: &Role) -> Vec<String> {
    let path = role.arn.split_once(":role").map_or("/", |(_, rest)| rest.trim_end_matches(role.name.as_str()));
    vec![
        text("Path", path),
        text("RoleName", &role.name),
        text("RoleId", &role.id),
        text("Arn", &role.arn),
        text("CreateDate", &clock::iso(role.created)),
        text("AssumeRolePolicyDocument", &percent_encode(&role.trust_text)),
        text("MaxSessionDuration", &role.max_session_duration.to_string()),
    ]
}

pub(super) fn role(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let name = required(parameters, "RoleName")?;
    world.authorize(caller, "iam:GetRole", &world.iam_arn(&format!("role/{name}")))?;
    let role = world.roles.values().find(|r| r.name == name && r.account == caller.account);
    let missing = || no_such_entity(format!("The role with name {name} cannot be found."));
    Ok(Some(element("Role", role_fields(role.ok_or_else(missing)?))))
}

pub(super) fn roles(world: &mut World, caller: &Caller, _: &Parameters, _: &mut Notes) -> Answer {
    world.authorize(caller, "iam:ListRoles", &world.iam_arn("role/"))?;
    let own = world.roles.values().filter(|r| r.account == caller.account);
    let members = own.map(|r| element("member", role_fields(r)));
    Ok(Some([element("Roles", members), text("IsTruncated", "false")].concat()))
}

pub(super) fn aliases(world: &mut World, caller: &Caller, _: &Parameters, _: &mut Notes) -> Answer {
    world.authorize(caller, "iam:ListAccountAliases", "*")?;
    Ok(Some([element("AccountAliases", [text("member", "fake-aws")]), text("IsTruncated", "false")].concat()))
}

pub(super) fn password_policy(world: &mut World, caller: &Caller, _: &Parameters, _: &mut Notes) -> Answer {
    world.authorize(caller, "iam:GetAccountPasswordPolicy", "*")?;
    Err(no_such_entity(format!("The Password Policy with domain name {} cannot be found.", world.account)))
}

pub(super) fn create_login_profile(
    world: &mut World,
    caller: &Caller,
    parameters: &Parameters,
    _: &mut Notes,
) -> Answer {
    let name = target(world, caller, parameters, "iam:CreateLoginProfile")?;
    let password = required(parameters, "Password")?.to_owned();
    let reset = parameters.get("PasswordResetRequired").unwrap_or("false").to_owned();
    let created = clock::iso(world.now());
    let user = world.users.get_mut(&name).expect("a target exists");
    if user.password.is_some() {
        let message = format!("Login Profile for user {name} already exists.");
        return Err(ApiError::new(409, "EntityAlreadyExists", message));
    }
    user.password = Some(password);
    let inner = [text("UserName", &name), text("CreateDate", &created), text("PasswordResetRequired", &reset)];
    Ok(Some(element("LoginProfile", inner)))
}

pub(super) fn change_password(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let (old, new) = (required(parameters, "OldPassword")?, required(parameters, "NewPassword")?);
    let Some(name) = caller.user.clone() else {
        return Err(ApiError::validation("Only an IAM user can change its password"));
    };
    world.authorize(caller, "iam:ChangePassword", &caller.arn)?;
    let user = world.users.get_mut(&name).expect("the caller exists");
    if user.password.as_deref() != Some(old) {
        return Err(ApiError::denied("The old password was incorrect."));
    }
    if new.chars().count() < 8 {
        let message = "Password should have a minimum length of 8";
        return Err(ApiError::new(400, "PasswordPolicyViolation", message));
    }
    user.password = Some(new.to_owned());
    Ok(None)
}
