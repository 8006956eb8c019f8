//! The server's clock: the machine's, shifted by a settable number of seconds, and the date formats AWS uses.
//! The only module of this crate that asks the machine for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDateTime, Utc};

#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    offset: Arc<AtomicI64>,
}

/// Unix seconds by the machine's own clock.
#[expect(clippy::disallowed_methods, reason = "this module owns the stand-in's clock")]
pub(crate) fn machine_now() -> i64 {
    Utc::now().timestamp()
}

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        machine_now() + self.offset()
    }

    pub(crate) fn offset(&self) -> i64 {
        self.offset.load(Ordering::SeqCst)
    }

    pub(crate) fn set_offset(&self, seconds: i64) {
        self.offset.store(seconds, Ordering::SeqCst);
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// `2026-11-22T16:33:59Z`, as in `<Expiration>`.
pub(crate) fn iso(seconds: i64) -> String {
    at(seconds).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `20261122T163359Z`, as in `X-Amz-Date`.
pub(crate) fn basic(seconds: i64) -> String {
    at(seconds).format("%Y%m%dT%H%M%SZ").to_string()
}

/// `Sun, 22 Nov 2026 16:33:59 GMT`, as in `Date`.
pub(crate) fn http_date(seconds: i64) -> String {
    at(seconds).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads what a client may put into `X-Amz-Date` or `Date`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    ["%Y%m%dT%H%M%SZ", "%a, %d %b %Y %H:%M:%S GMT"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|t| t.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_format_is_read_back() {
        let t = 1_795_365_239;
        assert_eq!(super::iso(t), "2026-11-22T16:33:59Z");
        assert_eq!(super::parse(&super::basic(t)), Some(t));
        assert_eq!(super::parse(&super::http_date(t)), Some(t));
        assert_eq!(super::parse("2026-11-22"), None);
    }
}
