//! What is done when AWS says no: another way, another code, or an error that explains. Nothing is tried twice the same way.

use super::{Obtaining, in_words};
use crate::aws::{self, Refusal};
use crate::profile::strategy::{Begin, CHAINED, Step};
use crate::session::Error;
use crate::session::known::way;

/// AWS locks a device after too many wrong codes; three a run leaves room for another run.
const CODES: u32 = 3;

impl Obtaining<'_> {
    /// After a call failed: `Ok` where there is something else to try. Begun with `begin`, it came to `step`.
    pub(super) fn refused(&mut self, error: aws::Error, step: Step, begin: Begin) -> Result<(), Error> {
        let Step::AssumeRole { hop, duration, with_code } = step else { return self.code_refused(error) };
        match error.refusal() {
            Some(Refusal::TooLongForRole | Refusal::TooLongForChaining) if hop == 0 && duration > CHAINED => {
                self.too_long(error, duration, with_code)
            }
            Some(Refusal::NotAuthorized) if hop == 0 && self.plan.mfa.is_some() => self.other_way(error, with_code),
            // a session that AWS no longer takes: begin further back
            Some(Refusal::Expired | Refusal::UnknownKey) if begin != Begin::Source && !with_code => {
                self.drop_beginning(begin);
                Ok(())
            }
            _ if with_code => self.code_refused(error),
            _ => Err(self.failed(error)),
        }
    }

    /// AWS does not say what the role's maximum is; what it refused is remembered, so that it costs one code ever after.
    fn too_long(&mut self, error: aws::Error, duration: u32, with_code: bool) -> Result<(), Error> {
        self.known.refused_duration = Some(duration);
        let Some(role) = self.plan.roles.first() else { return Err(self.failed(error)) };
        let arn = role.arn.value.to_string();
        self.context.learn(|index| {
            index.refused_durations.insert(arn, duration);
        });
        if with_code {
            if !self.can_ask() {
                return Err(self.failed(error));
            }
            let asked = role.duration.is_some();
            let then = if asked { "this session lasts 1h" } else { "a shared MFA session will renew it every hour" };
            let duration = in_words(duration);
            self.notice = Some(format!("the role does not allow {duration}; {then}. {}", self.next_code()));
        }
        Ok(())
    }

    /// There are two ways to a role, and some roles are granted on one of them only: directly with a fresh code
    /// (`aws:MultiFactorAuthAge`), or from a shared MFA session (accounts that see MFA nowhere else). Each is tried once.
    fn other_way(&mut self, error: aws::Error, with_code: bool) -> Result<(), Error> {
        let way = way(self.plan);
        let now = self.context.env.now();
        let tried_both = self.known.wants_fresh_code || self.known.only_shared;
        let refused_lately = self.index.refused_lately(&way, now);
        // a shared session of this very minute is as fresh as a code
        if tried_both || refused_lately || (self.shared_is_new && !with_code) {
            self.context.learn(|index| {
                index.refused.entry(way.clone()).or_insert(now.timestamp());
                index.only_shared.remove(&way);
                index.wants_fresh_code.remove(&way);
            });
            return Err(Error::aws(error, self.plan, tried_both));
        }
        if !self.can_ask() {
            return Err(self.failed(error));
        }
        self.notice = Some(if with_code {
            self.known.only_shared = true;
            format!("AWS refused the role; some accounts grant it to a shared MFA session only. {}", self.next_code())
        } else {
            self.known.wants_fresh_code = true;
            "AWS refused the role to the shared MFA session; some roles want a fresh code".into()
        });
        Ok(())
    }

    /// After a request with a code failed: ask again, or give up. A code that STS may have seen is not sent again.
    fn code_refused(&mut self, error: aws::Error) -> Result<(), Error> {
        self.codes_spent += 1;
        let why = match &error {
            aws::Error::Refused { refusal: Refusal::InvalidCode, .. } => {
                "AWS refused that code: wrong, or used before".into()
            }
            aws::Error::Throttled { .. } | aws::Error::Server { .. } | aws::Error::TimedOut { .. } => {
                format!("{error}; that code may be spent")
            }
            _ => return Err(self.failed(error)),
        };
        if self.codes_spent >= CODES || !self.can_ask() {
            return Err(self.failed(error));
        }
        self.notice = Some(format!("{why}. {}", self.next_code()));
        Ok(())
    }

    /// What worked after something else did not.
    pub(super) fn remember_way(&self) {
        let (fresh, shared) = (self.known.wants_fresh_code, self.known.only_shared);
        let way = way(self.plan);
        let is_new = (fresh && !self.index.wants_fresh_code.contains(&way))
            || (shared && !self.index.only_shared.contains(&way));
        if is_new {
            self.context.learn(|index| {
                let learned = if fresh { &mut index.wants_fresh_code } else { &mut index.only_shared };
                learned.insert(way);
            });
        }
    }
}
