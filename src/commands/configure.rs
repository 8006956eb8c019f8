//! `mfa-run configure`: makes a profile one whose credentials every SDK gets from mfa-run. A role's profile gets a
//! `credential_process` that names the role; a profile with MFA and no role becomes the shared MFA session, from which plain
//! role profiles are assumed by the SDKs themselves.
//!
//! `role_arn` never stays beside `credential_process`: botocore refuses it, Go assumes on top.

mod ask;
mod change;
mod line;

use super::{Record, own_program, recorded, unified};
use crate::config::keys::KEPT;
use crate::config::{Document, FileKind, Files, edit_file};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::output;
use crate::profile::request::{MfaSerial, Policy, RoleArn, Seconds, Tag};
use crate::profile::{self, Plan, Request};
use crate::terminal::{escape, is_interactive, say};
use change::Target;
use dialoguer::theme::Theme;
use line::Line;
use std::path::PathBuf;
use std::process::ExitCode;

/// `mfa-run configure [-p PROFILE | --all] [--yes]`
#[derive(clap::Args, Debug, Clone)]
pub struct Args {
    /// Profile to set up; there need not be one yet
    #[arg(short, long, value_name = "NAME", conflicts_with = "all")]
    profile: Option<String>,
    /// Every profile with a role and MFA
    #[arg(long, conflicts_with_all = ["role_arn", "source_profile", "mfa_serial", "external_id"])]
    all: bool,
    /// Agree to everything, ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Print what would change as a diff, change nothing
    #[arg(long, conflicts_with = "undo")]
    dry_run: bool,
    /// Take back the last change of the profile (with --all of every profile), whatever was changed elsewhere since
    #[arg(long)]
    undo: bool,
    /// Write into the file instead of replacing it: for a file that is mounted by itself
    #[arg(long)]
    in_place: bool,
    /// Path of mfa-run to write [default: as found on PATH]
    #[arg(long, value_name = "PATH")]
    program: Option<String>,
    /// Role to assume; also ACCOUNT:ROLE and PARTITION:ACCOUNT:ROLE
    #[arg(long, value_name = "ARN")]
    role_arn: Option<RoleArn>,
    /// Whose access key to use
    #[arg(long, value_name = "NAME")]
    source_profile: Option<String>,
    /// MFA device: its ARN, or the serial number of a hardware device
    #[arg(long, value_name = "ARN")]
    mfa_serial: Option<MfaSerial>,
    /// How long a session should live: 12h, 90m, 43200
    #[arg(long, value_name = "TIME")]
    duration: Option<Seconds>,
    /// AWS Region of the profile
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// One code for all roles behind the device, or one a role
    #[arg(long, value_name = "KIND", value_parser = ["shared", "role"])]
    mfa_session: Option<String>,
    /// External ID the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Name of the role session
    #[arg(long, value_name = "NAME")]
    role_session_name: Option<String>,
    /// Source identity
    #[arg(long, value_name = "NAME")]
    source_identity: Option<String>,
    /// Session tag, repeatable
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<Tag>,
    /// Key of a session tag that further roles inherit, repeatable
    #[arg(long = "transitive-tag", value_name = "KEY")]
    transitive_tags: Vec<String>,
    /// Managed policy that limits the session, repeatable
    #[arg(long = "policy-arn", value_name = "ARN")]
    policy_arns: Vec<String>,
    /// File with an inline session policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Both files as they would be.
struct Draft {
    config: Vec<u8>,
    credentials: Vec<u8>,
}

impl Draft {
    fn of(files: &Files) -> Self {
        let bytes = |kind| files.document(kind).as_bytes().to_vec();
        Self { config: bytes(FileKind::Config), credentials: bytes(FileKind::Credentials) }
    }

    fn files(&self) -> Files {
        Files::from_bytes(&self.config, &self.credentials)
    }

    fn with(&self, target: &Target) -> Result<Self, Error> {
        let (config, credentials) = (Document::parse(self.config.clone()), Document::parse(self.credentials.clone()));
        Ok(Self {
            config: target.edit_config(config)?.as_bytes().to_vec(),
            credentials: target.edit_credentials(credentials)?.as_bytes().to_vec(),
        })
    }
}

/// Sets profiles up, or takes that back.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let how = if args.in_place { Replacement::InPlace } else { Replacement::Atomic };
    if args.undo {
        return undo(args, env, &files, how);
    }
    let may_ask = !args.yes && is_interactive() && env.var("MFA_RUN_PROMPT") != Some("never");
    let theme = super::theme(env);
    let before = Draft::of(&files);
    let (mut draft, mut targets, mut worst) = (Draft::of(&files), vec![], 0);
    for mut one in each(args, &files, env, may_ask, theme)? {
        let now = draft.files();
        match target(&mut one, &now, &draft, env, may_ask, theme) {
            Ok((target, after)) => {
                draft = after;
                targets.push(target);
            }
            Err(error) if args.all => {
                say(&format!(
                    "{} is left as it is: {}",
                    escape(&one.profile.unwrap_or_default()),
                    escape(error.message())
                ));
                worst = worst.max(error.code());
            }
            Err(error) => return Err(error),
        }
    }
    let (config, credentials) = (files.path(FileKind::Config), files.path(FileKind::Credentials));
    let shown =
        unified(config, &before.config, &draft.config) + &unified(credentials, &before.credentials, &draft.credentials);
    if args.dry_run {
        output::print(shown.as_bytes()).map_err(Error::stdout)?;
        return Ok(ExitCode::from(worst));
    }
    if shown.is_empty() {
        say("nothing to change");
        return Ok(ExitCode::from(worst));
    }
    agree(args, &targets, &shown, may_ask, theme)?;
    for target in &targets {
        write(target, env, &files, how)?;
    }
    Ok(ExitCode::from(worst))
}

/// The profiles to set up, each with what was said about it.
fn each(args: &Args, files: &Files, env: &Env, may_ask: bool, theme: &dyn Theme) -> Result<Vec<Args>, Error> {
    let of = |name: &str| Args { profile: Some(name.to_owned()), ..args.clone() };
    if !args.all {
        let mut one = args.clone();
        if one.profile.is_none() && !may_ask {
            return Err(Error::usage("no profile is named", "mfa-run configure -p NAME, or --all"));
        }
        if one.profile.is_none() {
            one.profile = Some(ask::profile(files, theme)?);
            ask::facts(&mut one, files, env, theme)?;
        }
        return Ok(vec![one]);
    }
    let with_role = |name: &str| {
        let plan = plan_of(name, files, env).ok()?;
        (plan.mfa.is_some() && !plan.roles.is_empty() && plan.source.access_key_id().is_some()).then_some(())
    };
    Ok(files.profiles().filter(|found| with_role(found.name()).is_some()).map(|found| of(found.name())).collect())
}

/// What is to be done for one profile, and both files after it. Errors: facts are missing, or do not fit.
fn target(
    args: &mut Args,
    files: &Files,
    draft: &Draft,
    env: &Env,
    may_ask: bool,
    theme: &dyn Theme,
) -> Result<(Target, Draft), Error> {
    let name = args.profile.clone().unwrap_or_default();
    let profile = files.profile(&name);
    let mut line = profile.map(|profile| Line::of(files, &profile)).unwrap_or_default();
    let has_role = line.value("--role-arn").is_some() || args.role_arn.is_some();
    let elsewhere = profile.and_then(|profile| line::lookup(files, &profile, "credential_source"));
    if has_role && elsewhere.is_some() && args.source_profile.is_none() {
        let message = format!("profile {name} has credential_source, where no MFA code can be used");
        return Err(Error::usage(&message, "name a profile with an access key: --source-profile NAME"));
    }
    put_flags(&mut line, args)?;

    let mut target = Target { profile: name.clone(), ..Target::default() };
    if let Some(profile) = profile {
        target.clear_the_way(files, &profile);
    }
    target.names_role = line.value("--role-arn").is_some();
    let kept = profile.is_some_and(|profile| profile.get(KEPT).is_some());
    if target.names_role && kept && line.value("--source-profile") == Some(&name) {
        // the key of a profile that names one in the keychain is its own, with a role or without
        line.put("--source-profile", vec![]);
    } else if target.names_role && !kept && line.value("--source-profile").is_none_or(|source| source == name) {
        // the profile's own key, under the name it gets
        let long_term = format!("{name}-long-term");
        let moved = target.keys_to.clone().filter(|to| *to == long_term);
        let source = moved.or_else(|| files.profile(&long_term).is_some().then_some(long_term));
        let Some(source) = source else {
            let message = format!("profile {name} has a role and no source profile, whose access key is to be used");
            return Err(Error::usage(&message, &format!("mfa-run configure -p {name} --source-profile NAME")));
        };
        line.put("--source-profile", vec![source]);
    }
    if let (false, Some(serial)) = (target.names_role, &args.mfa_serial) {
        // here role profiles find it that have this one as their source
        line.put("--mfa-serial", vec![]);
        target.set.push(("mfa_serial", serial.to_string()));
    }
    target.set.extend(args.region.clone().map(|region| ("region", region)));
    target.set.extend(args.mfa_session.clone().map(|kind| ("mfa_session", kind)));
    let program = args.program.clone().map_or_else(|| own_program(env), Ok)?;
    target.value = line.render(&program, &name)?;

    let mut after = draft.with(&target)?;
    let plan = plan_of(&name, &after.files(), env).map_err(|error| missing(&name, error))?;
    if may_ask && args.mfa_session.is_none() && !args.all && ask::share(&plan, files, env, theme)? {
        target.set.push(("mfa_session", "shared".into()));
        after = draft.with(&target)?;
    }
    let meant = plan_of(&name, files, env).ok().map(|plan| plan.id());
    if meant.is_some_and(|id| id != plan.id()) && !args.changes_the_session() {
        let message = format!("the profile {name} would mean another session than now");
        return Err(Error::usage(&message, &format!("mfa-run explain -p {name}; then give the options yourself")));
    }
    Ok((target, after))
}

fn put_flags(line: &mut Line, args: &Args) -> Result<(), Error> {
    let mut put = |flag: &str, values: Vec<String>| {
        if !values.is_empty() {
            line.put(flag, values);
        }
    };
    let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    put("--role-arn", args.role_arn.iter().map(ToString::to_string).collect());
    put("--source-profile", one(&args.source_profile));
    put("--mfa-serial", args.mfa_serial.iter().map(ToString::to_string).collect());
    put("--duration", args.duration.iter().map(|duration| duration.0.to_string()).collect());
    put("--external-id", one(&args.external_id));
    put("--role-session-name", one(&args.role_session_name));
    put("--source-identity", one(&args.source_identity));
    put("--tag", args.tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect());
    put("--transitive-tag", args.transitive_tags.clone());
    put("--policy-arn", args.policy_arns.clone());
    if let Some(policy) = &args.policy {
        let unusable = |why: &str| {
            let message = format!("the policy {} can't be used: {why}", policy.display());
            Error::usage(&message, "--policy FILE, a JSON document")
        };
        let path = std::path::absolute(policy).map_err(|error| unusable(&error.to_string()))?;
        let path = path.to_str().ok_or_else(|| unusable("its path is not UTF-8"))?;
        path.parse::<Policy>().map_err(|why| unusable(&why))?;
        put("--policy", vec![path.to_owned()]);
    }
    Ok(())
}

impl Args {
    /// Whether a flag changes which session the profile stands for.
    fn changes_the_session(&self) -> bool {
        let lists = [self.transitive_tags.is_empty(), self.policy_arns.is_empty(), self.tags.is_empty()];
        let texts = [&self.source_profile, &self.external_id, &self.role_session_name, &self.source_identity];
        self.role_arn.is_some()
            || self.mfa_serial.is_some()
            || self.policy.is_some()
            || texts.iter().any(|text| text.is_some())
            || lists.contains(&false)
    }
}

/// A profile that is not whole needs flags, not a hint to edit the file.
fn missing(name: &str, error: profile::Error) -> Error {
    use profile::Error as Why;
    let add = match &error {
        Why::NoSource { .. } => "--role-arn ARN --source-profile NAME --mfa-serial ARN",
        Why::NothingToDo { .. } => "--mfa-serial ARN",
        Why::NoSourceForRole { .. } => "--source-profile NAME",
        _ => return error.into(),
    };
    Error::usage(&error.to_string(), &format!("mfa-run configure -p {name} {add}"))
}

fn plan_of(name: &str, files: &Files, env: &Env) -> Result<Plan, profile::Error> {
    profile::plan(files, env, &Request { profile: Some(name.to_owned()), ..Request::default() })
}

/// A person has seen it, or said `--yes`, or there is nothing to agree to.
fn agree(args: &Args, targets: &[Target], diff: &str, may_ask: bool, theme: &dyn Theme) -> Result<(), Error> {
    let consents: Vec<&String> = targets.iter().flat_map(|target| &target.consents).collect();
    if may_ask {
        diff.lines().for_each(|line| say(&escape(line)));
        consents.iter().for_each(|consent| say(&format!("note: {}", escape(consent))));
        let sure = ask::confirm(theme, "Write this?", consents.is_empty())?;
        return if sure { Ok(()) } else { Err(Error::cancelled()) };
    }
    match consents.first() {
        Some(consent) if !args.yes => Err(Error::usage(consent, "look at it with --dry-run, agree to it with --yes")),
        _ => Ok(()),
    }
}

/// The credentials file first: an access key has to be in its new place before it leaves the old one.
fn write(target: &Target, env: &Env, files: &Files, how: Replacement) -> Result<(), Error> {
    let moved_to = target.keys_to.clone().filter(|_| !target.in_config.is_empty());
    let mut record = Record::new(env, &target.profile, moved_to)?;
    for kind in [FileKind::Credentials, FileKind::Config] {
        let path = files.path(kind);
        let change = edit_file(env, path, how, |document| match kind {
            FileKind::Credentials => target.edit_credentials(document),
            FileKind::Config => target.edit_config(document),
        })?;
        if !change.is_empty() {
            record.add(path, change)?;
        }
    }
    let name = escape(&target.profile);
    match record.edits.is_empty() {
        true => say(&format!("{name} is set up already")),
        false => {
            say(&format!("{name} gets its credentials from mfa-run; mfa-run configure --undo -p {name} takes it back"))
        }
    }
    Ok(())
}

fn undo(args: &Args, env: &Env, files: &Files, how: Replacement) -> Result<ExitCode, Error> {
    let mut records = recorded(env)?;
    if let Some(name) = &args.profile {
        records.retain(|record| record.profile == *name);
    }
    if !args.all {
        records.drain(..records.len().saturating_sub(1));
    }
    if records.is_empty() {
        let whose = args.profile.as_ref().map_or_else(String::new, |name| format!(" of profile {name}"));
        return Err(Error::usage(&format!("no change{whose} is on record"), "mfa-run list"));
    }
    for record in records.iter().rev() {
        record.undo(env, files, how)?;
        say(&format!("{} is as it was", escape(&record.profile)));
    }
    Ok(ExitCode::SUCCESS)
}
