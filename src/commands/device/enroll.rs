//! `mfa-run device enroll`: a virtual device from the terminal. Made at AWS, shown as a QR code, enabled with two codes, and
//! named in the profile. Whatever breaks it off, it can be started again.
//!
//! Security: the seed goes to the terminal device, to the app that scans it, with `--png` into a private file and with
//! `--keep-seed` into the keychain. Never to stdout, stderr or a log.

mod enable;
mod name;
mod profile;

use super::{Account, Whose, agree, only_in_the_console};
use crate::aws;
use crate::aws::Refusal;
use crate::aws::iam::{Assignment, Device, Iam, MOST_DEVICES};
use crate::credentials::Seed;
use crate::env::Env;
use crate::error::Error;
use crate::fsio;
use crate::mfa::conversation::Conversation;
use crate::output::qr::{self, Ink, Picture};
use crate::session::index::Index;
use crate::session::seed;
use crate::terminal::{escape, say};
use name::{Name, Path};
use secrecy::SecretString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Rows that the text above the picture and the questions below it take.
const ROWS_OF_TEXT: usize = 3;

/// `mfa-run device enroll [--name NAME] [--png FILE] [--keep-seed]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) whose: Whose,
    /// Name of the device [default: the user's, which is what most policies allow]
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,
    /// Path of the device [default: "/" for a device called like the user, "/USER/" for others]
    #[arg(long, value_name = "PATH")]
    path: Option<Path>,
    /// Write the QR code as a picture too; it is the seed, delete it when it was scanned
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Keep the seed in the keychain and take codes from there, without asking: then no second person or thing is needed
    #[arg(long)]
    keep_seed: bool,
    /// Keep the seed even where the access key is in the same keychain
    #[arg(long, requires = "keep_seed")]
    force: bool,
    /// Agree to everything, ask nothing but codes
    #[arg(short, long)]
    yes: bool,
}

/// A device that is made and not enabled yet.
struct New {
    serial: String,
    seed: Seed,
    /// The seed was in the keychain, from an enrolment that was broken off.
    resumed: bool,
}

/// Enrols a device.
pub(super) fn run(args: &Args, account: &Account<'_>) -> Result<ExitCode, Error> {
    let env = account.env;
    let dialogue = match Conversation::open(env) {
        Ok(dialogue) => Some(dialogue),
        Err(_) if args.keep_seed => None,
        Err(why) => {
            let message = format!("the QR code and two questions need a terminal: {why}");
            return Err(Error::nobody(&message, "run it in a terminal; or, for a machine, with --keep-seed"));
        }
    };
    let (identity, user) = account.user()?;
    let devices = devices(account)?;
    let (path, name) = name::choose(args.path.as_ref(), args.name.as_ref(), &user, &devices);
    let partition = identity.arn.split(':').nth(1).unwrap_or("aws");
    let serial = format!("arn:{partition}:iam::{}:mfa{path}{name}", identity.account);
    if args.keep_seed {
        seed::check(env, &serial, &account.plan.source, args.force)?;
        say(
            "note: whoever can open the keychain will have codes without you: what is left of the second factor is your login",
        );
    }
    let iam = if devices.is_empty() {
        account.iam()?
    } else {
        say("note: the user has a device, so AWS wants its code for another one");
        account.iam_with_mfa(&devices)?
    };

    let new = create(args, account, &iam, (path.as_str(), name.as_str()), &serial, &user)?;
    let enrolled = (|| {
        if args.keep_seed {
            seed::keep(&account.context.keychain, env, &new.serial, &new.seed, &account.plan.source, args.force, None)?;
        }
        show(args, dialogue.as_ref(), &new.seed, &qr::otpauth_uri(&new.seed, &name, &identity.account), env)?;
        let computed = args.keep_seed || new.resumed;
        enable::enable(account, &iam, dialogue.as_ref().filter(|_| !computed), &user, &new)
    })();
    let last_window = match enrolled {
        Ok(last_window) => last_window,
        Err(error) => {
            // the seed of this one is nowhere but here; with --keep-seed it is taken up again next time
            if !args.keep_seed && !new.resumed && iam.delete_virtual_mfa_device(&new.serial).is_ok() {
                say("note: the device was deleted again: take it out of the app");
            }
            return Err(error);
        }
    };
    if args.keep_seed || new.resumed {
        let (keychain, source) = (&account.context.keychain, &account.plan.source);
        seed::keep(keychain, env, &new.serial, &new.seed, source, true, Some(last_window))?;
    }
    super::warnings(account);
    say(&format!("{} is enabled for {user}", escape(&new.serial)));
    if dialogue.is_some() {
        say("note: the QR code is still on the screen: clear it");
    }
    if let Some(file) = &args.png {
        say(&format!("note: {} holds the seed: delete it when it was scanned", escape(&file.display().to_string())));
    }
    profile::name_device(account, &new.serial, &devices, args.yes)?;
    say("note: AWS may take a minute or two until it accepts its codes everywhere");
    Ok(ExitCode::SUCCESS)
}

/// The devices there are; none where the user may not ask. Errors: there is no room for another, or no way to it from here.
fn devices(account: &Account<'_>) -> Result<Vec<Device>, Error> {
    let devices = match account.iam()?.all_mfa_devices() {
        Ok(devices) => devices,
        Err(error) if error.refusal() == Some(Refusal::NotAuthorized) => {
            say(&format!("note: AWS does not list the MFA devices: {}", escape(&error.to_string())));
            return Ok(vec![]);
        }
        Err(error) => return Err(account.refused(error)),
    };
    if devices.len() >= MOST_DEVICES {
        let message = format!("the user has {MOST_DEVICES} MFA devices, and AWS allows no more");
        return Err(Error::usage(&message, "mfa-run device list; mfa-run device remove SERIAL"));
    }
    if !devices.is_empty() && devices.iter().all(|device| device.with_codes().is_none()) {
        return Err(only_in_the_console());
    }
    Ok(devices)
}

/// Makes the device, or takes up one that was begun.
fn create(
    args: &Args,
    account: &Account<'_>,
    iam: &Iam,
    (path, name): (&str, &str),
    serial: &str,
    user: &str,
) -> Result<New, Error> {
    let made = |(serial, seed)| New { serial, seed, resumed: false };
    let taken = match iam.create_virtual_mfa_device(path, name) {
        Ok(new) => return Ok(made(new)),
        Err(error) if error.refusal() == Some(Refusal::AlreadyExists) => error,
        Err(error) => return Err(refused(account, error, name, user)),
    };
    match iam.assignment(serial) {
        Ok(Assignment::User(other)) => {
            let whose = if other == user { "yours already".to_owned() } else { format!("in use by {other}") };
            let message = format!("{serial} is {whose}");
            return Err(Error::usage(&message, &format!("mfa-run device enroll --name {user}-phone, or another name")));
        }
        Ok(Assignment::Nobody) => {}
        // whoever may not ask may still delete it: AWS deletes none that is in use
        Err(error) if error.refusal() == Some(Refusal::NotAuthorized) => {}
        Ok(Assignment::Free) => return Err(refused(account, taken, name, user)),
        Err(error) => return Err(account.refused(error)),
    }
    if Index::load(account.env).has_seed(serial)
        && let Some(seed) = account.context.keychain.seed(serial)?
    {
        // an access key may have joined it since
        seed::check(account.env, serial, &account.plan.source, args.force)?;
        say(&format!("{} was begun before, and its seed was kept: going on with it", escape(serial)));
        return Ok(New { serial: serial.to_owned(), seed, resumed: true });
    }
    let message = format!(
        "{serial} is there and nobody uses it: an enrolment was broken off, and AWS shows its seed to nobody again"
    );
    say(&format!("note: {}", escape(&message)));
    agree(account.env, args.yes, "Delete it and make it anew?", &message)?;
    iam.delete_virtual_mfa_device(serial).map_err(|error| refused(account, error, name, user))?;
    iam.create_virtual_mfa_device(path, name).map(made).map_err(|error| refused(account, error, name, user))
}

/// Brings the seed to where the person wants it.
fn show(
    args: &Args,
    dialogue: Option<&Conversation<'_>>,
    seed: &Seed,
    uri: &SecretString,
    env: &Env,
) -> Result<(), Error> {
    let picture = Picture::new(uri);
    if let (Some(file), Some(picture)) = (&args.png, &picture) {
        let absolute = std::path::absolute(file).map_err(|error| Error::file(file, &error))?;
        fsio::write_private(&absolute, &picture.png()).map_err(|error| Error::file(file, &error))?;
        say(&format!("the QR code is in {}", escape(&file.display().to_string())));
    }
    let Some(dialogue) = dialogue else { return Ok(()) };
    let base32 = qr::in_groups(seed);
    let (columns, rows) = dialogue.size().unwrap_or((80, 24));
    let picture = picture.filter(|_| draws(env));
    let lines = picture.and_then(|picture| picture.lines((columns, rows.saturating_sub(ROWS_OF_TEXT)), ink(env)));
    match lines {
        Some(lines) => {
            dialogue.show("Scan this with an authenticator app, or type the seed:\n")?;
            dialogue.show(&base32)?;
            dialogue.show("\n")?;
            dialogue.show(&lines)?;
        }
        None => {
            dialogue.show("The QR code does not fit this terminal (make it larger, or use --png FILE). In the app, type the seed\n  ")?;
            dialogue.show(&base32)?;
            dialogue.show("\nor open\n  ")?;
            dialogue.show(&qr::as_text(uri))?;
            dialogue.show("\n")?;
        }
    }
    Ok(())
}

/// Half blocks need a terminal that shows more than ASCII; one that says nothing of it most likely does.
fn draws(env: &Env) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.var(name)).unwrap_or("C");
    let utf8 = |locale: &str| ["utf-8", "utf8"].iter().any(|name| locale.to_ascii_lowercase().contains(name));
    !locale.contains('.') || utf8(locale)
}

/// Without colours nobody knows what is dark and what is light but `COLORFGBG`, which some terminals set: `15;0`.
fn ink(env: &Env) -> Ink {
    let dumb = env.var("TERM") == Some("dumb");
    if env.var_os("NO_COLOR").is_none() && !dumb {
        return Ink::Colours;
    }
    let background = env.var("COLORFGBG").and_then(|colours| colours.rsplit(';').next());
    Ink::Letters { light: !matches!(background, Some("7" | "15")), reverse: !dumb }
}

fn refused(account: &Account<'_>, error: aws::Error, name: &str, user: &str) -> Error {
    let hint = match error.refusal() {
        Some(Refusal::NotAuthorized) if name != user => {
            format!("most policies allow devices called {user} or below /{user}/: mfa-run device enroll")
        }
        Some(Refusal::NotAuthorized) => {
            "the account may want devices to be enrolled in the console: sign in, Security credentials; then mfa-run configure".into()
        }
        Some(Refusal::NeedsMfaSession) => "name the device that is active: mfa_serial in the profile, or AWS_MFA_SERIAL".into(),
        Some(Refusal::AlreadyExists) => format!("mfa-run device enroll --name {user}-phone, or another name"),
        Some(Refusal::LimitExceeded) => "mfa-run device list; mfa-run device remove SERIAL".into(),
        _ => return account.refused(error),
    };
    Error::aws(error, Some(hint))
}
