//! Access keys: two a user.

use crate::api::{Answer, ApiError, Caller, Notes, Parameters};
use crate::clock;
use crate::world::{AccessKey, World};
use crate::xml::{element, text};

use super::{no_such_entity, required, target};

const QUOTA: usize = 2;

fn status(key: &AccessKey) -> &'static str {
    if key.active { "Active" } else { "Inactive" }
}

pub(super) fn create(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:CreateAccessKey")?;
    if world.keys.values().filter(|k| k.user == user).count() >= QUOTA {
        let message = format!("Cannot exceed quota for AccessKeysPerUser: {QUOTA}");
        return Err(ApiError::new(409, "LimitExceeded", message));
    }
    let (id, secret) = world.add_key(&user, world.settings.propagation_delay_seconds);
    let inner = [
        text("UserName", &user),
        text("AccessKeyId", &id),
        text("Status", "Active"),
        text("SecretAccessKey", &secret),
        text("CreateDate", &clock::iso(world.now())),
    ];
    Ok(Some(element("AccessKey", inner)))
}

fn find<'a>(world: &'a mut World, user: &str, id: &str) -> Result<&'a mut AccessKey, ApiError> {
    world
        .keys
        .get_mut(id)
        .filter(|k| k.user == user)
        .ok_or_else(|| no_such_entity(format!("The Access Key with id {id} cannot be found.")))
}

pub(super) fn update(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:UpdateAccessKey")?;
    let (id, status) = (required(parameters, "AccessKeyId")?, required(parameters, "Status")?);
    let active = match status {
        "Active" => true,
        "Inactive" => false,
        other => {
            return Err(ApiError::validation(format!(
                "1 validation error detected: Value '{other}' at 'status' failed to satisfy constraint: Member must satisfy \
                 enum value set: [Active, Inactive]"
            )));
        }
    };
    find(world, &user, id)?.active = active;
    Ok(None)
}

pub(super) fn delete(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:DeleteAccessKey")?;
    let id = required(parameters, "AccessKeyId")?;
    find(world, &user, id)?;
    world.deleted_secrets.extend(world.keys.remove(id).map(|key| key.secret));
    Ok(None)
}

pub(super) fn list(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let user = target(world, caller, parameters, "iam:ListAccessKeys")?;
    let mut keys: Vec<&AccessKey> = world.keys.values().filter(|k| k.user == user).collect();
    keys.sort_by_key(|k| k.created);
    let members = keys.into_iter().map(|k| {
        let inner = [
            text("UserName", &k.user),
            text("AccessKeyId", &k.id),
            text("Status", status(k)),
            text("CreateDate", &clock::iso(k.created)),
        ];
        element("member", inner)
    });
    let inner = [text("UserName", &user), element("AccessKeyMetadata", members), text("IsTruncated", "false")].concat();
    Ok(Some(inner))
}

pub(super) fn last_used(world: &mut World, caller: &Caller, parameters: &Parameters, _: &mut Notes) -> Answer {
    let id = required(parameters, "AccessKeyId")?;
    let missing = || {
        // AWS tells nobody which keys exist.
        ApiError::denied(format!("User: {} is not authorized to perform: iam:GetAccessKeyLastUsed", caller.arn))
    };
    let key = world.keys.get(id).ok_or_else(missing)?;
    world.authorize(caller, "iam:GetAccessKeyLastUsed", &world.iam_arn(&format!("user/{}", key.user)))?;
    let used = match &key.last_used {
        None => vec![text("ServiceName", "N/A"), text("Region", "N/A")],
        Some((at, service, region)) => {
            vec![text("LastUsedDate", &clock::iso(*at)), text("ServiceName", service), text("Region", region)]
        }
    };
    Ok(Some([text("UserName", &key.user), element("AccessKeyLastUsed", used)].concat()))
}
