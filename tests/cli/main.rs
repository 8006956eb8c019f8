//! The program, run as a program: one module a behaviour. `support` has the sandbox and the terminal.

#[cfg(unix)]
mod clients;
mod harness;
#[cfg(unix)]
mod main_job;
#[cfg(unix)]
mod prompt;
mod support;
