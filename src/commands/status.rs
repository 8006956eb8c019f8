//! `mfa-run status`: what is cached, for how long. From the index alone: no keychain, no network. `--prompt` runs before
//! every prompt of a shell, so that it reads no more than it must and never fails.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::prompt::Prompt;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Column, Table};
use crate::output::time::{Life, in_words};
use crate::profile::request::{MfaSerial, RoleArn};
use crate::profile::{self, Plan, Request};
use crate::session::index::{Entry, Index};
use crate::session::known::Outlook;
use crate::terminal::{escape, say};
use chrono::{DateTime, Local, Utc};
use serde::Serialize;
use std::process::ExitCode;

/// The stable shape of `--json`, for the help.
const JSON: &str = "\
--json prints one object; keys are added, never renamed or removed:
  shell     null, or the session in this shell's variables: {\"profile\": NAME or null, \"expires\", \"seconds_left\"}
  profile   with -p: {\"profile\", \"role_arn\", \"mfa_serial\", \"session\", \"shared_session\"}; else null
  sessions  what is cached (with -p for that profile), an array of {\"profile\", \"role_arn\", \"mfa_serial\", \"expires\",
            \"seconds_left\"}; role_arn is null for a shared MFA session
Times are RFC 3339 in UTC, seconds_left whole seconds.";

/// `mfa-run status [-p PROFILE] [--json | --prompt]`
#[derive(clap::Args, Debug)]
#[command(after_long_help = JSON)]
pub struct Args {
    /// Only what this profile uses
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print one line for a prompt: profile and time until a code is needed; nothing where nothing is cached
    #[arg(long, value_enum, value_name = "SHELL", conflicts_with = "json")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "plain")]
    prompt: Option<Prompt>,
}

/// With less left, a session is shown as one that ends soon.
const SHORT: i64 = 15 * 60;

/// The session in this shell's variables.
#[derive(Debug, Serialize)]
struct Shell {
    profile: Option<String>,
    #[serde(flatten)]
    life: Life,
}

#[derive(Debug, Serialize)]
struct OfProfile {
    profile: String,
    role_arn: Option<String>,
    mfa_serial: Option<String>,
    session: Option<Life>,
    shared_session: Option<Life>,
}

#[derive(Debug, Serialize)]
struct Cached<'a> {
    profile: &'a str,
    role_arn: Option<&'a str>,
    mfa_serial: Option<&'a str>,
    #[serde(flatten)]
    life: Life,
}

#[derive(Debug, Serialize)]
struct Status<'a> {
    shell: Option<Shell>,
    profile: Option<OfProfile>,
    sessions: Vec<Cached<'a>>,
}

/// Prints what is cached.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let text = match args.prompt {
        Some(shell) => prompt(args, shell, env).map_or_else(String::new, |line| line + "\n"),
        None => report(args, env)?,
    };
    output::print(text.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}

/// `admin 11h 59m`. Whatever is wrong, a prompt is no place to say it.
fn prompt(args: &Args, shell: Prompt, env: &Env) -> Option<String> {
    let (name, left) = shown(args, env)?;
    let words = if left > 0 { in_words(left) } else { "expired".into() };
    Some(shell.segment(&format!("{} {words}", escape(&name)), left < SHORT, &Style::of_prompt(env)))
}

/// The profile and the seconds left: this shell's session, else what is cached.
fn shown(args: &Args, env: &Env) -> Option<(String, i64)> {
    let now = env.now();
    if let Some(shell) = shell(env, now).filter(|_| args.profile.is_none()) {
        return Some((shell.profile?, shell.life.seconds_left));
    }
    let index = Index::load(env);
    if index.sessions.is_empty() {
        return None;
    }
    let files = Files::load(env).ok()?;
    let plan = plan_of(args.profile.clone(), &files, env).ok()?;
    let left = Outlook::of(&plan, &index, now).longest()?.expires - now.timestamp();
    Some((plan.profile.value, left))
}

fn report(args: &Args, env: &Env) -> Result<String, Error> {
    let (index, now) = (Index::load(env), env.now());
    let mut entries: Vec<&Entry> = index.sessions.values().filter(|entry| entry.expires > now.timestamp()).collect();
    let mut status = Status { shell: shell(env, now), profile: None, sessions: vec![] };
    let mut outlook = Outlook::default();
    if let Some(name) = &args.profile {
        let files = Files::load(env)?;
        let plan = plan_of(Some(name.clone()), &files, env)?;
        outlook = Outlook::of(&plan, &index, now);
        entries = outlook.session.into_iter().chain(outlook.shared).collect();
        status.profile = Some(of_profile(&plan, &outlook, now));
    }
    // the shared MFA sessions first, then by the time left
    entries.sort_by_key(|entry| (entry.role_arn.is_some(), std::cmp::Reverse(entry.expires), &entry.profile));
    status.sessions = entries.iter().map(|entry| cached(entry, now)).collect();
    if args.json {
        return Ok(serde_json::to_string_pretty(&status).expect("strings and numbers") + "\n");
    }
    let style = Style::of_stdout(env);
    let mut text = String::new();
    if let Some(shell) = &status.shell {
        let name = shell.profile.as_deref().map_or("a session", |name| name);
        let (words, tone) = match shell.life.seconds_left {
            left @ 1.. => (format!("{} left", in_words(left)), Tone::Good),
            left => (format!("expired {} ago", in_words(-left)), Tone::Bad),
        };
        text += &format!("this shell: {}, {}\n", escape(name), style.paint(&words, tone));
    }
    match &status.profile {
        Some(profile) => text += &in_sentences(profile, &outlook, &style, now),
        None if entries.is_empty() => say("nothing is cached"),
        None => text += &table(&entries, &style, now).render(&style),
    }
    Ok(text)
}

fn plan_of(profile: Option<String>, files: &Files, env: &Env) -> Result<Plan, profile::Error> {
    profile::plan(files, env, &Request { profile, ..Request::default() })
}

/// What `export` and `--` leave in the environment.
fn shell(env: &Env, now: DateTime<Utc>) -> Option<Shell> {
    let expires = DateTime::parse_from_rfc3339(env.var("AWS_CREDENTIAL_EXPIRATION")?).ok()?;
    let profile = env.var("MFA_RUN_PROFILE").map(str::to_owned);
    Some(Shell { profile, life: Life::until(expires.timestamp(), now) })
}

fn of_profile(plan: &Plan, outlook: &Outlook<'_>, now: DateTime<Utc>) -> OfProfile {
    let life = |entry: Option<&Entry>| entry.map(|entry| Life::until(entry.expires, now));
    OfProfile {
        profile: plan.profile.value.clone(),
        role_arn: plan.roles.last().map(|role| role.arn.value.to_string()),
        mfa_serial: plan.mfa.as_ref().map(|mfa| mfa.serial.value.to_string()),
        session: life(outlook.session),
        shared_session: life(outlook.shared),
    }
}

fn cached(entry: &Entry, now: DateTime<Utc>) -> Cached<'_> {
    Cached {
        profile: &entry.profile,
        role_arn: entry.role_arn.as_deref(),
        mfa_serial: entry.mfa_serial.as_deref(),
        life: Life::until(entry.expires, now),
    }
}

fn in_sentences(profile: &OfProfile, outlook: &Outlook<'_>, style: &Style, now: DateTime<Utc>) -> String {
    let what = profile.role_arn.as_deref().unwrap_or("shared MFA session");
    let mut text = format!("{}: {}\n", style.paint(&escape(&profile.profile), Tone::Heading), escape(what));
    let mut line = |name: &str, entry: &Entry, and: &str| {
        text += &format!("  {name:<19} {}{and}\n", left(entry, style, now));
    };
    if let Some(session) = outlook.session {
        line("session", session, "");
    }
    if let Some(shared) = outlook.shared {
        line("shared MFA session", shared, "; renews the session without a code");
    }
    if outlook.longest().is_none() {
        let then = if profile.mfa_serial.is_some() { "the next use asks for a code" } else { "no code is needed" };
        text += &format!("  nothing is cached; {then}\n");
    }
    text
}

fn table(entries: &[&Entry], style: &Style, now: DateTime<Utc>) -> Table {
    let mut table = Table::new(vec![
        Column::cut("PROFILE", 12),
        Column::fixed("ACCOUNT"),
        Column::cut("SESSION", 10),
        Column::cut("MFA", 6).expendable(1),
        Column::fixed("LEFT"),
    ]);
    for entry in entries {
        let role = entry.role_arn.as_deref().and_then(|arn| arn.parse::<RoleArn>().ok());
        let serial = entry.mfa_serial.as_deref().and_then(|serial| serial.parse::<MfaSerial>().ok());
        let account = role.as_ref().map(RoleArn::account).or_else(|| serial.as_ref().and_then(MfaSerial::account));
        let tone = if entry.expires - now.timestamp() < SHORT { Tone::Soon } else { Tone::Good };
        table.row(vec![
            Cell::or_dash(Some(&entry.profile)),
            Cell::or_dash(account),
            Cell::or_dash(Some(role.as_ref().map_or("shared MFA session", RoleArn::name))),
            Cell::or_dash(serial.as_ref().map(MfaSerial::name)),
            Cell::new(&left(entry, style, now), tone),
        ]);
    }
    table
}

/// `████░░ 7h 59m, until 18:30:00`
fn left(entry: &Entry, style: &Style, now: DateTime<Utc>) -> String {
    let left = entry.expires - now.timestamp();
    let at = DateTime::from_timestamp(entry.expires, 0).unwrap_or_default().with_timezone(&Local);
    let today = now.with_timezone(&Local).date_naive() == at.date_naive();
    let at = at.format(if today { "%H:%M:%S" } else { "%a %H:%M:%S" });
    format!("{} {}, until {at}", style.bar(left, entry.expires - entry.made), in_words(left))
}
