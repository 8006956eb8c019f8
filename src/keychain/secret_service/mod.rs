//! The Secret Service of the desktop (GNOME Keyring, KWallet, KeePassXC), over D-Bus.
//!
//! It is a program of somebody else's that may not be there, may hang, may be locked, or may put a dialog on the screen. So
//! every operation ends within [`LIMIT`], whatever that program does; nothing asks to be unlocked unless a person is there to
//! answer, and then for [`PATIENCE`] at most.
//!
//! Items carry their own name ([`envelope`]): of several with one name the one that lives longest counts, of keys, which
//! all live for ever, the one in the default collection, then the newest; what is damaged or another's is not there.

mod client;

use super::{Error, envelope};
use crate::env::Env;
use chrono::{DateTime, Utc};
use client::{Client, Path};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// What the store is called in errors.
pub(super) const STORE: &str = "Secret Service";
/// For one operation, all of its calls together.
const LIMIT: Duration = Duration::from_secs(2);
/// For a person to answer a dialog.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long one that did not answer is left alone: the operations of one command are not to wait one after the other.
const LEFT_ALONE: Duration = Duration::from_secs(60);

/// The user's Secret Service, connected to when first used.
pub(super) struct SecretService<'e> {
    pub(super) env: &'e Env,
    /// Whether a person is there who can answer a dialog.
    pub(super) may_ask: bool,
    /// Until when that person may take; [`PATIENCE`] unless told otherwise.
    pub(super) deadline: Option<Instant>,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    client: Option<Client>,
    runtime: Option<Runtime>,
    /// When it last did not answer.
    silent_since: Option<Instant>,
}

/// Whether an item is in the collection that we write to, and when it was last changed: the greater one is the better one.
type Rank = (bool, u64);

/// What an operation came to.
enum Step<T> {
    Done(T),
    /// These have to be unlocked first.
    Locked(Vec<Path>),
    /// There is no collection that new items could go to.
    NoCollection,
    /// The service asks before it does that.
    Prompt(Path),
}

impl SecretService<'_> {
    /// The secret of that name, if there is one that has not expired.
    pub(super) fn read(&self, name: &str, warn: impl Fn(String)) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let items = self.run(async |client| {
            let (items, locked) = client.search(name).await?;
            if !items.is_empty() {
                return Ok(Step::Done(ranked(client, &items).await?));
            }
            if !locked.is_empty() {
                return Ok(Step::Locked(locked));
            }
            // KWallet finds nothing in what is locked.
            match client.default_collection().await? {
                Some(collection) if client.is_locked(&collection).await? => Ok(Step::Locked(vec![collection])),
                _ => Ok(Step::Done(Vec::new())),
            }
        })?;
        let open = |(rank, bytes): &(Rank, Zeroizing<Vec<u8>>)| match envelope::open(name, bytes) {
            Ok(item) => Some((*rank, item)),
            Err(refused) => {
                warn(format!("an item of the {STORE} is {refused}: taken as not there"));
                None
            }
        };
        let longest = items.iter().filter_map(open).max_by_key(|(rank, item)| (item.expires, *rank));
        Ok(longest.map(|(_, item)| item).filter(|item| item.expires > self.env.now()).map(|item| item.secret))
    }

    /// Keeps the secret in place of all others of that name.
    pub(super) fn write(&self, name: &str, secret: &[u8], expires: DateTime<Utc>) -> Result<(), Error> {
        let bytes = envelope::wrap(name, secret, expires);
        self.run(async |client| {
            let Some(collection) = client.default_collection().await? else { return Ok(Step::NoCollection) };
            if client.is_locked(&collection).await? {
                return Ok(Step::Locked(vec![collection]));
            }
            let (kept, prompt) = client.create(&collection, name, &bytes).await?;
            if let Some(prompt) = prompt {
                return Ok(Step::Prompt(prompt));
            }
            // It replaces what has the same attributes in the same collection; others can be found by that name, too.
            let (others, _) = client.search(name).await?;
            for other in others.iter().filter(|other| **other != kept) {
                client.delete(other).await?;
            }
            Ok(Step::Done(()))
        })
    }

    /// Forgets the secret; whether there was one.
    pub(super) fn remove(&self, name: &str) -> Result<bool, Error> {
        self.run(async |client| {
            let (items, locked) = client.search(name).await?;
            if !locked.is_empty() {
                return Ok(Step::Locked(locked));
            }
            for item in &items {
                if let Some(prompt) = client.delete(item).await? {
                    return Ok(Step::Prompt(prompt));
                }
            }
            Ok(Step::Done(!items.is_empty()))
        })
    }

    /// Whether it answers and is unlocked; asks nobody.
    pub(super) fn usable(&self) -> Result<(), Error> {
        let look = async |client: &Client| match client.default_collection().await? {
            None => Ok(Step::Done(Err(Error::NoCollection))),
            Some(collection) if client.is_locked(&collection).await? => {
                Ok(Step::Done(Err(Error::StoreLocked { store: STORE })))
            }
            Some(_) => Ok(Step::Done(Ok(()))),
        };
        self.run(look)?
    }

    /// Does it, again once a person has unlocked what has to be, and again with a new connection where an older one is of no
    /// use any more (the service was started anew).
    fn run<T>(&self, operation: impl AsyncFn(&Client) -> Result<Step<T>, Error>) -> Result<T, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.silent_since.is_some_and(|since| since.elapsed() < LEFT_ALONE) {
            return Err(Error::StoreSilent { store: STORE });
        }
        let mut asked = false;
        let mut connected_before = state.client.is_some();
        let mut until = Instant::now() + LIMIT;
        loop {
            let step = self.within(&mut state, until, &operation);
            let step = match step {
                Err(Error::Store { .. } | Error::StoreAbsent { .. }) if connected_before => {
                    state.disconnect();
                    connected_before = false;
                    continue;
                }
                step => step?,
            };
            if let Step::Done(done) = step {
                return Ok(done);
            }
            if asked || !self.someone_sees_dialogs() {
                return Err(match step {
                    Step::NoCollection => Error::NoCollection,
                    _ => Error::StoreLocked { store: STORE },
                });
            }
            asked = true;
            self.ask(&mut state, step)?;
            until = Instant::now() + LIMIT;
        }
    }

    fn within<T>(
        &self,
        state: &mut State,
        until: Instant,
        operation: &impl AsyncFn(&Client) -> Result<Step<T>, Error>,
    ) -> Result<Step<T>, Error> {
        let State { client, runtime, .. } = state;
        let runtime = match runtime {
            Some(runtime) => runtime,
            None => runtime.insert(start()?),
        };
        let done = runtime.block_on(answered_by(until, async {
            let client = match client {
                Some(client) => client,
                None => client.insert(Client::open(&self.address()?).await?),
            };
            operation(client).await
        }));
        if let Err(Error::StoreSilent { .. }) = done {
            state.disconnect();
            state.silent_since = Some(Instant::now());
        }
        done
    }

    /// Lets the person answer. Where nobody does, or Ctrl-C ends us, gnome-keyring's dialog stays until it is closed: the daemon
    /// dies of `Prompt.Dismiss` (gkd-secret-unlock.c: assertion failed: (!self->current)), and would come back locked.
    fn ask<T>(&self, state: &mut State, step: Step<T>) -> Result<(), Error> {
        let (Some(runtime), Some(client)) = (&state.runtime, &state.client) else { return Ok(()) };
        let until = self.deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
        let answered = runtime.block_on(async {
            let prepared = async {
                match step {
                    Step::Locked(objects) => client.unlock(&objects).await,
                    Step::NoCollection => client.create_collection().await,
                    Step::Prompt(prompt) => Ok(Some(prompt)),
                    Step::Done(_) => Ok(None),
                }
            };
            match answered_by(Instant::now() + LIMIT, prepared).await? {
                Some(prompt) => answered_by(until, client.prompt(&prompt)).await,
                None => Ok(true),
            }
        });
        match answered {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::StoreLocked { store: STORE }),
            Err(error) => {
                state.disconnect();
                match error {
                    Error::StoreSilent { .. } => Err(Error::StoreLocked { store: STORE }),
                    error => Err(error),
                }
            }
        }
    }

    /// A dialog needs a person, and a display that this person looks at: over ssh it would open on the desk at home.
    fn someone_sees_dialogs(&self) -> bool {
        self.may_ask && ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|display| self.env.var_os(display).is_some())
    }

    /// The session bus, as libdbus finds it, but for starting one.
    fn address(&self) -> Result<String, Error> {
        if let Some(address) = self.env.var("DBUS_SESSION_BUS_ADDRESS") {
            return Ok(address.into());
        }
        let socket = self.env.var_os("XDG_RUNTIME_DIR").map(|folder| std::path::Path::new(folder).join("bus"));
        match socket.as_ref().and_then(|socket| socket.to_str()).filter(|socket| std::path::Path::new(socket).exists())
        {
            Some(socket) => Ok(format!("unix:path={socket}")),
            None => Err(Error::StoreAbsent { store: STORE, reason: "there is no D-Bus session bus" }),
        }
    }
}

impl State {
    /// Without waiting for what may never end.
    fn disconnect(&mut self) {
        self.client = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// What the items hold. Where there are several, an older one may have been out of reach when the key was written anew.
async fn ranked(client: &Client, items: &[Path]) -> Result<Vec<(Rank, Zeroizing<Vec<u8>>)>, Error> {
    let secrets = client.secrets(items).await?;
    let collection = match secrets.len() {
        0 | 1 => None,
        _ => client.default_collection().await?.map(|path| format!("{}/", path.as_str())),
    };
    let mut ranked = Vec::with_capacity(secrets.len());
    for (item, bytes) in secrets {
        let rank = match &collection {
            Some(collection) => {
                (item.as_str().starts_with(collection), client.modified(&item).await.unwrap_or_default())
            }
            None => Rank::default(),
        };
        ranked.push((rank, bytes));
    }
    Ok(ranked)
}

async fn answered_by<T>(until: Instant, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout_at(until.into(), answer).await.unwrap_or(Err(Error::StoreSilent { store: STORE }))
}

fn start() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Store { store: STORE, reason: error.kind().to_string() })
}
