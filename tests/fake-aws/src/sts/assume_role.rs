//! AssumeRole: parameters, code, both policies, then the limits on duration, in this order; so a code is spent even where the
//! duration is refused.

use crate::api::{Answer, ApiError, Caller, Notes, Parameters, assumed_role_arn, tags};
use crate::policy::{Context, MFA_AGE, MFA_PRESENT, Request, Verdict, evaluate, may_assume};
use crate::world::{Session, SessionKind, World};
use crate::xml::{element, text};

use super::validate::{EXTERNAL_ID, NAME, SERIAL, Violations, duration, tag_keys};
use super::{credentials, mfa, new_session, session_policies};

const CHAINING_LIMIT: i64 = 3600;

/// What a code given in this very call says.
pub(super) fn add_mfa(context: &mut Context) {
    context.set(MFA_PRESENT, "true").set(MFA_AGE, "0");
}

pub(super) fn assume_role(world: &mut World, caller: &Caller, parameters: &Parameters, notes: &mut Notes) -> Answer {
    let asked = duration(parameters)?;
    let tags = tags(parameters);
    let transitive = parameters.list("TransitiveTagKeys", "");
    validate(parameters, asked, &tags, &transitive)?;
    let role_arn = parameters.get("RoleArn").unwrap_or_default().to_owned();
    let session_name = parameters.get("RoleSessionName").unwrap_or_default().to_owned();
    let is_role_arn = role_arn.split(':').count() == 6
        && role_arn.starts_with("arn:")
        && role_arn.split(':').nth(2) == Some("iam")
        && role_arn.split(':').nth(5).is_some_and(|r| r.starts_with("role/"));
    if !is_role_arn {
        return Err(ApiError::validation(format!("{role_arn} is invalid")));
    }
    let policies = session_policies(world, parameters)?;
    if caller.arn.ends_with(":root") {
        return Err(ApiError::denied("Roles may not be assumed by root accounts."));
    }

    let with_mfa = mfa::check(world, caller, parameters, notes)?;
    let source_identity = source_identity(caller, parameters)?;
    let inherited = inherited_tags(caller, &tags)?;
    let context = call_context(world, caller, parameters, &tags, &transitive);
    let mut needed = vec!["sts:AssumeRole"];
    if !tags.is_empty() || !inherited.is_empty() {
        needed.push("sts:TagSession");
    }
    if source_identity.is_some() {
        needed.push("sts:SetSourceIdentity");
    }
    for action in needed {
        authorize(world, caller, action, &role_arn, &context, with_mfa)?;
    }

    let role = &world.roles[&role_arn];
    let chained = caller.session.is_some();
    let seconds = asked.unwrap_or(3600);
    if chained && seconds > CHAINING_LIMIT {
        return Err(ApiError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if seconds > role.max_session_duration {
        return Err(ApiError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }

    let role_id = role.id.clone();
    let arn = assumed_role_arn(&world.partition, &role_arn, &session_name);
    let user = [text("AssumedRoleId", &format!("{role_id}:{session_name}")), text("Arn", &arn)];
    let packed = policies.is_some() || !tags.is_empty();
    let kind = SessionKind::Role { role_arn, role_id, session_name, chained };
    let mut session = Session { policies, ..new_session(world, kind, seconds) };
    session.transitive_tag_keys = transitive;
    session.transitive_tag_keys.extend(inherited.iter().map(|(key, _)| key.clone()));
    session.tags = tags.into_iter().chain(inherited).collect();
    session.source_identity.clone_from(&source_identity);
    let mut inner = vec![element("AssumedRoleUser", user), credentials(world, session)];
    if packed {
        inner.push(text("PackedPolicySize", "6"));
    }
    inner.extend(source_identity.map(|identity| text("SourceIdentity", &identity)));
    Ok(Some(inner.concat()))
}

fn validate(
    parameters: &Parameters,
    asked: Option<i64>,
    tags: &[(String, String)],
    transitive: &[String],
) -> Result<(), ApiError> {
    let get = |name| parameters.get(name);
    let mut v = Violations::default();
    v.required(get("RoleArn"), "roleArn").length(get("RoleArn"), "roleArn", 20, 2048);
    v.required(get("RoleSessionName"), "roleSessionName").length(get("RoleSessionName"), "roleSessionName", 2, 64);
    v.word(get("RoleSessionName"), "roleSessionName", NAME);
    v.length(get("ExternalId"), "externalId", 2, 1224).word(get("ExternalId"), "externalId", EXTERNAL_ID);
    v.length(get("SerialNumber"), "serialNumber", 9, 256).word(get("SerialNumber"), "serialNumber", SERIAL);
    v.token_code(get("TokenCode"));
    v.length(get("SourceIdentity"), "sourceIdentity", 2, 64).word(get("SourceIdentity"), "sourceIdentity", NAME);
    v.length(get("Policy"), "policy", 1, 2048);
    v.range(asked.unwrap_or(3600), "durationSeconds", 900, 43200);
    v.tags(tags).count(transitive.len(), "transitiveTagKeys", 50).check()?;
    if get("SourceIdentity").is_some_and(|s| s.starts_with("aws:")) {
        return Err(ApiError::validation("SourceIdentity may not start with the reserved prefix aws:"));
    }
    tag_keys(tags, transitive)
}

/// A source identity is set once and follows the chain.
fn source_identity(caller: &Caller, parameters: &Parameters) -> Result<Option<String>, ApiError> {
    let inherited = caller.session.as_ref().and_then(|s| s.source_identity.clone());
    match (inherited, parameters.get("SourceIdentity")) {
        (Some(old), Some(new)) if old != new => {
            Err(ApiError::denied("The source identity of the calling session can't be changed."))
        }
        (Some(old), _) => Ok(Some(old)),
        (None, new) => Ok(new.map(str::to_owned)),
    }
}

/// Transitive tags of the calling session; the call may not set them anew.
fn inherited_tags(caller: &Caller, tags: &[(String, String)]) -> Result<Vec<(String, String)>, ApiError> {
    let Some(session) = &caller.session else { return Ok(vec![]) };
    let is_transitive = |key: &str| session.transitive_tag_keys.iter().any(|t| t.eq_ignore_ascii_case(key));
    if tags.iter().any(|(key, _)| is_transitive(key)) {
        return Err(ApiError::new(
            400,
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from \
             the calling session.",
        ));
    }
    Ok(session.tags.iter().filter(|(key, _)| is_transitive(key)).map(|(k, v)| (k.clone(), v.clone())).collect())
}

fn call_context(
    world: &World,
    caller: &Caller,
    parameters: &Parameters,
    tags: &[(String, String)],
    transitive: &[String],
) -> Context {
    let mut context = caller.context(world.now());
    for (key, parameter) in [
        ("sts:RoleSessionName", "RoleSessionName"),
        ("sts:ExternalId", "ExternalId"),
        ("sts:SourceIdentity", "SourceIdentity"),
    ] {
        if let Some(value) = parameters.get(parameter) {
            context.set(key, value);
        }
    }
    for (key, value) in tags {
        context.set(&format!("aws:RequestTag/{key}"), value);
    }
    if !tags.is_empty() {
        context.set_all("aws:TagKeys", tags.iter().map(|(key, _)| key.clone()).collect());
    }
    if !transitive.is_empty() {
        context.set_all("sts:TransitiveTagKeys", transitive.to_vec());
    }
    context
}

/// Both sides must agree; a role that does not exist is refused in the same words.
fn authorize(
    world: &World,
    caller: &Caller,
    action: &str,
    role_arn: &str,
    context: &Context,
    with_mfa: bool,
) -> Result<(), ApiError> {
    let mut fresh = context.clone();
    if with_mfa {
        add_mfa(&mut fresh);
    }
    let for_identity = if world.settings.identity_policies_see_direct_mfa { &fresh } else { context };
    let by_identity = world.identity_verdict(caller, action, role_arn, for_identity);
    let by_trust = world.roles.get(role_arn).map_or(Verdict::Silent, |role| {
        let principals = caller.principals();
        let request =
            Request { account: &caller.account, principals: &principals, action, resource: role_arn, context: &fresh };
        evaluate([&role.trust], &request)
    });
    let same_account = world.roles.get(role_arn).is_some_and(|r| r.account == caller.account);
    if may_assume(by_identity, by_trust, same_account) {
        return Ok(());
    }
    let why = match (by_identity, by_trust) {
        (Verdict::Deny, _) => " with an explicit deny in an identity-based policy",
        (_, Verdict::Deny) => " with an explicit deny in a resource-based policy",
        _ => "",
    };
    let arn = &caller.arn;
    Err(ApiError::denied(format!("User: {arn} is not authorized to perform: {action} on resource: {role_arn}{why}")))
}
