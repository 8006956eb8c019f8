//! `mfa-run list`: every profile, what it leads to, and what is cached for it. From the AWS files and the index alone: no
//! keychain, no network, no prompt.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Column, Table};
use crate::output::time::{Life, in_words};
use crate::profile::{self, Plan, Request, request};
use crate::session::index::{Entry, Index};
use crate::session::known::Outlook;
use crate::terminal::say;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::process::ExitCode;

/// The stable shape of `--json`, for the help.
const JSON: &str = "\
--json prints an array with one object a profile, in the same order; keys are added, never renamed or removed:
  profile         name
  kind            \"role\", \"shared\" (a shared MFA session) or null (no session is made from it)
  role_arn        ARN or null
  account         twelve digits or null
  source          profile or other place whose credentials begin, or null
  via             ARNs of roles assumed on the way, an array
  mfa_serial      ARN or serial number, or null
  region          or null
  session         null, or {\"expires\": RFC 3339, \"seconds_left\": N} of the cached session
  shared_session  the same of the shared MFA session it is renewed from
  note            why there is no session to make, or null
  error           what is wrong with the profile, or null";

/// `mfa-run list [--json] [--sort KEY] [WORD]...`
///
/// LEFT is the time until a code is asked for: the session's own, or that of the shared MFA session that renews it.
#[derive(clap::Args, Debug)]
#[command(after_long_help = JSON)]
pub struct Args {
    /// Show profiles only where all of these words are found: in name, account, role, source, MFA or Region
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Order
    #[arg(long, value_enum, value_name = "KEY", default_value = "name")]
    sort: Sort,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the profiles are sorted by.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// The profile's name
    Name,
    /// The account, then the role
    Account,
    /// The role's name
    Role,
    /// The time left, most first
    Left,
    /// As they stand in the files
    File,
}

/// One profile; its JSON is what the help says.
#[derive(Debug, Default, Serialize)]
struct Line {
    profile: String,
    kind: Option<&'static str>,
    role_arn: Option<String>,
    account: Option<String>,
    source: Option<String>,
    via: Vec<String>,
    mfa_serial: Option<String>,
    region: Option<String>,
    session: Option<Life>,
    shared_session: Option<Life>,
    note: Option<String>,
    error: Option<String>,
    #[serde(skip)]
    shown: Shown,
}

/// What only people see.
#[derive(Debug, Default)]
struct Shown {
    role: Option<String>,
    source: Option<String>,
    mfa: Option<String>,
    /// Seconds left and seconds of the whole.
    left: Option<(i64, i64)>,
}

/// Prints the profiles.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let (files, index, now) = (Files::load(env)?, Index::load(env), env.now());
    let mut lines: Vec<Line> = files.profiles().map(|found| line(found.name(), &files, env, &index, now)).collect();
    lines.retain(|line| args.words.iter().all(|word| line.mentions(&word.to_lowercase())));
    sort(&mut lines, args.sort);
    if args.json {
        let json = serde_json::to_string_pretty(&lines).expect("strings and numbers") + "\n";
        output::print(json.as_bytes()).map_err(Error::stdout)?;
        return Ok(ExitCode::SUCCESS);
    }
    if lines.is_empty() {
        say(if args.words.is_empty() {
            "there are no profiles: mfa-run setup leads from an access key to roles; with roles, mfa-run configure"
        } else {
            "no profile has these words"
        });
        return Ok(ExitCode::SUCCESS);
    }
    let style = Style::of_stdout(env);
    output::print(table(&lines, &style).render(&style).as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}

fn line(name: &str, files: &Files, env: &Env, index: &Index, now: DateTime<Utc>) -> Line {
    let profile = name.to_owned();
    match profile::plan(files, env, &Request { profile: Some(profile.clone()), ..Request::default() }) {
        Ok(plan) => planned(profile, &plan, Outlook::of(&plan, index, now), now),
        Err(error) => match error.no_session().filter(|_| !wants_a_session(name, files)) {
            Some(note) => Line { profile, note: Some(note), ..Line::default() },
            None => Line { profile, error: Some(error.to_string()), ..Line::default() },
        },
    }
}

/// A profile that is to make a session and can't is broken; the others are what they are.
fn wants_a_session(name: &str, files: &Files) -> bool {
    let has = |key: &str| files.profile(name).is_some_and(|profile| profile.get(key).is_some());
    let ours = |line: &str| request::own_arguments(line).is_some();
    let line = files.profile(name).and_then(|profile| profile.get("credential_process"));
    has("role_arn") || has("mfa_serial") || line.is_some_and(|line| ours(line.text))
}

fn planned(profile: String, plan: &Plan, outlook: Outlook<'_>, now: DateTime<Utc>) -> Line {
    let life = |entry: Option<&Entry>| entry.map(|entry| Life::until(entry.expires, now));
    let (role, via) = plan.roles.split_last().map_or((None, &[][..]), |(role, via)| (Some(&role.arn.value), via));
    let serial = plan.mfa.as_ref().map(|mfa| &mfa.serial.value);
    let account = role.map(|role| role.account()).or_else(|| serial.and_then(|serial| serial.account()));
    let hops = via.iter().map(|role| format!(" > {}", role.arn.value.name()));
    Line {
        profile,
        kind: Some(if role.is_some() { "role" } else { "shared" }),
        role_arn: role.map(ToString::to_string),
        account: account.map(str::to_owned),
        source: Some(plan.source.in_words().to_owned()),
        via: via.iter().map(|role| role.arn.value.to_string()).collect(),
        mfa_serial: serial.map(ToString::to_string),
        region: plan.region.as_ref().map(|region| region.value.clone()),
        session: life(outlook.session),
        shared_session: life(outlook.shared),
        shown: Shown {
            role: role.map(|role| role.name().to_owned()),
            source: Some(hops.fold(plan.source.in_words().to_owned(), |source, hop| source + &hop)),
            mfa: serial.map(|serial| serial.name().to_owned()),
            left: outlook.longest().map(|entry| (entry.expires - now.timestamp(), entry.expires - entry.made)),
        },
        ..Line::default()
    }
}

impl Line {
    fn mentions(&self, word: &str) -> bool {
        let texts = [&self.role_arn, &self.account, &self.shown.source, &self.mfa_serial, &self.region];
        let texts = texts.into_iter().flatten().chain([&self.profile]);
        texts.into_iter().any(|text| text.to_lowercase().contains(word))
    }
}

fn sort(lines: &mut [Line], by: Sort) {
    // what has no value goes last
    let text = |text: &Option<String>| (text.is_none(), text.clone());
    match by {
        Sort::File => {}
        Sort::Name => lines.sort_by_cached_key(|line| line.profile.to_lowercase()),
        Sort::Account => lines.sort_by_cached_key(|line| (text(&line.account), text(&line.shown.role))),
        Sort::Role => lines.sort_by_cached_key(|line| (text(&line.shown.role), text(&line.account))),
        Sort::Left => lines.sort_by_key(|line| std::cmp::Reverse(line.shown.left)),
    }
}

fn table(lines: &[Line], style: &Style) -> Table {
    let mut table = Table::new(vec![
        Column::cut("PROFILE", 12),
        Column::fixed("ACCOUNT"),
        Column::cut("ROLE", 10),
        Column::cut("SOURCE", 6).expendable(1),
        Column::cut("MFA", 6).expendable(2),
        Column::cut("REGION", 9).expendable(3),
        Column::fixed("LEFT"),
    ]);
    for line in lines {
        let name = |tone| Cell::new(&line.profile, tone);
        if let Some(error) = &line.error {
            table.note(name(Tone::Bad), Cell::new(error, Tone::Bad));
            continue;
        }
        if let Some(note) = &line.note {
            table.note(name(Tone::Faint), Cell::new(note, Tone::Faint));
            continue;
        }
        let left = line.shown.left.map_or_else(
            || Cell::or_dash(None),
            |(left, whole)| {
                let tone = if left < 15 * 60 { Tone::Soon } else { Tone::Good };
                Cell::new(&format!("{} {}", style.bar(left, whole), in_words(left)), tone)
            },
        );
        table.row(vec![
            name(Tone::Plain),
            Cell::or_dash(line.account.as_deref()),
            Cell::or_dash(line.shown.role.as_deref()),
            Cell::or_dash(line.shown.source.as_deref()),
            Cell::or_dash(line.shown.mfa.as_deref()),
            Cell::or_dash(line.region.as_deref()),
            left,
        ]);
    }
    table
}
