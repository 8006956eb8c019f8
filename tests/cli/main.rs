//! The program, run as a program: one module a behaviour. `support` has the sandbox and the terminal.

mod harness;
#[cfg(unix)]
mod main_job;
#[cfg(unix)]
mod prompt;
mod support;
