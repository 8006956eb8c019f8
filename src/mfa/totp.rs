//! Codes from the seed of a virtual device, where a person chose to keep it: then no code is asked for at all.
//!
//! AWS takes a code of each window of 30 seconds once, so no window may be used twice, by whatever process. Who keeps the
//! record of that gives `claim`; what comes of it here is a code or a wait.

use super::{Asking, Device, Error};
pub use crate::credentials::Seed;
use crate::credentials::TokenCode;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::{Duration, Instant};

/// The window that moment is in.
pub fn window(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(Seed::PERIOD)
}

/// The code that the device shows at that moment.
pub fn code(seed: &Seed, time: DateTime<Utc>) -> TokenCode {
    seed.code(window(time))
}

/// The code of the first window that `claim` grants; who has to wait for it is told how many seconds. AWS's clock is `ahead`
/// seconds ahead of ours. Errors: the deadline comes before that window does.
pub fn next_code(
    seed: &Seed,
    device: &Device<'_>,
    asking: &Asking<'_>,
    ahead: i64,
    mut claim: impl FnMut(i64) -> bool,
    tell: impl FnOnce(u64),
) -> Result<TokenCode, Error> {
    let mut tell = Some(tell);
    loop {
        let now = asking.env.now() + TimeDelta::seconds(ahead);
        let window = window(now);
        if claim(window) {
            return Ok(seed.code(window));
        }
        let turns = DateTime::from_timestamp((window + 1) * Seed::PERIOD, 0).unwrap_or(now);
        let wait = (turns - now).to_std().unwrap_or_default() + Duration::from_millis(10);
        if asking.deadline.is_some_and(|deadline| Instant::now() + wait > deadline) {
            return Err(Error::too_late(device));
        }
        if let Some(tell) = tell.take() {
            tell(wait.as_secs() + 1);
        }
        std::thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    const DEVICE: Device<'_> = Device { serial: "arn:aws:iam::111122223333:mfa/ann", profile: "admin", login: "admin" };

    #[test]
    fn a_window_that_is_taken_is_waited_for_and_the_deadline_kept() {
        let seed = Seed::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        // two seconds before the turn of the window, and the clock stands still
        let env = Env::fixed(&[], DateTime::from_timestamp(58, 0).unwrap());
        let mut asking = Asking::new(&env);
        let first = next_code(&seed, &DEVICE, &asking, 0, |window| window == 1, |_| panic!("no wait")).unwrap();
        assert_eq!(first.expose_secret(), "287082");
        let behind = next_code(&seed, &DEVICE, &asking, -30, |window| window == 0, |_| panic!("no wait")).unwrap();
        assert_eq!(behind.expose_secret(), seed.code(0).expose_secret(), "it is AWS's clock that counts");

        asking.deadline = Some(Instant::now() + Duration::from_secs(1));
        let late = next_code(&seed, &DEVICE, &asking, 0, |_| false, |_| panic!("it is too late to wait"));
        assert!(matches!(late, Err(Error::DeadlinePassed { .. })), "{late:?}");

        asking.deadline = Some(Instant::now() + Duration::from_secs(20));
        let (mut refused, mut told, started) = (0, 0, Instant::now());
        let claim = |_| {
            refused += 1;
            refused > 1
        };
        next_code(&seed, &DEVICE, &asking, 0, claim, |seconds| told = seconds).unwrap();
        assert_eq!((refused, told), (2, 3));
        assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    }
}
