//! `mfa-run write`: the session as a named profile in the credentials file, the aws-mfa way. The one place where a session is in
//! plain text on disk, at the user's request. Refuses what it did not write.

use super::Target;
use crate::config::managed::{self, MARK};
use crate::config::{FileKind, Files};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::output::section;
use crate::profile::strategy::Caller;
use crate::profile::{self, Request, aws_mfa};
use crate::session;
use crate::terminal::{escape, say};
use chrono::Local;
use std::process::ExitCode;

/// `mfa-run write [REQUEST OPTIONS] [--to PROFILE]`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    request: Request,
    /// Section to write [default: PROFILE in aws-mfa's layout, where there is a PROFILE-long-term, else PROFILE-session]
    #[arg(long, value_name = "PROFILE")]
    to: Option<String>,
    /// Write over a section that mfa-run did not write; never over a long-lived access key
    #[arg(long)]
    force: bool,
    /// Write into the file itself, where it is mounted and can't be replaced; not safe against a crash
    #[arg(long)]
    in_place: bool,
}

/// Writes the session, and says where and until when.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let credentials = files.document(FileKind::Credentials);
    let mut request = super::choose(env, &files, &args.request)?;
    let named =
        request.profile.as_deref().or(env.profile_variable().map(|(_, name)| name)).unwrap_or("default").to_owned();
    let no_profile = request.profile.is_none() && request.source_profile.is_some();
    let in_layout = !no_profile && managed::is_aws_mfa_layout(credentials, &named);
    if in_layout {
        request = aws_mfa::with_variables(env, &request)?;
        // MFA_ASSUME_ROLE is the profile's role, not one beside it
        request.profile = Some(named);
    }
    let plan = profile::plan(&files, env, &request)?;

    let profile = &plan.profile.value;
    let name = match &args.to {
        Some(name) => name.clone(),
        None if in_layout => profile.clone(),
        None if profile.starts_with("arn:") => {
            return Err(Error::usage("a role without a profile has no name to write it under", "--to NAME"));
        }
        None => format!("{profile}-session"),
    };
    let how = if args.in_place { Replacement::InPlace } else { Replacement::Atomic };
    let target = Target { name: &name, force: args.force, for_awsume: false, how };
    target.check(&managed::holder(credentials, &name), &files)?;

    let context = super::prepare(env, &files, &request, Caller::OneShot, false)?;
    let session = session::obtain(&plan, &context)?;
    let mut properties = section::aws_mfa(&session, plan.roles.last().map(|role| role.arn.value.as_str()));
    properties.push(section::plain(MARK, profile));
    // a profile that nothing else says a Region for
    let has_region = files.profile(&name).is_some_and(|profile| profile.get("region").is_some());
    if let (false, false, Some(region)) = (in_layout, has_region, &plan.region) {
        properties.push(section::plain("region", &region.value));
    }
    target.put(env, &files, &properties)?;
    let until = session.expiration.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S");
    let path = files.path(FileKind::Credentials).display().to_string();
    say(&format!("wrote [{}] to {}, good until {until}", escape(&name), escape(&path)));
    Ok(ExitCode::SUCCESS)
}
