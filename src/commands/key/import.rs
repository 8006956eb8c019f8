//! `mfa-run key import`: a key that works is kept in the keychain and read back; only then does its plain text go. The profile
//! goes on to work: mfa-run knows the key by its ID, and every SDK gets a session through `credential_process`.
//!
//! There is no undo, because nothing here may keep the secret: `key export` is the way back.

use super::rotate::{Journal, turn};
use super::target::{Draft, Target};
use super::{confirm, given, identity, keep, keychain, may_ask, no_key, plan};
use crate::aws::iam::Iam;
use crate::aws::sts::{Identity, Signer};
use crate::commands::{dialog, own_program, quoted_word, theme, unified};
use crate::config::keys::{self, KEPT, Plain};
use crate::config::{FileKind, Files, edit_file};
use crate::credentials::AccessKey;
use crate::env::Env;
use crate::error::Error;
use crate::fsio::{self, Replacement};
use crate::output;
use crate::profile::plan::Source;
use crate::profile::request::{self, MfaSerial};
use crate::profile::{self, Plan, Request};
use crate::session::index::Index;
use crate::session::seed;
use crate::terminal::{escape, say};
use dialoguer::Select;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `mfa-run key import [-p PROFILE | --all] [--from-stdin | --from-env]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Profile whose access key to move, or that is to use the given one [default: $AWS_PROFILE, $AWS_DEFAULT_PROFILE, then "default"]
    #[arg(short, long, value_name = "NAME", conflicts_with = "all")]
    profile: Option<String>,
    /// Every access key of the AWS files
    #[arg(long, conflicts_with_all = ["from_stdin", "from_env"])]
    all: bool,
    /// Take the access key from stdin: an ID and a secret, however they are written
    #[arg(long, conflicts_with = "from_env")]
    from_stdin: bool,
    /// Take the access key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[arg(long)]
    from_env: bool,
    /// MFA device of the profile [default: the profile's, else the one that AWS knows]
    #[arg(long, value_name = "ARN")]
    mfa_serial: Option<MfaSerial>,
    /// Do not ask AWS whether the key works, nor for devices: for a machine without a network
    #[arg(long)]
    no_check: bool,
    /// Agree to everything, ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Print what would change as a diff with secrets masked, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write into the files instead of replacing them: for a file that is mounted by itself
    #[arg(long)]
    in_place: bool,
    /// Even in place of another key that the profile names, and beside the seed of an MFA device: one factor then, not two
    #[arg(long)]
    force: bool,
    /// Path of mfa-run to write [default: as found on PATH]
    #[arg(long, value_name = "PATH")]
    program: Option<String>,
}

/// A key to keep, and what becomes of the profiles that have it.
struct Import {
    key: AccessKey,
    /// Whose it is, where AWS was asked.
    identity: Option<Identity>,
    targets: Vec<Target>,
    /// What a person should know afterwards.
    notes: Vec<String>,
}

pub(super) fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    // a rotation has its keys on record as they stand now
    let _turn = turn(env)?;
    let files = Files::load(env)?;
    let (mut draft, mut imports, mut worst) = (Draft::of(&files), Vec::new(), 0);
    for (key, targets) in wanted(args, &files, env)? {
        let import = match Journal::under_way(env, &key.id) {
            Some(journal) => {
                let message = format!("access key {} is being replaced, and the rotation is not finished", key.id);
                Err((key.id.clone(), Error::usage(&message, &journal.command())))
            }
            None => prepared(args, env, &draft, key, targets),
        };
        match import {
            Ok((import, after)) => {
                imports.push(import);
                draft = after;
            }
            Err((id, error)) if args.all => {
                say(&format!("access key {id} stays where it is: {}", escape(&error.in_one_line())));
                worst = worst.max(error.code());
            }
            Err((_, error)) => return Err(error),
        }
    }
    let (before, paths) = (Draft::of(&files), [files.path(FileKind::Config), files.path(FileKind::Credentials)]);
    let shown =
        unified(paths[0], &before.config, &draft.config) + &unified(paths[1], &before.credentials, &draft.credentials);
    if args.dry_run {
        output::print(shown.as_bytes()).map_err(Error::stdout)?;
        return Ok(ExitCode::from(worst));
    }
    if imports.is_empty() {
        say("there is no access key to import");
        return Ok(ExitCode::from(worst));
    }
    agree(args, env, &imports, &shown)?;
    let keychain = keychain(env)?;
    let keep = |import: &Import| keep(&keychain, env, &import.key, import.identity.as_ref());
    let stores = imports.iter().map(keep).collect::<Result<Vec<_>, _>>()?;
    // the config file first: until the plain text is gone, it goes on to count
    let how = if args.in_place { Replacement::InPlace } else { Replacement::Atomic };
    for file in [FileKind::Config, FileKind::Credentials] {
        edit_file(env, files.path(file), how, |mut document| {
            let mut targets = imports.iter().flat_map(|import| &import.targets);
            targets.try_for_each(|target| target.edit(&mut document, file))?;
            Ok::<_, Error>(document)
        })?;
    }
    tell(args, &files, &imports, &stores);
    Ok(ExitCode::from(worst))
}

/// The keys to import, each with the profiles that are to name it.
fn wanted(args: &Args, files: &Files, env: &Env) -> Result<Vec<(AccessKey, Vec<Target>)>, Error> {
    if args.from_stdin || args.from_env {
        let given = if args.from_env { vec![given::in_environment(env)?] } else { given::on_stdin()? };
        let [key] = &given[..] else {
            // several keys: no profile is theirs
            return Ok(given.into_iter().map(|key| (key, vec![])).collect());
        };
        let profile = args.profile.as_deref().or_else(|| env.profile_variable().map(|(_, name)| name));
        let profile = profile.unwrap_or("default").to_owned();
        let plain = keys::plain(files);
        if let Some(other) = plain.iter().find(|plain| plain.profile == profile && plain.id != key.id) {
            let message = format!("profile {profile} has another access key in plain text: {}", other.id);
            return Err(Error::usage(
                &message,
                &format!("mfa-run key import -p {profile}, or name another profile with -p"),
            ));
        }
        let mut targets: Vec<Target> = plain.into_iter().filter(|plain| plain.id == key.id).map(in_plain).collect();
        if targets.iter().all(|target| target.profile != profile) {
            let place = files.profile(&profile).and_then(|profile| Some(profile.get(KEPT)?.origin.file));
            let names = Some((place.unwrap_or(FileKind::Config), key.id.clone()));
            targets.push(Target { profile, names, ..Target::default() });
        }
        return Ok(vec![(key.clone(), targets)]);
    }
    let plain = keys::plain(files);
    let ids: BTreeSet<String> = if args.all {
        plain.iter().map(|plain| plain.id.clone()).collect()
    } else {
        let own = args.profile.as_ref().and_then(|name| plain.iter().find(|plain| plain.profile == *name));
        BTreeSet::from([match own {
            Some(own) => own.id.clone(),
            None => id_behind(args, files, env)?,
        }])
    };
    let key = |id: String| {
        let places: Vec<Plain> = plain.iter().filter(|plain| plain.id == id).cloned().collect();
        if places.is_empty() {
            return Err(Error::usage(&format!("{id} and its secret stand in two files"), "put them into one section"));
        }
        if let Some(other) = places.iter().find(|plain| plain.secret != places[0].secret) {
            let message = format!("profiles {} and {} have two secrets for {id}", places[0].profile, other.profile);
            return Err(Error::usage(&message, "take the wrong one out of the files"));
        }
        let secret = places[0].secret.as_str().into();
        Ok((AccessKey { id, secret }, places.into_iter().map(in_plain).collect()))
    };
    ids.into_iter().map(key).collect()
}

fn in_plain(plain: Plain) -> Target {
    Target { profile: plain.profile.clone(), plain: Some(plain), ..Target::default() }
}

/// The key in plain text that the profile's chain of source profiles begins with.
fn id_behind(args: &Args, files: &Files, env: &Env) -> Result<String, Error> {
    let plan = plan(files, env, args.profile.as_deref())?;
    let profile = &plan.profile.value;
    match &plan.source {
        Source::File { key, session_token: None, .. } if keys::is_long_lived(&key.id) => Ok(key.id.clone()),
        Source::File { key, session_token: None, .. } => {
            let message = format!("{} of profile {profile} is no access key ID of an IAM user", key.id);
            Err(Error::usage(&message, "an access key ID begins with AKIA"))
        }
        Source::Keychain { access_key_id, .. } => {
            let message = format!("profile {profile} names access key {access_key_id} in the keychain already");
            Err(Error::usage(&message, "if it is not there, give it: mfa-run key import --from-stdin"))
        }
        Source::Environment { .. } => Err(Error::usage(
            &format!("profile {profile} takes its access key from the environment"),
            "mfa-run key import --from-env",
        )),
        _ => Err(no_key(&plan)),
    }
}

/// Asks AWS about a key, and says what is to become of its profiles.
fn prepared(
    args: &Args,
    env: &Env,
    draft: &Draft,
    key: AccessKey,
    mut targets: Vec<Target>,
) -> Result<(Import, Draft), (String, Error)> {
    let id = key.id.clone();
    let prepare = || {
        let named = draft.with(&targets)?.files();
        let asked = match targets.first() {
            Some(target) => plan(&named, env, Some(&target.profile))?,
            None => somewhere(env, &key.id)?,
        };
        let identity = if args.no_check { None } else { Some(identity(&asked, &key)?) };
        let account = identity.as_ref().map(|identity| identity.account.as_str());
        seed::check_access_key(env, &id, account, args.force)?;
        let mut notes = replaced(args, env, draft, &id, &targets)?;
        for target in &mut targets {
            let plan = plan(&named, env, Some(&target.profile))?;
            serve(args, env, &named, &key, &plan, target, &mut notes)?;
        }
        let after = draft.with(&targets)?;
        for target in &targets {
            let files = after.files();
            if keys::plain(&files).iter().any(|plain| plain.profile == target.profile) {
                let message = format!("the access key of profile {} stands where it can't be replaced", target.profile);
                return Err(Error::usage(&message, "move it from [DEFAULT] to the profile's own section"));
            }
        }
        Ok((Import { key, identity, targets, notes }, after))
    };
    prepare().map_err(|error| (id, error))
}

/// No profile loses the key that it names in the keychain without anybody saying so; what is left of that one then.
fn replaced(args: &Args, env: &Env, draft: &Draft, id: &str, targets: &[Target]) -> Result<Vec<String>, Error> {
    let is_target = |profile: &String| targets.iter().any(|target| target.profile == *profile);
    let kept = keys::kept(&draft.files()).into_iter();
    let others: Vec<_> = kept.filter(|(profile, old)| old != id && is_target(profile)).collect();
    match &others[..] {
        [(profile, old), ..] if !args.force => {
            let message = format!("profile {profile} names another access key in the keychain: {old}");
            Err(Error::usage(&message, "name another profile with -p, or the same again with --force"))
        }
        _ => {
            let index = Index::load(env);
            let old: BTreeSet<_> = others.into_iter().map(|(_, old)| old).collect();
            let left = old.into_iter().filter(|old| index.access_keys.contains_key(old));
            Ok(left.map(|old| format!("{old} is still in the keychain: mfa-run key remove {old}")).collect())
        }
    }
}

/// A plan that is good for nothing but to ask STS who a key is.
fn somewhere(env: &Env, id: &str) -> Result<Plan, Error> {
    let config = format!("[profile mfa-run]\n{KEPT} = {id}\n");
    plan(&Files::from_bytes(config.as_bytes(), b""), env, Some("mfa-run"))
}

/// What makes the profile serve every SDK, once its key is gone from the files.
fn serve(
    args: &Args,
    env: &Env,
    files: &Files,
    key: &AccessKey,
    plan: &Plan,
    target: &mut Target,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let name = &target.profile;
    let word = quoted_word(name)?;
    let profile = files.profile(name);
    let value = |key: &str| profile.and_then(|profile| profile.get(key)).filter(|value| !value.text.is_empty());
    if name.ends_with("-long-term") {
        // aws-mfa's layout: the profile without the ending is what is used
        return Ok(());
    }
    if value("role_arn").is_some() {
        notes.push(format!("{name} has a role: mfa-run configure -p {word} makes AWS tools get it from mfa-run"));
        return Ok(());
    }
    if let Some(line) = value("credential_process") {
        if request::own_arguments(line.text).is_none() {
            notes.push(format!("{name} has another program's credential_process, which AWS tools take from now on"));
        }
        return Ok(());
    }
    let Some(serial) = device(args, env, files, key, plan, notes)? else {
        notes.push(format!("{name} has no MFA device yet: mfa-run device enroll -p {word}"));
        return Ok(());
    };
    let program = args.program.clone().map_or_else(|| own_program(env), Ok)?;
    let line = format!("{} credential-process -p {word}", quoted_word(&program)?);
    target.set.push(("credential_process", line));
    if value("mfa_serial").is_none_or(|own| own.text != serial.as_str()) {
        target.set.push(("mfa_serial", serial.to_string()));
    }
    Ok(())
}

/// The device of the key's user: named by a flag, by the profile, by profiles that begin with the key, or by AWS.
fn device(
    args: &Args,
    env: &Env,
    files: &Files,
    key: &AccessKey,
    plan: &Plan,
    notes: &mut Vec<String>,
) -> Result<Option<MfaSerial>, Error> {
    if let Some(serial) = args.mfa_serial.clone().or_else(|| Some(plan.mfa.as_ref()?.serial.value.clone())) {
        return Ok(Some(serial));
    }
    let others = files.profiles().filter_map(|found| {
        let request = Request { profile: Some(found.name().to_owned()), ..Request::default() };
        let other = profile::plan(files, env, &request).ok()?;
        (other.source.access_key_id() == Some(&key.id)).then(|| other.mfa.map(|mfa| mfa.serial.value))?
    });
    let mut serials: Vec<MfaSerial> = others.collect();
    if serials.is_empty() && !args.no_check {
        match Iam::new(Signer::AccessKey(key), &plan.sts, env).and_then(|iam| iam.list_mfa_devices()) {
            Ok(devices) => serials = devices,
            Err(error) => notes.push(format!("AWS does not list the MFA devices: {error}")),
        }
    }
    serials.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    serials.dedup();
    if serials.len() < 2 {
        return Ok(serials.pop());
    }
    if args.yes || !may_ask(env) {
        let names: Vec<&str> = serials.iter().map(MfaSerial::as_str).collect();
        let message = format!("there are several MFA devices: {}", names.join(", "));
        return Err(Error::usage(&message, "name one: --mfa-serial ARN"));
    }
    let shown: Vec<_> = serials.iter().map(|serial| escape(serial.as_str())).collect();
    let prompt = format!("MFA device of profile {}", escape(&plan.profile.value));
    let select = Select::with_theme(theme(env)).with_prompt(prompt).items(&shown).default(0);
    let chosen = dialog(|| select.interact_opt())?.ok_or_else(Error::cancelled)?;
    Ok(Some(serials.swap_remove(chosen)))
}

/// A person has seen it, or said `--yes`.
fn agree(args: &Args, env: &Env, imports: &[Import], diff: &str) -> Result<(), Error> {
    if args.yes || diff.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = imports.iter().map(|import| import.key.id.as_str()).collect();
    if !may_ask(env) {
        let message = format!("importing {} changes the AWS files", ids.join(", "));
        return Err(Error::usage(&message, "look at it with --dry-run, agree to it with --yes"));
    }
    diff.lines().for_each(|line| say(&escape(line)));
    confirm(env, &format!("Move {} into the keychain and write this?", ids.join(", ")))
}

fn tell(args: &Args, files: &Files, imports: &[Import], stores: &[String]) {
    for (import, store) in imports.iter().zip(stores) {
        let whose = import.identity.as_ref().map(|identity| format!(" of {}", identity.arn)).unwrap_or_default();
        say(&escape(&format!("access key {}{whose} is in the keychain: {store}", import.key.id)));
        for target in &import.targets {
            let name = &target.profile;
            let served = target.set.iter().any(|(key, _)| *key == "credential_process");
            let how = if served { ", and AWS tools get sessions from mfa-run" } else { "" };
            say(&escape(&format!("profile {name} names it there{how}")));
        }
        import.notes.iter().for_each(|note| say(&escape(&format!("note: {note}"))));
        if let Some(plain) = import.targets.iter().find_map(|target| target.plain.as_ref()) {
            let copies = copies(files, plain);
            let found = if copies.is_empty() { "backups, an editor's files, git".into() } else { copies.join(", ") };
            say(&escape(&format!(
                "note: the secret was in plain text, and copies may be left ({found}); mfa-run key rotate makes them worthless"
            )));
        }
        if import.targets.is_empty() {
            say(&escape(&format!("to use it: {KEPT} = {} in a profile", import.key.id)));
        }
    }
    if args.from_env {
        say("take AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY out of the environment: they come before every profile");
    }
}

/// Files beside the AWS files that hold the secret as well, and repositories that may.
fn copies(files: &Files, plain: &Plain) -> Vec<String> {
    let target = fsio::resolve(files.path(plain.file)).unwrap_or_default();
    let secret = plain.secret.as_bytes();
    let holds = |path: &PathBuf| {
        let small = std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() < 1 << 20);
        small && std::fs::read(path).is_ok_and(|text| text.windows(secret.len()).any(|window| window == secret))
    };
    let folder = target.parent().unwrap_or(Path::new(""));
    let beside = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<String> = beside.filter(holds).map(|path| path.display().to_string()).collect();
    let repository = folder.ancestors().find(|folder| folder.join(".git").exists());
    found.extend(repository.map(|folder| format!("the git repository {}", folder.display())));
    found
}
