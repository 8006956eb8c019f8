//! The program, run as a program: one module a behaviour. `support` has the sandbox and the terminal.

#[cfg(unix)]
mod clients;
mod clock;
#[cfg(unix)]
mod codes;
mod configuring;
#[cfg(unix)]
mod console;
#[cfg(unix)]
mod devices;
#[cfg(unix)]
mod dialogs;
#[cfg(unix)]
mod doctor;
mod duration;
#[cfg(unix)]
mod exec;
mod explaining;
mod export;
#[cfg(unix)]
mod faults;
mod freshness;
#[cfg(unix)]
mod hardening;
mod harness;
#[cfg(unix)]
mod in_shells;
mod keychains;
#[cfg(unix)]
mod keys;
#[cfg(target_os = "linux")]
mod kill;
mod listing;
mod login;
mod main_job;
#[cfg(unix)]
mod migration;
mod network;
#[cfg(unix)]
mod picking;
#[cfg(unix)]
mod prompt;
#[cfg(unix)]
mod queue;
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
#[cfg(windows)]
mod windows;
