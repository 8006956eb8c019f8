//! The environment that points SDKs at the endpoint of `serve`, for a child or as lines for a shell.

use super::{CONFLICTING, Error, Format, Variable, lines};
use crate::env::Env;
use crate::output::container::Endpoint;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use zeroize::Zeroizing;

/// What wins over an endpoint in every SDK.
const SECRETS: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];

/// What points SDKs at the endpoint of `serve`.
#[derive(Debug, Clone, Copy)]
pub struct Pointer<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// A config file and a profile in it, where the user's own `[default]` would win over the endpoint.
    pub config: Option<(&'a str, &'a str)>,
    /// Where one is known.
    pub region: Option<&'a str>,
    /// For a `mfa-run` behind it.
    pub profile: &'a str,
}

impl<'a> Pointer<'a> {
    /// What a wrapped command's environment gets, and which of ours it does not inherit.
    pub fn child_environment(&self, env: &Env) -> (Vec<Variable<'a>>, Vec<OsString>) {
        let wins = |name: &&OsStr| super::conflicts(name) || SECRETS.iter().any(|secret| *name == *secret);
        (self.variables(), env.vars().map(|(name, _)| name).filter(wins).map(OsStr::to_owned).collect())
    }

    /// The lines for a shell or a file, as [`export`] has them; `json` is an object of the variables.
    pub fn lines(&self, format: Format) -> Result<Zeroizing<String>, Error> {
        let variables = self.variables();
        if let Some((variable, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Error::NotCarried { format, variable, holds: "a NUL" });
        }
        if format == Format::Json {
            let object: serde_json::Map<_, _> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), value.as_ref().into())).collect();
            return Ok(Zeroizing::new(format!("{}\n", serde_json::Value::Object(object))));
        }
        let set = |name: &&str| variables.iter().any(|(set, _)| set == name);
        let remove: Vec<_> = SECRETS.into_iter().chain(CONFLICTING).filter(|name| !set(name)).collect();
        lines::export(format, &variables, &remove)
    }

    fn variables(&self) -> Vec<Variable<'a>> {
        let config =
            self.config.into_iter().flat_map(|(file, profile)| [("AWS_CONFIG_FILE", file), ("AWS_PROFILE", profile)]);
        let region =
            self.region.into_iter().flat_map(|region| [("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)]);
        std::iter::once(("AWS_CONTAINER_CREDENTIALS_FULL_URI", Cow::Owned(self.endpoint.uri())))
            .chain(
                std::iter::once(("AWS_CONTAINER_AUTHORIZATION_TOKEN", self.endpoint.token()))
                    .chain(config)
                    .chain(region)
                    .chain(std::iter::once(("MFA_RUN_PROFILE", self.profile)))
                    .map(|(name, value)| (name, Cow::Borrowed(value))),
            )
            .collect()
    }
}
