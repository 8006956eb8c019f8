//! Where the code comes from, when the next one does, and who it is for.

use super::{Base, Obtaining};
use crate::aws::Refusal;
use crate::aws::sts::{Connection, Identity, Signer};
use crate::credentials::TokenCode;
use crate::mfa::totp::{self, Seed};
use crate::mfa::{self, Way};
use crate::session::{Error, seed};
use std::time::{Duration, Instant};

impl Obtaining<'_> {
    /// Whether somebody, or something, can give another code.
    pub(super) fn can_ask(&self) -> bool {
        mfa::can_ask(&self.device(), &self.asking).is_ok()
    }

    pub(super) fn next_code(&self) -> String {
        format!("The next code comes in {} s", self.until_next_code())
    }

    fn until_next_code(&self) -> u64 {
        30 - u64::try_from(self.context.env.now().timestamp().rem_euclid(30)).unwrap_or(0)
    }

    /// Gets a code; while a person types, the connection is opened.
    pub(super) fn code(&mut self, connection: &Connection, signer: Signer<'_>) -> Result<TokenCode, Error> {
        let (device, notice) = (self.device(), self.notice.take());
        match mfa::can_ask(&device, &self.asking)? {
            Way::Terminal | Way::Dialog => {
                let asking = &self.asking;
                let (identity, code) =
                    connection.meanwhile(signer, || mfa::token_code(&device, asking, notice.as_deref()));
                let code = code?;
                match identity {
                    Some(Ok(identity)) => self.learn_identity(identity),
                    // the code is not spent on a key that does not work
                    Some(Err(error)) if error.refusal().is_some_and(Refusal::is_of_the_key) => {
                        return Err(self.failed(error));
                    }
                    _ => {}
                }
                Ok(code)
            }
            Way::Seed => match self.context.keychain.seed(device.serial) {
                Ok(Some(seed)) => self.code_of(&seed, connection.clock_offset()),
                failed => {
                    (self.seed_failed, self.asking.has_seed) = (true, false);
                    match failed {
                        Err(error) if !self.can_ask() => return Err(error.into()),
                        Err(error) => self.context.warn(&format!("the seed of {}: {error}", device.serial)),
                        Ok(_) => self.context.warn(&format!("the seed of {} is not in the keychain", device.serial)),
                    }
                    self.notice = notice;
                    self.code(connection, signer)
                }
            },
            Way::Given | Way::Process => {
                if self.codes_spent > 0 || notice.is_some() {
                    self.wait_for_next_code();
                }
                Ok(mfa::token_code(&device, &self.asking, notice.as_deref())?)
            }
        }
    }

    /// The seed's code of a window that no other process has had.
    fn code_of(&self, seed: &Seed, ahead: i64) -> Result<TokenCode, Error> {
        let (device, env) = (self.device(), self.context.env);
        let claim = |window| seed::claim(env, device.serial, window);
        let tell = |seconds| self.tell_wait(seconds);
        Ok(totp::next_code(seed, &device, &self.asking, ahead, claim, tell)?)
    }

    fn tell_wait(&self, seconds: u64) {
        self.context.tell(&format!("waiting {seconds} s for the next code"));
    }

    /// A program prints the same code until the window turns.
    fn wait_for_next_code(&self) {
        let turn = Duration::from_secs(self.until_next_code() + 1);
        self.tell_wait(turn.as_secs());
        let left = self.context.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        std::thread::sleep(left.map_or(turn, |left| turn.min(left)));
    }

    /// Who the source is: what CloudTrail should show at every hop.
    pub(super) fn identity(&mut self, connection: &Connection, base: &Base) -> Result<Identity, Error> {
        if self.identity.is_none() {
            self.identity = self.index.identity(self.plan);
        }
        if self.identity.is_none() {
            let identity = connection.caller_identity(base.signer()).map_err(|error| self.failed(error))?;
            self.learn_identity(identity);
        }
        Ok(self.identity.clone().expect("it has just been learned"))
    }

    fn learn_identity(&mut self, identity: Identity) {
        let source = self.plan.source.identity();
        if self.index.identities.get(&source).is_none_or(|(arn, _)| *arn != identity.arn) {
            let known = (identity.arn.clone(), identity.account.clone());
            self.context.learn(|index| drop(index.identities.insert(source, known)));
        }
        self.identity = Some(identity);
    }
}
