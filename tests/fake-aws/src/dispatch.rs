//! From an HTTP request to an answer of STS or IAM, with its line in the log.

use crate::api::{ApiError, HttpRequest, Notes, Parameters};
use crate::clock;
use crate::faults::{Fault, FaultKind};
use crate::log::{Call, TokenCode, without_secrets};
use crate::random;
use crate::sigv4::Authorization;
use crate::world::World;
use crate::{iam, sts, xml};

/// What goes back over the wire.
#[derive(Debug)]
pub(crate) enum Reply {
    Send {
        status: u16,
        content_type: &'static str,
        body: String,
        request_id: String,
        delay_ms: u64,
    },
    /// Close, after `delay_ms` (`None`: never) without an answer.
    Silence {
        delay_ms: Option<u64>,
        reset: bool,
    },
}

/// A parsed call, before anything is believed of it.
struct Incoming {
    service: &'static str,
    action: String,
    parameters: Parameters,
    authorization: Option<Authorization>,
}

/// Carries out one call of the query protocol and logs it.
pub(crate) fn call(world: &mut World, request: &HttpRequest, connection: u64) -> Reply {
    let incoming = Incoming::read(request);
    let fault = incoming.as_ref().ok().and_then(|i| world.take_fault(&i.action));
    let request_id = random::request_id();
    let mut notes = Notes::default();
    let meets_it_first = fault.as_ref().is_some_and(|f| !f.after_commit && f.kind != FaultKind::Slow);
    let result = match (&incoming, meets_it_first) {
        (Ok(_), true) => None,
        (Ok(incoming), false) => Some(carry_out(world, request, incoming, &mut notes)),
        (Err(error), _) => Some(Err(error.clone())),
    };
    let (service, action) = incoming.as_ref().map_or(("sts", ""), |i| (i.service, i.action.as_str()));
    let committed = matches!(result, Some(Ok(_)));
    let (reply, status, error_code) = match (&fault, result) {
        (Some(fault), result) if fault.kind != FaultKind::Slow || result.is_none() => {
            faulty(service, fault, &request_id)
        }
        (fault, result) => {
            let delay_ms = fault.as_ref().map_or(0, |f| f.delay_ms);
            let result = result.unwrap_or_else(|| Err(internal(service)));
            answered(service, action, &result, request_id, delay_ms)
        }
    };
    let parameters = incoming.as_ref().map(|i| i.parameters.0.as_slice()).unwrap_or_default();
    let has_code = parameters.iter().any(|(key, _)| key == "TokenCode");
    let authorization = incoming.as_ref().ok().and_then(|i| i.authorization.as_ref());
    world.log.push(Call {
        time: clock::iso(world.now()),
        connection,
        service: service.to_owned(),
        action: action.to_owned(),
        region: authorization.map(|a| a.region.clone()).unwrap_or_default(),
        access_key_id: authorization.map(|a| a.access_key_id.clone()).unwrap_or_default(),
        caller: notes.caller,
        parameters: without_secrets(parameters),
        token_code: has_code.then(|| notes.token_code.unwrap_or(TokenCode::NotChecked)),
        status,
        error_code,
        fault: fault.map(|f| f.kind),
        committed,
        user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
    });
    reply
}

impl Incoming {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let malformed = || ApiError::new(400, "MalformedInput", "The request could not be parsed");
        let body = std::str::from_utf8(&request.body).map_err(|_| malformed())?;
        let mut all = xml::form(&request.query).ok_or_else(malformed)?;
        let content_type = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if content_type.split(';').next() == Some("application/x-www-form-urlencoded") {
            all.extend(xml::form(body).ok_or_else(malformed)?);
        } else if !body.is_empty() {
            return Err(ApiError::new(400, "MalformedInput", format!("Unexpected content type {content_type:?}")));
        }
        let parameters = Parameters(all);
        let authorization = request.header("authorization").and_then(Authorization::parse);
        let service = match (parameters.get("Version"), &authorization) {
            (Some("2010-05-08"), _) => "iam",
            (None, Some(a)) if a.service == "iam" => "iam",
            _ => "sts",
        };
        let action = parameters.get("Action").unwrap_or_default().to_owned();
        Ok(Self { service, action, parameters, authorization })
    }
}

fn carry_out(
    world: &mut World,
    request: &HttpRequest,
    incoming: &Incoming,
    notes: &mut Notes,
) -> Result<Option<String>, ApiError> {
    let Incoming { service, action, parameters, authorization } = incoming;
    let version = parameters.get("Version").unwrap_or_default();
    let known = match *service {
        "iam" => iam::action(action).filter(|_| version == "2010-05-08"),
        _ => sts::action(action).filter(|_| version == "2011-06-15"),
    };
    let Some(run) = known else {
        let message = format!("Could not find operation {action} for version {version}");
        return Err(ApiError::new(400, "InvalidAction", message));
    };
    if request.path != "/" {
        return Err(ApiError::new(404, "InvalidAction", format!("no such path: {}", request.path)));
    }
    let caller = world.authenticate(request, authorization.as_ref(), service)?;
    notes.caller = Some(caller.arn.clone());
    if *service == "iam" && caller.user.is_some() && caller.session.is_some() && caller.mfa_at().is_none() {
        return Err(ApiError::invalid_token());
    }
    run(world, &caller, parameters, notes)
}

fn internal(service: &str) -> ApiError {
    let code = if service == "iam" { "ServiceFailure" } else { "InternalFailure" };
    ApiError::new(500, code, "The request processing has failed because of an unknown error, exception or failure.")
}

fn answered(
    service: &str,
    action: &str,
    result: &Result<Option<String>, ApiError>,
    request_id: String,
    delay_ms: u64,
) -> (Reply, u16, Option<String>) {
    let (status, body, code) = match result {
        Ok(inner) => (200, xml::answer(service, action, inner.as_deref(), &request_id), None),
        Err(e) => (e.status, xml::error(service, e.kind(), e.code, &e.message, &request_id), Some(e.code.to_owned())),
    };
    (Reply::Send { status, content_type: "text/xml", body, request_id, delay_ms }, status, code)
}

/// The failure itself, its status and its error code.
pub(crate) fn faulty(service: &str, fault: &Fault, request_id: &str) -> (Reply, u16, Option<String>) {
    let error = match fault.kind {
        FaultKind::Http500 | FaultKind::Slow => internal(service),
        FaultKind::Http503 => ApiError::new(503, "ServiceUnavailable", "Service is temporarily unavailable"),
        FaultKind::Throttle => ApiError::new(400, "Throttling", "Rate exceeded"),
        FaultKind::ExpiredToken => {
            ApiError::new(403, "ExpiredToken", "The security token included in the request is expired")
        }
        FaultKind::AccessDenied => ApiError::denied("User is not authorized to perform this action"),
        FaultKind::Hang => {
            let delay_ms = (fault.delay_ms > 0).then_some(fault.delay_ms);
            return (Reply::Silence { delay_ms, reset: false }, 0, None);
        }
        FaultKind::Reset | FaultKind::Close => {
            let reset = fault.kind == FaultKind::Reset;
            return (Reply::Silence { delay_ms: Some(fault.delay_ms), reset }, 0, None);
        }
        FaultKind::Garbage => {
            let body = "<!doctype html><p>this is \u{1}not what you asked for".to_owned();
            let request_id = request_id.to_owned();
            let delay_ms = fault.delay_ms;
            return (Reply::Send { status: 200, content_type: "text/html", body, request_id, delay_ms }, 200, None);
        }
    };
    answered(service, "", &Err(error), request_id.to_owned(), fault.delay_ms)
}
