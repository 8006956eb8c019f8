//! What a device is called. Policies for self-service allow `mfa/USER` and, where somebody thought of a second device,
//! `mfa/USER/…`: so those are the defaults.

use crate::aws::iam::Device;
use std::str::FromStr;

/// A device's name, as IAM takes it.
#[derive(Debug, Clone)]
pub(super) struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        match (1..=226).contains(&text.len()) && text.chars().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err("a device's name is 1 to 226 letters, digits and _+=,.@-".into()),
        }
    }
}

/// A device's path, as IAM takes it.
#[derive(Debug, Clone)]
pub(super) struct Path(String);

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let visible = text.len() <= 512 && text.bytes().all(|byte| byte.is_ascii_graphic());
        match visible && text.starts_with('/') && text.ends_with('/') {
            true => Ok(Self(text.to_owned())),
            false => Err("a path begins and ends with a slash: /alice/".into()),
        }
    }
}

/// Path and name. The user's own name, where no device has it yet; then `/USER/USER-2` and so on.
pub(super) fn choose(path: Option<&Path>, name: Option<&Name>, user: &str, devices: &[Device]) -> (String, String) {
    let below = format!("/{user}/");
    let has =
        |path: &str, name: &str| devices.iter().any(|device| device.serial.ends_with(&format!(":mfa{path}{name}")));
    let path_of = |name: &str| match path {
        Some(path) => path.0.clone(),
        None if name == user => "/".into(),
        None => below.clone(),
    };
    let numbered = (2..).map(|number| format!("{user}-{number}"));
    let mut names = std::iter::once(user.to_owned()).chain(numbered);
    let name = match name {
        Some(name) => name.0.clone(),
        None => names.find(|name| !has(&path_of(name), name)).expect("there are numbers enough"),
    };
    (path_of(&name), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn the_first_is_called_like_the_user_and_others_are_below() {
        let device = |serial: &str| Device { serial: serial.into(), since: DateTime::UNIX_EPOCH };
        let arn = |path: &str| device(&format!("arn:aws:iam::123456789012:mfa{path}"));
        let named = |name: &str| Some(name.parse::<Name>().unwrap());
        let cases = [
            (None, vec![], "/ alice"),
            (None, vec![arn("/alice")], "/alice/ alice-2"),
            (None, vec![arn("/alice"), arn("/alice/alice-2")], "/alice/ alice-3"),
            (None, vec![arn("/phone"), device("GAHT12345678")], "/ alice"),
            (named("phone"), vec![], "/alice/ phone"),
            (named("alice"), vec![arn("/alice")], "/ alice"),
        ];
        for (name, devices, expected) in cases {
            let (path, name) = choose(None, name.as_ref(), "alice", &devices);
            assert_eq!(format!("{path} {name}"), expected);
        }
        let path = "/team/".parse().unwrap();
        assert_eq!(choose(Some(&path), named("x").as_ref(), "alice", &[]), ("/team/".into(), "x".into()));
    }

    #[test]
    fn what_iam_refuses_is_refused_before_it_is_sent() {
        assert!("my phone".parse::<Name>().is_err() && "a/b".parse::<Name>().is_err() && "".parse::<Name>().is_err());
        assert!("alice".parse::<Path>().is_err() && "/a b/".parse::<Path>().is_err() && "/".parse::<Path>().is_ok());
    }
}
