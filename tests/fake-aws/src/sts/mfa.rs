//! SerialNumber and TokenCode of GetSessionToken and AssumeRole: one counter of spent codes for both.

use crate::api::{ApiError, Caller, Notes, Parameters};
use crate::log::TokenCode;
use crate::totp::Refusal;
use crate::world::World;

const WRONG: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const UNKNOWN: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial \
                       number is valid and associated with this user.";
const HALF: &str = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";

/// Spends the code. `false` if the call has none.
pub(super) fn check(
    world: &mut World,
    caller: &Caller,
    parameters: &Parameters,
    notes: &mut Notes,
) -> Result<bool, ApiError> {
    let (serial, code) = match (parameters.get("SerialNumber"), parameters.get("TokenCode")) {
        (None, None) => return Ok(false),
        (Some(serial), Some(code)) => (serial, code),
        _ => return Err(ApiError::denied(HALF)),
    };
    notes.token_code = Some(TokenCode::Refused);
    let now = world.now();
    let device = world
        .devices
        .get_mut(serial)
        .filter(|d| d.has_codes() && d.user.is_some() && d.user == caller.user && d.usable_from <= now);
    let Some(device) = device else { return Err(ApiError::denied(UNKNOWN)) };
    match device.accept(code, now) {
        Ok(step) => {
            notes.token_code = Some(TokenCode::Accepted { step });
            Ok(true)
        }
        Err(Refusal::WrongCode) => Err(ApiError::denied(WRONG)),
        Err(Refusal::Locked) => Err(ApiError::denied(UNKNOWN)),
    }
}
