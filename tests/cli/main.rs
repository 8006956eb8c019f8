//! The program, run as a program: one module a behaviour. `support` has the sandbox and the terminal.

#[cfg(unix)]
mod clients;
#[cfg(unix)]
mod console;
mod harness;
#[cfg(unix)]
mod main_job;
#[cfg(unix)]
mod prompt;
#[cfg(unix)]
mod serve;
mod support;
