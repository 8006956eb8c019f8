//! `mfa-run explain`: the plan in words. Which calls would be made now and why these, whether a code would be asked for and how,
//! and each value with where it came from. Makes no call, opens no keychain, asks nobody.

mod settings;

use crate::config::{FileKind, Files};
use crate::env::Env;
use crate::error::Error;
use crate::mfa::{self, Asking, Device, Way};
use crate::output;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Column, Table};
use crate::output::time::{Life, in_words};
use crate::profile::plan::SessionId;
use crate::profile::strategy::{self, Begin, Caller, Step};
use crate::profile::{self, Plan, Request};
use crate::session::cache::Age;
use crate::session::index::{Entry, Index};
use crate::session::known::{LEAST, Outlook, known};
use crate::terminal::escape;
use serde::Serialize;
use settings::Shown;
use std::process::ExitCode;

/// The stable shape of `--json`, for the help.
const JSON: &str = "\
--json prints one object; keys are added, never renamed or removed:
  profile   name, or a role's ARN
  settings  each value in force: an array of {\"name\", \"value\", \"from\"}
  cached    {\"session\", \"shared_session\"}: null or {\"expires\", \"seconds_left\"}
  callers   what would be done for each kind of caller: an array of
              caller   \"credential-process\" or \"command\" (export, --)
              cached   whether the cached session serves, so that no call is made
              begin    whose credentials sign the first call
              calls    an array of {\"call\", \"role_arn\", \"duration\", \"with_code\"}
              because  why these calls
              code     null where none is needed, else {\"by\": \"token-code\", \"mfa_process\", \"seed\", \"terminal\", \"dialog\" or null, \"why\"}
  warnings  what is wrong with the profile, an array of strings";

/// `mfa-run explain [-p PROFILE] [REQUEST OPTIONS]`
#[derive(clap::Args, Debug)]
#[command(after_long_help = JSON)]
pub struct Args {
    #[command(flatten)]
    request: Request,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Explanation {
    profile: String,
    settings: Vec<Shown>,
    cached: CachedLives,
    callers: Vec<ForCaller>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CachedLives {
    session: Option<Life>,
    shared_session: Option<Life>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ForCaller {
    caller: &'static str,
    cached: bool,
    begin: String,
    calls: Vec<Call>,
    because: &'static str,
    code: Option<Code>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Call {
    call: &'static str,
    role_arn: Option<String>,
    /// Seconds.
    duration: u32,
    with_code: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Code {
    by: Option<&'static str>,
    /// In words: how, or why nobody.
    why: String,
}

/// Prints the plan.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let plan = profile::plan(&files, env, &args.request)?;
    let (index, now) = (Index::load(env), env.now());
    let outlook = Outlook::of(&plan, &index, now);
    let life = |entry: Option<&Entry>| entry.map(|entry| Life::until(entry.expires, now));
    let look = |caller| for_caller(caller, &plan, &outlook, &index, &files, env, &args.request);
    let explanation = Explanation {
        profile: plan.profile.value.clone(),
        settings: settings::of(&plan, &files, env),
        cached: CachedLives { session: life(outlook.session), shared_session: life(outlook.shared) },
        callers: vec![look(Caller::Renewing), look(Caller::OneShot)],
        warnings: warnings(&plan, &files),
    };
    let text = if args.json {
        serde_json::to_string_pretty(&explanation).expect("strings and numbers") + "\n"
    } else {
        in_sentences(&explanation, &Style::of_stdout(env))
    };
    output::print(text.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}

fn for_caller(
    caller: Caller,
    plan: &Plan,
    outlook: &Outlook<'_>,
    index: &Index,
    files: &Files,
    env: &Env,
    request: &Request,
) -> ForCaller {
    let now = env.now();
    let lives = |id: &SessionId| !request.refresh && index.lives(id, now, LEAST);
    let known = known(plan, index, files, env, lives);
    let (begin, steps) = strategy::steps(plan, &known, caller);
    let needs_code = steps.iter().any(|step| step.needs_code());
    let min_ttl = request.min_ttl.map(|left| left.0);
    let serves = |entry| Age::of(entry, now).serves(plan, caller, min_ttl, needs_code);
    let cached = !request.refresh && outlook.session.is_some_and(serves);
    ForCaller {
        caller: if caller == Caller::Renewing { "credential-process" } else { "command" },
        cached,
        begin: match begin {
            Begin::Source => settings::source(plan),
            Begin::Shared => "the cached shared MFA session".into(),
            Begin::Hop(hop) => format!("the cached session of {}", plan.roles[hop - 1].arn.value),
        },
        calls: steps.iter().map(|step| call(plan, *step)).collect(),
        because: strategy::row(plan, &known, caller).because(),
        code: (needs_code && !cached).then(|| code(plan, index, env, request)),
    }
}

fn call(plan: &Plan, step: Step) -> Call {
    let with_code = step.needs_code();
    match step {
        Step::GetSessionToken { duration } => Call { call: "GetSessionToken", role_arn: None, duration, with_code },
        Step::AssumeRole { hop, duration, .. } => {
            let role_arn = Some(plan.roles[hop].arn.value.to_string());
            Call { call: "AssumeRole", role_arn, duration, with_code }
        }
    }
}

/// By which way a code would come.
fn code(plan: &Plan, index: &Index, env: &Env, request: &Request) -> Code {
    let process = plan.mfa.as_ref().and_then(|mfa| mfa.process.as_ref()).map(|process| process.value.as_str());
    let serial = plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
    let asking = Asking {
        mfa_process: process,
        has_seed: index.has_seed(serial),
        may_prompt: !request.no_prompt,
        ..Asking::new(env)
    };
    let way = match request.token_code {
        Some(_) => Ok(Way::Given),
        None => mfa::can_ask(&Device { serial, profile: &plan.profile.value, login: plan.login_profile() }, &asking),
    };
    let by = |by, why: &str| Code { by: Some(by), why: why.to_owned() };
    match way {
        Ok(Way::Given) => by("token-code", "it comes from --token-code"),
        Ok(Way::Process) => by("mfa_process", "mfa_process prints it"),
        Ok(Way::Seed) => by("seed", "it is made of the seed in the keychain"),
        Ok(Way::Terminal) => by("terminal", "it is asked for on the terminal"),
        Ok(Way::Dialog) => by("dialog", "it is asked for in a dialog on the display"),
        Err(mfa::Error::NobodyToAsk { why, .. }) => {
            Code { by: None, why: format!("nobody can be asked ({why}), and it ends with exit code 3") }
        }
        Err(error) => Code { by: None, why: error.to_string() },
    }
}

/// What the files say that SDKs disagree about, in the sections of this profile.
fn warnings(plan: &Plan, files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    let Some(profile) = files.profile(&plan.profile.value) else { return found };
    let all = files.warnings();
    for kind in [FileKind::Config, FileKind::Credentials] {
        let Some(section) = profile.section(kind) else { continue };
        let document = files.document(kind);
        let first = section.origin().line;
        let next = document.headers().iter().map(|header| header + 1).find(|line| *line > first).unwrap_or(usize::MAX);
        let here = all.iter().filter(|warning| warning.origin.file == kind);
        let here = here.filter(|warning| (first..next).contains(&warning.origin.line));
        found.extend(here.map(|warning| format!("{} file, line {}: {warning}", kind.name(), warning.origin.line)));
    }
    if profile.get("credential_process").is_some() && profile.get("role_arn").is_some() {
        found.push(
            "role_arn stands beside credential_process: the AWS CLI and boto3 ignore one, Go assumes the role on top \
             (mfa-run configure mends it)"
                .into(),
        );
    }
    if profile.get("credential_process").is_some()
        && profile.get_in(FileKind::Credentials, "aws_access_key_id").is_some()
    {
        found.push("SDKs take the keys in the credentials file before credential_process".into());
    }
    found
}

fn in_sentences(explanation: &Explanation, style: &Style) -> String {
    let mut text = style.paint(&escape(&explanation.profile), Tone::Heading) + "\n";
    let mut table = Table::new(vec![Column::fixed("SETTING"), Column::fixed("VALUE"), Column::fixed("FROM")]);
    for setting in &explanation.settings {
        let cell = |text: &str, tone| Cell::new(text, tone);
        table.row(vec![
            cell(&setting.name, Tone::Plain),
            cell(&setting.value, Tone::Plain),
            cell(&setting.from, Tone::Faint),
        ]);
    }
    text += &table.render_whole(style);
    text += "\n";
    for (name, life) in
        [("session", &explanation.cached.session), ("shared MFA session", &explanation.cached.shared_session)]
    {
        if let Some(life) = life {
            text += &format!("cached {name}: {} left\n", in_words(life.seconds_left));
        }
    }
    let [renewing, one_shot] = &explanation.callers[..] else { return text };
    let alike = ForCaller { caller: renewing.caller, ..one_shot.clone() } == *renewing;
    let mut said = sentences(renewing, if alike { "any command" } else { "credential-process" });
    if !alike {
        said += &sentences(one_shot, "export and --");
    }
    for line in said.lines() {
        text += &(style.wrap(line, 4) + "\n");
    }
    for warning in &explanation.warnings {
        let line = style.wrap(&format!("warning: {}", escape(warning)), 4) + "\n";
        text += &line.replacen("warning:", &style.paint("warning:", Tone::Soon), 1);
    }
    text
}

fn sentences(one: &ForCaller, whom: &str) -> String {
    if one.cached {
        return format!("{whom}: the cached session is handed out; no call is made and no code is asked for\n");
    }
    let mut text = format!("{whom}: signed with {},\n", escape(&one.begin));
    for (number, call) in one.calls.iter().enumerate() {
        let role = call.role_arn.as_ref().map_or_else(String::new, |arn| format!(" {}", escape(arn)));
        let code = if call.with_code { " with serial and code" } else { "" };
        text += &format!("  {}. {}{role}{code}, for {}\n", number + 1, call.call, in_words(i64::from(call.duration)));
    }
    text += &format!("  because {}\n", one.because);
    text += &match &one.code {
        None => "  no code is needed\n".to_owned(),
        Some(code) => format!("  a code is needed: {}\n", escape(&code.why)),
    };
    text
}
