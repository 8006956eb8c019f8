//! awsume's flags: all of version 4.5, so that none is taken for something else. What mfa-run has no use for is named.

use crate::error::Error;
use crate::profile::request::{Policy, RoleArn, Seconds, Tag, TokenCodeArgument};
use clap::Parser;
use std::ffi::OsString;

/// awsume's flags, served by mfa-run
#[derive(Parser, Debug)]
#[command(
    name = "awsume",
    disable_version_flag = true,
    infer_long_args = true,
    help_template = "usage: awsume [OPTIONS] [PROFILE]\n\n{about}\n\n{all-args}\n"
)]
pub(super) struct Flags {
    /// Profile [default: the role of --role-arn, then "default"]
    pub(super) profile: Option<String>,
    /// Version, on stderr
    #[arg(short, long)]
    pub(super) version: bool,
    /// Write the session to this section of the credentials file too
    #[arg(short, long, value_name = "NAME")]
    pub(super) output_profile: Option<String>,
    /// Delete expired output profiles from the credentials file; only those that this program or awsume wrote
    #[arg(long)]
    pub(super) clean: bool,
    /// Ignore what is cached, get a new session
    #[arg(short, long)]
    pub(super) refresh: bool,
    /// Show the lines that set the variables, set nothing
    #[arg(short, long)]
    pub(super) show_commands: bool,
    /// Unset the variables
    #[arg(short, long = "unset")]
    pub(super) unset: bool,
    /// Use a profile that renews itself, without a daemon: one with mfa-run as its credential_process
    #[arg(short, long)]
    pub(super) auto_refresh: bool,
    /// Remove the sections of awsume's daemon, all or the one of PROFILE, and unset the variables
    #[arg(short, long)]
    pub(super) kill_refresher: bool,
    /// List profiles; "more": with the account where it is known
    #[arg(short, long, value_name = "more", num_args = 0..=1, default_missing_value = "list", value_parser = ["list", "more"])]
    pub(super) list_profiles: Option<String>,
    /// Session tags
    #[arg(short, long, value_name = "K=V,...", value_delimiter = ',')]
    pub(super) tags: Vec<Tag>,
    /// Role to assume; also ACCOUNT:ROLE and PARTITION:ACCOUNT:ROLE
    #[arg(long, value_name = "ARN")]
    pub(super) role_arn: Option<RoleArn>,
    /// Whose access key to use with --role-arn
    #[arg(long, value_name = "NAME", requires = "role_arn")]
    pub(super) source_profile: Option<String>,
    /// External ID the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub(super) external_id: Option<String>,
    /// Token code, instead of a prompt
    #[arg(long, value_name = "CODE")]
    pub(super) mfa_token: Option<TokenCodeArgument>,
    /// Region
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Name of the role session [default: the IAM user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) session_name: Option<String>,
    /// Inline session policy, JSON
    #[arg(long, value_name = "JSON", value_parser = policy)]
    pub(super) session_policy: Option<Policy>,
    /// Managed policies that limit the session
    #[arg(long, value_name = "ARN", num_args = 1..)]
    pub(super) session_policy_arns: Vec<String>,
    /// Seconds the role session should live; 0: not said
    #[arg(long, value_name = "SECONDS")]
    pub(super) role_duration: Option<u32>,
    /// Say which profile is in the environment
    #[arg(long)]
    pub(super) who: bool,
    /// Use these credentials
    #[arg(long, value_name = "JSON", value_parser = Hidden::parse)]
    pub(super) json: Option<Hidden>,
    /// Credentials file, where AWS_SHARED_CREDENTIALS_FILE names none
    #[arg(long, value_name = "FILE")]
    pub(super) credentials_file: Option<String>,
    /// Config file, where AWS_CONFIG_FILE names none
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<String>,
    /// Say on stderr what is done and why
    #[arg(long, visible_alias = "info")]
    pub(super) debug: bool,

    #[arg(long, hide = true)]
    with_saml: bool,
    #[arg(long, hide = true)]
    with_web_identity: bool,
    #[arg(long, hide = true, num_args = 1)]
    principal_arn: Option<String>,
    #[arg(long, hide = true)]
    refresh_autocomplete: bool,
    #[arg(long, hide = true, num_args = 0..)]
    config: Option<Vec<String>>,
    #[arg(long, hide = true)]
    list_plugins: bool,
    #[arg(short, long, hide = true)]
    console: bool,
    #[arg(long, hide = true)]
    console_link: bool,
    #[arg(long, hide = true, num_args = 1)]
    console_service: Option<String>,
    #[arg(short, long, hide = true)]
    without_authentication: bool,
}

impl Flags {
    pub(super) fn parse(arguments: &[OsString]) -> Result<Self, clap::Error> {
        // argparse takes flags of several letters behind one hyphen
        let longer = arguments.iter().map(|argument| match argument.to_str() {
            Some("-cl") => "--console-link".into(),
            Some("-cs" | "-cls" | "-csl") => "--console-service".into(),
            _ => argument.clone(),
        });
        Self::try_parse_from(std::iter::once(OsString::from("awsume")).chain(longer))
    }

    /// What mfa-run does not do, with what to do instead.
    pub(super) fn check(&self) -> Result<(), Error> {
        let console =
            self.console || self.console_link || self.console_service.is_some() || self.without_authentication;
        let saml = self.with_saml || self.principal_arn.is_some();
        for (given, what, hint) in [
            (
                saml,
                "--with-saml needs a plugin of awsume",
                "a role with source_profile, or AWS's own SSO: aws configure sso",
            ),
            (
                self.with_web_identity,
                "--with-web-identity needs a plugin of awsume",
                "put role_arn and web_identity_token_file into a profile and name it in source_profile",
            ),
            (self.list_plugins, "mfa-run takes no plugins of awsume", "awsume -l"),
            (self.refresh_autocomplete, "mfa-run keeps no list of profiles for the shell", "awsume -l"),
            (
                self.config.is_some(),
                "--config writes awsume's config.yaml, which mfa-run only reads",
                "edit ~/.awsume/config.yaml",
            ),
            (console, "the console plugin is not part of mfa-run's awsume", "mfa-run console -p PROFILE"),
            (
                self.auto_refresh && self.role_arn.is_some(),
                "-a cannot be used with --role-arn",
                "mfa-run configure --help: make it a profile",
            ),
            (self.auto_refresh && self.json.is_some(), "-a cannot be used with --json", "awsume --json JSON"),
        ] {
            if given {
                return Err(Error::usage(what, hint));
            }
        }
        Ok(())
    }

    /// `--role-duration`, where it says something.
    pub(super) fn duration(&self) -> Result<Option<Seconds>, Error> {
        duration("--role-duration", self.role_duration.unwrap_or(0))
    }
}

/// A role's duration; 0 says nothing. awsume 4.5 takes 43201 as well, which AWS refuses.
pub(super) fn duration(what: &str, seconds: u32) -> Result<Option<Seconds>, Error> {
    match seconds {
        0 => Ok(None),
        900..=43_200 => Ok(Some(Seconds(seconds))),
        _ => Err(Error::usage(&format!("{what} {seconds}: AWS allows 900 to 43200 seconds"), "--role-duration 43200")),
    }
}

fn policy(text: &str) -> Result<Policy, String> {
    let parsed: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    Ok(Policy(parsed.to_string()))
}

/// Credentials on the command line. Security: clap cannot echo them, nor does Debug.
#[derive(Clone)]
pub(super) struct Hidden(pub(super) String);

impl Hidden {
    fn parse(text: &str) -> Result<Self, std::convert::Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &[&str]) -> Result<Flags, clap::Error> {
        Flags::parse(&line.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn flags_mean_what_awsume_takes_them_for() {
        Flags::command().debug_assert();
        let flags = parse(&["admin", "-rs", "--role-d", "3600", "-t", "a=b,c=d", "-o", "out"]).unwrap();
        assert!(flags.refresh && flags.show_commands && flags.tags.len() == 2);
        assert_eq!(flags.duration().unwrap(), Some(Seconds(3_600)));
        assert_eq!(parse(&["-l"]).unwrap().list_profiles.as_deref(), Some("list"));
        assert_eq!(parse(&["-l", "more"]).unwrap().list_profiles.as_deref(), Some("more"));
        for unsupported in [
            &["-cl"][..],
            &["x", "--with-saml"],
            &["--config", "get", "region"],
            &["-csl", "s3"],
            &["-a", "--json", "{}"],
        ] {
            assert!(parse(unsupported).unwrap().check().is_err(), "{unsupported:?}");
        }
        assert!(!format!("{:?}", parse(&["--json", "planted"]).unwrap()).contains("planted"));
    }
}
