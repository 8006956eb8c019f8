//! Time left, in words and for programs.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// How long a session lives: `{"expires": "2026-01-02T03:04:05Z", "seconds_left": 4242}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Life {
    /// RFC 3339, UTC.
    pub expires: String,
    /// Whole seconds from now.
    pub seconds_left: i64,
}

impl Life {
    /// Of something that ends at `expires`, in seconds since 1970.
    pub fn until(expires: i64, now: DateTime<Utc>) -> Self {
        let at = DateTime::from_timestamp(expires, 0).unwrap_or_default();
        Self { expires: at.to_rfc3339_opts(SecondsFormat::Secs, true), seconds_left: expires - now.timestamp() }
    }
}

/// `11h 59m`, `14m`, `50s`
pub fn in_words(seconds: i64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60) {
        (0, 0) => format!("{}s", seconds.max(0)),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_as_exact_as_a_person_wants_it() {
        for (seconds, words) in
            [(0, "0s"), (-5, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h 00m"), (43_199, "11h 59m")]
        {
            assert_eq!(in_words(seconds), words);
        }
    }
}
