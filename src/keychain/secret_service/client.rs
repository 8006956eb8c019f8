//! The calls of `org.freedesktop.secrets` that we need, by their names in the specification
//! (<https://specifications.freedesktop.org/secret-service-spec/latest/>). Nothing here waits for a limited time: the caller does.

use super::super::Error;
use super::STORE;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use zbus::export::futures_core::Stream;
use zbus::{
    Connection, DBusError, DynamicType, MatchRule, MessageStream, ObjectPath, OwnedObjectPath, OwnedVariant, Variant,
};
use zeroize::Zeroizing;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
/// What our items are called, and each by its name: what `secret-tool` and the `keyring` crate call them as well.
const SERVICE_ATTRIBUTE: (&str, &str) = ("service", "mfa-run");
const NAME_ATTRIBUTE: &str = "username";

/// An object of the service.
pub(super) type Path = OwnedObjectPath;
/// A secret as it travels: session, parameters, value, content type.
type Wire = (Path, Vec<u8>, Vec<u8>, String);

/// A connection with a session of the service's.
pub(super) struct Client {
    connection: Connection,
    session: Path,
}

impl Client {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        let connection =
            zbus::connection::Builder::address(address).build().await.map_err(|error| Error::StoreAbsent {
                store: STORE,
                reason: match error {
                    zbus::Error::Address(_) | zbus::Error::Unsupported => "the address of the D-Bus session bus is odd",
                    _ => "the D-Bus session bus does not answer",
                },
            })?;
        let mut client = Self { connection, session: root() };
        // gnome-keyring-daemon dies of a client that opens a session, reads and is gone before the daemon has noted that it
        // came. One call that is answered by its main loop makes it note that first. Starts the service where it can be.
        let () = client.call(ROOT, "org.freedesktop.DBus.Peer", "Ping", &()).await?;
        // Security: `plain` hides nothing from who can watch the session bus, and who can do that can ask for the secret.
        let (_, session): (OwnedVariant, Path) = client.service("OpenSession", &("plain", Variant::from(""))).await?;
        client.session = session;
        Ok(client)
    }

    /// Items of that name: those that can be read, and those that are locked. Asks nobody.
    pub(super) async fn search(&self, name: &str) -> Result<(Vec<Path>, Vec<Path>), Error> {
        self.service("SearchItems", &(attributes(name),)).await
    }

    /// What the items hold, in no order.
    pub(super) async fn secrets(&self, items: &[Path]) -> Result<Vec<(Path, Zeroizing<Vec<u8>>)>, Error> {
        let (secrets,): (HashMap<Path, Wire>,) = self.service("GetSecrets", &(items, &self.session)).await?;
        Ok(secrets.into_iter().map(|(item, (_, _, value, _))| (item, Zeroizing::new(value))).collect())
    }

    /// When the item was last changed, in seconds since 1970; 0 where the service does not say.
    pub(super) async fn modified(&self, item: &Path) -> Result<u64, Error> {
        let property = ("org.freedesktop.Secret.Item", "Modified");
        let (at,): (OwnedVariant,) =
            self.call(item.as_str(), "org.freedesktop.DBus.Properties", "Get", &property).await?;
        Ok(at.downcast_ref::<u64>().unwrap_or_default())
    }

    /// The collection that new items go to, if there is one.
    pub(super) async fn default_collection(&self) -> Result<Option<Path>, Error> {
        let (path,): (Path,) = self.service("ReadAlias", &("default",)).await?;
        Ok(Some(path).filter(|path| path.as_str() != "/"))
    }

    pub(super) async fn is_locked(&self, collection: &Path) -> Result<bool, Error> {
        let property = ("org.freedesktop.Secret.Collection", "Locked");
        let (locked,): (OwnedVariant,) =
            self.call(collection.as_str(), "org.freedesktop.DBus.Properties", "Get", &property).await?;
        Ok(locked.downcast_ref::<bool>().unwrap_or_default())
    }

    /// Makes a collection for new items; its password is asked for by a prompt.
    pub(super) async fn create_collection(&self) -> Result<Option<Path>, Error> {
        let properties = HashMap::from([("org.freedesktop.Secret.Collection.Label", Variant::from("Login"))]);
        let (_, prompt): (Path, Path) = self.service("CreateCollection", &(properties, "default")).await?;
        Ok(to_answer(prompt))
    }

    /// Keeps the bytes in place of an item of that name; the item, or a prompt that has to be answered first.
    pub(super) async fn create(
        &self,
        collection: &Path,
        name: &str,
        bytes: &[u8],
    ) -> Result<(Path, Option<Path>), Error> {
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(format!("mfa-run: {name}"))),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes(name))),
        ]);
        let secret = (&self.session, &[][..] as &[u8], bytes, "text/plain; charset=utf8");
        let collection = collection.as_str();
        let (item, prompt): (Path, Path) = self
            .call(collection, "org.freedesktop.Secret.Collection", "CreateItem", &(properties, secret, true))
            .await?;
        Ok((item, to_answer(prompt)))
    }

    pub(super) async fn delete(&self, item: &Path) -> Result<Option<Path>, Error> {
        let (prompt,): (Path,) = self.call(item.as_str(), "org.freedesktop.Secret.Item", "Delete", &()).await?;
        Ok(to_answer(prompt))
    }

    /// Unlocks, or says which prompt has to be answered first.
    pub(super) async fn unlock(&self, objects: &[Path]) -> Result<Option<Path>, Error> {
        let (_, prompt): (Vec<Path>, Path) = self.service("Unlock", &(objects,)).await?;
        Ok(to_answer(prompt))
    }

    /// Shows the prompt and waits until it is answered; whether it was, and not dismissed.
    pub(super) async fn prompt(&self, prompt: &Path) -> Result<bool, Error> {
        const INTERFACE: &str = "org.freedesktop.Secret.Prompt";
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .path(prompt)
            .interface(INTERFACE)
            .member("Completed")
            .build()
            .map_err(|error| failed("Prompt", &error))?;
        let mut answers = MessageStream::for_match_rule(rule, &self.connection, None)
            .await
            .map_err(|error| failed("Prompt", &error))?;
        let () = self.call(prompt.as_str(), INTERFACE, "Prompt", &("",)).await?;
        match poll_fn(|context| Pin::new(&mut answers).poll_next(context)).await {
            Some(Ok(answer)) => {
                let (dismissed, _): (bool, OwnedVariant) =
                    answer.body().deserialize().map_err(|error| failed("Completed", &error))?;
                Ok(!dismissed)
            }
            Some(Err(error)) => Err(failed("Completed", &error)),
            None => Err(Error::Store { store: STORE, reason: "the D-Bus session bus is gone".into() }),
        }
    }

    async fn service<B, R>(&self, method: &'static str, body: &B) -> Result<R, Error>
    where
        B: serde::Serialize + DynamicType,
        R: serde::de::DeserializeOwned + zbus::Type,
    {
        self.call(ROOT, "org.freedesktop.Secret.Service", method, body).await
    }

    async fn call<B, R>(&self, path: &str, interface: &str, method: &'static str, body: &B) -> Result<R, Error>
    where
        B: serde::Serialize + DynamicType,
        R: serde::de::DeserializeOwned + zbus::Type,
    {
        let answer = self.connection.call_method(Some(SERVICE), path, Some(interface), method, body).await;
        answer.and_then(|answer| answer.body().deserialize_ignore_signature()).map_err(|error| failed(method, &error))
    }
}

fn root() -> Path {
    ObjectPath::from_static_str_unchecked("/").into()
}

fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([SERVICE_ATTRIBUTE, (NAME_ATTRIBUTE, name)])
}

/// The specification says "no prompt is needed" as the path `/`.
fn to_answer(prompt: Path) -> Option<Path> {
    Some(prompt).filter(|prompt| prompt.as_str() != "/")
}

/// Security: the error's name and ours for the call alone: what an error says may repeat what was sent.
fn failed(method: &str, error: &zbus::Error) -> Error {
    let name = match error {
        zbus::Error::MethodError(name, _, _) => name.to_string(),
        zbus::Error::FDO(error) => error.name().to_string(),
        zbus::Error::InputOutput(_) => "the D-Bus session bus is gone".into(),
        _ => "an answer that is not understood".into(),
    };
    let name = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or(&name);
    let absent = |reason| Error::StoreAbsent { store: STORE, reason };
    match name {
        "ServiceUnknown" | "NameHasNoOwner" | "Spawn.ServiceNotFound" => absent("no program provides it"),
        "AccessDenied" => absent("the D-Bus session bus does not allow it"),
        _ if name.starts_with("Spawn.") || name == "TimedOut" => absent("the program that provides it does not start"),
        "org.freedesktop.Secret.Error.IsLocked" => Error::StoreLocked { store: STORE },
        _ => Error::Store { store: STORE, reason: format!("{method}: {}", crate::terminal::escape(name)) },
    }
}
