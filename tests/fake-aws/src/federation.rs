//! The console's sign-in endpoint: a role session in, a token good once out; the token in, a page that says who came.

use crate::api::{HttpRequest, Parameters};
use crate::clock;
use crate::dispatch::{self, Reply};
use crate::faults::FaultKind;
use crate::log::{Call, without_secrets};
use crate::random;
use crate::world::{SessionKind, World};
use crate::{api, xml};

const TOKEN_SECONDS: i64 = 15 * 60;

pub(crate) fn handle(world: &mut World, request: &HttpRequest, connection: u64) -> Reply {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let mut all = xml::form(&request.query).unwrap_or_default();
    all.extend(xml::form(&body).unwrap_or_default());
    let parameters = Parameters(all);
    let action = parameters.get("Action").unwrap_or_default().to_owned();
    let fault = world.take_fault(&action);
    let mut access_key_id = String::new();
    let result = match action.as_str() {
        _ if fault.as_ref().is_some_and(|f| !f.after_commit && f.kind != FaultKind::Slow) => {
            Err((503, "a failure on demand".to_owned()))
        }
        "getSigninToken" => signin_token(world, &parameters, &mut access_key_id),
        "login" => login(world, &parameters, &mut access_key_id),
        other => Err((400, format!("unknown Action {other:?}"))),
    };
    let caller = world.sessions.get(&access_key_id).and_then(|s| arn(world, &s.kind));
    let (status, body, content_type) = match result {
        Ok((body, content_type)) => (200, body, content_type),
        Err((status, message)) => (status, format!("<html><p>{}</p></html>", xml::escape(&message)), "text/html"),
    };
    let committed = status == 200;
    let request_id = random::request_id();
    let (reply, status, error_code) = match &fault {
        Some(fault) if fault.kind != FaultKind::Slow => dispatch::faulty("sts", fault, &request_id),
        fault => {
            let delay_ms = fault.as_ref().map_or(0, |f| f.delay_ms);
            let error_code = (!committed).then(|| "BadRequest".to_owned());
            (Reply::Send { status, content_type, body, request_id, delay_ms }, status, error_code)
        }
    };
    world.log.push(Call {
        time: clock::iso(world.now()),
        connection,
        service: "signin".into(),
        action,
        region: String::new(),
        access_key_id,
        caller,
        parameters: without_secrets(&parameters.0),
        token_code: None,
        status,
        error_code,
        fault: fault.map(|f| f.kind),
        committed,
        user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
    });
    reply
}

type Page = Result<(String, &'static str), (u16, String)>;

fn arn(world: &World, kind: &SessionKind) -> Option<String> {
    match kind {
        SessionKind::Role { role_arn, session_name, .. } => {
            Some(api::assumed_role_arn(&world.partition, role_arn, session_name))
        }
        SessionKind::Federated { name, .. } => {
            Some(format!("arn:{}:sts::{}:federated-user/{name}", world.partition, world.account))
        }
        SessionKind::User { .. } => None,
    }
}

fn signin_token(world: &mut World, parameters: &Parameters, access_key_id: &mut String) -> Page {
    let bad = |message: &str| Err((400, message.to_owned()));
    let session = parameters.get("Session").unwrap_or_default();
    let Ok(session) = serde_json::from_str::<serde_json::Value>(session) else {
        return bad("Session is not JSON");
    };
    let field = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    let Some(found) = world.sessions.get(&field("sessionId")) else { return bad("no such session") };
    if found.secret != field("sessionKey") || found.token != field("sessionToken") {
        return bad("no such session");
    }
    access_key_id.clone_from(&found.access_key_id);
    if found.expires <= world.now() {
        return bad("the session is expired");
    }
    let duration = parameters.get("SessionDuration");
    match (&found.kind, duration) {
        (SessionKind::User { .. }, _) => return bad("GetSessionToken credentials can't sign in"),
        (SessionKind::Federated { .. }, Some(_)) => {
            return bad("SessionDuration is not allowed with GetFederationToken");
        }
        (SessionKind::Role { chained: true, .. }, Some(_)) => {
            return bad("SessionDuration is not allowed with role chaining");
        }
        (_, Some(d)) if !d.parse().is_ok_and(|d: i64| (900..=43200).contains(&d)) => {
            return bad("SessionDuration must be 900 to 43200");
        }
        _ => {}
    }
    let token = random::signin_token();
    world.signin_tokens.insert(token.clone(), (access_key_id.clone(), world.now() + TOKEN_SECONDS));
    Ok((serde_json::json!({ "SigninToken": token }).to_string(), "application/json"))
}

fn login(world: &mut World, parameters: &Parameters, access_key_id: &mut String) -> Page {
    let token = parameters.get("SigninToken").unwrap_or_default();
    let Some((id, expires)) = world.signin_tokens.remove(token) else {
        return Err((400, "unknown SigninToken, or used before".to_owned()));
    };
    if expires <= world.now() {
        return Err((400, "the SigninToken is expired".to_owned()));
    }
    if parameters.get("Destination").is_none() {
        return Err((400, "Destination is missing".to_owned()));
    }
    let who = world.sessions.get(&id).and_then(|s| arn(world, &s.kind)).unwrap_or_default();
    *access_key_id = id;
    Ok((format!("<!doctype html><title>fake-aws</title><p>signed in as {}</p>\n", xml::escape(&who)), "text/html"))
}
