//! A session as environment variables: lines for a shell to evaluate, files for docker and GitHub Actions, and the
//! environment of a child. One list of what is set and what would win over it serves them all.
//!
//! Refuses what a format cannot carry: a broken line could be a command.

mod caller;
mod lines;
mod pointer;

use super::process;
use crate::credentials::Session;
use crate::env::Env;
use secrecy::ExposeSecret;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use zeroize::Zeroizing;

pub use caller::calling_shell;
pub use pointer::Pointer;

/// How `export` prints a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// eval "$(mfa-run export --format bash)"
    Bash,
    /// eval "$(mfa-run export --format zsh)"
    Zsh,
    /// eval "$(mfa-run export --format sh)": dash, ash, ksh and every other POSIX shell
    Sh,
    /// mfa-run export --format fish | source
    Fish,
    /// mfa-run export --format powershell | Out-String | Invoke-Expression
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    /// mfa-run export --format nu | from nuon | load-env
    #[value(alias = "nushell")]
    Nu,
    /// eval (mfa-run export --format elvish | slurp)
    Elvish,
    /// for /f "delims=" %i in ('mfa-run export --format cmd') do @%i
    Cmd,
    /// The object credential-process prints, with Region (where one is known) and Profile
    Json,
    /// A file for docker run --env-file: NAME=value as it is, there is no quoting; removes nothing
    EnvFile,
    /// mfa-run export --format github >> "$GITHUB_ENV": for the later steps of the job; removes nothing
    Github,
}

impl Format {
    /// The name `--format` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Sh => "sh",
            Self::Fish => "fish",
            Self::PowerShell => "powershell",
            Self::Nu => "nu",
            Self::Elvish => "elvish",
            Self::Cmd => "cmd",
            Self::Json => "json",
            Self::EnvFile => "env-file",
            Self::Github => "github",
        }
    }
}

/// Why there are no lines.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The format has no way to write this value. Names the variable only: the value may be a secret.
    #[error("--format {} cannot carry {variable}: its value holds {holds}", format.name())]
    NotCarried {
        /// The format asked for.
        format: Format,
        /// Whose value it is.
        variable: &'static str,
        /// What the value holds: `a line end`.
        holds: &'static str,
    },
    /// `--unset` with a format that can only set.
    #[error("--format {} has no way to take a variable away", format.name())]
    NoUnset {
        /// The format asked for.
        format: Format,
    },
}

/// What `export` and `-- COMMAND` set; `--unset` takes these away again.
const SET: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "MFA_RUN_PROFILE",
];

/// What would win over a session in some SDK, or pass for its end: an old name of the session token, another profile,
/// web identity, a container's endpoint, the leavings of awsume and aws-vault.
const CONFLICTING: [&str; 17] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_SESSION_EXPIRATION",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWSUME_PROFILE",
    "AWSUME_EXPIRATION",
    "AWSUME_COMMAND",
    "AWSUME_DEFAULT",
    "AWSUME_FLAGS",
    "AWS_VAULT",
];

/// What no child gets, whatever follows the prefix.
const CONFLICTING_PREFIXES: [&str; 3] = ["AWS_CONTAINER_", "AWSUME_", "MFA_RUN_PASSPHRASE"];

/// A variable and its value, borrowed from the session where it is a secret.
pub type Variable<'a> = (&'static str, Cow<'a, str>);

/// The lines that put the session into a shell's environment and take out of it what would win over the session, each
/// with a line end. Region variables are set where a region is known, and left alone where not. `json` is the
/// `credential-process` object with `Region` and `Profile`; `env-file` and `github` can only set.
pub fn export(
    session: &Session,
    region: Option<&str>,
    profile: &str,
    format: Format,
) -> Result<Zeroizing<String>, Error> {
    let variables = variables(session, region, profile);
    if let Some((variable, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Error::NotCarried { format, variable, holds: "a NUL" });
    }
    if format == Format::Json {
        return Ok(process::object(session, region, Some(profile)));
    }
    lines::export(format, &variables, &CONFLICTING)
}

/// The lines that take away what [`export`] has set. What it removed does not come back.
pub fn unset(format: Format) -> Result<String, Error> {
    lines::unset(format, &SET)
}

/// Lines for the runner of GitHub Actions to keep the session's secrets out of its logs. They belong on stderr, which the
/// runner reads for commands as it does stdout, and only where `GITHUB_ACTIONS` is `true`: anyone else would show them.
pub fn github_masks(session: &Session) -> Zeroizing<String> {
    lines::github_masks(&[session.secret_access_key.expose_secret(), session.session_token.expose_secret()])
}

/// What a wrapped command's environment gets, and which of ours it does not inherit: beside what [`export`] removes,
/// everything by prefix, and the passphrase of the sealed file.
pub fn child_environment<'a>(
    session: &'a Session,
    region: Option<&'a str>,
    profile: &'a str,
    env: &Env,
) -> (Vec<Variable<'a>>, Vec<OsString>) {
    let remove = env.vars().map(|(name, _)| name).filter(|name| conflicts(name)).map(OsStr::to_owned).collect();
    (variables(session, region, profile), remove)
}

/// Any variables, set and removed as [`export`] does. A NUL is refused: no environment carries it.
pub(super) fn lines(format: Format, set: &[Variable<'_>], remove: &[&'static str]) -> Result<Zeroizing<String>, Error> {
    if let Some((variable, _)) = set.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Error::NotCarried { format, variable, holds: "a NUL" });
    }
    lines::export(format, set, remove)
}

/// Lines that remove these.
pub(super) fn unset_lines(format: Format, remove: &[&'static str]) -> Result<String, Error> {
    lines::unset(format, remove)
}

/// The session's own variables, and the profile's name for a bare `mfa-run -- COMMAND`.
pub(super) fn session_variables<'a>(session: &'a Session, profile: &'a str) -> Vec<Variable<'a>> {
    variables(session, None, profile)
}

fn variables<'a>(session: &'a Session, region: Option<&'a str>, profile: &'a str) -> Vec<Variable<'a>> {
    let value = |name| {
        Some(match name {
            "AWS_ACCESS_KEY_ID" => Cow::Borrowed(session.access_key_id.as_str()),
            "AWS_SECRET_ACCESS_KEY" => Cow::Borrowed(session.secret_access_key.expose_secret()),
            "AWS_SESSION_TOKEN" => Cow::Borrowed(session.session_token.expose_secret()),
            "AWS_CREDENTIAL_EXPIRATION" => Cow::Owned(process::expiration(session)),
            "MFA_RUN_PROFILE" => Cow::Borrowed(profile),
            _ => Cow::Borrowed(region?),
        })
    };
    SET.into_iter().filter_map(|name| Some((name, value(name)?))).collect()
}

fn conflicts(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    // Windows takes a variable's name in any case.
    let name = if cfg!(windows) { Cow::Owned(name.to_ascii_uppercase()) } else { name };
    CONFLICTING.contains(&&*name) || CONFLICTING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use clap::ValueEnum;

    fn session(token: &str) -> Session {
        Session {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "s3cr/t+".into(),
            session_token: token.into(),
            expiration: DateTime::UNIX_EPOCH,
            account_id: None,
        }
    }

    #[test]
    fn a_format_has_the_name_the_command_line_takes() {
        for &format in Format::value_variants() {
            assert_eq!(format.to_possible_value().unwrap().get_name(), format.name());
        }
        assert_eq!(Format::from_str("pwsh", false), Ok(Format::PowerShell));
    }

    /// The lines for a profile's name, the one value that holds what people type.
    fn lines_for(format: Format, profile: &str) -> Result<String, Error> {
        let text = export(&session("tok"), None, profile, format)?;
        let at = text.find("MFA_RUN_PROFILE").unwrap();
        let from = text[..at].rfind('\n').map_or(0, |line_end| line_end + 1);
        Ok(text[from..].to_owned())
    }

    #[test]
    fn each_format_quotes_for_its_shell() {
        let hostile = "a'b \"c\" $d `e` \\ %f% !g\nh";
        let sh = "export MFA_RUN_PROFILE='a'\\''b \"c\" $d `e` \\ %f% !g\nh';\n";
        for (format, first) in [
            (Format::Bash, sh),
            (Format::Zsh, sh),
            (Format::Sh, sh),
            (Format::Fish, "set -gx MFA_RUN_PROFILE 'a\\'b \"c\" $d `e` \\\\ %f% !g'\\n'h';\n"),
            (Format::PowerShell, "$Env:MFA_RUN_PROFILE = 'a''b \"c\" $d `e` \\ %f% !g' + \"`n\" + 'h'\n"),
            (Format::Nu, "\"MFA_RUN_PROFILE\": \"a'b \\\"c\\\" $d `e` \\\\ %f% !g\\nh\",\n"),
            (Format::Elvish, "set-env MFA_RUN_PROFILE 'a''b \"c\" $d `e` \\ %f% !g\nh'\n"),
        ] {
            let lines = lines_for(format, hostile).unwrap();
            assert!(lines.starts_with(first), "{}: {lines}", format.name());
            assert!(lines.len() > first.len(), "{}: what would win is removed after", format.name());
        }
        assert!(
            lines_for(Format::Cmd, "a'b $d `e` \\ %f% !g & h")
                .unwrap()
                .starts_with("set \"MFA_RUN_PROFILE=a'b $d `e` \\ %f% !g & h\"\n")
        );
        assert_eq!(lines_for(Format::EnvFile, "a'b \"c\" $d #e ").unwrap(), "MFA_RUN_PROFILE=a'b \"c\" $d #e \n");
        assert!(lines_for(Format::PowerShell, "‘’‚‛").unwrap().contains("'‘‘’’‚‚‛‛'"), "PowerShell takes these for '");
    }

    #[test]
    fn what_a_format_cannot_carry_is_an_error_that_shows_no_value() {
        for (format, bad) in [
            (Format::Cmd, "a\nb"),
            (Format::Cmd, "a\rb"),
            (Format::Cmd, "a\" & calc"),
            (Format::EnvFile, "a\nb"),
            (Format::EnvFile, "a\r"),
            (Format::Github, "a\r"),
        ] {
            assert!(lines_for(format, bad).is_err(), "{} {bad:?}", format.name());
        }
        for &format in Format::value_variants() {
            assert!(export(&session("tok"), None, "a\0b", format).is_err(), "{}", format.name());
        }
        let error = export(&session("planted\n"), None, "p", Format::EnvFile).unwrap_err();
        assert_eq!(error.to_string(), "--format env-file cannot carry AWS_SESSION_TOKEN: its value holds a line end");
        let long = export(&session(&"x".repeat(8200)), None, "p", Format::Cmd);
        assert!(matches!(long, Err(Error::NotCarried { variable: "AWS_SESSION_TOKEN", .. })));
    }

    #[test]
    fn a_region_is_set_only_where_one_is_known() {
        let without = export(&session("tok"), None, "p", Format::Sh).unwrap();
        assert!(!without.contains("REGION"), "{}", *without);
        let with = export(&session("tok"), Some("eu-west-1"), "p", Format::Sh).unwrap();
        assert!(with.contains("export AWS_REGION='eu-west-1';\nexport AWS_DEFAULT_REGION='eu-west-1';\n"));
    }

    #[test]
    fn the_json_says_region_and_profile_and_is_still_a_session() {
        let text = export(&session("tok"), Some("eu-west-1"), "two words", Format::Json).unwrap();
        assert!(text.ends_with(",\"Region\":\"eu-west-1\",\"Profile\":\"two words\"}\n"), "{}", *text);
        assert!(process::parse(text.as_bytes()).is_some());
    }

    #[test]
    fn github_lines_are_delimited_by_what_no_value_holds() {
        let text = export(&session("tok"), None, "a\nb", Format::Github).unwrap();
        let delimiter = text.lines().next().unwrap().strip_prefix("AWS_ACCESS_KEY_ID<<").unwrap();
        assert!(text.ends_with(&format!("MFA_RUN_PROFILE<<{delimiter}\na\nb\n{delimiter}\n")), "{}", *text);
        let again = export(&session("tok"), None, "a\nb", Format::Github).unwrap();
        assert!(!again.contains(delimiter), "chosen at random");
        assert_eq!(*github_masks(&session("t%\nu")), "::add-mask::s3cr/t+\n::add-mask::t%25%0Au\n");
    }

    #[test]
    fn unset_takes_away_what_export_sets() {
        for &format in Format::value_variants() {
            match unset(format) {
                Ok(lines) => assert!(SET.iter().all(|name| lines.contains(name)), "{lines}"),
                Err(error) => {
                    assert!(matches!(format, Format::Json | Format::EnvFile | Format::Github));
                    assert_eq!(error, Error::NoUnset { format });
                }
            }
        }
    }

    #[test]
    fn a_child_inherits_nothing_that_wins_and_no_passphrase() {
        let vars = [
            ("PATH", "/bin"),
            ("AWS_PROFILE", "x"),
            ("AWS_VAULT", ""),
            ("AWS_CONTAINER_SOMETHING_NEW", "x"),
            ("AWSUME_7", "x"),
            ("MFA_RUN_PASSPHRASE_COMMAND", "pass mfa"),
            ("MFA_RUN_KEYCHAIN", "file"),
            ("AWS_CONFIG_FILE", "/x"),
        ];
        let session = session("tok");
        let (set, remove) =
            child_environment(&session, Some("eu-west-1"), "p", &Env::fixed(&vars, DateTime::UNIX_EPOCH));
        assert_eq!(set.iter().map(|(name, _)| *name).collect::<Vec<_>>(), SET);
        assert_eq!(set[3].1, "1970-01-01T00:00:00Z");
        assert_eq!(
            remove,
            ["AWS_PROFILE", "AWS_VAULT", "AWS_CONTAINER_SOMETHING_NEW", "AWSUME_7", "MFA_RUN_PASSPHRASE_COMMAND"]
        );
    }
}
