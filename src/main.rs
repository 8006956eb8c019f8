//! `mfa-run`: short-lived, MFA-backed credentials for AWS tools. The map of the program is in `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mfa_run::run()
}
