//! Identifiers and secrets of the shapes AWS hands out, from the operating system's randomness: whoever caches by
//! access key ID must not find two instances with the same one.

use data_encoding::{BASE32, BASE64, HEXLOWER};

fn bytes(n: usize) -> Vec<u8> {
    let mut out = vec![0; n];
    getrandom::fill(&mut out).expect("the operating system gives random bytes");
    out
}

/// `prefix` (`AKIA`, `ASIA`, `AIDA`, `AROA`) and 16 random base32 characters.
pub(crate) fn unique_id(prefix: &str) -> String {
    format!("{prefix}{}", BASE32.encode(&bytes(10)))
}

/// 40 characters, `+` and `/` among them, like the real ones.
pub(crate) fn secret_access_key() -> String {
    BASE64.encode(&bytes(30))
}

/// 700 to 1000 characters.
pub(crate) fn session_token() -> String {
    let length = 516 + 3 * (usize::from(bytes(1)[0]) % 72);
    format!("IQoJb3JpZ2luX2Vj{}", BASE64.encode(&bytes(length)))
}

/// A TOTP seed of 64 base32 letters, as AWS makes them.
pub(crate) fn seed() -> String {
    BASE32.encode(&bytes(40))
}

pub(crate) fn signin_token() -> String {
    HEXLOWER.encode(&bytes(64))
}

/// A request ID: a version 4 UUID.
pub(crate) fn request_id() -> String {
    let mut b = bytes(16);
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&b);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn shapes_are_those_of_aws() {
        assert_eq!(super::unique_id("AKIA").len(), 20);
        assert_eq!(super::secret_access_key().len(), 40);
        assert_eq!(super::seed().len(), 64);
        assert_eq!(super::request_id().len(), 36);
        for _ in 0..200 {
            let n = super::session_token().len();
            assert!((700..=1000).contains(&n), "{n}");
        }
    }
}
