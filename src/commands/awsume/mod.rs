//! Called as `awsumepy`, or by the shell function of `init SHELL --awsume`: awsume's flags, its config.yaml, its variables, its output
//! profiles. One code serves all roles behind a device, as there. What it is not: a daemon (`-a` uses profiles that renew
//! themselves), a home for plugins, a way to put long-lived keys into an environment.

mod defaults;
mod flags;
mod listing;

use super::Target;
use crate::config::managed::{self, Holder, MARK};
use crate::config::{FileKind, Files, edit_file};
use crate::credentials::Session;
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::output::awsume::{self, Awsumed};
use crate::output::section;
use crate::output::shell::Format;
use crate::profile::plan::{MfaSession, Plan, Provenance, Setting};
use crate::profile::strategy::Caller;
use crate::profile::{self, Request};
use crate::session::{self, index::Index};
use crate::terminal::{self, escape, say};
use crate::{output, profile::request::Seconds};
use chrono::{DateTime, Local, NaiveDateTime, TimeZone, Utc};
use defaults::Defaults;
use flags::Flags;
use std::ffi::OsString;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// What the shell function shows instead of evaluating it begins with this line.
const SHOW: &str = "#show\n";

/// `mfa-run awsume --shell SHELL -- ARGUMENTS`, for the shell function.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose lines to print
    #[arg(long, value_enum)]
    shell: Format,
    /// awsume's arguments
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Prints lines for the shell function.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    Run { env, shell: Some(args.shell) }.run(&args.arguments)
}

/// The function's arguments, to be completed.
pub fn grammar() -> clap::Command {
    <Flags as clap::CommandFactory>::command()
}

/// Runs as `awsumepy`, for awsume's own wrapper.
pub fn main(arguments: impl Iterator<Item = OsString>, env: &Env) -> Result<ExitCode, Error> {
    Run { env, shell: None }.run(&arguments.skip(1).collect::<Vec<_>>())
}

struct Run<'a> {
    env: &'a Env,
    /// `None`: awsume's wrapper, with words of its own.
    shell: Option<Format>,
}

impl Run<'_> {
    fn run(&self, arguments: &[OsString]) -> Result<ExitCode, Error> {
        let flags = match Flags::parse(arguments) {
            Ok(flags) => flags,
            Err(error) if error.use_stderr() => {
                let _ = error.print();
                return Ok(ExitCode::from(2));
            }
            Err(help) => return self.show(&help.to_string()),
        };
        if flags.debug {
            terminal::enable_debug();
        }
        flags.check()?;
        if flags.version {
            say(concat!("mfa-run ", env!("CARGO_PKG_VERSION")));
            return Ok(ExitCode::SUCCESS);
        }
        if flags.who {
            say(&escape(self.env.var("AWSUME_PROFILE").unwrap_or("No profile awsume'd currently")));
            return Ok(ExitCode::SUCCESS);
        }
        if flags.unset {
            return self.unset("Unset []\n", flags.show_commands);
        }
        let defaults = Defaults::load(self.env);
        let env = &self.environment(&flags, &defaults);
        let files = Files::load(env)?;
        if flags.clean {
            return clean(env, &files);
        }
        if flags.kill_refresher {
            return self.kill(env, &files, flags.profile.as_deref(), flags.show_commands);
        }
        if let Some(what) = &flags.list_profiles {
            return self.show(&listing::table(&files, &Index::load(env), what == "more"));
        }
        self.session(env, &files, &flags, &defaults, arguments)
    }

    /// What awsume goes by. The Region is the last session's, and the variables of the files win over the flags.
    fn environment(&self, flags: &Flags, defaults: &Defaults) -> Env {
        let mut env = self.env.clone().with("AWS_REGION", "").with("AWS_DEFAULT_REGION", "");
        for (variable, flag, default) in [
            ("AWS_CONFIG_FILE", &flags.config_file, &defaults.config_file),
            ("AWS_SHARED_CREDENTIALS_FILE", &flags.credentials_file, &defaults.credentials_file),
        ] {
            if let (None, Some(path)) = (self.env.var_os(variable), flag.as_ref().or(default.as_ref())) {
                env = env.with(variable, path);
            }
        }
        env
    }

    fn session(
        &self,
        env: &Env,
        files: &Files,
        flags: &Flags,
        defaults: &Defaults,
        arguments: &[OsString],
    ) -> Result<ExitCode, Error> {
        let output = flags.output_profile.as_deref().map(|name| Target {
            name,
            force: false,
            for_awsume: true,
            how: Replacement::Atomic,
        });
        if let Some(target) = output {
            target.check(&managed::holder(files.document(FileKind::Credentials), target.name), files)?;
        }
        let (session, region, target) = match &flags.json {
            Some(json) => {
                let (session, region) = awsume::parse_json(&json.0).ok_or_else(|| {
                    Error::usage(
                        "--json has no session in it: it needs AccessKeyId, SecretAccessKey, SessionToken and Expiration",
                        "awsume --json \"$(aws sts get-session-token)\"",
                    )
                })?;
                (session, region.or(flags.region.clone()).or(defaults.region.clone()), "json".to_owned())
            }
            None => {
                let request = request(flags)?;
                let plan = plan(files, env, &request, defaults)?;
                // awsume looks into the source profile even where there is no role to assume from it
                let source =
                    || files.profile(files.profile(&plan.profile.value)?.get("source_profile")?.text)?.get("region");
                let region = plan.region.as_ref().map(|region| region.value.clone());
                let region = region.or_else(|| Some(source()?.text.to_owned())).or(defaults.region.clone());
                let target = plan.profile.value.clone();
                if flags.auto_refresh {
                    if renews_itself(files, &target) {
                        say(&format!(
                            "{} renews itself: AWS tools run mfa-run by its credential_process",
                            escape(&target)
                        ));
                        return self.hand_out(None, region.as_deref(), &target, flags, arguments);
                    }
                    say("there is no daemon: a profile with mfa-run as its credential_process renews itself,");
                    say(&format!("in every tool. To make it one: mfa-run configure -p {}", quoted(&target)));
                }
                // nothing is printed that the wrapper would read wrong, and no code is spent for it
                self.check_target(&target)?;
                let context = super::prepare(env, files, &request, Caller::OneShot, false)?;
                let session = session::obtain(&plan, &context)?;
                let until = session.expiration.with_timezone(&Local).format(section::TIME);
                say(&match plan.roles.is_empty() {
                    true => format!("Session token will expire at {until}"),
                    false => format!("[{}] Role credentials will expire {until}", escape(&target)),
                });
                (session, region, target)
            }
        };
        if let Some(output) = output {
            let mut properties = section::awsume(&session, region.as_deref());
            properties.push(section::plain(MARK, &target));
            output.put(env, files, &properties)?;
        }
        self.hand_out(Some(&session), region.as_deref(), &target, flags, arguments)
    }

    fn check_target(&self, target: &str) -> Result<(), Error> {
        if self.shell.is_none() && (target.contains(char::is_whitespace) || target == "None") {
            return Err(cannot_carry(target));
        }
        Ok(())
    }

    fn hand_out(
        &self,
        session: Option<&Session>,
        region: Option<&str>,
        target: &str,
        flags: &Flags,
        arguments: &[OsString],
    ) -> Result<ExitCode, Error> {
        let awsumed = Awsumed { session, region, target, command: &command(arguments) };
        let text = match self.shell {
            None => awsumed.wire().ok_or_else(|| cannot_carry(target))?,
            Some(format) => {
                let lines = awsumed.lines(format)?;
                if flags.show_commands { Zeroizing::new([SHOW, lines.as_str()].concat()) } else { lines }
            }
        };
        output::print(text.as_bytes()).map_err(Error::stdout)?;
        Ok(ExitCode::SUCCESS)
    }

    fn unset(&self, words: &str, show: bool) -> Result<ExitCode, Error> {
        match self.shell {
            Some(format) if show => self.show(&awsume::unset(format)?),
            Some(format) => print(&awsume::unset(format)?),
            None => print(words),
        }
    }

    /// Something to read. awsume's wrapper knows a listing and a usage by their first word, and calls again to show them.
    fn show(&self, text: &str) -> Result<ExitCode, Error> {
        let mark = if self.shell.is_some() { SHOW } else { "" };
        print(&format!("{mark}{text}"))
    }

    /// There is no daemon of ours; awsume's own ends when its sections are gone.
    fn kill(&self, env: &Env, files: &Files, name: Option<&str>, show: bool) -> Result<ExitCode, Error> {
        say("mfa-run has no daemon to stop: profiles renew themselves. Removing what awsume's left behind");
        remove_sections(env, files, |document, section| {
            let auto = managed::value(document, section, "autoawsume").is_some_and(|value| !value.is_empty());
            let named = |name: &str| section == name || section.strip_prefix("autoawsume-") == Some(name);
            auto && managed::holder(document, section) == Holder::Awsume && name.is_none_or(named)
        })?;
        match name {
            None => self.unset("Kill\n", show),
            // of that profile only: the wrapper does nothing at all, because it still compares with a name of before 4.5
            Some(name) if self.shell.is_some() => match env.var("AWSUME_PROFILE") == Some(name) {
                true => self.unset("", show),
                false => Ok(ExitCode::SUCCESS),
            },
            Some(name) => print(&format!("Stop {name}\n")),
        }
    }
}

fn print(text: &str) -> Result<ExitCode, Error> {
    output::print(text.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}

fn request(flags: &Flags) -> Result<Request, Error> {
    let no_profile = flags.role_arn.is_some();
    Ok(Request {
        profile: flags.profile.clone().or_else(|| (!no_profile).then(|| "default".into())),
        role_arn: flags.role_arn.clone(),
        source_profile: flags.source_profile.clone(),
        token_code: flags.mfa_token.clone(),
        duration: flags.duration()?,
        region: flags.region.clone(),
        external_id: flags.external_id.clone(),
        role_session_name: flags.session_name.clone(),
        tags: flags.tags.clone(),
        policy: flags.session_policy.clone(),
        policy_arns: flags.session_policy_arns.clone(),
        refresh: flags.refresh,
        ..Request::default()
    })
}

/// The plan, with config.yaml where neither flag nor profile says something. A role with MFA goes by the shared MFA session, so that
/// one code serves the next role too; only a duration over an hour goes directly, as AWS wants it.
fn plan(files: &Files, env: &Env, request: &Request, defaults: &Defaults) -> Result<Plan, Error> {
    let mut plan = profile::plan(files, env, request)?;
    if let Some(role) = plan.roles.last_mut() {
        if let (None, Some(name)) = (&role.session_name, &defaults.role_session_name) {
            role.session_name = Some(Setting { value: name.clone(), from: Provenance::Default });
        }
        if let (None, Some(text)) = (&role.duration, &defaults.role_duration) {
            let wrong = || {
                Error::usage(
                    &format!("role-duration {text} of awsume's config.yaml is no number"),
                    "role-duration: 3600",
                )
            };
            let seconds: Option<Seconds> = flags::duration("role-duration", text.parse().map_err(|_| wrong())?)?;
            role.duration = seconds.map(|value| Setting { value, from: Provenance::Default });
            plan.duration.clone_from(&role.duration);
        }
        if plan.mfa.is_some() && plan.mfa_session.is_none() {
            plan.mfa_session = Some(Setting { value: MfaSession::Shared, from: Provenance::Default });
        }
    }
    Ok(plan)
}

fn renews_itself(files: &Files, name: &str) -> bool {
    let line = files.profile(name).and_then(|profile| profile.get("credential_process"));
    line.is_some_and(|line| Request::from_credential_process(line.text).is_some())
}

/// `--clean`: what expired, of the sections that this program or awsume wrote. awsume 4.5 deletes aws-mfa's as well, and compares
/// their UTC with local time.
fn clean(env: &Env, files: &Files) -> Result<ExitCode, Error> {
    let now = env.now();
    remove_sections(env, files, |document, name| {
        let awsumes = managed::value(document, name, "manager") == Some("awsume");
        let daemons = managed::value(document, name, "autoawsume").is_some();
        let written = match managed::holder(document, name) {
            Holder::Ours { .. } => true,
            Holder::Awsume => !daemons,
            _ => false,
        };
        let stamp = managed::value(document, name, "expiration");
        let time = stamp.and_then(|stamp| NaiveDateTime::parse_from_str(stamp, section::TIME).ok());
        written && time.and_then(|time| instant(time, awsumes)).is_some_and(|expiration| expiration < now)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// awsume's stamps are local, the later of two readings where a clock was set back; aws-mfa's and ours are UTC.
fn instant(time: NaiveDateTime, local: bool) -> Option<DateTime<Utc>> {
    if local { Some(Local.from_local_datetime(&time).latest()?.to_utc()) } else { Some(time.and_utc()) }
}

fn remove_sections(
    env: &Env,
    files: &Files,
    wanted: impl Fn(&crate::config::Document, &str) -> bool,
) -> Result<(), Error> {
    let mut gone = Vec::new();
    edit_file(env, files.path(FileKind::Credentials), Replacement::Atomic, |mut document| {
        gone = managed::names(&document);
        gone.retain(|name| wanted(&document, name));
        gone.iter().try_for_each(|name| managed::take(&mut document, name))?;
        Ok::<_, crate::config::Error>(document)
    })?;
    gone.iter().for_each(|name| say(&format!("took the session out of [{}]", escape(name))));
    Ok(())
}

/// For `AWSUME_COMMAND`. Security: a code, or credentials, do not belong there.
fn command(arguments: &[OsString]) -> String {
    let mut words = Vec::new();
    let mut hide = false;
    for argument in arguments {
        let word = argument.to_string_lossy();
        let (flag, value) = word.split_once('=').map_or((&*word, None), |(flag, value)| (flag, Some(value)));
        let secret = flag.len() > 2 && ["--json", "--mfa-token"].iter().any(|name| name.starts_with(flag));
        match (hide, secret, value) {
            (true, ..) => words.push("...".to_owned()),
            (_, true, Some(_)) => words.push(format!("{flag}=...")),
            _ => words.push(word.clone().into_owned()),
        }
        hide = secret && value.is_none();
    }
    words.join(" ")
}

fn quoted(name: &str) -> String {
    shlex::try_quote(name).map_or_else(|_| name.to_owned(), std::borrow::Cow::into_owned)
}

fn cannot_carry(target: &str) -> Error {
    Error::usage(
        &format!("awsume's own shell wrapper cannot carry the name {target}: it splits at spaces, and None means none"),
        "put eval \"$(mfa-run init bash --awsume)\" into the shell's rc file, in the place of awsume's alias",
    )
}
