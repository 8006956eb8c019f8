//! `cargo run --example try`: mfa-run without an AWS account, in two minutes.
//!
//! Builds the program, starts the strict stand-in for AWS on loopback, makes a private HOME that goes when this ends, and
//! leads through the main job with the real program on the real terminal. Where nobody sits there (CI, a pipe, `--yes`) it
//! answers by itself, checks every result, and fails on any surprise.

mod screen;
mod stage;
mod whoami;

use mfa_run::env::Env;
use screen::Screen;
use stage::{Run, Stage};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Try mfa-run without an AWS account.

Usage: cargo run --example try [-- --yes]

  -y, --yes   ask nothing: answer by itself and check each result (so too where
              CI is set, or where there is no terminal)";

/// What a step came to: a surprise, in words, ends the demo.
type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let env = Env::capture();
    let mut args = std::env::args().skip(1);
    if whoami::is_meant() {
        return whoami::run(&env);
    }
    let yes = match args.next().as_deref() {
        None => false,
        Some("-y" | "--yes") => true,
        Some(stage::CARETAKER) => return stage::caretaker(args.next()),
        Some(other) => {
            screen::write(&format!("{HELP}\n"));
            return ExitCode::from(if ["-h", "--help"].contains(&other) { 0 } else { 2 });
        }
    };
    let screen = Screen::new(&env, yes);
    match Stage::set(&env, &screen).and_then(|stage| {
        let played = play(&stage, &screen);
        screen.hide_device();
        played.and(stage.strike())
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(surprise) => {
            screen.say(&format!("\nThat should not have happened: {surprise}"));
            ExitCode::FAILURE
        }
    }
}

fn play(stage: &Stage, screen: &Screen) -> Outcome {
    screen.slide("mfa-run, without an AWS account");
    screen.say(
        "What answers for AWS is a small, strict server on this machine: it checks
signatures, roles and MFA codes as AWS does. Your own ~/.aws is not touched,
and all of this is gone when it ends.

The made-up user alice has an access key, a virtual MFA device and two roles
that want MFA. This is her ~/.aws/config:
",
    );
    screen.quote(&stage.config());
    if screen.is_live() {
        screen.say("\nHer device is the line at the top: the code changes every 30 seconds.");
    }
    screen.wait("begin");

    screen.slide("1. A session, for one code");
    screen.say(
        "AWS tools get credentials by running a command, `credential-process`. The
first time it needs a code. Type the six digits of the device:
",
    );
    let cold = with_a_code(stage, screen, &["credential-process", "-p", "demo-admin"])?;
    screen.quote(&shortened(&cold.stdout)?);
    screen.say(
        "
Temporary credentials: that was all a tool needs. They are kept for the next
time, in the kernel's keyring or in sealed files; never in plain text.",
    );
    screen.wait("do it again");

    screen.slide("2. The second time is instant");
    let warm = stage.run(screen, &["credential-process", "-p", "demo-admin"]);
    warm.expect(0)?;
    same(&warm.stdout, &cold.stdout, "the second call prints the session of the first")?;
    screen.quote(&shortened(&warm.stdout)?);
    screen.say(&format!(
        "
No question and no network: {} (a release build is faster).",
        in_words(warm.elapsed)
    ));
    screen.wait("run a command with it");

    screen.slide("3. Any command, with the session in its environment");
    let run = stage.run(screen, &["-p", "demo-admin", "--", "aws-whoami"]);
    run.expect(0)?.says("assumed-role/admin/alice")?;
    screen.quote(&run.stdout);
    screen.say("\nThe other role is behind the same device, so it takes no second code:\n");
    let run = stage.run(screen, &["-p", "demo-readonly", "--", "aws-whoami"]);
    run.expect(0)?.says("assumed-role/readonly/alice")?;
    screen.quote(&run.stdout);
    if stage.has_aws_cli() {
        screen.say("\nAnd the AWS CLI, which runs `credential-process` by itself:\n");
        let run = stage.run_other(screen, "aws", &["sts", "get-caller-identity", "--profile", "demo-cli"]);
        run.expect(0)?.says("assumed-role/admin/alice")?;
        screen.quote(&run.stdout);
    }
    same(&stage.codes_spent().to_string(), "1", "all of that took one code")?;
    screen.wait("see it go wrong");

    screen.slide("4. When AWS says no");
    screen.say("AWS takes a code once. The one you used, again:\n");
    let code = stage.used_code()?;
    let run = stage.run(screen, &["login", "-p", "demo-admin", "--refresh", "--token-code", &code]);
    run.expect(4)?.says("invalid MFA one time pass code")?;
    screen.quote(&run.stderr);
    screen.say("\nAnd where a code is needed, but nobody can be asked (cron, CI):\n");
    let run = stage.run(screen, &["--refresh", "--no-prompt", "-p", "demo-admin", "--", "aws-whoami"]);
    run.expect(3)?.says("nobody can be asked")?;
    screen.quote(&run.stderr);
    screen.wait("clean up");

    screen.slide("5. Forget it all");
    let run = stage.run(screen, &["logout", "--all"]);
    run.expect(0)?.says("forgot")?;
    screen.quote(&run.stderr);
    screen.say("\nFrom now on a session costs a code again:\n");
    let run = stage.run(screen, &["credential-process", "-p", "demo-admin", "--no-prompt"]);
    run.expect(3)?;
    same(&run.stdout, "", "nothing is left to print")?;
    screen.quote(&run.stderr);
    screen.wait("see what to do with your own account");

    screen.slide("6. With your own account");
    screen.say("Install it:\n");
    screen.command("cargo install --path .");
    screen.say(
        "
Profiles that have role_arn and mfa_serial work as they are:
",
    );
    screen.command("mfa-run -p YOUR-PROFILE -- aws sts get-caller-identity");
    screen.say(
        "
For tools that are not started through mfa-run, add a profile to ~/.aws/config
and use its name wherever a profile is asked for (AWS_PROFILE, --profile):
",
    );
    screen.quote("[profile any-name]\ncredential_process = /path/to/mfa-run credential-process -p YOUR-PROFILE");
    screen.say("\nThe README goes on from here. Nothing of this demo is left on your machine.");
    Ok(())
}

/// A command that needs a code: typed by the person at mfa-run's own prompt, else given with --token-code.
fn with_a_code(stage: &Stage, screen: &Screen, args: &[&str]) -> Outcome<Run> {
    if !screen.is_interactive() {
        let run = stage.run(screen, &[args, &["--token-code", &stage.code()]].concat());
        run.expect(0)?;
        return Ok(run);
    }
    loop {
        if !screen.is_live() {
            screen.say(&format!("The device shows {}.", stage.code()));
        }
        let run = stage.run(screen, args);
        match run.code {
            Some(4) => {
                screen.quote(&run.stderr);
                screen.say("\nThree codes that were not right. Once more:\n");
            }
            _ => return run.expect(0).map(|_| ()).map(|()| run),
        }
    }
}

/// The session as a person can look at it: what is secret is left out.
fn shortened(json: &str) -> Outcome<String> {
    let object: serde_json::Value =
        serde_json::from_str(json).map_err(|error| format!("no JSON on stdout: {error}"))?;
    let text = |key: &str| object[key].as_str().ok_or(format!("the JSON has no {key}"));
    let (id, secret, token) = (text("AccessKeyId")?, text("SecretAccessKey")?, text("SessionToken")?);
    if object["Version"] != 1 || !id.starts_with("ASIA") || secret.is_empty() || token.is_empty() {
        return Err("the JSON is not that of a session".into());
    }
    let (id, until) = (&id[..8], text("Expiration")?);
    Ok(format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{id}...\", \"SecretAccessKey\": \"...\",
 \"SessionToken\": \"...\", \"Expiration\": \"{until}\"}}"
    ))
}

fn same(found: &str, wanted: &str, what: &str) -> Outcome {
    // neither is shown: they may be sessions
    if found == wanted { Ok(()) } else { Err(format!("not true that {what}")) }
}

fn in_words(time: Duration) -> String {
    format!("{} ms", time.as_millis().max(1))
}
