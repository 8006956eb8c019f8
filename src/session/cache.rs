//! Sessions at rest: one keychain item each. A cache may fail; a request may not fail because of it.

use super::Context;
use super::index::{Entry, Index};
use crate::credentials::Session;
use crate::keychain;
use crate::output::process;
use crate::profile::plan::{Plan, SessionId};
use crate::profile::strategy::Caller;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

/// SDKs begin to refresh at 15 minutes: less is no use to a caller that can have a new one for nothing.
const RENEWABLE: i64 = 15 * 60;
/// What a session must have left where a new one costs a code.
const PRECIOUS: i64 = 5 * 60;

/// How old a session is, without the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Seconds left.
    pub left: i64,
    /// Seconds from when it was made to its end.
    pub whole: i64,
    /// Seconds that were asked for when it was made.
    pub asked: u32,
}

impl Age {
    /// As the index has it.
    pub fn of(entry: &Entry, now: DateTime<Utc>) -> Self {
        Self { left: entry.expires - now.timestamp(), whole: entry.expires - entry.made, asked: entry.asked }
    }

    /// Whether it serves, given whether a new one would cost a code.
    pub fn serves(&self, plan: &Plan, caller: Caller, min_ttl: Option<u32>, costs_code: bool) -> bool {
        if plan.asked().is_some_and(|asked| self.asked < asked) {
            return false;
        }
        match min_ttl {
            Some(least) => self.left > 0 && self.left >= i64::from(least),
            None if costs_code => self.left > PRECIOUS,
            None => self.left > RENEWABLE && (caller == Caller::Renewing || self.left * 2 >= self.whole),
        }
    }
}

/// A session as it was found.
#[derive(Debug, Clone)]
pub struct Cached {
    /// The session.
    pub session: Session,
    /// Seconds that were asked for when it was made.
    pub asked: u32,
    /// When it was made.
    pub made: DateTime<Utc>,
}

impl Cached {
    /// Seconds left.
    pub fn left(&self, now: DateTime<Utc>) -> i64 {
        (self.session.expiration - now).num_seconds()
    }

    /// Whether it serves, given whether a new one would cost a code.
    pub fn serves(&self, plan: &Plan, context: &Context<'_>, costs_code: bool) -> bool {
        let whole = (self.session.expiration - self.made).num_seconds();
        let age = Age { left: self.left(context.env.now()), whole, asked: self.asked };
        age.serves(plan, context.caller, context.min_ttl, costs_code)
    }

    /// Whether it serves whatever a new one would cost: nothing else need be looked at.
    pub fn serves_anyhow(&self, plan: &Plan, context: &Context<'_>) -> bool {
        self.serves(plan, context, false)
    }
}

/// The cached session of that name, with any life left.
pub fn get(context: &Context<'_>, id: &SessionId) -> Option<Cached> {
    let found = context.keychain.get(id.as_str());
    for warning in context.keychain.take_warnings() {
        context.warn(&warning);
    }
    match found {
        Ok(bytes) => decode(&bytes?).filter(|cached| cached.left(context.env.now()) > 0),
        Err(error) => {
            context.cache_failed(&error);
            None
        }
    }
}

/// Keeps a session, and notes its name in the index.
pub fn put(context: &Context<'_>, plan: &Plan, id: &SessionId, hops: usize, session: &Session, asked: u32) {
    let now = context.env.now();
    let item = encode(session, asked, now);
    let mut others = Index::load(context.env).least_life_first().into_iter().filter(|name| name != id.as_str());
    let kept = context.keychain.put(id.as_str(), &item, session.expiration, &mut others);
    for warning in context.keychain.take_warnings() {
        context.warn(&warning);
    }
    if let Err(error) = kept {
        context.cache_failed(&error);
        return;
    }
    let entry = Entry {
        expires: session.expiration.timestamp(),
        made: now.timestamp(),
        asked,
        profile: plan.profile.value.clone(),
        role_arn: hops.checked_sub(1).map(|hop| plan.roles[hop].arn.value.to_string()),
        mfa_serial: plan.mfa.as_ref().map(|mfa| mfa.serial.value.to_string()),
        source: plan.source.identity(),
    };
    context.learn(|index| drop(index.sessions.insert(id.to_string(), entry)));
}

/// Takes a session out of keychain and index; whether there was one.
pub fn forget(context: &Context<'_>, id: &SessionId) -> Result<bool, keychain::Error> {
    let was_there = context.keychain.delete(id.as_str())?;
    context.learn(|index| drop(index.sessions.remove(id.as_str())));
    Ok(was_there)
}

/// `1 ASKED MADE` (seconds, milliseconds since 1970) and a line end before the JSON of credential_process.
fn encode(session: &Session, asked: u32, made: DateTime<Utc>) -> Zeroizing<Vec<u8>> {
    let mut json = Zeroizing::new(Vec::with_capacity(4_096));
    process::write(session, &mut *json).expect("a Vec takes everything");
    let mut item = Zeroizing::new(format!("1 {asked} {}\n", made.timestamp_millis()).into_bytes());
    item.reserve_exact(json.len());
    item.extend_from_slice(&json);
    item
}

/// `None` for a damaged item, or one of another version: it is not there.
fn decode(item: &[u8]) -> Option<Cached> {
    let end = item.iter().position(|byte| *byte == b'\n')?;
    let mut header = std::str::from_utf8(&item[..end]).ok()?.split(' ');
    let ("1", asked, made) = (header.next()?, header.next()?.parse().ok()?, header.next()?.parse().ok()?) else {
        return None;
    };
    Some(Cached { session: process::parse(&item[end + 1..])?, asked, made: DateTime::from_timestamp_millis(made)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fresh_depends_on_what_a_new_one_costs_and_who_asks() {
        use crate::session::tests::context;
        use Caller::{OneShot, Renewing};
        const HOUR: i64 = 3_600;
        for (life, left, caller, costs_code, min_ttl, serves) in [
            (HOUR, 15 * 60 + 1, Renewing, false, None, true),
            (HOUR, 15 * 60, Renewing, false, None, false),
            (HOUR, 31 * 60, OneShot, false, None, true),
            (HOUR, 29 * 60, OneShot, false, None, false),
            (12 * HOUR, 5 * HOUR, OneShot, false, None, false),
            (12 * HOUR, 5 * HOUR, OneShot, true, None, true),
            (12 * HOUR, 5 * 60 + 1, OneShot, true, None, true),
            (12 * HOUR, 5 * 60, Renewing, true, None, false),
            (HOUR, 10 * 60, OneShot, true, Some(10 * 60), true),
            (HOUR, 10 * 60, OneShot, false, Some(11 * 60), false),
            (HOUR, 1, Renewing, false, Some(0), true),
        ] {
            context(caller, min_ttl, |plan, context| {
                let now = context.env.now();
                let session = Session {
                    access_key_id: String::new(),
                    secret_access_key: "".into(),
                    session_token: "".into(),
                    expiration: now + chrono::TimeDelta::seconds(left),
                    account_id: None,
                };
                let made = now - chrono::TimeDelta::seconds(life - left);
                let cached = Cached { session, asked: 3_600, made };
                assert_eq!(cached.serves(plan, context, costs_code), serves, "{left} of {life} {caller:?} {min_ttl:?}");
            });
        }
    }

    #[test]
    fn an_item_reads_back_and_a_damaged_one_is_not_there() {
        let session = Session {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret".into(),
            session_token: "token".into(),
            expiration: DateTime::from_timestamp(1_795_365_239, 0).unwrap(),
            account_id: Some("123456789012".into()),
        };
        let item = encode(&session, 43_200, DateTime::from_timestamp(1_795_322_039, 0).unwrap());
        let back = decode(&item).unwrap();
        assert_eq!(
            (back.asked, back.made.timestamp(), back.session.access_key_id.as_str()),
            (43_200, 1_795_322_039, "ASIAEXAMPLE")
        );
        for cut in 0..item.len() - 2 {
            assert!(decode(&item[..cut]).is_none(), "cut at {cut}");
        }
        assert!(decode(&[b"2".as_slice(), &item[1..]].concat()).is_none());
    }
}
