//! Signature Version 4 by the book, both ways: the server's check uses [`signature`], and so does [`sign`], with which the
//! tests of this crate make their requests. Header-signed requests only; no presigned URLs, no unsigned payloads.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::xml::{percent_decode, percent_encode};

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request as it is hashed: header names may be of any case, `query` is what stands behind `?`.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// `20150830/us-east-1/sts/aws4_request`
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

fn hmac(key: &[u8], data: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn sha256_hex(data: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(data))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let encode = |s: &str| percent_encode(&percent_decode(s, false).unwrap_or_else(|| s.to_owned()));
            (encode(key), encode(value))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

fn canonical_request(request: &SignedRequest<'_>, signed_headers: &str) -> String {
    let mut headers = String::new();
    for name in signed_headers.split(';') {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        headers += &format!("{name}:{}\n", values.join(","));
    }
    let path = if request.path.is_empty() { "/" } else { request.path };
    [request.method, path, &canonical_query(request.query), &headers, signed_headers, &sha256_hex(request.body)]
        .join("\n")
}

/// The hexadecimal signature over `signed_headers` (lower case, sorted, joined by `;`). `time` is the `X-Amz-Date` form.
#[must_use]
pub fn signature(
    request: &SignedRequest<'_>,
    signed_headers: &str,
    scope: &Scope<'_>,
    time: &str,
    secret_access_key: &str,
) -> String {
    let canonical = sha256_hex(canonical_request(request, signed_headers).as_bytes());
    let Scope { date, region, service } = scope;
    let to_sign = format!("{ALGORITHM}\n{time}\n{date}/{region}/{service}/aws4_request\n{canonical}");
    let key = hmac(format!("AWS4{secret_access_key}").as_bytes(), date);
    let key = [region, service, "aws4_request"].iter().fold(key, |key, part| hmac(&key, part));
    HEXLOWER.encode(&hmac(&key, &to_sign))
}

/// The `Authorization` header for `request`, all of whose headers are signed. `time` is the `X-Amz-Date` form.
#[must_use]
pub fn sign(
    request: &SignedRequest<'_>,
    region: &str,
    service: &str,
    time: &str,
    access_key_id: &str,
    secret_access_key: &str,
) -> String {
    let mut names: Vec<String> = request.headers.iter().map(|(n, _)| n.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let names = names.join(";");
    let date = &time[..8.min(time.len())];
    let signature = signature(request, &names, &Scope { date, region, service }, time, secret_access_key);
    format!(
        "{ALGORITHM} Credential={access_key_id}/{date}/{region}/{service}/aws4_request, SignedHeaders={names}, \
         Signature={signature}"
    )
}

/// An `Authorization` header taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) signed_headers: String,
    pub(crate) signature: String,
}

impl Authorization {
    /// `None` for anything that is not a complete SigV4 header.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix(ALGORITHM)?.trim_start();
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", v) => credential = Some(v),
                ("SignedHeaders", v) => signed_headers = Some(v.to_owned()),
                ("Signature", v) => signature = Some(v.to_owned()),
                _ => return None,
            }
        }
        let credential: Vec<&str> = credential?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = credential[..] else { return None };
        Some(Self {
            access_key_id: access_key_id.into(),
            date: date.into(),
            region: region.into(),
            service: service.into(),
            signed_headers: signed_headers?,
            signature: signature?,
        })
    }

    pub(crate) fn signs(&self, header: &str) -> bool {
        self.signed_headers.split(';').any(|h| h == header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const TIME: &str = "20150830T123600Z";

    fn sign_case(method: &str, query: &str, more: &[(&str, &str)], body: &str, service: &str) -> String {
        let mut headers = vec![
            (
                "Host".to_owned(),
                if service == "iam" { "iam.amazonaws.com" } else { "example.amazonaws.com" }.to_owned(),
            ),
            ("X-Amz-Date".into(), TIME.into()),
        ];
        headers.extend(more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let request = SignedRequest { method, path: "/", query, headers: &headers, body: body.as_bytes() };
        let header = sign(&request, "us-east-1", service, TIME, "AKIDEXAMPLE", SECRET);
        let parsed = Authorization::parse(&header).unwrap();
        assert_eq!(parsed.access_key_id, "AKIDEXAMPLE");
        assert!(parsed.signs("host") && !parsed.signs("hos"));
        parsed.signature
    }

    /// From AWS's published SigV4 test suite, and the example of its documentation (`ListUsers`).
    #[test]
    fn signatures_are_those_of_the_published_test_suite() {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let form_utf8 = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
        let table = [
            (
                sign_case("GET", "", &[], "", "service"),
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                sign_case("GET", "Param2=value2&Param1=value1", &[], "", "service"),
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                sign_case("POST", "", &[], "", "service"),
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                sign_case("POST", "", &form, "Param1=value1", "service"),
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                sign_case("GET", "", &[("My-Header1", "value1"), ("My-Header2", "\"a   b   c\"")], "", "service"),
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                sign_case("GET", "Action=ListUsers&Version=2010-05-08", &form_utf8, "", "iam"),
                "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ];
        for (i, (got, wanted)) in table.iter().enumerate() {
            assert_eq!(got, wanted, "row {i}");
        }
    }

    #[test]
    fn incomplete_headers_are_refused() {
        for header in [
            "",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host",
            "AWS4-HMAC-SHA256 Credential=A/20150830/r/aws4_request, SignedHeaders=host, Signature=00",
            "AWS4-ECDSA-P256-SHA256 Credential=A/20150830/s/aws4_request, SignedHeaders=host, Signature=00",
            "Bearer x",
        ] {
            assert_eq!(Authorization::parse(header), None, "{header}");
        }
    }
}
