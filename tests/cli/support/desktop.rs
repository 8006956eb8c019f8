//! A desktop's session bus with nothing on it but what a test puts there, and a real gnome-keyring with a password. It starts
//! what is named as a service when it is asked for, as a desktop does; all of it ends with the value.

use super::skip;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) const SECRETS: &str = "org.freedesktop.secrets";
pub(crate) const PROMPTER: &str = "org.gnome.keyring.SystemPrompter";
pub(crate) const KEYRING: &str = "/usr/bin/gnome-keyring-daemon --start --foreground --components=secrets";
/// The real one: without a display it ends at once.
pub(crate) const GCR_PROMPTER: &str = "/usr/libexec/gcr-prompter";

pub(crate) struct Desktop {
    home: PathBuf,
    bus: Child,
    keyring: Option<Child>,
    /// Of what the bus has started; the home may be gone first.
    pids: File,
}

impl Desktop {
    /// A bus in that home (with a short path: a socket's may have 108 bytes) that starts these services, name and command.
    /// `None`, said and counted, where the programs are missing.
    pub(crate) fn start(home: &Path, services: &[(&str, &str)]) -> Option<Self> {
        let tools =
            ["/usr/bin/dbus-daemon", "/usr/bin/dbus-send", "/usr/bin/gnome-keyring-daemon", "/usr/bin/secret-tool"];
        if let Some(missing) = tools.into_iter().find(|tool| !Path::new(tool).exists()) {
            #[expect(clippy::disallowed_methods, reason = "what CI says of itself")]
            let required = std::env::var_os("MFA_RUN_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "no {missing}, which CI installs");
            skip(&format!("no {missing} for a Secret Service"));
            return None;
        }
        let folder = home.join(".bus");
        let write = |name: &str, text: &str| {
            let mut file = File::create(folder.join(name)).expect("a file of the bus");
            file.write_all(text.as_bytes()).expect("a file of the bus");
        };
        std::fs::create_dir_all(folder.join("services")).expect("a folder for the bus");
        std::fs::create_dir_all(home.join(".local/share/keyrings")).expect("a folder for keyrings");
        write("pids", "");
        let pids = File::open(folder.join("pids")).expect("a file of the bus");
        let shown = folder.display();
        write(
            "bus.conf",
            &format!(
                r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                    "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
                <busconfig><type>session</type><listen>unix:path={shown}/socket</listen><auth>EXTERNAL</auth>
                <servicedir>{shown}/services</servicedir>
                <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
                <allow own="*"/></policy></busconfig>"#
            ),
        );
        for (name, command) in services {
            let program = command.split(' ').next().expect("a program");
            let mut start = (*command).to_owned();
            if Path::new(program).exists() {
                // Everything the bus starts notes its id, so that it can be ended: it may outlive the bus.
                write(&format!("services/{name}.sh"), &format!("echo $$ >>{shown}/pids\nexec {command}\n"));
                start = format!("/bin/sh {shown}/services/{name}.sh");
            }
            write(&format!("services/{name}.service"), &format!("[D-BUS Service]\nName={name}\nExec={start}\n"));
        }
        let mut bus = environment(Command::new("/usr/bin/dbus-daemon"), home)
            .args(["--nofork", "--nopidfile", "--nosyslog", "--config-file"])
            .arg(folder.join("bus.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log")).expect("a log"))
            .spawn()
            .expect("a bus");
        let socket = folder.join("socket");
        wait("the bus", || {
            assert!(bus.try_wait().expect("its state").is_none(), "the bus ended: {shown}/log");
            socket.exists()
        });
        Some(Self { home: home.into(), bus, keyring: None, pids })
    }

    /// The same with an unlocked keyring, and these services.
    pub(crate) fn unlocked(home: &Path, services: &[(&str, &str)]) -> Option<Self> {
        let mut desktop = Self::start(home, services)?;
        let mut keyring = desktop
            .command("/usr/bin/gnome-keyring-daemon")
            .args(["--unlock", "--components=secrets", "--foreground"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(home.join(".bus/keyring.log")).expect("a log"))
            .spawn()
            .expect("a keyring");
        keyring.stdin.take().expect("a pipe").write_all(b"the login password").expect("a password taken");
        desktop.keyring = Some(keyring);
        wait("the keyring", || desktop.owned(SECRETS));
        Some(desktop)
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}/.bus/socket", self.home.display())
    }

    /// A program on this desktop.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = environment(Command::new(program), &self.home);
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address());
        command
    }

    /// `secret-tool ARGS`
    pub(crate) fn secret_tool(&self, args: &[&str], input: &str) -> Output {
        let command = &mut self.command("/usr/bin/secret-tool");
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("secret-tool");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("input taken");
        child.wait_with_output().expect("its output")
    }

    pub(crate) fn lock(&self) {
        const LOGIN: &str = "array:objpath:/org/freedesktop/secrets/collection/login";
        self.send(SECRETS, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", &[LOGIN]);
    }

    /// Whether the keyring that was started unlocked still runs.
    pub(crate) fn keyring_lives(&mut self) -> bool {
        self.keyring.as_mut().is_some_and(|keyring| keyring.try_wait().expect("its state").is_none())
    }

    /// As when it crashes.
    pub(crate) fn kill_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }

    /// The ids of what the bus has started as a service.
    pub(crate) fn started(&self) -> Vec<String> {
        let (mut file, mut pids) = (&self.pids, String::new());
        file.rewind().and_then(|()| file.read_to_string(&mut pids)).expect("a file of the bus");
        pids.lines().map(str::to_owned).collect()
    }

    /// Takes a name and never answers what is asked of it, as a program that hangs; until the value is dropped.
    pub(crate) fn hang(&self, name: &'static str) -> impl Sized + use<> {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let (tell, ready) = std::sync::mpsc::channel();
        let address = self.address();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let bus = zbus::connection::Builder::address(&*address).build().await.expect("a connection");
                bus.request_name(name).await.expect("the name");
                tell.send(()).expect("someone who waits");
                while ended.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        });
        ready.recv().expect("the name");
        end
    }

    fn owned(&self, name: &str) -> bool {
        const BUS: &str = "org.freedesktop.DBus";
        let asked = format!("string:{name}");
        self.send(BUS, "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", &[&asked]).contains("boolean true")
    }

    fn send(&self, destination: &str, path: &str, method: &str, arguments: &[&str]) -> String {
        let output = self
            .command("/usr/bin/dbus-send")
            .args(["--session", "--print-reply", &format!("--dest={destination}"), path, method])
            .args(arguments)
            .output()
            .expect("dbus-send");
        assert!(output.status.success(), "{method}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.kill_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
        for pid in self.started() {
            let _ = Command::new("/bin/kill").args(["-KILL", &pid]).stderr(Stdio::null()).status();
        }
    }
}

/// No desktop but this one, and no display to show a dialog on.
fn environment(mut command: Command, home: &Path) -> Command {
    command.env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home.join(".bus")).env("PATH", "/usr/bin:/bin");
    command
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
}
