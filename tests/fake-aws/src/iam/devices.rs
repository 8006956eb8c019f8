//! MFA devices: created, enabled with two codes in a row, deactivated, deleted.

use data_encoding::BASE64;

use crate::api::{Answer, ApiError, Caller, Notes, Parameters};
use crate::clock;
use crate::random;
use crate::sts::validate::{NAME, SERIAL, Violations};
use crate::totp::{Device, ENABLE_WITHIN, RESYNC_WITHIN};
use crate::world::World;
use crate::xml::{element, text};

use super::{no_such_entity, required, target};

const QUOTA: usize = 8;

/// A valid picture of one white pixel; AWS sends the QR code of the otpauth URI, which no test here reads.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsdhpWAAAAABJRU5ErkJggg==";

const NEEDS_MFA: &str = "To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.";

fn missing(serial: &str) -> ApiError {
    no_such_entity(format!("VirtualMFADevice with serial number {serial} doesn't exist."))
}

fn bad_code() -> ApiError {
    ApiError::new(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
}

/// A user who has a device must be signed in with it to add or give up one.
fn ensure_mfa(world: &World, caller: &Caller, user: &str) -> Result<(), ApiError> {
    let own = caller.user.as_deref() == Some(user);
    if own && caller.mfa_at().is_none() && world.devices_of(user).next().is_some() {
        return Err(ApiError::denied(NEEDS_MFA));
    }
    Ok(())
}

pub(super) fn create(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let name = required(parameters, "VirtualMFADeviceName")?;
    let path = parameters.get("Path").unwrap_or("/");
    let mut violations = Violations::default();
    violations.length(Some(name), "virtualMFADeviceName", 1, 226).word(Some(name), "virtualMFADeviceName", NAME);
    violations.check()?;
    if !path.starts_with('/') || !path.ends_with('/') {
        return Err(ApiError::validation("The specified value for path is invalid. It must begin and end with /"));
    }
    let serial = world.iam_arn(&format!("mfa{path}{name}"));
    world.authorize(caller, "iam:CreateVirtualMFADevice", &serial)?;
    if world.devices.contains_key(&serial) {
        let message = "MFADevice entity at the same path and name already exists.";
        return Err(ApiError::new(409, "EntityAlreadyExists", message));
    }
    let seed = random::seed();
    let mut device = Device::new(&serial, &seed);
    device.known_from = world.now() + world.settings.enable_delay_seconds;
    world.devices.insert(serial.clone(), device);
    let inner = [
        text("SerialNumber", &serial),
        text("Base32StringSeed", &BASE64.encode(seed.as_bytes())),
        text("QRCodePNG", PIXEL),
    ];
    Ok(Some(element("VirtualMFADevice", inner)))
}

fn codes(parameters: &Parameters) -> Result<(&str, &str), ApiError> {
    let first = required(parameters, "AuthenticationCode1")?;
    let second = required(parameters, "AuthenticationCode2")?;
    let mut violations = Violations::default();
    violations.length(Some(first), "authenticationCode1", 6, 6);
    violations.length(Some(second), "authenticationCode2", 6, 6).check()?;
    Ok((first, second))
}

pub(super) fn enable(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:EnableMFADevice")?;
    let serial = required(parameters, "SerialNumber")?;
    Violations::default()
        .length(Some(serial), "serialNumber", 9, 256)
        .word(Some(serial), "serialNumber", SERIAL)
        .check()?;
    let (first, second) = codes(parameters)?;
    ensure_mfa(world, caller, &user)?;
    if world.devices_of(&user).count() >= QUOTA {
        let message = format!("Cannot exceed quota for MFADevicesPerUser: {QUOTA}");
        return Err(ApiError::new(409, "LimitExceeded", message));
    }
    let (now, delay) = (world.now(), world.settings.propagation_delay_seconds);
    let device = world.devices.get_mut(serial).ok_or_else(|| missing(serial))?;
    if device.user.is_some() {
        let message = "MFA Device is already in use.";
        return Err(ApiError::new(409, "EntityAlreadyExists", message));
    }
    if now < device.known_from || !device.accept_pair(first, second, now, ENABLE_WITHIN) {
        return Err(bad_code());
    }
    device.user = Some(user);
    device.enabled_at = now;
    device.usable_from = if delay > 0 { now + delay } else { 0 };
    Ok(None)
}

/// The device named by `SerialNumber`, which must be the user's.
fn own<'a>(world: &'a mut World, user: &str, serial: &str) -> Result<&'a mut Device, ApiError> {
    let message = || no_such_entity(format!("MFA Device with serial number {serial} cannot be found for user {user}."));
    world.devices.get_mut(serial).filter(|d| d.user.as_deref() == Some(user)).ok_or_else(message)
}

pub(super) fn resync(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:ResyncMFADevice")?;
    let (first, second) = codes(parameters)?;
    let now = world.now();
    let device = own(world, &user, required(parameters, "SerialNumber")?)?;
    if !device.accept_pair(first, second, now, RESYNC_WITHIN) {
        return Err(bad_code());
    }
    Ok(None)
}

pub(super) fn deactivate(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:DeactivateMFADevice")?;
    let serial = required(parameters, "SerialNumber")?;
    ensure_mfa(world, caller, &user)?;
    let device = own(world, &user, serial)?;
    device.user = None;
    if !device.is_virtual() {
        world.devices.remove(serial);
    }
    Ok(None)
}

pub(super) fn delete(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let serial = required(parameters, "SerialNumber")?;
    world.authorize(caller, "iam:DeleteVirtualMFADevice", serial)?;
    let device = world.devices.get(serial).ok_or_else(|| missing(serial))?;
    if device.user.is_some() {
        let message = "MFA VirtualDevice in use. Must deactivate first.";
        return Err(ApiError::new(409, "DeleteConflict", message));
    }
    world.devices.remove(serial);
    Ok(None)
}

pub(super) fn list(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:ListMFADevices")?;
    let members = world.devices_of(&user).map(|d| {
        let inner =
            [text("UserName", &user), text("SerialNumber", &d.serial), text("EnableDate", &clock::iso(d.enabled_at))];
        element("member", inner)
    });
    Ok(Some([element("MFADevices", members), text("IsTruncated", "false")].concat()))
}

pub(super) fn show(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:GetMFADevice")?;
    let serial = required(parameters, "SerialNumber")?;
    let enabled_at = own(world, &user, serial)?.enabled_at;
    let inner = [
        text("UserName", &user),
        text("SerialNumber", serial),
        text("EnableDate", &clock::iso(enabled_at)),
        element("Certifications", []),
    ];
    Ok(Some(inner.concat()))
}

pub(super) fn list_virtual(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    world.authorize(caller, "iam:ListVirtualMFADevices", &world.iam_arn("mfa/*"))?;
    let status = parameters.get("AssignmentStatus").unwrap_or("Any");
    let shown = |d: &&Device| match status {
        "Assigned" => d.user.is_some(),
        "Unassigned" => d.user.is_none(),
        _ => true,
    };
    let members = world.devices.values().filter(|d| d.is_virtual()).filter(shown).map(|d| {
        let mut inner = vec![text("SerialNumber", &d.serial)];
        if let Some(user) = d.user.as_ref().and_then(|u| world.users.get(u)) {
            inner.push(text("EnableDate", &clock::iso(d.enabled_at)));
            inner.push(super::account::user_element(user));
        }
        element("member", inner)
    });
    Ok(Some([element("VirtualMFADevices", members), text("IsTruncated", "false")].concat()))
}
