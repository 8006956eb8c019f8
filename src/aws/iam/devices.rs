//! MFA devices.

use super::Iam;
use crate::aws::Error;
use crate::profile::request::MfaSerial;

impl Iam {
    /// The devices of the user who signs, those whose codes STS takes: not FIDO keys. Errors: no permission
    /// (`iam:ListMFADevices`), no network.
    pub fn list_mfa_devices(&self) -> Result<Vec<MfaSerial>, Error> {
        let answer = self.call("iam:ListMFADevices", self.client.list_mfa_devices().send())?;
        Ok(answer.mfa_devices.iter().filter_map(|device| device.serial_number.parse().ok()).collect())
    }
}
