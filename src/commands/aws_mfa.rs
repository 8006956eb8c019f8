//! Called as `aws-mfa`: its flags, its variables, its log lines on stdout, its exit codes, and the section it wrote. What it does
//! not do as aws-mfa 0.0.12 did: lose comments, write over a long-lived key, read another section's role, ignore
//! `AWS_SHARED_CREDENTIALS_FILE`, or ask for a code where the keychain has a session.

use super::Target;
use crate::config::keys::KEPT;
use crate::config::managed::{self, Holder, MARK};
use crate::config::{FileKind, Files, edit_file, header_of};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::profile::request::{Seconds, TimeLeft, TokenCodeArgument};
use crate::profile::strategy::Caller;
use crate::profile::{self, Plan, Request, aws_mfa};
use crate::session::{self, Context};
use crate::{mfa, output};
use crate::{output::section, terminal};
use chrono::{DateTime, NaiveDateTime, Utc};
use clap::Parser;
use std::ffi::OsString;
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// What a session must have left to be written instead of asking for a code, in seconds.
const LEAST: u32 = 300;

/// aws-mfa's flags, served by mfa-run
#[derive(Parser, Debug)]
#[command(name = "aws-mfa", disable_version_flag = true, infer_long_args = true)]
struct Args {
    /// The MFA device's ARN [default: $MFA_DEVICE, then aws_mfa_device of the long-term section]
    #[arg(long, value_name = "ARN")]
    device: Option<String>,
    /// Seconds the session should live [default: $MFA_STS_DURATION, then 3600 with a role, else 43200]
    #[arg(long, value_name = "SECONDS")]
    duration: Option<i64>,
    /// Profile [default: $AWS_PROFILE, then "default"]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The long-term section is NAME-SUFFIX; "none": NAME [default: long-term]
    #[arg(long, alias = "long-suffix", value_name = "SUFFIX")]
    long_term_suffix: Option<String>,
    /// The section to write is NAME-SUFFIX [default: none, which is NAME]
    #[arg(long, alias = "short-suffix", value_name = "SUFFIX")]
    short_term_suffix: Option<String>,
    /// Role to assume [default: $MFA_ASSUME_ROLE, then assume_role of the long-term section]
    #[arg(long, alias = "assume", value_name = "ARN")]
    assume_role: Option<String>,
    /// Name of the role session [default: the IAM user's name]
    #[arg(long, value_name = "NAME")]
    role_session_name: Option<String>,
    /// New credentials even if those that are there are still valid
    #[arg(long)]
    force: bool,
    /// Least level of the lines on stdout
    #[arg(long, value_enum, default_value = "DEBUG", value_name = "LEVEL")]
    log_level: Level,
    /// Ask for an access key and write its long-term section
    #[arg(long)]
    setup: bool,
    /// Token code, instead of a prompt
    #[arg(long, alias = "mfa-token", value_name = "CODE")]
    token: Option<TokenCodeArgument>,
}

/// Python's log levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
enum Level {
    Notset,
    Debug,
    Info,
    Warning,
    Error,
    Critical,
}

/// Runs as `aws-mfa`.
pub fn main(arguments: impl Iterator<Item = OsString>, env: &Env) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let run = Run { args: &args, env };
    let done = if args.setup { run.setup() } else { run.renew() };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop(message)) => {
            run.log(Level::Error, &message);
            ExitCode::FAILURE
        }
    }
}

/// Ends it: the line for the log. Every error of aws-mfa is exit code 1.
struct Stop(String);

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self(error.into().in_one_line())
    }
}

struct Run<'a> {
    args: &'a Args,
    env: &'a Env,
}

/// Where things are, after the flags, the variables and the file had their say.
struct Wanted {
    profile: String,
    short_term: String,
    role: Option<String>,
    request: Request,
    duration: u32,
}

impl Run<'_> {
    fn renew(&self) -> Result<(), Stop> {
        let files = Files::load(self.env)?;
        let credentials = files.document(FileKind::Credentials);
        let wanted = self.wanted(&files)?;
        let short_term = wanted.short_term.as_str();
        let stored = |key| managed::value(credentials, short_term, key).filter(|value| !value.is_empty());
        let exists = managed::names(credentials).iter().any(|name| name == short_term);
        if let Some((seconds, expiration)) = self.still_valid(&wanted, exists, stored) {
            self.info(&format!(
                "Your credentials are still valid for {seconds:?} seconds they will expire at {expiration}"
            ));
            return Ok(());
        }

        let force = self.args.force;
        let target = Target { name: short_term, force, for_awsume: false, how: Replacement::Atomic };
        target.check(&managed::holder(credentials, short_term), &files)?;
        let mut plan = profile::plan(&files, self.env, &wanted.request)?;
        if wanted.role.is_none() {
            plan = plan.without_roles();
        }
        plan.profile.value.clone_from(&wanted.profile);
        self.info(&match &wanted.role {
            Some(role) => format!("Assuming Role - Profile: {short_term}, Role: {role}, Duration: {}", wanted.duration),
            None => format!("Fetching Credentials - Profile: {short_term}, Duration: {}", wanted.duration),
        });
        let session = self.obtain(&files, &plan, &wanted)?;
        let mut properties = section::aws_mfa(&session, plan.roles.last().map(|role| role.arn.value.as_str()));
        properties.push(section::plain(MARK, &wanted.profile));
        target.put(self.env, &files, &properties)?;
        let left = (session.expiration - self.env.now()).num_seconds();
        let asked = i64::from(wanted.duration);
        // a new session has what was asked for but the seconds it took
        let left = if (asked - left).abs() <= 60 { asked } else { left };
        let expiration = session.expiration.format("%Y-%m-%d %H:%M:%S+00:00");
        self.info(&format!("Success! Your credentials will expire in {left} seconds at: {expiration}"));
        Ok(())
    }

    /// Names, device, role and duration: the flag, then the variable, then the long-term section.
    fn wanted(&self, files: &Files) -> Result<Wanted, Stop> {
        let (args, env) = (self.args, self.env);
        let credentials = files.document(FileKind::Credentials);
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let profile = given(&args.profile).unwrap_or_else(|| env.var("AWS_PROFILE").unwrap_or("default").to_owned());
        let named = |suffix: Option<String>| match suffix {
            Some(suffix) if !suffix.eq_ignore_ascii_case("none") => format!("{profile}-{suffix}"),
            _ => profile.clone(),
        };
        let long_term = named(Some(given(&args.long_term_suffix).unwrap_or_else(|| "long-term".into())));
        let short_term = named(given(&args.short_term_suffix));
        if long_term == short_term {
            return Err(Stop(
                "The value for '--long-term-suffix' cannot be equal to the value for '--short-term-suffix'".into(),
            ));
        }
        let value = |key| managed::value(credentials, &long_term, key).filter(|value| !value.is_empty());
        // aws-mfa looks the stored role up in [PROFILE], whatever the suffix; its section is the one to write
        let shown = given(&args.assume_role)
            .or_else(|| managed::value(credentials, &short_term, "assumed_role_arn").map(str::to_owned));
        let shown = shown.map_or(String::new(), |role| format!("with assumed role: {role}"));
        self.info(&format!("Validating credentials for profile: {short_term} {shown}"));

        if !managed::names(credentials).contains(&long_term) {
            return Err(Stop(format!(
                "Long term credentials session '[{long_term}]' is missing. You must add this section to your \
                 credentials file along with your long term 'aws_access_key_id' and 'aws_secret_access_key'"
            )));
        }
        for key in ["aws_access_key_id", "aws_secret_access_key"] {
            if value(key).is_none() && value(KEPT).is_none() {
                return Err(Stop(format!("No option '{key}' in section: '{long_term}'")));
            }
        }
        let region = env.var("AWS_REGION").or(env.var("AWS_DEFAULT_REGION"));
        let region = region.or_else(|| files.profile(&profile)?.get("region").map(|region| region.text));
        let flags = Request {
            profile: Some(long_term.clone()),
            region: region.map(str::to_owned),
            mfa_serial: parse("--device", given(&args.device).as_deref())?,
            role_arn: parse("--assume-role", given(&args.assume_role).as_deref())?,
            role_session_name: given(&args.role_session_name),
            refresh: args.force,
            token_code: args.token.clone(),
            ..Request::default()
        };
        let mut request = aws_mfa::with_variables(env, &flags)?;
        if request.mfa_serial.is_none() {
            request.mfa_serial = parse("aws_mfa_device", value("aws_mfa_device"))?;
        }
        if request.mfa_serial.is_none() {
            return Err(Stop(
                "You must provide --device or MFA_DEVICE or set \"aws_mfa_device\" in \".aws/credentials\"".into(),
            ));
        }
        if request.role_arn.is_none() {
            request.role_arn = parse("assume_role", value("assume_role"))?;
        }
        let role = request.role_arn.as_ref().map(ToString::to_string);
        let default = Seconds(if role.is_some() { 3_600 } else { 43_200 });
        let duration = match args.duration.filter(|seconds| *seconds != 0) {
            Some(seconds) => parse("--duration", Some(&seconds.to_string()))?.unwrap_or(default),
            None => request.duration.unwrap_or(default),
        };
        request.duration = Some(duration);
        Ok(Wanted { profile, short_term, role, request, duration: duration.0 })
    }

    /// How many seconds, and until when, what is in the file does; else says why it does not.
    fn still_valid<'d>(
        &self,
        wanted: &Wanted,
        exists: bool,
        stored: impl Fn(&'static str) -> Option<&'d str>,
    ) -> Option<(f64, NaiveDateTime)> {
        let keys =
            ["assumed_role", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];
        if !exists {
            let name = &wanted.short_term;
            self.info(&format!("Short term credentials section {name} is missing, obtaining new credentials."));
            return None;
        }
        let expiration = stored("expiration").and_then(|time| NaiveDateTime::parse_from_str(time, section::TIME).ok());
        let incomplete = keys.into_iter().any(|key| stored(key).is_none()) || expiration.is_none();
        if incomplete {
            self.log(Level::Warning, "Your existing credentials are missing or invalid, obtaining new credentials.");
        }
        let other_role = stored("assumed_role_arn") != wanted.role.as_deref();
        if self.args.force {
            self.info("Forcing refresh of credentials.");
        } else if other_role {
            self.info("Obtaining credentials for a new role or profile.");
        }
        if incomplete || other_role || self.args.force {
            return None;
        }
        let expiration = expiration?;
        let left = DateTime::<Utc>::from_naive_utc_and_offset(expiration, Utc) - self.env.now();
        if left.num_microseconds().is_none_or(|left| left <= 0) {
            self.info("Your credentials have expired, renewing.");
            return None;
        }
        Some((left.num_microseconds()? as f64 / 1e6, expiration))
    }

    /// The session. Where stdin is no terminal a code is read from it, but only once it is known that one is needed.
    fn obtain(&self, files: &Files, plan: &Plan, wanted: &Wanted) -> Result<crate::credentials::Session, Stop> {
        let prepared = |request: &Request| -> Result<Context<'_>, Stop> {
            Ok(super::prepare(self.env, files, request, Caller::OneShot, false)?)
        };
        if self.args.token.is_some() || std::io::stdin().is_terminal() {
            return session::obtain(plan, &prepared(&wanted.request)?).map_err(refused);
        }
        let quiet = Request { no_prompt: true, min_ttl: Some(TimeLeft(LEAST)), ..wanted.request.clone() };
        let nobody = match session::obtain(plan, &prepared(&quiet)?) {
            Err(session::Error::Code(error @ mfa::Error::NobodyToAsk { .. })) => error,
            result => return result.map_err(refused),
        };
        let mut line = Zeroizing::new(String::with_capacity(64));
        let device = plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
        let prompt = format!("Enter AWS MFA code for device [{device}] (renewing for {} seconds):", wanted.duration);
        let read = output::print(prompt.as_bytes()).and_then(|()| std::io::stdin().lock().read_line(&mut line));
        let _ = output::print(b"\n");
        if read.is_err() || line.trim().is_empty() {
            // nothing is piped in; a person at the terminal may still answer
            return match self.env.var("MFA_RUN_PROMPT") {
                Some("never") => Err(nobody.into()),
                _ => session::obtain(plan, &prepared(&wanted.request)?).map_err(refused),
            };
        }
        if mfa::parse_token_code(&line).is_err() {
            return Err(Stop("Token must be six digits".into()));
        }
        let code = line.parse().expect("any text is an argument");
        session::obtain(plan, &prepared(&Request { token_code: Some(code), ..wanted.request.clone() })?)
            .map_err(refused)
    }

    /// Asks for an access key, hidden, and writes its long-term section. One that is there stays as it is.
    fn setup(&self) -> Result<(), Stop> {
        let nobody = || Stop("--setup asks at a terminal, and there is none".into());
        let ask = |prompt: &str, hidden: bool| -> Result<Zeroizing<String>, Stop> {
            let term = dialoguer::console::Term::stderr();
            let typed = if !std::io::stdin().is_terminal() || !term.is_term() {
                Err(nobody())
            } else if hidden {
                let prompt = dialoguer::Password::new().with_prompt(prompt).allow_empty_password(true);
                prompt.interact_on(&term).map_err(|_| nobody())
            } else {
                let prompt = dialoguer::Input::new().with_prompt(prompt).allow_empty(true);
                prompt.interact_text_on(&term).map_err(|_| nobody())
            };
            typed.map(|typed| Zeroizing::new(typed.trim().to_owned()))
        };
        let name = ask("Profile name to [default]", false)?;
        let name = format!("{}-long-term", if name.is_empty() { "default" } else { &name });
        if header_of(FileKind::Credentials, &name).is_none() {
            return Err(Stop(format!("[{name}] can't be the header of a section")));
        }
        let files = Files::load(self.env)?;
        let path = files.path(FileKind::Credentials);
        let there = || Stop(format!("[{name}] is there already: edit {}", path.display()));
        if managed::names(files.document(FileKind::Credentials)).contains(&name) {
            return Err(there());
        }
        let mut keys = Vec::new();
        for key in ["aws_access_key_id", "aws_secret_access_key"] {
            let typed = ask(key, true)?;
            if typed.is_empty() {
                return Err(Stop(format!("You must supply {key}")));
            }
            keys.push((key, typed));
        }
        let keys: Vec<(&str, &str)> = keys.iter().map(|(key, typed)| (*key, typed.as_str())).collect();
        edit_file(self.env, path, Replacement::Atomic, |mut document| {
            if managed::holder(&document, &name) == Holder::Nobody {
                managed::put(&mut document, &name, &keys)?;
            }
            Ok::<_, crate::config::Error>(document)
        })?;
        Ok(())
    }

    fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// `INFO - message` on stdout, where scripts look for it.
    fn log(&self, level: Level, message: &str) {
        if level >= self.args.log_level {
            let name = format!("{level:?}").to_uppercase();
            let _ = output::print(format!("{name} - {}\n", terminal::escape(message)).as_bytes());
        }
    }
}

/// aws-mfa says it with one word wrong, and for both calls; scripts look for it.
fn refused(error: session::Error) -> Stop {
    Stop(format!("An error occured while calling assume role: {}", Error::from(error).in_one_line()))
}

fn parse<T: std::str::FromStr<Err = String>>(name: &str, text: Option<&str>) -> Result<Option<T>, Stop> {
    let Some(text) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|why| Stop(format!("{name} {text}: {why}")))
}
