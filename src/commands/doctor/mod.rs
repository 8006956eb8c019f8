//! `mfa-run doctor`: looks at everything a session depends on, and says of each thing that is wrong what it is, why it matters
//! and what mends it. Asks for no code, opens no dialog, shows no secret. `--fix` does what is safe, after asking.

mod environment;
mod files;
mod finding;
mod fix;
mod judgement;
mod keychain;
mod leftovers;
mod modes;
mod network;
mod process;
mod profiles;
mod prompt;
mod shell;
mod show;
mod trust;

use super::{dialog, theme};
use crate::config::{self, Files, Profile};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::output;
use crate::output::style::Style;
use crate::profile::{Plan, Request};
use crate::session::index::Index;
use crate::terminal::{escape, is_interactive, quote, say};
use dialoguer::Confirm;
use finding::{Finding, Report, Severity};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The stable shape of `--json`, for the help.
const JSON: &str = "\
--json prints an object; keys and ids are added, never renamed or removed:
  checks    an array of {\"check\": name, \"facts\": [what is in force]}
  findings  an array of
    id        what kind of finding it is: \"key-beside-process\"
    severity  \"error\", \"warning\" or \"note\"
    profile   name or null
    what      what is there
    why       why it matters
    mend      a command to type, or the edit to make
    fixed     whether --fix has mended it

Exit status: 1 if an error or a warning is left, 0 if there are notes at most.";

/// `mfa-run doctor [-p PROFILE] [--fix [--yes]] [--offline] [--json]`
#[derive(clap::Args, Debug)]
#[command(after_long_help = JSON)]
pub struct Args {
    /// Look at this profile and those behind it only
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// Do what is safe, after asking: permissions, leftover sessions and keys, mfa-run's own lines
    #[arg(long)]
    fix: bool,
    /// With --fix: agree to everything, ask nothing
    #[arg(short, long, requires = "fix")]
    yes: bool,
    /// With --fix: write into the files instead of replacing them, where they are mounted by themselves
    #[arg(long, requires = "fix")]
    in_place: bool,
    /// Do not ask AWS: about the clock, access keys, devices and roles
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the checks look at.
struct Scene<'a> {
    env: &'a Env,
    files: &'a Files,
    index: Index,
    /// `-p`
    only: Option<&'a str>,
    offline: bool,
    /// The profiles that are looked at, each with what it means.
    profiles: Vec<Seen<'a>>,
}

/// A profile that is looked at.
struct Seen<'a> {
    profile: Profile<'a>,
    plan: Result<Plan, crate::profile::Error>,
}

impl Seen<'_> {
    fn name(&self) -> &str {
        self.profile.name()
    }
}

/// A group of checks.
struct Check {
    name: &'static str,
    /// Whether it says nothing true where the AWS files can't be read.
    needs_files: bool,
    run: fn(&Scene<'_>, &mut Report),
}

const CHECKS: [Check; 8] = [
    Check { name: "files", needs_files: true, run: files::check },
    Check { name: "permissions", needs_files: false, run: modes::check },
    Check { name: "profiles", needs_files: true, run: profiles::check },
    Check { name: "environment", needs_files: true, run: environment::check },
    Check { name: "keychain", needs_files: false, run: keychain::check },
    Check { name: "prompt", needs_files: false, run: prompt::check },
    Check { name: "leftovers", needs_files: true, run: leftovers::check },
    Check { name: "AWS", needs_files: true, run: network::check },
];

/// Runs the checks, mends what it may, and says what is left.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let may_ask = is_interactive() && env.var("MFA_RUN_PROMPT") != Some("never");
    if args.fix && !args.yes && !may_ask {
        return Err(Error::usage(
            "--fix asks before each change, and nobody can be asked",
            "mfa-run doctor --fix --yes",
        ));
    }
    let (files, unreadable) = Files::load_readable(env);
    let scene = Scene::of(args, env, &files);
    if let Some(name) = &args.profile
        && scene.profiles.is_empty()
        && unreadable.is_empty()
    {
        return Err(not_there(name, &files, env));
    }
    let mut reports: Vec<(&str, Report)> = Vec::new();
    for check in CHECKS.iter().filter(|check| unreadable.is_empty() || !check.needs_files) {
        let mut report = Report::default();
        (check.run)(&scene, &mut report);
        reports.push((check.name, report));
    }
    let mut findings: Vec<Finding> = unreadable.iter().map(|error| unreadable_file(&scene, error)).collect();
    findings.extend(reports.iter_mut().flat_map(|(_, report)| std::mem::take(&mut report.findings)));
    // the worst first; within one kind, as they were found
    findings.sort_by_key(|finding| finding.severity);

    let style = Style::of_stdout(env);
    if !args.json {
        output::print(show::text(&reports, &findings, &style).as_bytes()).map_err(Error::stdout)?;
    }
    if args.fix {
        let how = if args.in_place { Replacement::InPlace } else { Replacement::Atomic };
        let theme = theme(env);
        fix::mend(&mut findings, env, &files, how, |finding, fix| {
            if args.yes {
                return Ok(true);
            }
            let question = format!("{}: {}?", escape(&finding.what), escape(&fix.in_words()));
            let answer = Confirm::with_theme(theme).with_prompt(question).default(true);
            dialog(|| answer.interact_opt())?.ok_or_else(Error::cancelled)
        })?;
    }
    if args.json {
        output::print(show::json(&reports, &findings).as_bytes()).map_err(Error::stdout)?;
    } else if args.fix {
        let mended = findings.iter().filter(|finding| finding.fixed).count();
        say(&format!("mended {mended} of {}", show::count(findings.len(), "finding")));
    }
    let left = findings.iter().any(|finding| !finding.fixed && finding.severity != Severity::Note);
    Ok(ExitCode::from(u8::from(left)))
}

impl<'a> Scene<'a> {
    fn of(args: &'a Args, env: &'a Env, files: &'a Files) -> Self {
        let only = args.profile.as_deref();
        let behind = only.map(|name| chain(files, name));
        let profiles = files.profiles().filter(|p| behind.as_ref().is_none_or(|names| names.contains(&p.name())));
        let profiles = profiles.map(|profile| {
            let request = Request { profile: Some(profile.name().to_owned()), ..Request::default() };
            Seen { profile, plan: crate::profile::plan(files, env, &request) }
        });
        Self { env, files, index: Index::load(env), only, offline: args.offline, profiles: profiles.collect() }
    }

    /// Plans that make a session.
    fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.profiles.iter().filter_map(|seen| seen.plan.as_ref().ok())
    }

    /// A path as people write it.
    fn short(&self, path: &Path) -> String {
        let below = self.env.home().and_then(|home| Some(path.strip_prefix(home).ok()?.to_owned()));
        match below {
            Some(below) => PathBuf::from("~").join(below).display().to_string(),
            None => path.display().to_string(),
        }
    }

    /// A path as a shell takes it.
    fn typed(&self, path: &Path) -> String {
        let short = self.short(path);
        let plain = |c: char| c.is_alphanumeric() || "/._-+~@".contains(c);
        if short.chars().all(plain) { short } else { quoted(&path.display().to_string()) }
    }

    /// `~/.aws/config:12`
    fn place(&self, origin: config::Origin) -> String {
        format!("{}:{}", self.short(self.files.path(origin.file)), origin.line)
    }
}

/// The profile and those behind it: sources, includes, aws-mfa's long-term section, what our own command line names.
fn chain<'f>(files: &'f Files, name: &str) -> Vec<&'f str> {
    let mut names: Vec<&str> = Vec::new();
    let mut ahead = vec![name.to_owned()];
    while let Some(name) = ahead.pop() {
        let Some(profile) = files.profile(&name).filter(|found| !names.contains(&found.name())) else { continue };
        names.push(profile.name());
        let own = profile.get("credential_process").and_then(|line| Request::from_credential_process(line.text)?.ok());
        let own = own.map(|own| [own.profile, own.source_profile]).into_iter().flatten().flatten();
        let keys = ["source_profile", "include_profile"].into_iter().filter_map(|key| profile.get(key));
        ahead.extend(keys.map(|value| value.text.to_owned()).chain(own).chain([format!("{name}-long-term")]));
    }
    names
}

fn not_there(name: &str, files: &Files, env: &Env) -> Error {
    let request = Request { profile: Some(name.to_owned()), ..Request::default() };
    match crate::profile::plan(files, env, &request) {
        Err(error) => error.into(),
        Ok(_) => Error::usage(&format!("there is no profile {name} in the AWS files"), "mfa-run list"),
    }
}

fn unreadable_file(scene: &Scene<'_>, error: &config::Error) -> Finding {
    let (what, path) = match error {
        config::Error::Unreadable { path, source } => {
            (format!("{} can't be read: {source}", scene.short(path)), Some(path))
        }
        other => (other.to_string(), None),
    };
    let mend = path.map_or_else(|| "ls -ld ~/.aws".into(), |path| format!("chmod u+r {}", scene.typed(path)));
    Finding::new(Severity::Error, "file-unreadable", what, "no tool finds a profile in it", mend)
}

/// A foreign word as a shell takes it.
fn quoted(word: &str) -> String {
    quote(&escape(word)).into_owned()
}
