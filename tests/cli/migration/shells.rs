//! The function of `mfa-run init SHELL --awsume`, run by that shell; and awsume's own wrapper around our `awsumepy`.

use super::{peer, prepare};
use crate::support::{Tool, World, skip};

fn world() -> World {
    let mut world = World::new();
    prepare(&mut world);
    let spaced = world.role_profile("readonly").replace("profile readonly", "profile \"it's a test\"");
    world.write_config(&(world.read(".aws/config") + &spaced));
    world.log_in("admin");
    world
}

const SHOW: &str = "printf '%s|' \"$AWSUME_PROFILE\" \"$AWSUME_COMMAND\" \"$AWS_REGION\" \"$AWS_PROFILE\" \"$AWS_SECURITY_TOKEN\" \
                    \"$MFA_RUN_PROFILE\"; echo";

#[test]
fn every_shell_has_its_function() {
    for (shell, load) in [
        ("bash", "eval \"$(mfa-run init bash --awsume)\""),
        ("zsh", "eval \"$(mfa-run init zsh --awsume)\""),
        ("fish", "mfa-run init fish --awsume | source"),
    ] {
        let Some(tool) = Tool::find(shell) else { continue };
        let world = world();
        // an alias of before is in no way, nor are variables of before
        let alias = if shell == "fish" { "alias awsume 'source awsume.fish'" } else { "alias awsume='. awsume'" };
        let aliases = if shell == "bash" { "shopt -s expand_aliases" } else { "true" };
        let script = format!(
            "{aliases}\n{alias}\n{load}\nexport AWS_PROFILE=before\nexport AWS_SECURITY_TOKEN=before\nexport AWS_REGION=before\n\
             awsume admin\n{SHOW}\ncommand mfa-run -- true; echo $AWSUME_EXPIRATION\n\
             awsume \"it's a test\" --region us-west-2\n{SHOW}\n\
             awsume nowhere\necho status {status} still $AWS_REGION\n\
             awsume readonly -s | grep -c \"AWSUME_PROFILE.*readonly\"\n{SHOW}\n\
             awsume -l | head -n 1\nawsume -h | head -n 1\n\
             awsume -u -s | grep -c AWS_SESSION_TOKEN\nawsume -u\n{SHOW}\n",
            status = if shell == "fish" { "$status" } else { "$?" },
        );
        let run = world.tool(&tool, ["-c", &script]).may_print_secrets().run();
        let lines: Vec<&str> = run.stdout.lines().collect();
        let expected = [
            "admin|admin|eu-west-1|||admin|",
            "TIME",
            "it's a test|it's a test --region us-west-2|us-west-2|||it's a test|",
            "status 2 still us-west-2",
            "1",
            "it's a test|it's a test --region us-west-2|us-west-2|||it's a test|",
            "Listing...",
            "usage: awsume [OPTIONS] [PROFILE]",
            "1",
            "||||||",
        ];
        assert_eq!(lines.len(), expected.len(), "{shell}: {}", run.report());
        for (line, expected) in lines.iter().zip(expected) {
            if expected == "TIME" {
                let form = line.replace(|c: char| c.is_ascii_digit(), "9");
                assert_eq!(form, "9999-99-99T99:99:99", "{shell}: {}", run.report());
            } else {
                assert_eq!(*line, expected, "{shell}: {}", run.report());
            }
        }
    }
}

#[test]
fn powershell_has_its_function() {
    let world = world();
    let run = world.run(["init", "powershell", "--awsume"]).success();
    assert!(run.stdout.starts_with("function awsume {"));
    world.run(["init", "nu", "--awsume"]).error(2).says(&["mfa-run init SHELL"]);
    let Some(tool) = Tool::find_quietly("pwsh") else { return skip("no `pwsh` here") };
    let script = "mfa-run init powershell --awsume | Out-String | Invoke-Expression; awsume \"it's a test\"; $Env:AWSUME_PROFILE";
    let run = world.tool(&tool, ["-NoProfile", "-Command", script]).may_print_secrets().run().success();
    assert_eq!(run.stdout.trim(), "it's a test");
}

#[test]
fn awsumes_own_wrapper_works_with_ours() {
    let Some(wrapper) = peer("awsume") else { return };
    let Some(bash) = Tool::find("bash") else { return };
    let world = world();
    let script = format!(
        "source {0} admin && {SHOW}; source {0} -l | head -n 1; source {0} -s readonly | grep -c '^export AWS'; source {0} -u; {SHOW}",
        wrapper.path.display()
    );
    let run = world.tool(&bash, ["-c", &script]).may_print_secrets().run();
    assert_eq!(run.stdout, "admin|admin|eu-west-1||||\nListing...\n7\n||||||\n", "{}", run.report());
}
