//! `mfa-run key list`: the access keys that this machine knows of, and what AWS tells of them without a code. It asks nothing,
//! opens no key that would need a passphrase, and without a network lists what it knows.

use super::rotate::Journal;
use super::{keys, learn, plan};
use crate::aws;
use crate::aws::iam::{Iam, ListedKey};
use crate::aws::sts::{Connection, Identity, Signer};
use crate::commands::prepare;
use crate::config::{FileKind, Files};
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Column, Table};
use crate::profile::strategy::Caller;
use crate::profile::{Plan, Request};
use crate::session::access_key::access_key;
use crate::session::cache;
use crate::session::index::Index;
use crate::terminal::{escape, say};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::cell::Cell as Flag;
use std::process::ExitCode;

/// The stable shape of `--json`, for the help.
const JSON: &str = "\
--json prints an array with one object a key; keys are added, never renamed or removed:
  access_key_id   ID
  user            ARN of the IAM user, or null where nobody asked yet
  profiles        names of the profiles that use it by themselves, an array
  kept_in         \"keychain\", \"credentials\", \"config\" (files), \"environment\", \"named\" (a profile names it, and no
                  key import or rotate of this machine kept it), or null: not on this machine
  active          whether AWS takes it, or null where AWS does not tell
  created         RFC 3339, or null
  last_used       RFC 3339, or null
  last_service    where, or null";

/// Where a key is that a profile has in the keychain, and nobody here put there.
const NAMED: &str = "named";

/// `mfa-run key list [--json] [--offline]`
#[derive(clap::Args, Debug)]
#[command(after_long_help = JSON)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Ask AWS nothing
    #[arg(long)]
    offline: bool,
}

/// One key; its JSON is what the help says.
#[derive(Debug, Default, Serialize)]
struct Line {
    access_key_id: String,
    user: Option<String>,
    profiles: Vec<String>,
    kept_in: Option<&'static str>,
    active: Option<bool>,
    created: Option<String>,
    last_used: Option<String>,
    last_service: Option<String>,
    #[serde(skip)]
    age: Option<i64>,
}

pub(super) fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let mut lines = known(&files, env);
    let mut notes: Vec<String> = Vec::new();
    if !args.offline {
        ask(&mut lines, &files, env, &mut notes)?;
    }
    let index = Index::load(env);
    for line in &mut lines {
        let arn = index.identities.get(&line.access_key_id).map(|(arn, _)| arn.clone());
        line.user = line.user.take().or(arn);
    }
    for journal in Journal::all(env) {
        notes.push(journal.in_words());
    }
    if args.json {
        let json = serde_json::to_string_pretty(&lines).expect("strings and numbers") + "\n";
        output::print(json.as_bytes()).map_err(Error::stdout)?;
    } else if lines.is_empty() {
        say("there are no access keys: mfa-run key import --from-stdin");
    } else {
        let style = Style::of_stdout(env);
        output::print(table(&lines).render(&style).as_bytes()).map_err(Error::stdout)?;
    }
    notes.iter().for_each(|note| say(&escape(&format!("note: {note}"))));
    Ok(ExitCode::SUCCESS)
}

/// The keys that files, environment, keychain and unfinished rotations name.
fn known(files: &Files, env: &Env) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut add = |id: &str, profile: Option<String>, kept_in| {
        let at = lines.iter().position(|line| line.access_key_id == id).unwrap_or_else(|| {
            lines.push(Line { access_key_id: id.to_owned(), kept_in: Some(kept_in), ..Line::default() });
            lines.len() - 1
        });
        if lines[at].kept_in == Some(NAMED) {
            lines[at].kept_in = Some(kept_in);
        }
        lines[at].profiles.extend(profile);
    };
    let index = Index::load(env);
    for (profile, id) in keys::kept(files) {
        add(&id, Some(profile), if index.access_keys.contains_key(&id) { "keychain" } else { NAMED });
    }
    for plain in keys::plain(files) {
        let file = if plain.file == FileKind::Config { "config" } else { "credentials" };
        add(&plain.id, Some(plain.profile), file);
    }
    if let Some(id) = env.var("AWS_ACCESS_KEY_ID").filter(|id| keys::is_long_lived(id)) {
        add(id, None, "environment");
    }
    for id in index.access_keys.keys() {
        add(id, None, "keychain");
    }
    lines
}

/// Asks AWS for each user once: with the shared MFA session, if there is one, else with the key itself.
fn ask(lines: &mut Vec<Line>, files: &Files, env: &Env, notes: &mut Vec<String>) -> Result<(), Error> {
    for at in 0..lines.len() {
        let (id, Some(profile)) = (lines[at].access_key_id.clone(), lines[at].profiles.first().cloned()) else {
            continue;
        };
        let Ok(plan) = plan(files, env, Some(&profile)) else { continue };
        if lines[at].active.is_some() || plan.source.access_key_id() != Some(&id) {
            continue;
        }
        match told(&plan, files, env) {
            Ok(Some((identity, told))) => {
                for key in told {
                    add(lines, &identity, key, env.now());
                }
                learn(env, |index| drop(index.identities.insert(id, (identity.arn, identity.account))));
            }
            Ok(None) => notes.push(format!("{id} is not in the keychain, or that cannot be opened without asking")),
            Err(error @ (aws::Error::Unreachable { .. } | aws::Error::TimedOut { .. })) => {
                notes.push(format!("{error}: status and last use are not known"));
                break;
            }
            Err(error) => {
                notes.push(format!("AWS does not tell about {id}: {error}; try again after mfa-run login -p {profile}"))
            }
        }
    }
    Ok(())
}

/// A key of IAM's list, and when it was used.
struct Told {
    key: ListedKey,
    last: Option<aws::iam::LastUsed>,
}

fn told(plan: &Plan, files: &Files, env: &Env) -> Result<Option<(Identity, Vec<Told>)>, aws::Error> {
    let request = Request { no_prompt: true, ..Request::default() };
    let Ok(mut context) = prepare(env, files, &request, Caller::OneShot, true) else { return Ok(None) };
    // whatever the keychain has to say about sessions, nobody wants one
    context.told = Flag::new(true);
    let session = plan.shared_id().and_then(|id| cache::get(&context, &id)).map(|cached| cached.session);
    let key = if session.is_some() { None } else { access_key(&plan.source, &context.keychain).ok().flatten() };
    let signer = match (&session, &key) {
        (Some(session), _) => Signer::Session(session),
        (None, Some(key)) => Signer::AccessKey(key),
        (None, None) => return Ok(None),
    };
    let identity = Connection::new(&plan.sts)?.caller_identity(signer)?;
    let iam = Iam::new(signer, &plan.sts, env)?;
    let listed = iam.list_access_keys()?;
    let told = listed.into_iter().map(|key| Told { last: iam.access_key_last_used(&key.id).ok().flatten(), key });
    Ok(Some((identity, told.collect())))
}

/// What AWS told, to what is known here.
fn add(lines: &mut Vec<Line>, identity: &Identity, Told { key, last }: Told, now: DateTime<Utc>) {
    let at = lines.iter().position(|line| line.access_key_id == key.id).unwrap_or_else(|| {
        lines.push(Line { access_key_id: key.id.clone(), ..Line::default() });
        lines.len() - 1
    });
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let line = &mut lines[at];
    line.user = Some(identity.arn.clone());
    line.active = Some(key.active);
    line.created = key.created.map(time);
    line.age = key.created.map(|created| (now - created).num_days().max(0));
    line.last_used = last.as_ref().map(|last| time(last.at));
    line.last_service = last.map(|last| last.service);
}

fn table(lines: &[Line]) -> Table {
    let mut table = Table::new(vec![
        Column::fixed("ACCESS KEY"),
        Column::cut("USER", 8),
        Column::cut("PROFILES", 10),
        Column::fixed("KEPT IN"),
        Column::fixed("STATUS").expendable(1),
        Column::fixed("AGE"),
        Column::cut("LAST USED", 10).expendable(2),
    ]);
    for line in lines {
        let name = |arn: &String| arn.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let last = line.last_used.as_ref().map(|at| {
            let day = at.split('T').next().unwrap_or_default();
            format!("{day} {}", line.last_service.as_deref().unwrap_or_default())
        });
        let status = match line.active {
            Some(true) => Cell::new("active", Tone::Good),
            Some(false) => Cell::new("inactive", Tone::Faint),
            None => Cell::or_dash(None),
        };
        // what is in plain text could be elsewhere
        let plain = matches!(line.kept_in, Some("credentials" | "config" | "environment"));
        let kept_in = line.kept_in.map_or_else(
            || Cell::new("not here", Tone::Faint),
            |kept_in| Cell::new(kept_in, if plain { Tone::Soon } else { Tone::Plain }),
        );
        let profiles = line.profiles.join(", ");
        table.row(vec![
            Cell::or_dash(Some(&line.access_key_id)),
            Cell::or_dash(line.user.as_ref().map(name).as_deref()),
            Cell::or_dash((!profiles.is_empty()).then_some(profiles.as_str())),
            kept_in,
            status,
            Cell::or_dash(line.age.map(|days| format!("{days}d")).as_deref()),
            Cell::or_dash(last.as_deref()),
        ]);
    }
    table
}
