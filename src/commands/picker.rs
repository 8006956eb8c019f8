//! The fuzzy picker of a profile, for people who named none. One candidate is not guessed either: running a command with the
//! credentials of whatever profile happens to be there is no favour.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::profile::{self, Request};
use crate::terminal::{escape, guarded, is_interactive};
use dialoguer::FuzzySelect;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

/// The profile that was picked; `None` where there was no need to, or nobody to ask.
pub(super) fn profile(env: &Env, files: &Files, request: &Request) -> Result<Option<String>, Error> {
    let variables = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "MFA_RUN_PROFILE"];
    let named = request.profile.is_some() || variables.iter().any(|name| env.var(name).is_some());
    if named || request.role_arn.is_some() || !can_ask(env, request) {
        return Ok(None);
    }
    if profile::plan(files, env, request).is_ok() {
        return Ok(None);
    }
    pick(env, files, request)
}

/// Whether somebody is there who does not mind.
pub(super) fn can_ask(env: &Env, request: &Request) -> bool {
    !request.no_prompt && env.var("MFA_RUN_PROMPT") != Some("never") && is_interactive()
}

/// The profile that a person picks, from those that make a session; `None` where there are none. The environment's is the
/// first to be offered.
pub(super) fn pick(env: &Env, files: &Files, request: &Request) -> Result<Option<String>, Error> {
    let makes_a_session = |name: &str| {
        let request = Request { profile: Some(name.to_owned()), ..request.clone() };
        profile::plan(files, env, &request).is_ok()
    };
    let mut names: Vec<&str> = files.profiles().map(|profile| profile.name()).filter(|n| makes_a_session(n)).collect();
    names.sort_unstable();
    if names.is_empty() {
        return Ok(None);
    }
    let shown: Vec<_> = names.iter().map(|name| escape(name)).collect();
    let current = env.profile_variable().and_then(|(_, current)| names.iter().position(|name| *name == current));
    let select = FuzzySelect::with_theme(theme(env)).with_prompt("Profile").items(&shown).default(current.unwrap_or(0));
    match dialog(|| select.interact_opt())? {
        Some(picked) => Ok(Some(names[picked].to_owned())),
        None => Err(Error::cancelled()),
    }
}

/// Has a person answer. dialoguer hides the cursor, and would die of Ctrl-C with it hidden.
pub(super) fn dialog<T>(ask: impl FnOnce() -> dialoguer::Result<T>) -> Result<T, Error> {
    guarded(true, ask).map_err(|error| match &error {
        // Ctrl-C where whoever started us has SIGINT ignored
        dialoguer::Error::IO(error) if error.kind() == std::io::ErrorKind::Interrupted => Error::cancelled(),
        error => Error::dialog(error),
    })
}

/// Colours where the terminal is to have them.
pub(super) fn theme(env: &Env) -> &'static dyn Theme {
    static PLAIN: SimpleTheme = SimpleTheme;
    static COLOURS: std::sync::LazyLock<ColorfulTheme> = std::sync::LazyLock::new(ColorfulTheme::default);
    let plain = env.var_os("NO_COLOR").is_some() || env.var("TERM") == Some("dumb");
    if plain { &PLAIN } else { &*COLOURS }
}
