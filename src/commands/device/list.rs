//! `mfa-run device list`.

use super::{Account, Whose, in_words};
use crate::aws::iam::{Device, DeviceKind};
use crate::error::Error;
use crate::output;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Column, Table};
use crate::session::index::Index;
use crate::terminal::say;
use chrono::{Local, SecondsFormat};
use serde::Serialize;
use std::process::ExitCode;

/// The stable shape of `--json`, for the help.
const JSON: &str = "\
--json prints an array with one object a device, the oldest first; keys are added, never renamed or removed:
  serial     ARN, or the serial number of a hardware device
  kind       \"virtual\", \"hardware\" or \"fido\"
  enabled    RFC 3339
  usable     whether STS takes codes of it: not of FIDO keys
  seed_kept  whether its seed is in the keychain
  profiles   names of the profiles that use it, an array";

/// `mfa-run device list [--json]`
#[derive(clap::Args, Debug)]
#[command(after_long_help = JSON)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) whose: Whose,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One device; its JSON is what the help says.
#[derive(Serialize)]
struct Line {
    serial: String,
    kind: String,
    enabled: String,
    usable: bool,
    seed_kept: bool,
    profiles: Vec<String>,
}

/// Prints the devices.
pub(super) fn run(args: &Args, account: &Account<'_>) -> Result<ExitCode, Error> {
    let devices = account.iam()?.all_mfa_devices().map_err(|error| account.refused(error))?;
    let index = Index::load(account.env);
    let line = |device: &Device| Line {
        kind: in_words(device.kind()).to_ascii_lowercase(),
        enabled: device.since.to_rfc3339_opts(SecondsFormat::Secs, true),
        usable: device.with_codes().is_some(),
        seed_kept: index.has_seed(&device.serial),
        profiles: account.profiles_with(&device.serial),
        serial: device.serial.clone(),
    };
    let lines: Vec<Line> = devices.iter().map(line).collect();
    super::warnings(account);
    if args.json {
        let json = serde_json::to_string_pretty(&lines).expect("strings") + "\n";
        output::print(json.as_bytes()).map_err(Error::stdout)?;
        return Ok(ExitCode::SUCCESS);
    }
    if lines.is_empty() {
        say("there is no MFA device: mfa-run device enroll");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(vec![
        Column::fixed("SERIAL"),
        Column::fixed("KIND"),
        Column::fixed("SINCE"),
        Column::cut("PROFILES", 8).expendable(1),
    ]);
    for (line, device) in lines.iter().zip(&devices) {
        let kind = match device.kind() {
            DeviceKind::Fido => Cell::new("FIDO: not usable with STS", Tone::Soon),
            kind if line.seed_kept => Cell::new(&format!("{}, seed kept here", in_words(kind)), Tone::Plain),
            kind => Cell::new(in_words(kind), Tone::Plain),
        };
        let since = device.since.with_timezone(&Local).format("%Y-%m-%d").to_string();
        let profiles = line.profiles.join(" ");
        table.row(vec![
            Cell::new(&line.serial, Tone::Plain),
            kind,
            Cell::new(&since, Tone::Plain),
            Cell::or_dash(Some(profiles.as_str()).filter(|profiles| !profiles.is_empty())),
        ]);
    }
    let style = Style::of_stdout(account.env);
    output::print(table.render(&style).as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}
