//! RFC 6238 codes (SHA-1, six digits, 30 seconds), and a device as AWS sees it: a window of two steps either way, every
//! step good once, locked for three minutes after nine wrong codes.

use std::collections::BTreeSet;

use data_encoding::BASE32;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Seconds a code is current.
pub const STEP_SECONDS: i64 = 30;
const WINDOW: i64 = 2;
const WRONG_CODES: u32 = 9;
const LOCK_SECONDS: i64 = 180;

/// The six digits for `step` (Unix seconds / 30). `None` if the seed is not base32 (spaces, `=` and lower case are fine).
#[must_use]
pub fn code(seed: &str, step: i64) -> Option<String> {
    let seed: String = seed.chars().filter(|c| !matches!(c, ' ' | '-' | '=')).collect::<String>().to_ascii_uppercase();
    let mut spec = BASE32.specification();
    spec.padding = None;
    let key = spec.encoding().ok()?.decode(seed.as_bytes()).ok()?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).ok()?;
    mac.update(&u64::try_from(step).ok()?.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
    Some(format!("{:06}", number % 1_000_000))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Wrong, used before, or outside the window: AWS does not say which.
    WrongCode,
    /// Too many wrong codes.
    Locked,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) serial: String,
    pub(crate) seed: String,
    /// Whose it is, and since when; a virtual device exists before it is enabled.
    pub(crate) user: Option<String>,
    pub(crate) enabled_at: i64,
    /// Codes are refused before this moment (propagation).
    pub(crate) usable_from: i64,
    /// EnableMFADevice takes no codes before this moment.
    pub(crate) known_from: i64,
    used: BTreeSet<i64>,
    wrong: u32,
    locked_until: i64,
    /// Steps the device is ahead, as the last resync found.
    drift: i64,
}

impl Device {
    pub(crate) fn new(serial: &str, seed: &str) -> Self {
        Self {
            serial: serial.to_owned(),
            seed: seed.to_owned(),
            user: None,
            enabled_at: 0,
            usable_from: 0,
            known_from: 0,
            used: BTreeSet::new(),
            wrong: 0,
            locked_until: 0,
            drift: 0,
        }
    }

    /// Made by `CreateVirtualMFADevice` or shaped as if it was.
    pub(crate) fn is_virtual(&self) -> bool {
        self.serial.starts_with("arn:") && self.serial.contains(":mfa/")
    }

    /// FIDO keys and passkeys show no codes.
    pub(crate) fn has_codes(&self) -> bool {
        !self.serial.contains(":u2f/")
    }

    fn current(&self, now: i64) -> i64 {
        now.div_euclid(STEP_SECONDS) + self.drift
    }

    /// Spends `code`; the step it belonged to.
    pub(crate) fn accept(&mut self, given: &str, now: i64) -> Result<i64, Refusal> {
        if now < self.locked_until {
            return Err(Refusal::Locked);
        }
        let current = self.current(now);
        let hit = (current - WINDOW..=current + WINDOW)
            .find(|step| !self.used.contains(step) && code(&self.seed, *step).as_deref() == Some(given));
        let Some(step) = hit else {
            self.wrong += 1;
            if self.wrong >= WRONG_CODES {
                self.wrong = 0;
                self.locked_until = now + LOCK_SECONDS;
            }
            return Err(Refusal::WrongCode);
        };
        self.wrong = 0;
        self.used.insert(step);
        Ok(step)
    }

    /// Two codes in a row, as enabling (`within` = the window) and resynchronising (a wide `within`) want them.
    /// Both are spent; the window moves to the second.
    pub(crate) fn accept_pair(&mut self, first: &str, second: &str, now: i64, within: i64) -> bool {
        let current = self.current(now);
        let hit = (current - within..current + within).find(|step| {
            !self.used.contains(step)
                && !self.used.contains(&(step + 1))
                && code(&self.seed, *step).as_deref() == Some(first)
                && code(&self.seed, step + 1).as_deref() == Some(second)
        });
        let Some(step) = hit else { return false };
        self.used.extend([step, step + 1]);
        if within > WINDOW {
            self.drift += step + 1 - current;
        }
        self.wrong = 0;
        self.locked_until = 0;
        true
    }

    /// The code `offset` steps from now, used or not.
    pub(crate) fn code_at(&self, now: i64, offset: i64) -> String {
        code(&self.seed, self.current(now) + offset).unwrap_or_default()
    }

    /// A code that would be accepted now: the current one if it is unspent, else the next two, else the one before.
    pub(crate) fn fresh_code(&self, now: i64) -> Option<String> {
        [0, 1, 2, -1]
            .into_iter()
            .find(|offset| !self.used.contains(&(self.current(now) + offset)))
            .map(|offset| self.code_at(now, offset))
    }
}

pub(crate) const ENABLE_WITHIN: i64 = WINDOW;
pub(crate) const RESYNC_WITHIN: i64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    const NOW: i64 = 1_800_000_000;

    /// RFC 6238, appendix B, the last six digits.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let table = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (time, want) in table {
            assert_eq!(code(SEED, time / STEP_SECONDS).as_deref(), Some(want), "{time}");
        }
        assert_eq!(code("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", 1).as_deref(), Some("287082"));
        assert_eq!(code("not base32!", 1), None);
    }

    #[test]
    fn two_steps_either_way_are_accepted_and_each_only_once() {
        for offset in -4..=4 {
            let mut device = Device::new("s", SEED);
            let given = device.code_at(NOW, offset);
            let good = (-2..=2).contains(&offset);
            assert_eq!(device.accept(&given, NOW).is_ok(), good, "{offset}");
            assert_eq!(device.accept(&given, NOW), Err(Refusal::WrongCode), "again {offset}");
        }
    }

    #[test]
    fn nine_wrong_codes_lock_the_device_for_three_minutes() {
        let mut device = Device::new("s", SEED);
        for _ in 0..9 {
            assert_eq!(device.accept("000000", NOW), Err(Refusal::WrongCode));
        }
        let good = device.code_at(NOW, 0);
        assert_eq!(device.accept(&good, NOW), Err(Refusal::Locked));
        let later = NOW + 180;
        let good = device.code_at(later, 0);
        assert!(device.accept(&good, later).is_ok());
    }

    #[test]
    fn a_good_code_forgives_the_wrong_ones_before_it() {
        let mut device = Device::new("s", SEED);
        for offset in 0..3 {
            for _ in 0..8 {
                assert_eq!(device.accept("000000", NOW), Err(Refusal::WrongCode));
            }
            let good = device.code_at(NOW, offset);
            assert!(device.accept(&good, NOW).is_ok());
        }
    }

    #[test]
    fn fresh_codes_need_no_waiting_and_run_out_after_four() {
        let mut device = Device::new("s", SEED);
        for _ in 0..4 {
            let fresh = device.fresh_code(NOW).unwrap();
            assert!(device.accept(&fresh, NOW).is_ok());
        }
        assert_eq!(device.fresh_code(NOW), None);
        assert!(device.fresh_code(NOW + 30).is_some());
    }

    #[test]
    fn a_resync_moves_the_window() {
        let mut device = Device::new("s", SEED);
        let ahead = device.code_at(NOW, 7);
        assert!(device.accept(&ahead, NOW).is_err());
        let pair = (device.code_at(NOW, 5), device.code_at(NOW, 6));
        assert!(!device.accept_pair(&pair.0, &pair.1, NOW, ENABLE_WITHIN));
        assert!(!device.accept_pair(&pair.0, &pair.0, NOW, RESYNC_WITHIN));
        assert!(device.accept_pair(&pair.0, &pair.1, NOW, RESYNC_WITHIN));
        assert!(device.accept(&ahead, NOW).is_ok());
    }
}
