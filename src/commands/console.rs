//! `mfa-run console`: the AWS console, signed in as the profile's role. The URL signs in whoever opens it: it is printed only
//! on request, never logged, and not among the browser's arguments.

use crate::aws::signin::Console;
use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::doorway::Doorway;
use crate::profile::request;
use crate::profile::strategy::Caller;
use crate::profile::{self, Plan, Request};
use crate::session::console::{self, Powers};
use crate::terminal::{say, set_variable};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// A browser that is not running yet, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// `mfa-run console [REQUEST OPTIONS] [--service NAME] [--print | --browser COMMAND]`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Open this service's page: its path in the console's URLs, such as s3 or cloudwatch/home#logsV2:
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Print the URL instead of opening it. Whoever opens it within 15 minutes is signed in
    #[arg(long)]
    print: bool,
    /// Open it with this command [default: the system's browser]
    #[arg(long, value_name = "COMMAND", conflicts_with = "print")]
    browser: Option<String>,
    #[command(flatten)]
    request: Request,
}

/// Opens the console, or prints the URL.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    // here an access key alone will do, so that a default profile is no reason to ask
    let request = match profile::plan_for_console(&files, env, &args.request) {
        Ok(_) => args.request.clone(),
        Err(_) => super::choose(env, &files, &args.request)?,
    };
    let plan = profile::plan_for_console(&files, env, &request)?;
    let Some(site) = Console::of(&plan.sts.partition, env.var("AWS_ENDPOINT_URL_SIGNIN")) else {
        let message = format!("mfa-run does not know the console of partition {}", plan.sts.partition);
        let hint = format!("{}, one of aws, aws-cn or aws-us-gov", set_variable("AWS_REGION", "REGION"));
        return Err(Error::usage(&message, &hint));
    };
    let browser = if args.print { None } else { Some(Browser::find(args.browser.as_deref(), env)?) };
    let context = super::prepare(env, &files, &request, Caller::OneShot, false)?;
    let session = console::session(&plan, &context, &powers(&request, &plan))?;
    let region = plan.region.as_ref().map(|region| region.value.as_str());
    let url = console::sign_in(&plan, &site, &session, &site.page(args.service.as_deref(), region))?;
    match browser {
        None => output::print_secret(&url).map_err(Error::stdout)?,
        Some(browser) => browser.open(&Doorway::open(url).map_err(Error::endpoint)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a federated user may do. An access key alone has seen no code, and a federated user is given all rights of the user
/// that the policy does not withhold: to look is enough unless more is asked for.
fn powers(request: &Request, plan: &Plan) -> Powers {
    let policy = request.policy.as_ref().map(|policy| policy.0.clone());
    if !plan.roles.is_empty() || policy.is_some() || !request.policy_arns.is_empty() {
        return Powers { policy_arns: request.policy_arns.clone(), policy };
    }
    say("no role: signing in as a federated user who may read only; --role-arn or --policy-arn ARN for more");
    Powers { policy_arns: vec![format!("arn:{}:iam::aws:policy/ReadOnlyAccess", plan.sts.partition)], policy }
}

struct Browser(Command);

impl Browser {
    fn find(asked: Option<&str>, env: &Env) -> Result<Self, Error> {
        let words = match asked {
            Some(line) => request::split_command_line(line).filter(|words| !words.is_empty()).ok_or_else(|| {
                Error::usage("--browser is not a command line", "--browser 'firefox --private-window'")
            })?,
            None => default_browser(env)
                .ok_or_else(|| Error::usage("there is no browser to open", "mfa-run console --print"))?,
        };
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for name in env.passphrase_variables() {
            command.env_remove(name);
        }
        #[cfg(unix)]
        {
            // a browser that starts here outlives us, and the Ctrl-C after us
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        Ok(Self(command))
    }

    fn open(mut self, doorway: &Doorway) -> Result<(), Error> {
        let mut started: Child =
            self.0.arg(doorway.address()).spawn().map_err(|error| self.failed(&error.to_string()))?;
        let until = Instant::now() + PATIENCE;
        while !doorway.opened_within(LOOK) {
            match started.try_wait() {
                Ok(Some(status)) if !status.success() => return Err(self.failed(&status.to_string())),
                _ if Instant::now() > until => return Err(self.failed("it did not open the page")),
                _ => {}
            }
        }
        Ok(())
    }

    fn failed(&self, cause: &str) -> Error {
        Error::browser(&self.0.get_program().to_string_lossy(), cause)
    }
}

/// What opens a URL here.
fn default_browser(env: &Env) -> Option<Vec<String>> {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    if cfg!(windows) {
        return words(&["rundll32", "url.dll,FileProtocolHandler"]);
    }
    if cfg!(target_vendor = "apple") {
        return words(&["open"]);
    }
    words(&[["xdg-open", "wslview"].into_iter().find(|program| env.program(program).is_some())?])
}
