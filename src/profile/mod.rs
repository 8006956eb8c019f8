//! What the AWS files mean: from a profile's name to a [`Plan`], and from the plan and what is cached to the calls to make.
//! Pure: no keychain, no network, no human.

pub mod aws_mfa;
#[cfg(test)]
mod cases;
mod chain;
mod endpoint;
mod error;
mod lookup;
mod plain;
pub mod plan;
pub mod request;
pub mod strategy;

pub use error::Error;
pub use plan::{Mfa, MfaSession, Plan, Provenance, Role, SdkSource, Setting, Source, Sts, plan, plan_for_console};
pub use request::Request;
