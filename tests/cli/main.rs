//! The program, run as a program: one module a behaviour. `support` has the sandbox and the terminal.

#[cfg(unix)]
mod clients;
#[cfg(unix)]
mod clock;
#[cfg(unix)]
mod codes;
#[cfg(unix)]
mod configuring;
#[cfg(unix)]
mod console;
#[cfg(unix)]
mod devices;
#[cfg(unix)]
mod duration;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod explaining;
#[cfg(unix)]
mod export;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
mod freshness;
mod harness;
#[cfg(unix)]
mod keychains;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod listing;
#[cfg(unix)]
mod login;
#[cfg(unix)]
mod main_job;
#[cfg(unix)]
mod migration;
#[cfg(unix)]
mod network;
#[cfg(unix)]
mod picking;
#[cfg(unix)]
mod prompt;
#[cfg(unix)]
mod queue;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod seeds;
#[cfg(unix)]
mod serve;
mod support;
#[cfg(unix)]
mod terminal;
