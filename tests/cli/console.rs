//! `console`: who is signed in, what a browser is told, and what nobody else sees.

use crate::support::{Tool, World, skip};
use fake_aws::Options;

fn with_signin(mut world: World) -> World {
    let endpoint = world.aws.endpoint();
    world.set("AWS_ENDPOINT_URL_SIGNIN", endpoint);
    world
}

fn logged_in() -> World {
    let world = with_signin(World::new());
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    world
}

/// A browser that keeps its argument and the page.
fn browser(world: &World, script: &str) -> String {
    world.program("browser", script).to_str().expect("a path").to_owned()
}

/// What the page of the stand-in says.
fn signed_in_as(url: &str) -> String {
    let request = url.strip_prefix("http://").expect("the stand-in");
    let (host, path) = request.split_once('/').expect("a path");
    let mut stream = std::net::TcpStream::connect(host).expect("the stand-in is up");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("a request");
    let mut page = String::new();
    std::io::Read::read_to_string(&mut stream, &mut page).expect("a page");
    page
}

#[test]
fn prints_a_url_that_signs_in_once() {
    let world = logged_in();
    let run = world.run(["console", "-p", "admin", "--print", "--service", "s3", "--region", "eu-west-2"]).success();
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""));
    let url = run.stdout.trim_end();
    assert!(
        url.contains("Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%2Fhome%3Fregion%3Deu-west-2&"),
        "{url}"
    );
    assert!(signed_in_as(url).contains("signed in as arn:aws:sts::123456789012:assumed-role/admin/alice"));
    assert!(signed_in_as(url).contains("used before"));
    assert_eq!(world.codes_used(), 1);
}

#[test]
fn the_url_is_not_in_a_log() {
    let world = logged_in();
    let script = "echo \"$1\" >>\"$HOME/opened\"; exit 9";
    let browser = browser(&world, script);
    let run = world.run(["console", "-p", "admin", "--browser", &browser, "--debug"]).expect_code(1);
    assert!(!run.stderr.contains("SigninToken") && run.stdout.is_empty(), "{}", run.report());
    assert!(run.stderr.contains("browser does not open the console\ncaused by: exit status: 9\nhint: mfa-run console"));
    assert!(!world.read("opened").contains("federation"), "{}", world.read("opened"));
}

#[test]
fn a_browser_is_led_on_once_and_its_arguments_tell_nothing() {
    let Some(_) = Tool::find("curl") else { return };
    let world = logged_in();
    let script = "echo \"$1\" >\"$HOME/opened\"; curl -s \"$1x\" >\"$HOME/wrong\"; curl -sL \"$1\" >\"$HOME/page\"; \
                  curl -s \"$1\" >\"$HOME/again\"; touch \"$HOME/done\"";
    let browser = browser(&world, script);
    world.run(["console", "-p", "admin", "--browser", &browser]).success();
    while !world.home().join("done").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(world.read("page").contains("signed in as arn:aws:sts::123456789012:assumed-role/admin/alice"));
    let opened = world.read("opened");
    assert!(opened.starts_with("http://127.0.0.1:") && !opened.contains("Token"), "{opened}");
    assert!(!world.read("again").contains("signed in") && world.read("wrong").contains("NotFound"));
}

#[test]
fn without_a_role_a_federated_user_may_read() {
    let world = with_signin(World::bare(Options::default()));
    world.write_credentials(&world.access_key("keys"));
    let run = world.run(["console", "-p", "keys", "--print"]).success();
    assert!(run.stderr.contains("may read only"), "{}", run.report());
    assert!(signed_in_as(run.stdout.trim_end()).contains("federated-user/alice"));
    let call = &world.aws.calls("GetFederationToken")[0];
    assert!(call.parameters.values().any(|value| value == "arn:aws:iam::aws:policy/ReadOnlyAccess"), "{call:?}");

    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    let run = world.run(["console", "-p", "keys", "--print", "--policy-arn", administrator]).success();
    assert_eq!(run.stderr, "");
    let call = &world.aws.calls("GetFederationToken")[1];
    assert!(call.parameters.values().any(|value| value == administrator), "{call:?}");
    assert_eq!(world.codes_used(), 0);
}

#[test]
fn a_refusal_and_a_failure_are_three_lines() {
    let world = logged_in();
    world.aws.fail("getSigninToken", fake_aws::FaultKind::Http503, 1);
    let run = world.run(["console", "-p", "admin", "--print"]).expect_code(1);
    assert!(run.stderr.starts_with("error: getSigninToken: AWS had an error of its own (503)\n"), "{}", run.report());

    let session = world.command(["credential-process", "-p", "admin"]).may_print_secrets().run().success();
    let session: serde_json::Value = serde_json::from_str(&session.stdout).expect("JSON");
    world.aws.expire_session(session["AccessKeyId"].as_str().expect("an id"));
    let run = world.run(["console", "-p", "admin", "--print"]).expect_code(4);
    assert!(run.stderr.starts_with("error: getSigninToken was refused by AWS: "), "{}", run.report());
    assert!(run.stderr.lines().count() <= 3 && run.stdout.is_empty(), "{}", run.report());
}

#[test]
fn every_partition_has_its_own_console() {
    for (partition, region, host) in [
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ] {
        let world = with_signin(World::bare(Options { partition: partition.into(), ..Options::default() }));
        world.write_config(&format!("{}region = {region}\n", world.role_profile("admin")));
        world.write_credentials(&world.access_key("base"));
        let run = world.run(["console", "-p", "admin", "--print", "--token-code", &world.code()]).success();
        assert!(run.stdout.contains(&format!("Destination=https%3A%2F%2F{host}%2F")), "{}", run.stdout);
        assert!(signed_in_as(run.stdout.trim_end()).contains(&format!("signed in as arn:{partition}:sts::")));
    }
}

#[test]
fn chromium_lands_signed_in() {
    let Some(chromium) =
        ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| Tool::find_quietly(name))
    else {
        required();
        return;
    };
    let world = logged_in();
    let options = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --dump-dom";
    let script = format!(
        "exec '{}' {options} --user-data-dir=\"$HOME/chromium\" \"$1\" >\"$HOME/page\" 2>\"$HOME/log\"",
        chromium.path.display()
    );
    world.run(["console", "-p", "admin", "--browser", &browser(&world, &script)]).success();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let page = || std::fs::read_to_string(world.home().join("page")).unwrap_or_default();
    while !page().contains("signed in as arn:aws:sts::123456789012:assumed-role/admin/alice") {
        assert!(std::time::Instant::now() < until, "{}\n{}", page(), world.read("log"));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // its profile holds the URL it opened, as a browser's history does
    std::thread::sleep(std::time::Duration::from_millis(500));
    let _ = std::fs::remove_dir_all(world.home().join("chromium"));
}

#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn required() {
    let required = std::env::var_os("MFA_RUN_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "no chromium here, and .ci/run installs it");
    skip("no chromium here");
}
