//! The control plane, `/_fake/...`: JSON in, JSON out, no signature. What [`crate::FakeAws`] does in process, for programs
//! in other languages.
//!
//! | method and path | body or query | answer |
//! |---|---|---|
//! | `GET /_fake/world` | | account, users with keys and seeds, roles |
//! | `GET /_fake/log`, `DELETE` | `?action=NAME` | list of [`crate::Call`] |
//! | `GET /_fake/connections` | | `{"connections": N}` |
//! | `GET /_fake/clock`, `POST` | `{"offset_seconds": N}` | `{"offset_seconds", "now"}` |
//! | `POST /_fake/fault`, `DELETE` | a [`crate::Fault`] | `{}` |
//! | `POST /_fake/limits` | `{"session_seconds": N}`, `null` for none | settings |
//! | `GET /_fake/settings`, `POST` | fields of [`crate::Settings`] | settings |
//! | `POST /_fake/users` | `{"name": N}` | [`crate::UserKeys`] |
//! | `DELETE /_fake/users?name=N` | | `{}` |
//! | `POST /_fake/keys` | `{"user": N}` | `{"access_key_id", "secret_access_key"}` |
//! | `PUT /_fake/keys` | `{"access_key_id": I, "active": B}` | `{}` |
//! | `DELETE /_fake/keys?id=I` | | `{}` |
//! | `POST /_fake/devices` | `{"user": N, "serial": S, "seed"?: B}` | `{"serial", "seed"}` |
//! | `DELETE /_fake/devices?serial=S` | | `{}` |
//! | `POST /_fake/roles` | a [`crate::RoleSpec`] | `{"arn"}` |
//! | `DELETE /_fake/roles?arn=A` | | `{}` |
//! | `PUT /_fake/policies` | `{"user": N}`, `{"role": ARN}` or `{"managed": ARN}`, and `"documents": [..]` | `{}` |
//! | `POST /_fake/expire` | `{"access_key_id": I}` | `{}` |
//! | `GET /_fake/code?serial=S` | `&offset=STEPS` | `{"code"}`: unspent; with an offset, that step's |
//!
//! Errors are `{"error": "..."}` with 400 (bad request), 404 (no such thing) or 409 (every code of the window is spent).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{HttpRequest, Parameters};
use crate::clock;
use crate::dispatch::Reply;
use crate::faults::Fault;
use crate::inhabitants::{RoleSpec, add_role, add_user_with_everything, describe, user_keys};
use crate::policy::Policy;
use crate::random;
use crate::world::World;
use crate::xml;

type Outcome = Result<Value, (u16, String)>;

pub(crate) fn handle(world: &mut World, request: &HttpRequest) -> Reply {
    let (status, value) = match route(world, request) {
        Ok(value) => (200, value),
        Err((status, message)) => (status, json!({ "error": message })),
    };
    let body = format!("{value}\n");
    Reply::Send { status, content_type: "application/json", body, request_id: random::request_id(), delay_ms: 0 }
}

fn route(world: &mut World, request: &HttpRequest) -> Outcome {
    let query = Parameters(xml::form(&request.query).ok_or((400, "broken query".to_owned()))?);
    let what = request.path.trim_start_matches("/_fake").trim_matches('/');
    match (request.method.as_str(), what) {
        ("GET", "world") => Ok(describe(world)),
        ("GET", "log") => {
            let wanted = query.get("action");
            let calls = world.log.iter().filter(|c| wanted.is_none_or(|w| c.action == w));
            Ok(calls.map(|c| json!(c)).collect())
        }
        ("DELETE", "log") => {
            world.log.clear();
            Ok(json!({}))
        }
        ("GET", "connections") => Ok(json!({ "connections": world.connections })),
        ("GET", "clock") => Ok(show_clock(world)),
        ("POST", "clock") => {
            let Clock { offset_seconds } = body(request)?;
            world.clock.set_offset(offset_seconds);
            Ok(show_clock(world))
        }
        ("POST", "fault") => {
            let fault: Fault = body(request)?;
            world.faults.push_back(fault);
            Ok(json!({}))
        }
        ("DELETE", "fault") => {
            world.faults.clear();
            Ok(json!({}))
        }
        ("GET", "settings") => Ok(json!(world.settings)),
        ("POST", "settings" | "limits") => change_settings(world, request),
        ("GET", "code") => code(world, &query),
        ("POST", "expire") => {
            let Key { access_key_id, .. } = body(request)?;
            let now = world.now();
            let session = world.sessions.get_mut(&access_key_id);
            session.ok_or((404, "no such session".to_owned())).map(|s| s.expires = now)?;
            Ok(json!({}))
        }
        (_, "users" | "keys" | "devices") => people(world, request, &query, what),
        (_, "roles" | "policies") => permissions(world, request, &query, what),
        (method, what) => Err((404, format!("nothing at {method} /_fake/{what}"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    offset_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    access_key_id: String,
    #[serde(default)]
    active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    #[serde(alias = "user")]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDevice {
    user: String,
    serial: String,
    seed: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policies {
    user: Option<String>,
    role: Option<String>,
    managed: Option<String>,
    documents: Vec<Value>,
}

fn found(there: bool) -> Outcome {
    if there { Ok(json!({})) } else { Err((404, "no such thing".to_owned())) }
}

fn body<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, (u16, String)> {
    serde_json::from_slice(&request.body).map_err(|e| (400, e.to_string()))
}

fn show_clock(world: &World) -> Value {
    json!({ "offset_seconds": world.clock.offset(), "now": clock::iso(world.now()) })
}

/// Fields that are not named keep their value.
fn change_settings(world: &mut World, request: &HttpRequest) -> Outcome {
    let changes: BTreeMap<String, Value> = body(request)?;
    let mut all = json!(world.settings);
    for (key, value) in changes {
        all[key] = value;
    }
    world.settings = serde_json::from_value(all).map_err(|e| (400, e.to_string()))?;
    Ok(json!(world.settings))
}

fn code(world: &World, query: &Parameters) -> Outcome {
    let serial = query.get("serial").unwrap_or_default();
    let device = world.devices.get(serial).ok_or_else(|| (404, format!("no device {serial:?}")))?;
    let now = world.now();
    let code = match query.get("offset") {
        Some(offset) => {
            device.code_at(now, offset.parse().map_err(|_| (400, format!("offset {offset:?} is no number")))?)
        }
        None => device.fresh_code(now).ok_or((409, "every code of the window is spent".to_owned()))?,
    };
    Ok(json!({ "code": code }))
}

fn people(world: &mut World, request: &HttpRequest, query: &Parameters, what: &str) -> Outcome {
    match (request.method.as_str(), what) {
        ("POST", "users") => {
            let Name { name } = body(request)?;
            add_user_with_everything(world, &name);
            Ok(json!(user_keys(world, &name)))
        }
        ("DELETE", "users") => found(world.remove_user(query.get("name").unwrap_or_default())),
        ("POST", "keys") => {
            let Name { name } = body(request)?;
            if !world.users.contains_key(&name) {
                return Err((404, format!("no user {name:?}")));
            }
            let (id, secret) = world.add_key(&name, 0);
            Ok(json!({ "access_key_id": id, "secret_access_key": secret }))
        }
        ("PUT", "keys") => {
            let Key { access_key_id, active } = body(request)?;
            let key = world.keys.get_mut(&access_key_id);
            found(key.map(|k| k.active = active).is_some())
        }
        ("DELETE", "keys") => found(world.keys.remove(query.get("id").unwrap_or_default()).is_some()),
        ("POST", "devices") => {
            let NewDevice { user, serial, seed } = body(request)?;
            if !world.users.contains_key(&user) {
                return Err((404, format!("no user {user:?}")));
            }
            let seed = seed.unwrap_or_else(random::seed);
            if crate::totp::code(&seed, 1).is_none() {
                return Err((400, "the seed is not base32".to_owned()));
            }
            world.add_device(&user, &serial, &seed);
            Ok(json!({ "serial": serial, "seed": seed }))
        }
        ("DELETE", "devices") => found(world.devices.remove(query.get("serial").unwrap_or_default()).is_some()),
        (method, what) => Err((404, format!("nothing at {method} /_fake/{what}"))),
    }
}

fn permissions(world: &mut World, request: &HttpRequest, query: &Parameters, what: &str) -> Outcome {
    match (request.method.as_str(), what) {
        ("POST", "roles") => {
            let role: RoleSpec = body(request)?;
            let arn = add_role(world, role).map_err(|e| (400, e.to_string()))?;
            Ok(json!({ "arn": arn }))
        }
        ("DELETE", "roles") => found(world.roles.remove(query.get("arn").unwrap_or_default()).is_some()),
        ("PUT", "policies") => set_policies(world, body(request)?),
        (method, what) => Err((404, format!("nothing at {method} /_fake/{what}"))),
    }
}

fn set_policies(world: &mut World, Policies { user, role, managed, documents }: Policies) -> Outcome {
    let mut policies = BTreeMap::new();
    for (i, document) in documents.iter().enumerate() {
        policies.insert(format!("policy-{i}"), Policy::from_json(document).map_err(|e| (400, e.to_string()))?);
    }
    match (user, role, managed) {
        (Some(user), None, None) => found(world.users.get_mut(&user).map(|u| u.policies = policies).is_some()),
        (None, Some(role), None) => found(world.roles.get_mut(&role).map(|r| r.policies = policies).is_some()),
        (None, None, Some(arn)) => match policies.into_values().collect::<Vec<_>>().as_slice() {
            [one] => {
                world.managed_policies.insert(arn, one.clone());
                Ok(json!({}))
            }
            _ => Err((400, "a managed policy is one document".to_owned())),
        },
        _ => Err((400, "one of user, role and managed".to_owned())),
    }
}
