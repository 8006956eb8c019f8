//! MFA devices: listed, created, enabled with two codes in a row, resynchronised, deactivated, deleted.

use super::Iam;
use crate::aws::Error;
use crate::credentials::{Seed, TokenCode};
use crate::profile::request::MfaSerial;
use aws_sdk_iam::types::AssignmentStatusType;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

/// How many MFA devices AWS allows a user.
pub const MOST_DEVICES: usize = 8;

/// An MFA device of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// ARN, or the serial number of a hardware device.
    pub serial: String,
    /// When it was enabled.
    pub since: DateTime<Utc>,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// An authenticator app, by a seed that both sides know.
    Virtual,
    /// A token that shows codes.
    Hardware,
    /// A passkey or security key: signs in to the console, and gives STS no code.
    Fido,
}

impl Device {
    /// Read off the serial.
    pub fn kind(&self) -> DeviceKind {
        match self.serial.as_str() {
            serial if serial.contains(":u2f/") => DeviceKind::Fido,
            serial if serial.contains(":mfa/") => DeviceKind::Virtual,
            _ => DeviceKind::Hardware,
        }
    }

    /// The serial, where STS takes codes of the device.
    pub fn with_codes(&self) -> Option<MfaSerial> {
        self.serial.parse().ok()
    }
}

/// Who has a virtual device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// There is no device of that serial.
    Free,
    /// It was made and never enabled, or given up.
    Nobody,
    /// A user, by name.
    User(String),
}

impl Iam {
    /// The devices of the user who signs, those whose codes STS takes: not FIDO keys. Errors: no permission
    /// (`iam:ListMFADevices`), no network.
    pub fn list_mfa_devices(&self) -> Result<Vec<MfaSerial>, Error> {
        Ok(self.all_mfa_devices()?.iter().filter_map(Device::with_codes).collect())
    }

    /// Every device of the user who signs, the oldest first.
    pub fn all_mfa_devices(&self) -> Result<Vec<Device>, Error> {
        let answer = self.call("iam:ListMFADevices", self.client.list_mfa_devices().send())?;
        let device = |found: aws_sdk_iam::types::MfaDevice| Device {
            since: DateTime::from_timestamp(found.enable_date.secs(), 0).unwrap_or_default(),
            serial: found.serial_number,
        };
        let mut devices: Vec<Device> = answer.mfa_devices.into_iter().map(device).collect();
        devices.sort_by(|one, other| (one.since, &one.serial).cmp(&(other.since, &other.serial)));
        Ok(devices)
    }

    /// Who has the virtual device of this serial. Errors: no permission (`iam:ListVirtualMFADevices`), no network.
    pub fn assignment(&self, serial: &str) -> Result<Assignment, Error> {
        let mut marker = None;
        loop {
            let list = self.client.list_virtual_mfa_devices().assignment_status(AssignmentStatusType::Any);
            let answer = self.call("iam:ListVirtualMFADevices", list.set_marker(marker).send())?;
            if let Some(found) = answer.virtual_mfa_devices.iter().find(|device| device.serial_number == serial) {
                let user = found.user.as_ref();
                return Ok(user.map_or(Assignment::Nobody, |user| Assignment::User(user.user_name.clone())));
            }
            marker = answer.marker.filter(|_| answer.is_truncated);
            if marker.is_none() {
                return Ok(Assignment::Free);
            }
        }
    }

    /// Makes a virtual device that nobody has yet. AWS gives its seed this once. `path` begins and ends with a slash.
    pub fn create_virtual_mfa_device(&self, path: &str, name: &str) -> Result<(String, Seed), Error> {
        const OPERATION: &str = "iam:CreateVirtualMFADevice";
        let create = self.client.create_virtual_mfa_device().path(path).virtual_mfa_device_name(name);
        let device = self.call(OPERATION, create.send())?.virtual_mfa_device;
        let made = device.and_then(|device| {
            let base32 = Zeroizing::new(device.base32_string_seed?.into_inner());
            Some((device.serial_number, Seed::from_base32(std::str::from_utf8(&base32).ok()?)?))
        });
        let endpoint = self.endpoint.clone();
        made.ok_or_else(|| Error::Garbage { operation: OPERATION, endpoint, reason: "it has no seed".into() })
    }

    /// Gives the user the device, whose two codes are of two windows in a row.
    pub fn enable_mfa_device(&self, user: &str, serial: &str, codes: &[TokenCode; 2]) -> Result<(), Error> {
        let enable = self.client.enable_mfa_device().user_name(user).serial_number(serial);
        let [first, second] = codes.each_ref().map(TokenCode::expose_secret);
        let enable = enable.authentication_code1(first).authentication_code2(second);
        self.call("iam:EnableMFADevice", enable.send()).map(drop)
    }

    /// Tells AWS where in its sequence the device is.
    pub fn resync_mfa_device(&self, user: &str, serial: &str, codes: &[TokenCode; 2]) -> Result<(), Error> {
        let resync = self.client.resync_mfa_device().user_name(user).serial_number(serial);
        let [first, second] = codes.each_ref().map(TokenCode::expose_secret);
        let resync = resync.authentication_code1(first).authentication_code2(second);
        self.call("iam:ResyncMFADevice", resync.send()).map(drop)
    }

    /// Takes the device from the user.
    pub fn deactivate_mfa_device(&self, user: &str, serial: &str) -> Result<(), Error> {
        let deactivate = self.client.deactivate_mfa_device().user_name(user).serial_number(serial);
        self.call("iam:DeactivateMFADevice", deactivate.send()).map(drop)
    }

    /// Deletes a virtual device that nobody has; AWS refuses any other.
    pub fn delete_virtual_mfa_device(&self, serial: &str) -> Result<(), Error> {
        let delete = self.client.delete_virtual_mfa_device().serial_number(serial);
        self.call("iam:DeleteVirtualMFADevice", delete.send()).map(drop)
    }
}
