//! What a person does with the own keys and devices, and signing in to the console.

mod common;

use common::{Answer, Keys, assume_role, connect, encode, exchange, get_session_token, iam, sts};
use fake_aws::{FakeAws, Options, totp};
use serde_json::json;

fn start() -> (FakeAws, Keys) {
    let aws = FakeAws::start(Options::default());
    let keys = aws.alice().into();
    (aws, keys)
}

const NEEDS_MFA: &str = "please ensure that you are authenticated with an MFA device that is enabled for this user.";

#[test]
fn a_device_is_created_enabled_and_given_up() {
    let (aws, keys) = start();
    let alice = aws.alice();
    let shared = get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).session();
    let create = [("Action", "CreateVirtualMFADevice"), ("VirtualMFADeviceName", "phone")];
    let created = iam(&aws, &keys, &create).ok();
    iam(&aws, &keys, &create).refused(
        409,
        "EntityAlreadyExists",
        "MFADevice entity at the same path and name already exists.",
    );
    let serial = created.get("SerialNumber").to_owned();
    assert_eq!(serial, "arn:aws:iam::123456789012:mfa/phone");
    let seed = data_encoding::BASE64.decode(created.get("Base32StringSeed").as_bytes()).unwrap();
    let seed = String::from_utf8(seed).unwrap();
    assert_eq!(seed.len(), 64);
    let png = data_encoding::BASE64.decode(created.get("QRCodePNG").as_bytes()).unwrap();
    assert!(png.starts_with(b"\x89PNG"));

    let step = aws.now() / totp::STEP_SECONDS;
    let code = |offset: i64| totp::code(&seed, step + offset).unwrap();
    let enable = |keys: &Keys, first: &str, second: &str| {
        let codes = [("AuthenticationCode1", first), ("AuthenticationCode2", second)];
        let call =
            [("Action", "EnableMFADevice"), ("UserName", "alice"), ("SerialNumber", &serial), codes[0], codes[1]];
        iam(&aws, keys, &call)
    };
    enable(&keys, &code(-1), &code(0)).refused(403, "AccessDenied", NEEDS_MFA);
    let bad = "Authentication code for device is not valid.";
    enable(&shared, &code(0), &code(0)).refused(403, "InvalidAuthenticationCode", bad);
    enable(&shared, &code(0), &code(-1)).refused(403, "InvalidAuthenticationCode", bad);
    enable(&shared, &code(-1), &code(0)).ok();
    enable(&shared, &code(0), &code(1)).refused(409, "EntityAlreadyExists", "");

    let list = iam(&aws, &keys, &[("Action", "ListMFADevices")]).ok();
    assert_eq!(list.body.matches("<member>").count(), 2);
    let phone = fake_aws::UserKeys { mfa_serial: serial.clone(), ..alice };
    get_session_token(&aws, &phone, &code(0)).refused(403, "AccessDenied", "invalid MFA one time pass code");
    get_session_token(&aws, &phone, &code(1)).ok();

    let act = |keys: &Keys, action: &str| {
        iam(&aws, keys, &[("Action", action), ("UserName", "alice"), ("SerialNumber", &serial)])
    };
    act(&shared, "DeleteVirtualMFADevice").refused(409, "DeleteConflict", "");
    act(&keys, "DeactivateMFADevice").refused(403, "AccessDenied", NEEDS_MFA);
    act(&shared, "DeactivateMFADevice").ok();
    act(&shared, "DeleteVirtualMFADevice").ok();
    act(&shared, "DeleteVirtualMFADevice").refused(404, "NoSuchEntity", "");
}

#[test]
fn the_first_device_needs_no_mfa_and_propagation_takes_time() {
    let (aws, keys) = start();
    aws.configure(|s| s.propagation_delay_seconds = 60);
    aws.remove_device(&aws.alice().mfa_serial);
    let created = iam(&aws, &keys, &[("Action", "CreateVirtualMFADevice"), ("VirtualMFADeviceName", "a")]).ok();
    let serial = created.get("SerialNumber").to_owned();
    let codes = [aws.code_at(&serial, -1), aws.code(&serial)];
    let call = [
        ("Action", "EnableMFADevice"),
        ("UserName", "alice"),
        ("SerialNumber", &serial),
        ("AuthenticationCode1", &codes[0]),
        ("AuthenticationCode2", &codes[1]),
    ];
    iam(&aws, &keys, &call).ok();
    let try_it = || get_session_token(&aws, &aws.alice(), &aws.fresh_code(&serial));
    try_it().refused(403, "AccessDenied", "unable to validate MFA code");
    aws.advance(61);
    try_it().ok();
}

#[test]
fn keys_are_rotated() {
    let (aws, keys) = start();
    aws.configure(|s| s.propagation_delay_seconds = 10);
    let created = iam(&aws, &keys, &[("Action", "CreateAccessKey")]).ok();
    let new =
        Keys { id: created.get("AccessKeyId").into(), secret: created.get("SecretAccessKey").into(), token: None };
    assert!(new.id.starts_with("AKIA"));
    iam(&aws, &keys, &[("Action", "CreateAccessKey")]).refused(
        409,
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    );
    let who = |keys: &Keys| sts(&aws, keys, &[("Action", "GetCallerIdentity")]);
    who(&new).refused(403, "InvalidClientTokenId", "");
    aws.advance(11);
    who(&new).ok();
    iam(&aws, &new, &[("Action", "UpdateAccessKey"), ("AccessKeyId", &keys.id), ("Status", "Inactive")]).ok();
    who(&keys).refused(403, "InvalidClientTokenId", "");
    let list = iam(&aws, &new, &[("Action", "ListAccessKeys")]).ok();
    assert!(list.body.contains("<Status>Active<") && list.body.contains("<Status>Inactive<"), "{}", list.body);
    let used = iam(&aws, &new, &[("Action", "GetAccessKeyLastUsed"), ("AccessKeyId", &new.id)]).ok();
    assert_eq!(used.get("ServiceName"), "iam");
    iam(&aws, &new, &[("Action", "DeleteAccessKey"), ("AccessKeyId", &keys.id)]).ok();
    let gone = [("Action", "DeleteAccessKey"), ("AccessKeyId", keys.id.as_str())];
    iam(&aws, &new, &gone).refused(404, "NoSuchEntity", "cannot be found.");
}

#[test]
fn iam_knows_no_sessions_without_mfa_and_asks_the_policies() {
    let (aws, keys) = start();
    let alice = aws.alice();
    let user = [("Action", "GetUser")];
    let plain = sts(&aws, &keys, &[("Action", "GetSessionToken")]).session();
    iam(&aws, &plain, &user).refused(403, "InvalidClientTokenId", "");
    let shared = get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).session();
    assert_eq!(iam(&aws, &shared, &user).ok().get("UserName"), "alice");

    let own = json!({"Statement": {"Effect": "Allow", "Action": "iam:Get*",
        "Resource": "arn:aws:iam::*:user/${aws:username}"}});
    aws.set_user_policies("alice", &[own]);
    iam(&aws, &keys, &user).ok();
    iam(&aws, &keys, &[("Action", "GetUser"), ("UserName", "bob")]).refused(
        403,
        "AccessDenied",
        "because no identity-based policy allows the iam:GetUser action",
    );
    let profile = [("Action", "CreateLoginProfile"), ("UserName", "alice"), ("Password", "planted-secret")];
    iam(&aws, &keys, &profile).refused(403, "AccessDenied", "");
    assert!(!format!("{:?}", aws.log()).contains("planted-secret"));
}

fn federation(aws: &FakeAws, query: &str) -> Answer {
    let text = format!("POST /federation HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{query}", query.len());
    exchange(&mut connect(aws), &text).unwrap()
}

#[test]
fn a_role_session_signs_in_once() {
    let (aws, keys) = start();
    let query = |keys: &Keys, more: &str| {
        let session = json!({"sessionId": keys.id, "sessionKey": keys.secret, "sessionToken": keys.token});
        format!("Action=getSigninToken{more}&Session={}", encode(&session.to_string()))
    };
    let plain = sts(&aws, &keys, &[("Action", "GetSessionToken")]).session();
    assert_eq!(federation(&aws, &query(&plain, "")).status, 400);
    assert_eq!(federation(&aws, &query(&keys, "")).status, 400);
    let role = assume_role(&aws, &keys, "nomfa", &[]).session();
    assert_eq!(federation(&aws, &query(&role, "&SessionDuration=60")).status, 400);
    let answer = federation(&aws, &query(&role, "&SessionDuration=43200")).ok();
    let token: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let login = format!(
        "Action=login&Issuer=x&Destination={}&SigninToken={}",
        encode("https://console.aws.amazon.com/"),
        token["SigninToken"].as_str().unwrap()
    );
    let page = federation(&aws, &login).ok();
    assert!(page.body.contains("signed in as arn:aws:sts::123456789012:assumed-role/nomfa/alice"), "{}", page.body);
    assert_eq!(federation(&aws, &login).status, 400);
    let chained = assume_role(&aws, &role, "nomfa", &[]).session();
    assert_eq!(federation(&aws, &query(&chained, "&SessionDuration=3600")).status, 400);
    federation(&aws, &query(&chained, "")).ok();
}
