//! A profile's values: its own, then those of the profile it includes (`include_profile`, as aws-vault reads it).

use super::Error;
use super::plan::{Provenance, Setting};
use super::request::Tag;
use crate::config::{Files, Origin, Profile};
use std::str::FromStr;

/// A profile and whatever it includes, nearest first.
#[derive(Clone)]
pub(super) struct Lookup<'f> {
    files: &'f Files,
    chain: Vec<Profile<'f>>,
}

impl<'f> Lookup<'f> {
    /// `None` where neither file has the profile. A circle of includes ends where it closes.
    pub(super) fn find(files: &'f Files, name: &str) -> Option<Self> {
        let mut chain = vec![files.profile(name)?];
        while let Some(next) =
            chain.last().and_then(|last| last.get("include_profile")).and_then(|v| files.profile(v.text))
        {
            if chain.iter().any(|seen| seen.name() == next.name()) {
                break;
            }
            chain.push(next);
        }
        Some(Self { files, chain })
    }

    pub(super) fn name(&self) -> &'f str {
        self.chain[0].name()
    }

    /// The value, nearest first; an empty one counts as none.
    pub(super) fn text(&self, key: &str) -> Option<Setting<&'f str>> {
        self.chain.iter().find_map(|profile| {
            let value = profile.get(key).filter(|value| !value.text.is_empty())?;
            Some(Setting { value: value.text, from: from(profile, value.origin) })
        })
    }

    /// The profile's own value: credentials are never included from another.
    pub(super) fn own(&self, key: &str) -> Option<Setting<&'f str>> {
        let value = self.chain[0].get(key).filter(|value| !value.text.is_empty())?;
        Some(Setting { value: value.text, from: from(&self.chain[0], value.origin) })
    }

    pub(super) fn string(&self, key: &str) -> Option<Setting<String>> {
        self.text(key).map(|setting| setting.map(str::to_owned))
    }

    pub(super) fn parsed<T: FromStr<Err = String>>(&self, key: &'static str) -> Result<Option<Setting<T>>, Error> {
        let Some(setting) = self.text(key) else { return Ok(None) };
        match setting.value.parse() {
            Ok(value) => Ok(Some(Setting { value, from: setting.from })),
            Err(why) => Err(bad(key, setting, why)),
        }
    }

    /// `a,b` as aws-vault writes lists.
    pub(super) fn list(&self, key: &str) -> Option<Setting<Vec<String>>> {
        let list = self.text(key)?.map(|text| {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        });
        (!list.value.is_empty()).then_some(list)
    }

    /// `session_tags = team=infra,cost=12`
    pub(super) fn tags(&self) -> Result<Option<Setting<Vec<Tag>>>, Error> {
        let Some(list) = self.list("session_tags") else { return Ok(None) };
        let parse = |item: &String| {
            item.parse().map_err(|why| bad("session_tags", self.text("session_tags").expect("it has items"), why))
        };
        Ok(Some(Setting { value: list.value.iter().map(parse).collect::<Result<_, _>>()?, from: list.from }))
    }

    /// A value of the `services` section the profile names, or of the profile's own nested block.
    pub(super) fn service(&self, service: &str, key: &str) -> Option<Setting<String>> {
        let section = self.text("services")?;
        let value = self.files.service(section.value, service, key)?;
        Some(Setting {
            value: value.text.to_owned(),
            from: Provenance::Profile { profile: section.value.to_owned(), origin: value.origin },
        })
    }
}

pub(super) fn bad(key: &'static str, setting: Setting<&str>, why: String) -> Error {
    match setting.from {
        Provenance::Profile { origin, .. } => Error::BadValue { key, value: setting.value.to_owned(), origin, why },
        _ => unreachable!("a looked-up value has a line"),
    }
}

fn from(profile: &Profile<'_>, origin: Origin) -> Provenance {
    Provenance::Profile { profile: profile.name().to_owned(), origin }
}

impl<T> Setting<T> {
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Setting<U> {
        Setting { value: f(self.value), from: self.from }
    }
}
