//! The seed of a virtual MFA device: whoever has it has the device. RFC 6238 as AWS uses it: SHA-1, six digits, 30 seconds.

use super::TokenCode;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha1::Sha1;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a seed: RFC 4226 asks for 16 and AWS gives 40; some services give 10.
const SIZE: std::ops::RangeInclusive<usize> = 10..=128;

/// The seed of a virtual MFA device.
pub struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    /// Seconds that a code is current.
    pub const PERIOD: i64 = 30;

    /// Reads base32 as AWS and apps show it: in either case, with or without spaces, hyphens and padding. `None` for
    /// anything else, and for what is too short to be a seed.
    pub fn from_base32(text: &str) -> Option<Self> {
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        digits.extend(
            text.trim()
                .trim_end_matches('=')
                .chars()
                .filter(|c| !matches!(c, ' ' | '-'))
                .map(|c| c.to_ascii_uppercase()),
        );
        let mut bytes = Zeroizing::new(vec![0; BASE32_NOPAD.decode_len(digits.len()).ok()?]);
        BASE32_NOPAD.decode_mut(digits.as_bytes(), &mut bytes).ok()?;
        SIZE.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The code of a window: Unix seconds, divided by [`Seed::PERIOD`].
    pub fn code(&self, window: i64) -> TokenCode {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&window.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let at = usize::from(hash[19] & 15);
        let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
        let digits = Zeroizing::new(format!("{:06}", number % 1_000_000));
        TokenCode::parse(&digits).expect("six digits")
    }

    /// The window that the code is of, if it is one of those so many before and behind `around`; the nearest of several.
    pub fn window_of(&self, code: &TokenCode, around: i64, within: i64) -> Option<i64> {
        let windows = std::iter::once(around).chain((1..=within).flat_map(|far| [around - far, around + far]));
        windows.into_iter().find(|window| self.code(*window).is(code))
    }

    /// Whether both are the same; takes as long whether they are or not.
    pub fn is(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(&other.0))
    }

    /// In base32, to be kept or shown as a QR code.
    pub(crate) fn expose_secret(&self) -> SecretString {
        let mut digits = Zeroizing::new(vec![0; BASE32_NOPAD.encode_len(self.0.len())]);
        BASE32_NOPAD.encode_mut(&self.0, &mut digits);
        std::str::from_utf8(&digits).expect("base32 is ASCII").into()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(******)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    /// `12345678901234567890`, the seed of RFC 6238's vectors.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let seed = Seed::from_base32(RFC).unwrap();
        // Appendix B, SHA-1, the last six of its eight digits
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(seed.code(time / Seed::PERIOD).expose_secret(), code, "{time}");
        }
    }

    #[test]
    fn a_code_tells_its_window() {
        let seed = Seed::from_base32(RFC).unwrap();
        for window in [1000, 999, 1001, 990, 1010] {
            assert_eq!(seed.window_of(&seed.code(window), 1000, 10), Some(window));
        }
        assert_eq!(seed.window_of(&seed.code(1011), 1000, 10), None);
    }

    #[test]
    fn base32_is_read_however_it_is_shown() {
        let shown = [
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ",
            " GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n",
        ];
        for text in shown {
            assert_eq!(Seed::from_base32(text).expect(text).expose_secret().expose_secret(), RFC);
        }
        let padded = Seed::from_base32("GEZDGNBVGY3TQOJQGE======").unwrap();
        assert_eq!(padded.expose_secret().expose_secret(), "GEZDGNBVGY3TQOJQGE");
        for bad in ["", "123456", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ0", "otpauth://totp/x", &"A".repeat(1000)]
        {
            assert!(Seed::from_base32(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_seed() {
        assert_eq!(format!("{:?}", Seed::from_base32(RFC).unwrap()), "Seed(******)");
    }
}
