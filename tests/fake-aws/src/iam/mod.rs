//! AWS Identity and Access Management: as much as a person needs to look after the own keys and devices.

mod account;
mod devices;
mod keys;

use crate::api::{Action, ApiError, Caller, Parameters};
use crate::sts::validate::{NAME, Violations};
use crate::world::World;

pub(crate) fn action(name: &str) -> Option<Action> {
    Some(match name {
        "ChangePassword" => account::change_password,
        "CreateAccessKey" => keys::create,
        "CreateLoginProfile" => account::create_login_profile,
        "CreateVirtualMFADevice" => devices::create,
        "DeactivateMFADevice" => devices::deactivate,
        "DeleteAccessKey" => keys::delete,
        "DeleteVirtualMFADevice" => devices::delete,
        "EnableMFADevice" => devices::enable,
        "GetAccessKeyLastUsed" => keys::last_used,
        "GetAccountPasswordPolicy" => account::password_policy,
        "GetMFADevice" => devices::show,
        "GetRole" => account::role,
        "GetUser" => account::user,
        "ListAccessKeys" => keys::list,
        "ListAccountAliases" => account::aliases,
        "ListMFADevices" => devices::list,
        "ListRoles" => account::roles,
        "ListVirtualMFADevices" => devices::list_virtual,
        "ResyncMFADevice" => devices::resync,
        "UpdateAccessKey" => keys::update,
        _ => return None,
    })
}

fn no_such_entity(message: impl Into<String>) -> ApiError {
    ApiError::new(404, "NoSuchEntity", message)
}

/// A parameter that must be there.
fn required<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, ApiError> {
    let mut camel = name.to_owned();
    camel[..1].make_ascii_lowercase();
    let value = parameters.get(name);
    Violations::default().required(value, &camel).check()?;
    Ok(value.unwrap_or_default())
}

/// The user a call is about, `UserName` or the caller, after the caller's permission was checked.
fn target(world: &World, caller: &Caller, parameters: &Parameters, action: &str) -> Result<String, ApiError> {
    let asked = parameters.get("UserName");
    Violations::default().length(asked, "userName", 1, 64).word(asked, "userName", NAME).check()?;
    let Some(name) = asked.or(caller.user.as_deref()).map(str::to_owned) else {
        return Err(ApiError::validation("Must specify userName when calling with non-User credentials"));
    };
    let arn = if name == "root" { world.iam_arn("root") } else { world.iam_arn(&format!("user/{name}")) };
    world.authorize(caller, action, &arn)?;
    if !world.users.contains_key(&name) {
        return Err(no_such_entity(format!("The user with name {name} cannot be found.")));
    }
    Ok(name)
}
