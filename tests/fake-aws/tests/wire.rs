//! Signatures, the clock, failures on demand, keep-alive, TLS, and the control plane.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Keys, assume_role, connect, control, draft, exchange, get_session_token, sts};
use fake_aws::{FakeAws, Fault, FaultKind, Options, TokenCode};
use serde_json::json;

const WHO: [(&str, &str); 1] = [("Action", "GetCallerIdentity")];
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided.";

fn start() -> (FakeAws, Keys) {
    let aws = FakeAws::start(Options::default());
    let keys = aws.alice().into();
    (aws, keys)
}

#[test]
fn a_spoiled_request_is_refused() {
    let (aws, keys) = start();
    let good = draft(&aws, &keys, "sts", &WHO);
    good.clone().signed(&keys).send(&aws).ok();

    let mut other_body = good.clone().signed(&keys);
    other_body.body += "&A=b";
    other_body.send(&aws).refused(403, "SignatureDoesNotMatch", MISMATCH);

    let mut other_header = good.clone().signed(&keys);
    other_header.headers[1].1 = "application/x-www-form-urlencoded".into();
    other_header.send(&aws).refused(403, "SignatureDoesNotMatch", MISMATCH);

    let mut unsigned_payload = good.clone();
    unsigned_payload.headers.push(("x-amz-content-sha256".into(), "UNSIGNED-PAYLOAD".into()));
    unsigned_payload.signed(&keys).send(&aws).refused(403, "SignatureDoesNotMatch", MISMATCH);

    let mut other_service = good.clone();
    other_service.service = "s3".into();
    other_service.signed(&keys).send(&aws).refused(403, "SignatureDoesNotMatch", "correct service: 'sts'");

    let mut any_region = good.clone();
    any_region.region = "eu-west-3".into();
    any_region.signed(&keys).send(&aws).ok();
    let mut iam_elsewhere = draft(&aws, &keys, "iam", &[("Action", "GetUser")]);
    iam_elsewhere.region = "eu-west-3".into();
    let iam_elsewhere = iam_elsewhere.signed(&keys);
    iam_elsewhere.send(&aws).refused(403, "SignatureDoesNotMatch", "valid region, not 'eu-west-3'");
    aws.configure(|s| s.iam_any_region = true);
    iam_elsewhere.send(&aws).ok();

    let mut unsigned_date = good.clone();
    let date = unsigned_date.headers.remove(2);
    let mut unsigned_date = unsigned_date.signed(&keys);
    unsigned_date.headers.push(date);
    unsigned_date.send(&aws).refused(403, "SignatureDoesNotMatch", "'x-amz-date' must be a 'SignedHeader'");

    good.send(&aws).refused(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
}

#[test]
fn keys_and_tokens_must_belong_together() {
    let (aws, keys) = start();
    let invalid = |keys: &Keys| {
        let message = "The security token included in the request is invalid";
        sts(&aws, keys, &WHO).refused(403, "InvalidClientTokenId", message);
    };
    let wrong = Keys { secret: "wrong".into(), ..keys.clone() };
    sts(&aws, &wrong, &WHO).refused(403, "SignatureDoesNotMatch", MISMATCH);
    invalid(&Keys { id: "AKIAIOSFODNN7EXAMPLE".into(), ..keys.clone() });
    let one = assume_role(&aws, &keys, "nomfa", &[]).session();
    let two = assume_role(&aws, &keys, "nomfa", &[]).session();
    sts(&aws, &one, &WHO).ok();
    invalid(&Keys { token: two.token.clone(), ..one.clone() });
    invalid(&Keys { token: None, ..one.clone() });
    invalid(&Keys { token: one.token.clone(), ..keys.clone() });
    aws.set_access_key_active(&keys.id, false);
    invalid(&keys);
}

#[test]
fn a_clock_a_quarter_of_an_hour_off_is_refused_with_the_servers_time() {
    let (aws, keys) = start();
    let sent = |offset: i64| {
        let mut draft = draft(&aws, &keys, "sts", &WHO);
        draft.time = common::stamp(aws.now() + offset);
        draft.headers[2].1.clone_from(&draft.time);
        (draft.time.clone(), draft.signed(&keys).send(&aws))
    };
    sent(-890).1.ok();
    sent(890).1.ok();
    let (time, answer) = sent(-1000);
    answer.refused(403, "SignatureDoesNotMatch", &format!("Signature expired: {time} is now earlier than 20"));
    assert!(answer.message().ends_with(" - 15 min.)"), "{}", answer.message());
    let (time, answer) = sent(1000);
    answer.refused(403, "SignatureDoesNotMatch", &format!("Signature not yet current: {time} is still later than 20"));
    assert!(answer.message().ends_with(" + 15 min.)"), "{}", answer.message());

    aws.set_clock_offset(86400);
    let answer = sts(&aws, &keys, &WHO).ok();
    let date = answer.head.lines().find_map(|l| l.strip_prefix("date: ")).unwrap().to_owned();
    let date = chrono::NaiveDateTime::parse_from_str(&date, "%a, %d %b %Y %H:%M:%S GMT").unwrap();
    assert!((date.and_utc().timestamp() - aws.now()).abs() < 3);
}

#[test]
fn answers_look_like_those_of_aws() {
    let (aws, keys) = start();
    let answer = sts(&aws, &keys, &WHO).ok();
    assert!(answer.head.contains("content-type: text/xml\r\n"), "{}", answer.head);
    assert!(answer.head.contains("x-amzn-requestid: "), "{}", answer.head);
    assert!(answer.body.contains(r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">"#));
    let error = sts(&aws, &keys, &[("Action", "NoSuchThing")]);
    error.refused(400, "InvalidAction", "NoSuchThing");
    assert!(error.body.contains(r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">"#));
    assert_eq!(error.get("Type"), "Sender");
}

#[test]
fn a_connection_serves_several_calls() {
    let (aws, keys) = start();
    let mut stream = connect(&aws);
    for _ in 0..3 {
        exchange(&mut stream, &draft(&aws, &keys, "sts", &WHO).signed(&keys).text()).unwrap().ok();
    }
    assert_eq!(aws.connections(), 1);
    assert!(aws.log().iter().all(|c| c.connection == 1));
}

#[test]
fn failures_on_demand() {
    let (aws, keys) = start();
    for (kind, status, code) in [
        (FaultKind::Http500, 500, "InternalFailure"),
        (FaultKind::Http503, 503, "ServiceUnavailable"),
        (FaultKind::Throttle, 400, "Throttling"),
        (FaultKind::ExpiredToken, 403, "ExpiredToken"),
        (FaultKind::AccessDenied, 403, "AccessDenied"),
    ] {
        aws.fail("GetCallerIdentity", kind, 2);
        for _ in 0..2 {
            sts(&aws, &keys, &WHO).refused(status, code, "");
        }
        sts(&aws, &keys, &WHO).ok();
    }
    aws.fail("AssumeRole", FaultKind::Http500, 1);
    sts(&aws, &keys, &WHO).ok();
    assume_role(&aws, &keys, "nomfa", &[]).refused(500, "InternalFailure", "");

    aws.fail("*", FaultKind::Garbage, 1);
    let garbage = sts(&aws, &keys, &WHO);
    assert!(garbage.status == 200 && !garbage.body.contains("Account"), "{}", garbage.body);

    aws.fault(Fault::new("*", FaultKind::Slow).delay_ms(300));
    let begun = Instant::now();
    sts(&aws, &keys, &WHO).ok();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn connections_break_in_the_way_that_was_asked_for() {
    let (aws, keys) = start();
    let text = draft(&aws, &keys, "sts", &WHO).signed(&keys).text();
    let broken = |kind, delay| {
        aws.fault(Fault::new("GetCallerIdentity", kind).delay_ms(delay));
        exchange(&mut connect(&aws), &text).unwrap_err().kind()
    };
    assert_eq!(broken(FaultKind::Reset, 0), ErrorKind::ConnectionReset);
    assert_eq!(broken(FaultKind::Close, 0), ErrorKind::UnexpectedEof);
    assert_eq!(broken(FaultKind::Hang, 200), ErrorKind::UnexpectedEof);

    aws.fail("GetCallerIdentity", FaultKind::Hang, 1);
    let mut stream = connect(&aws);
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let error = stream.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    // Dropping the server ends the hanging call, too.
    drop(aws);
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn an_answer_lost_after_the_fact_has_spent_the_code() {
    let (aws, _) = start();
    let alice = aws.alice();
    let code = aws.fresh_code(&alice.mfa_serial);
    aws.fail("GetSessionToken", FaultKind::Http500, 1);
    get_session_token(&aws, &alice, &code).refused(500, "InternalFailure", "");
    aws.fault(Fault::new("GetSessionToken", FaultKind::Http503).after_commit());
    get_session_token(&aws, &alice, &code).refused(503, "ServiceUnavailable", "");
    get_session_token(&aws, &alice, &code).refused(403, "AccessDenied", "invalid MFA one time pass code");
    let log = aws.calls("GetSessionToken");
    assert_eq!(log.iter().map(|c| c.committed).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(log[0].token_code, Some(TokenCode::NotChecked));
    assert!(matches!(log[1].token_code, Some(TokenCode::Accepted { .. })));
    assert_eq!(log[2].token_code, Some(TokenCode::Refused));
}

#[test]
fn tls_needs_this_servers_ca() {
    let aws = FakeAws::start(Options { tls: true, ..Options::default() });
    let other = FakeAws::start(Options { tls: true, ..Options::default() });
    let ask = |ca: &str| {
        use rustls::pki_types::pem::PemObject;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = rustls::ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
        let tcp = std::net::TcpStream::connect(aws.tls_endpoint().trim_start_matches("https://")).unwrap();
        let keys = aws.alice().into();
        let text = draft(&aws, &keys, "sts", &WHO).signed(&keys).text();
        exchange(&mut rustls::StreamOwned::new(client, tcp), &text)
    };
    assert!(ask(other.ca_pem()).is_err());
    assert_eq!(ask(aws.ca_pem()).unwrap().ok().get("Account"), "123456789012");
}

#[test]
fn the_control_plane_does_what_the_methods_do() {
    let (aws, keys) = start();
    let alice = aws.alice();
    let (status, bob) = control(&aws, "POST", "/_fake/users", r#"{"name": "bob"}"#);
    assert_eq!((status, &bob["access_key_id"]), (200, &json!(aws.user("bob").access_key_id)));

    let (_, code) = control(&aws, "GET", &format!("/_fake/code?serial={}", common::encode(&alice.mfa_serial)), "");
    get_session_token(&aws, &alice, code["code"].as_str().unwrap()).ok();

    let role = r#"{"name": "extra", "max_session_duration": 3600, "trust": {"Statement": {"Effect": "Allow",
        "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}}}"#;
    let (_, arn) = control(&aws, "POST", "/_fake/roles", role);
    assert_eq!(arn["arn"], aws.role_arn("extra"));
    assume_role(&aws, &keys, "extra", &[]).ok();
    let deny = r#"{"user": "alice", "documents": [{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}]}"#;
    assert_eq!(control(&aws, "PUT", "/_fake/policies", deny).0, 200);
    assume_role(&aws, &keys, "extra", &[]).refused(403, "AccessDenied", "with an explicit deny");

    control(&aws, "POST", "/_fake/fault", r#"{"action": "GetCallerIdentity", "kind": "throttle", "times": 1}"#);
    sts(&aws, &keys, &WHO).refused(400, "Throttling", "Rate exceeded");
    control(&aws, "POST", "/_fake/limits", r#"{"session_seconds": 7}"#);
    control(&aws, "POST", "/_fake/clock", r#"{"offset_seconds": 500}"#);
    sts(&aws, &keys, &WHO).ok();
    let (_, log) = control(&aws, "GET", "/_fake/log?action=AssumeRole", "");
    assert_eq!(log.as_array().unwrap().len(), 2);
    assert_eq!(log[1]["error_code"], "AccessDenied");
    control(&aws, "DELETE", "/_fake/log", "");
    assert!(aws.log().is_empty());

    for (method, path, body, wanted) in [
        ("POST", "/_fake/fault", r#"{"action": "x", "kind": "nonsense"}"#, 400),
        ("POST", "/_fake/limits", r#"{"session_second": 7}"#, 400),
        ("PUT", "/_fake/policies", r#"{"user": "alice", "documents": [{"Nonsense": 1}]}"#, 400),
        ("GET", "/_fake/code?serial=nothing", "", 404),
        ("GET", "/_fake/nothing", "", 404),
    ] {
        assert_eq!(control(&aws, method, path, body).0, wanted, "{method} {path}");
    }
}
