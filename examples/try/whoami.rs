//! `aws-whoami`: a stand-in for "any AWS tool". Asks STS who the session in its environment is.

use mfa_run::aws::sts::{Connection, Signer};
use mfa_run::credentials::Session;
use mfa_run::env::Env;
use mfa_run::profile::{Provenance, Setting, Sts};
use std::path::Path;
use std::process::ExitCode;

pub(crate) const NAME: &str = "aws-whoami";

/// Whether this program was started by that name.
pub(crate) fn is_meant() -> bool {
    let program = std::env::args_os().next().unwrap_or_default();
    Path::new(&program).file_stem().is_some_and(|name| name == NAME)
}

pub(crate) fn run(env: &Env) -> ExitCode {
    match ask(env) {
        Ok(arn) => {
            super::screen::write(&format!("{arn}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            mfa_run::terminal::say(&format!("{NAME}: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn ask(env: &Env) -> Result<String, String> {
    let var = |name: &str| env.var(name).ok_or(format!("{name} is not set"));
    let session = Session {
        access_key_id: var("AWS_ACCESS_KEY_ID")?.to_owned(),
        secret_access_key: var("AWS_SECRET_ACCESS_KEY")?.into(),
        session_token: var("AWS_SESSION_TOKEN")?.into(),
        expiration: env.now() + chrono::TimeDelta::hours(1),
        account_id: None,
    };
    let url = Setting { value: var("AWS_ENDPOINT_URL_STS")?.to_owned(), from: Provenance::Default };
    let region = env.var("AWS_REGION").unwrap_or("us-east-1").to_owned();
    let sts = Sts { region, partition: "aws".into(), endpoint_url: Some(url), ..Sts::default() };
    let connection = Connection::new(&sts).map_err(|error| error.to_string())?;
    Ok(connection.caller_identity(Signer::Session(&session)).map_err(|error| error.to_string())?.arn)
}
