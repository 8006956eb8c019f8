//! AWS Security Token Service.

mod assume_role;
mod mfa;
pub(crate) mod validate;

use std::collections::BTreeMap;

use crate::api::{Action, Answer, ApiError, Caller, Notes, Parameters, tags};
use crate::clock;
use crate::policy::Policy;
use crate::random;
use crate::world::{Session, SessionKind, World};
use crate::xml::{element, text};
use validate::{NAME, SERIAL, Violations, duration, tag_keys};

pub(crate) fn action(name: &str) -> Option<Action> {
    Some(match name {
        "AssumeRole" => assume_role::assume_role,
        "DecodeAuthorizationMessage" => decode_authorization_message,
        "GetAccessKeyInfo" => access_key_info,
        "GetCallerIdentity" => caller_identity,
        "GetFederationToken" => federation_token,
        "GetSessionToken" => session_token,
        _ => return None,
    })
}

fn caller_identity(_: &mut World, caller: &Caller, _: &Parameters, _: &mut Notes) -> Answer {
    let inner = [text("Arn", &caller.arn), text("UserId", &caller.user_id), text("Account", &caller.account)].concat();
    Ok(Some(inner))
}

fn access_key_info(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    only_long_term_or_role(caller, "sts:GetAccessKeyInfo")?;
    let id = parameters.get("AccessKeyId");
    Violations::default().required(id, "accessKeyId").length(id, "accessKeyId", 16, 128).check()?;
    Ok(Some(text("Account", &world.account)))
}

fn decode_authorization_message(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    only_long_term_or_role(caller, "sts:DecodeAuthorizationMessage")?;
    world.authorize(caller, "sts:DecodeAuthorizationMessage", "*")?;
    let message = parameters.get("EncodedMessage");
    Violations::default().required(message, "encodedMessage").length(message, "encodedMessage", 1, 10240).check()?;
    Err(ApiError::new(400, "InvalidAuthorizationMessageException", "Message is not valid"))
}

/// A GetSessionToken session may only call AssumeRole and GetCallerIdentity.
fn only_long_term_or_role(caller: &Caller, action: &str) -> Result<(), ApiError> {
    match caller.session.as_ref().map(|s| &s.kind) {
        Some(SessionKind::User { .. } | SessionKind::Federated { .. }) => {
            let name = action.trim_start_matches("sts:");
            Err(ApiError::denied(format!("Cannot call {name} with session credentials")))
        }
        _ => Ok(()),
    }
}

fn session_token(world: &mut World, caller: &Caller, parameters: &Parameters, notes: &mut Notes) -> Answer {
    let (serial, code) = (parameters.get("SerialNumber"), parameters.get("TokenCode"));
    let asked = duration(parameters)?;
    let mut violations = Violations::default();
    violations.length(serial, "serialNumber", 9, 256).word(serial, "serialNumber", SERIAL).token_code(code);
    violations.range(asked.unwrap_or(43200), "durationSeconds", 900, 129_600).check()?;
    if caller.session.is_some() {
        return Err(ApiError::denied("Cannot call GetSessionToken with session credentials"));
    }
    let user = caller.user.clone().unwrap_or_default();
    let with_mfa = mfa::check(world, caller, parameters, notes)?;
    let mut context = caller.context(world.now());
    if with_mfa && world.settings.identity_policies_see_direct_mfa {
        assume_role::add_mfa(&mut context);
    }
    // Needs no permission, but a Deny stops it.
    if world.identity_verdict(caller, "sts:GetSessionToken", "*", &context) == crate::policy::Verdict::Deny {
        return Err(ApiError::denied(format!(
            "User: {} is not authorized to perform: sts:GetSessionToken with an explicit deny in an identity-based policy",
            caller.arn
        )));
    }
    let is_root = world.users.get(&user).is_some_and(|u| u.is_root());
    let seconds = if is_root { asked.unwrap_or(3600).min(3600) } else { asked.unwrap_or(43200) };
    let kind = SessionKind::User { user, mfa_at: with_mfa.then(|| world.now()) };
    let session = new_session(world, kind, seconds);
    Ok(Some(credentials(world, session)))
}

fn federation_token(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let (name, policy) = (parameters.get("Name"), parameters.get("Policy"));
    let asked = duration(parameters)?;
    let tags = tags(parameters);
    let mut violations = Violations::default();
    violations.required(name, "name").length(name, "name", 2, 32).word(name, "name", NAME);
    violations.length(policy, "policy", 1, 2048).tags(&tags);
    violations.range(asked.unwrap_or(43200), "durationSeconds", 900, 129_600).check()?;
    tag_keys(&tags, &[])?;
    if caller.session.is_some() {
        return Err(ApiError::denied("Cannot call GetFederationToken with session credentials"));
    }
    let name = name.unwrap_or_default().to_owned();
    let arn = format!("arn:{}:sts::{}:federated-user/{name}", world.partition, world.account);
    world.authorize(caller, "sts:GetFederationToken", &arn)?;
    let policies = session_policies(world, parameters)?;
    let kind = SessionKind::Federated { user: caller.user.clone().unwrap_or_default(), name: name.clone() };
    let mut session = new_session(world, kind, asked.unwrap_or(43200));
    // Without a policy of its own a federated user may do nothing.
    session.policies = Some(policies.unwrap_or_default());
    session.tags = tags.into_iter().collect();
    let user = [text("Arn", &arn), text("FederatedUserId", &format!("{}:{name}", world.account))];
    let inner = [credentials(world, session), element("FederatedUser", user), text("PackedPolicySize", "6")];
    Ok(Some(inner.concat()))
}

fn new_session(world: &World, kind: SessionKind, seconds: i64) -> Session {
    Session {
        access_key_id: random::unique_id("ASIA"),
        secret: random::secret_access_key(),
        token: random::session_token(),
        expires: world.now() + world.settings.session_seconds.unwrap_or(seconds),
        kind,
        policies: None,
        source_identity: None,
        tags: BTreeMap::new(),
        transitive_tag_keys: vec![],
    }
}

/// Keeps the session and shows it as STS does.
fn credentials(world: &mut World, session: Session) -> String {
    let inner = [
        text("AccessKeyId", &session.access_key_id),
        text("SecretAccessKey", &session.secret),
        text("SessionToken", &session.token),
        text("Expiration", &clock::iso(session.expires)),
    ];
    world.sessions.insert(session.access_key_id.clone(), session);
    element("Credentials", inner)
}

/// `Policy` and `PolicyArns` of a call, parsed. An ARN nobody added grants nothing.
fn session_policies(world: &World, parameters: &Parameters) -> Result<Option<Vec<Policy>>, ApiError> {
    let inline = parameters.get("Policy");
    let arns = parameters.list("PolicyArns", ".arn");
    if inline.is_none() && arns.is_empty() {
        return Ok(None);
    }
    let mut violations = Violations::default();
    violations.count(arns.len(), "policyArns", 10);
    for arn in &arns {
        violations.length(Some(arn), "policyArns", 20, 2048);
    }
    violations.check()?;
    if let Some(bad) = arns.iter().find(|a| !a.starts_with("arn:") || !a.contains(":policy/")) {
        return Err(ApiError::validation(format!("{bad} is invalid")));
    }
    let mut policies: Vec<Policy> = arns.iter().filter_map(|a| world.managed_policies.get(a).cloned()).collect();
    if let Some(inline) = inline {
        let malformed = |e| ApiError::new(400, "MalformedPolicyDocument", format!("Syntax errors in policy: {e}"));
        policies.push(Policy::parse(inline).map_err(malformed)?);
    }
    Ok(Some(policies))
}
