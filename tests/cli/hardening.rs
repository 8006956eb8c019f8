//! What is left behind: modes of the terminal after Ctrl-C, passphrases in the environment of children, secrets in memory.

use crate::support::{Pty, World};
use rustix::process::Signal;

/// A world whose sealed files ask for a passphrase.
fn asking_for_a_passphrase() -> World {
    let mut world = World::with_one_role();
    world.unset("MFA_RUN_KEY_FILE");
    world
}

/// Lines, echo, and keys that are signals. A look at the beginning would be too late to compare with.
fn as_it_was(terminal: &Pty) {
    let modes = terminal.stty();
    for mode in ["isig icanon iexten echo ", " icrnl ", " ixon "] {
        assert!(modes.contains(mode), "{modes}");
    }
}

#[test]
fn ctrl_c_at_the_passphrase_turns_the_echo_on_again() {
    let world = asking_for_a_passphrase();
    for signal in [None, Some(Signal::TERM), Some(Signal::HUP)] {
        let code = world.code();
        let mut terminal = world.command(["login", "-p", "admin", "--token-code", &code]).all_on_terminal();
        terminal.expect("New passphrase for the sealed files of mfa-run");
        while terminal.stty().contains(" echo ") {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        match signal {
            None => drop(terminal.interrupt()),
            Some(signal) => terminal.kill(signal),
        }
        let run = terminal.wait();
        assert_eq!(run.signal(), Some(signal.map_or(2, Signal::as_raw)), "{}", run.report());
        as_it_was(&terminal);
        world.aws.advance(31);
    }
}

#[test]
fn ctrl_c_is_heard_while_the_picker_draws() {
    let world = World::new();
    for late in 0..8 {
        let mut terminal = world.command(["--", "true"]).env("NO_COLOR", "1").all_on_terminal();
        terminal.expect("Profile");
        std::thread::sleep(std::time::Duration::from_millis(late * 3));
        terminal.interrupt();
        let run = terminal.wait();
        assert_eq!(run.signal(), Some(2), "{}", run.report());
        assert!(run.screen.trim_end().ends_with("\u{1b}[?25h"), "the cursor is back: {:?}", run.screen);
        as_it_was(&terminal);
    }
}

#[test]
fn after_the_picker_ctrl_c_is_the_command_s() {
    let world = World::new();
    world.log_in("admin");
    let script = "trap 'echo got it; exit 7' INT; echo run''s; while :; do sleep 0.1; done";
    let mut terminal = world.command(["--serve", "--", "bash", "-c", script]).env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("Profile").send("admin\r").expect("runs").interrupt().expect("got it");
    terminal.wait().expect_code(7);
}

#[test]
fn no_child_gets_the_passphrase() {
    let mut world = World::with_one_role();
    world.write_config(&format!(
        "[profile via]\nrole_arn = {}\nsource_profile = vault\n[profile vault]\ncredential_process = give two words\n",
        world.aws.role_arn("nomfa")
    ));
    let json = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}",
        world.alice.access_key_id, world.alice.secret_access_key
    );
    world.program("give", &format!("echo \"$# $OTHER\" >given; env >>seen; echo '{json}'"));
    world.program("browse", "env >>seen; exit 9");
    world.set("MFA_RUN_PASSPHRASE", "planted-passphrase");
    world.set("MFA_RUN_PASSPHRASE_COMMAND", "planted-command");
    world.set("OTHER", "stays");
    world.process("via").run().success();
    assert_eq!(world.read("given"), "2 stays\n", "its words and the rest of the environment reach it");
    let endpoint = world.aws.endpoint();
    world.set("AWS_ENDPOINT_URL_SIGNIN", endpoint);
    world.run(["console", "-p", "via", "--browser", "browse"]).expect_code(1);
    let seen = world.read("seen");
    assert_eq!(seen.matches("OTHER=stays").count(), 2, "{seen}");
    assert!(!seen.contains("planted"), "{seen}");
}

#[cfg(target_os = "linux")]
mod memory {
    //! What a process still holds once its secrets are dropped: this test binary, started again as [`holder`], is looked into.

    use crate::support::Sandbox;
    use chrono::DateTime;
    use mfa_run::credentials::{AccessKey, Seed, TokenCode};
    use mfa_run::env::Env;
    use std::fs::File;
    use std::io::{Read, Seek, SeekFrom, Write};

    /// Not in the program's own text: put together when it runs, from what is given in halves.
    fn secret(kind: &str, length: usize) -> Vec<u8> {
        // base32 digits only, so that it will do as a seed; different for each kind
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let start: usize = kind.bytes().map(usize::from).sum();
        (0..length).map(|at| digits[(start + at * 7 + at * at * 3) % 32]).collect()
    }

    /// What is looked for, by kind: as it is given, and for a seed also its bytes.
    fn needles(kind: &str) -> Vec<Vec<u8>> {
        match kind {
            "seed" => {
                let text = secret(kind, 64);
                let bits = text.iter().fold((0_u64, 0, Vec::new()), |(bits, count, mut bytes), digit| {
                    let value = if digit.is_ascii_digit() { digit - b'2' + 26 } else { digit - b'A' };
                    let (bits, count) = (bits << 5 | u64::from(value), count + 5);
                    if count >= 8 {
                        bytes.push(u8::try_from(bits >> (count - 8) & 0xff).unwrap());
                        return (bits & 0xffff, count - 8, bytes);
                    }
                    (bits, count, bytes)
                });
                vec![text, bits.2]
            }
            "passphrase" | "key" => vec![secret(kind, 40)],
            _ => unreachable!(),
        }
    }

    /// Not a test but what the one below runs: takes a secret from stdin, uses it, drops it unless told not to, and waits.
    #[test]
    #[expect(clippy::exit, reason = "nothing is to run behind it")]
    fn holder() {
        let env = Env::capture();
        let Some((kind, keep)) = env.var("HOLD").and_then(|hold| hold.split_once(' ')) else { return };
        let mut given = [0_u8; 64];
        let mut stdin = File::open("/dev/stdin").expect("stdin");
        let length = stdin.read(&mut given[..]).expect("a secret");
        let text = std::str::from_utf8(&given[..length]).expect("ASCII");
        let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
        match kind {
            "seed" => {
                let seed = Seed::from_base32(text).expect("a seed");
                let code: TokenCode = seed.code(1);
                kept.extend([Box::new(seed) as Box<dyn std::any::Any>, Box::new(code)]);
            }
            "passphrase" => {
                let env = Env::fixed(&[("MFA_RUN_PASSPHRASE", text)], DateTime::UNIX_EPOCH);
                kept.push(Box::new((env.clone(), env)));
            }
            _ => kept.push(Box::new(AccessKey { id: "AKIA".into(), secret: text.into() })),
        }
        zeroize::Zeroize::zeroize(&mut given);
        if keep == "drop" {
            kept.clear();
        }
        let _ = writeln!(std::io::stdout(), "held");
        let _ = std::io::stdout().flush();
        let _ = stdin.read(&mut [0]);
        drop(kept);
        std::process::exit(0);
    }

    /// Whether a process has this in its memory.
    fn holds(pid: u32, needle: &[u8]) -> bool {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("its maps");
        let mut memory = File::open(format!("/proc/{pid}/mem")).expect("its memory");
        maps.lines().filter(|line| line.contains(" rw")).any(|line| {
            let range = line.split(' ').next().unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            let read = memory.seek(SeekFrom::Start(from)).and_then(|_| memory.read_exact(&mut bytes));
            read.is_ok() && bytes.windows(needle.len()).any(|window| window == needle)
        })
    }

    #[test]
    fn a_secret_that_was_dropped_is_nowhere_in_memory() {
        let sandbox = Sandbox::new();
        let program = std::env::current_exe().unwrap();
        for kind in ["seed", "passphrase", "key"] {
            for keep in ["keep", "drop"] {
                let mut child = std::process::Command::new(&program)
                    .args(["--exact", "hardening::memory::holder", "--nocapture", "--test-threads=1"])
                    .env("HOLD", format!("{kind} {keep}"))
                    .current_dir(sandbox.home())
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped())
                    .spawn()
                    .expect("it starts");
                let needles = needles(kind);
                child.stdin.as_mut().unwrap().write_all(&needles[0]).expect("the secret");
                let (mut said, mut byte) = (String::new(), [0]);
                while !said.contains("held\n") {
                    assert_eq!(child.stdout.as_mut().unwrap().read(&mut byte).unwrap(), 1, "it ended: {said}");
                    said.push(char::from(byte[0]));
                }
                let found: Vec<bool> = needles.iter().map(|needle| holds(child.id(), needle)).collect();
                child.kill().unwrap();
                child.wait().unwrap();
                match keep {
                    "keep" => assert!(found.contains(&true), "{kind}: what is held is found"),
                    _ => assert!(!found.contains(&true), "{kind}: left in memory: {found:?}"),
                }
            }
        }
    }
}
