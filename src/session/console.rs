//! Sessions for the console. A role session signs in as it is. What GetSessionToken makes cannot, so that a profile without
//! a role signs in as a federated user of its access key.

use super::access_key::access_key;
use super::index::Index;
use super::{Context, Error, obtain};
use crate::aws;
use crate::aws::signin::Console;
use crate::aws::sts::{Connection, Signer};
use crate::credentials::Session;
use crate::profile::Plan;
use crate::profile::strategy::LONGEST;
use secrecy::SecretString;

/// What a federated user may do, of what the user may do. Nothing, where all of it is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Powers {
    /// Managed policies.
    pub policy_arns: Vec<String>,
    /// Inline policy.
    pub policy: Option<String>,
}

/// The session to sign in with. It is cached only where it is a role's.
pub fn session(plan: &Plan, context: &Context<'_>, powers: &Powers) -> Result<Session, Error> {
    if !plan.roles.is_empty() {
        return obtain(plan, context);
    }
    let Some(key) = access_key(&plan.source, &context.keychain)? else { return obtain(plan, context) };
    let failed = |error| Error::aws(error, plan, false);
    let connection = Connection::new(&plan.sts).map_err(failed)?;
    let identity = match Index::load(context.env).identity(plan) {
        Some(identity) => identity,
        None => connection.caller_identity(Signer::AccessKey(&key)).map_err(failed)?,
    };
    // GetFederationToken takes 32 characters where AssumeRole takes 64
    let name: String = identity.role_session_name().chars().take(32).collect();
    let asked = plan.asked().unwrap_or(LONGEST);
    connection
        .federation_token(&key, &name, powers.policy_arns.as_slice(), powers.policy.as_deref(), asked)
        .map_err(failed)
}

/// A URL that opens `page` signed in. A secret.
pub fn sign_in(plan: &Plan, console: &Console, session: &Session, page: &str) -> Result<SecretString, Error> {
    console.sign_in(session, &plan.sts, page).map_err(|error| match error {
        // not STS: the hint is not about its endpoint
        aws::Error::Unreachable { .. } | aws::Error::TimedOut { .. } => {
            let hint = "check the network, AWS_ENDPOINT_URL_SIGNIN, HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE";
            Error::Aws { error, hint: Some(hint.into()) }
        }
        error => Error::aws(error, plan, false),
    })
}
