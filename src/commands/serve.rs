//! `mfa-run serve`: the endpoint alone, for programs that are started elsewhere. It stays in the foreground, and asks for a
//! code on its terminal when one is needed.

use super::{Serving, private_file};
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::shell::{self, Format};
use crate::profile::Request;
use crate::terminal::say;
use std::process::ExitCode;

/// `mfa-run serve [REQUEST OPTIONS] [--format F | --docker]`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// How to print what to export [default: for the shell that calls]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Print arguments for docker run or podman run instead
    ///
    /// The container shares the network of this machine, because SDKs take credentials over plain http from loopback only:
    /// docker run $(...) IMAGE. The token is in a file that only you can read, not among the arguments, which everybody can.
    #[arg(long, conflicts_with = "format")]
    docker: bool,
    #[command(flatten)]
    request: Request,
}

/// Serves until it is told to stop.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let serving = Serving::start(env, &args.request)?;
    let stop = Stop::prepare()?;
    let pointer = serving.pointer();
    let (lines, _kept) = if args.docker {
        // the container has AWS files of its own, or none
        let file =
            private_file(env, "env", shell::Pointer { config: None, ..pointer }.lines(Format::EnvFile)?.as_bytes())?;
        (format!("--network host --env-file {}\n", file.path().display()).into(), Some(file))
    } else {
        (pointer.lines(args.format.unwrap_or_else(|| shell::calling_shell(env)))?, None)
    };
    output::print(lines.as_bytes()).map_err(Error::stdout)?;
    say(&format!("serving profile {} until Ctrl-C", crate::terminal::escape(pointer.profile)));
    stop.wait();
    say(&serving.endpoint.counts().to_string());
    Ok(ExitCode::SUCCESS)
}

#[cfg(unix)]
struct Stop(signal_hook::iterator::Signals);

#[cfg(unix)]
impl Stop {
    fn prepare() -> Result<Self, Error> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).map(Self).map_err(Error::endpoint)
    }

    fn wait(mut self) {
        self.0.forever().next();
    }
}

#[cfg(windows)]
struct Stop(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Stop {
    fn prepare() -> Result<Self, Error> {
        tokio::signal::windows::ctrl_c().map(Self).map_err(Error::endpoint)
    }

    fn wait(mut self) {
        // without a runtime, which it has no use for, nothing else can wait for it
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
            runtime.block_on(self.0.recv());
        }
    }
}
