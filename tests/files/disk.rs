//! What becomes of a file on disk: mode, owner and links stay; killed, refused or not alone, a writer loses nothing.

use super::skip;
use chrono::DateTime;
use mfa_run::config::{Document, Error, FileKind, Files, edit_file};
use mfa_run::env::Env;
use mfa_run::fsio::Replacement::{self, Atomic, InPlace};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const OLD: &str = "# mine\n[default]\nregion = a\n";
const NEW: &str = "# mine\n[default]\nregion = b\n";
/// A user who is not root.
const SPARE: u32 = 12345;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        fs::create_dir(place.aws()).unwrap();
        fs::create_dir(place.path("data")).unwrap();
        place.write("config", OLD);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn aws(&self) -> PathBuf {
        self.path("aws")
    }

    fn config(&self) -> PathBuf {
        self.aws().join("config")
    }

    fn write(&self, name: &str, text: &str) {
        fs::File::create(self.aws().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn read(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    /// The names in the folder of the file.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.aws()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn env(&self) -> Env {
        let data = self.path("data");
        Env::fixed(&[("HOME", "/nonexistent"), ("XDG_DATA_HOME", data.to_str().unwrap())], DateTime::UNIX_EPOCH)
    }

    fn edit(&self, how: Replacement) -> Result<(), Error> {
        edit_file(&self.env(), &self.config(), how, set_region).map(drop)
    }

    /// Lets the spare user in, and own what is there.
    fn open_to_spare(&self) {
        for path in [self.folder.path().to_owned(), self.aws(), self.path("data"), self.config()] {
            std::os::unix::fs::chown(&path, Some(SPARE), Some(SPARE)).unwrap();
        }
    }

    /// This test program in another process, behind `wrapper`; there it edits the file.
    fn helper(&self, wrapper: &[&str], how: Replacement) -> Command {
        let mut words = wrapper.to_vec();
        let program = std::env::current_exe().unwrap();
        words.extend([
            program.to_str().unwrap(),
            "--exact",
            "disk::helper",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ]);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("FILES_HELPER", self.folder.path());
        command.env("FILES_HELPER_HOW", if how == InPlace { "in place" } else { "" });
        command
    }

    /// Runs it; what it said, if it came to edit.
    fn helped(&self, wrapper: &[&str], how: Replacement) -> Option<String> {
        let output = self.helper(wrapper, how).output().ok()?;
        said(&output)
    }
}

fn said(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.split_once("RESULT ")?.1.lines().next()?.to_owned())
}

fn set_region(mut document: Document) -> Result<Document, Error> {
    document.set(FileKind::Config, "default", "region", "b")?;
    Ok(document)
}

#[test]
#[ignore = "not a test: the other process of the tests below"]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "another process: it is told by variables")]
fn helper() {
    let (Some(folder), how) = (std::env::var_os("FILES_HELPER"), std::env::var("FILES_HELPER_HOW")) else { return };
    let (folder, how) = (PathBuf::from(folder), if how.is_ok_and(|how| how == "in place") { InPlace } else { Atomic });
    let data = folder.join("data");
    let env = Env::fixed(&[("XDG_DATA_HOME", data.to_str().unwrap())], DateTime::UNIX_EPOCH);
    match edit_file(&env, &folder.join("aws/config"), how, set_region) {
        Ok(_) => println!("RESULT ok"),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            println!("RESULT {error}; {source}");
        }
    }
}

#[test]
fn mode_and_links_stay() {
    for mode in [0o600, 0o640, 0o644, 0o400] {
        let place = Place::new();
        fs::set_permissions(place.config(), fs::Permissions::from_mode(mode)).unwrap();
        place.edit(Atomic).unwrap();
        assert_eq!(place.read(), NEW);
        assert_eq!(fs::metadata(place.config()).unwrap().mode() & 0o7777, mode);
        assert_eq!(place.names(), ["config"]);
    }
    let place = Place::new();
    fs::create_dir(place.path("dotfiles")).unwrap();
    fs::rename(place.config(), place.path("dotfiles/aws-config")).unwrap();
    symlink("../dotfiles/aws-config", place.path("dotfiles/link")).unwrap();
    symlink("../dotfiles/../dotfiles/aws-config", place.config()).unwrap();
    place.edit(Atomic).unwrap();
    assert!(fs::symlink_metadata(place.config()).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(place.path("dotfiles/aws-config")).unwrap(), NEW);
    assert_eq!(place.names(), ["config"]);

    // A link that leads to nothing yet.
    let place = Place::new();
    fs::remove_file(place.config()).unwrap();
    symlink(place.path("later"), place.config()).unwrap();
    place.edit(Atomic).unwrap();
    assert_eq!(fs::read_to_string(place.path("later")).unwrap(), "[default]\nregion = b\n");
}

#[test]
fn a_new_file_is_private_and_so_is_its_folder() {
    let place = Place::new();
    fs::remove_dir_all(place.aws()).unwrap();
    place.edit(Atomic).unwrap();
    assert_eq!(fs::metadata(place.config()).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(place.aws()).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn a_file_that_stays_as_it_is_is_not_written() {
    let place = Place::new();
    let before = fs::metadata(place.config()).unwrap().ino();
    let change = edit_file(&place.env(), &place.config(), Atomic, Ok::<_, Error>).unwrap();
    assert!(change.is_empty());
    assert_eq!(fs::metadata(place.config()).unwrap().ino(), before);
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    fs::remove_file(place.config()).unwrap();
    fs::create_dir(place.config()).unwrap();
    let refused = place.edit(Atomic).unwrap_err().to_string();
    assert!(refused.ends_with("is no plain file"), "{refused}");
}

#[test]
fn writers_at_once_lose_nothing() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let place = &place;
            scope.spawn(move || {
                for turn in 0..8 {
                    edit_file(&place.env(), &place.config(), Atomic, |mut document| {
                        document.set(FileKind::Config, "default", &format!("k{writer}-{turn}"), "v")?;
                        Ok::<_, Error>(document)
                    })
                    .unwrap();
                }
            });
        }
    });
    let text = place.read();
    assert!((0..48).all(|n| text.contains(&format!("k{}-{} = v\n", n / 8, n % 8))), "{text}");
    assert_eq!(place.names(), ["config"]);
}

#[test]
fn a_writer_that_knows_no_lock_loses_nothing_either() {
    for how in [Atomic, InPlace] {
        let place = Place::new();
        let mut calls = 0;
        edit_file(&place.env(), &place.config(), how, |document| {
            calls += 1;
            if calls == 1 {
                place.write("config", "[default]\nregion = a\noutput = json\n");
            }
            set_region(document)
        })
        .unwrap();
        assert_eq!((place.read().as_str(), calls), ("[default]\nregion = b\noutput = json\n", 2));
        assert_eq!(place.names(), ["config"]);
    }
}

#[test]
fn in_place_keeps_the_file_itself() {
    for (old, new) in [
        (OLD.to_owned(), NEW.to_owned()),
        (OLD.replace("= a", "= abc"), NEW.to_owned()),
        ("#".into(), "#\n\n[default]\nregion = b".into()),
    ] {
        let place = Place::new();
        place.write("config", &old);
        let before = fs::metadata(place.config()).unwrap().ino();
        place.edit(InPlace).unwrap();
        assert_eq!((place.read(), fs::metadata(place.config()).unwrap().ino()), (new, before));
    }
}

#[test]
fn killed_at_any_system_call_the_file_is_the_old_or_the_new_one() {
    let place = Place::new();
    let log = place.path("log");
    let trace = ["strace", "-f", "-qq", "-o", log.to_str().unwrap()];
    if place.helped(&trace, Atomic).as_deref() != Some("ok") {
        return skip("killed_at_any_system_call", "no strace that may trace");
    }
    // From the first look at our folder on, each system call of the thread that edits; counted from the start, as strace does.
    let log = fs::read_to_string(log).unwrap();
    let own = place.folder.path().to_str().unwrap();
    let calls: Vec<(&str, &str)> =
        log.lines().filter_map(|line| line.split_once(' ')).map(|(id, c)| (id, c.trim())).collect();
    let begin = calls.iter().position(|(_, call)| call.contains(own) && !call.starts_with("execve")).unwrap();
    let (thread, mut counts, mut moments) = (calls[begin].0, HashMap::new(), Vec::new());
    for (n, (_, call)) in calls.iter().enumerate().filter(|(_, (id, _))| *id == thread) {
        let Some((name, _)) = call.split_once('(') else { continue };
        *counts.entry(name).or_insert(0) += 1;
        if n >= begin {
            moments.push((name, counts[name]));
        }
    }
    let order: Vec<_> =
        moments.iter().map(|(name, _)| *name).filter(|n| n.starts_with("rename") || *n == "fsync").collect();
    assert!(matches!(order[..], ["fsync", rename, "fsync"] if rename.starts_with("rename")), "{order:?}");

    let (mut old, mut new) = (0, 0);
    for (name, count) in &moments {
        place.write("config", OLD);
        let inject = format!("inject={name}:signal=KILL:when={count}");
        let filter = format!("trace={name}");
        let output = place
            .helper(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &filter, "-e", &inject], Atomic)
            .output()
            .unwrap();
        // The last calls come after the result was told; there may be no kill any more.
        match place.read().as_str() {
            OLD if output.status.signal() == Some(9) => old += 1,
            NEW => new += 1,
            other => panic!("{name} {count}: {:?} {other:?}", output.status),
        }
    }
    assert!(old > 10 && new > 2, "{old} times the old file, {new} times the new one, of {}", moments.len());

    // What the killed ones left is cleared away, and their lock is free.
    place.write("config", OLD);
    assert_eq!(place.helped(&["env"], Atomic).as_deref(), Some("ok"));
    assert_eq!((place.read().as_str(), place.names()), (NEW, vec!["config".to_owned()]));
}

/// Says why this can't be run: it needs root, to become somebody else.
fn as_spare(place: &Place) -> Option<[&'static str; 4]> {
    let wrapper = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"];
    place
        .open_to_spare_if_root()
        .then_some(wrapper)
        .filter(|wrapper| place.helped(wrapper, Atomic).as_deref() == Some("ok"))
}

impl Place {
    fn open_to_spare_if_root(&self) -> bool {
        let root = fs::metadata(self.config()).unwrap().uid() == 0;
        if root {
            self.open_to_spare();
        }
        root
    }
}

#[test]
fn a_folder_that_cant_be_written_is_a_clear_error() {
    let place = Place::new();
    let Some(spare) = as_spare(&place) else {
        return skip("a_folder_that_cant_be_written", "no second user: not root, or no setpriv");
    };
    place.write("config", OLD);
    fs::set_permissions(place.aws(), fs::Permissions::from_mode(0o555)).unwrap();
    let error = place.helped(&spare, Atomic).unwrap();
    assert!(error.contains("no file can be made in") && error.ends_with("Permission denied (os error 13)"), "{error}");
    assert_eq!((place.read().as_str(), place.names()), (OLD, vec!["config".to_owned()]));
    // The file itself is theirs: written into, it works.
    assert_eq!(place.helped(&spare, InPlace).as_deref(), Some("ok"));
    assert_eq!(place.read(), NEW);
}

#[test]
fn another_owner_is_kept_or_the_file_is_left_alone() {
    let place = Place::new();
    let Some(spare) = as_spare(&place) else {
        return skip("another_owner_is_kept", "no second user: not root, or no setpriv");
    };
    // Root changes the file of somebody: it stays theirs.
    place.write("config", OLD);
    fs::set_permissions(place.config(), fs::Permissions::from_mode(0o640)).unwrap();
    place.edit(Atomic).unwrap();
    let after = fs::metadata(place.config()).unwrap();
    assert_eq!((after.uid(), after.gid(), after.mode() & 0o7777), (SPARE, SPARE, 0o640));
    // Somebody may rename over root's file in their own folder, but not make it root's.
    place.write("config", OLD);
    fs::set_permissions(place.config(), fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::chown(place.config(), Some(0), Some(0)).unwrap();
    let error = place.helped(&spare, Atomic).unwrap();
    assert!(error.contains("belongs to user 0 and group 0"), "{error}");
    assert_eq!((place.read().as_str(), place.names()), (OLD, vec!["config".to_owned()]));
    // Theirs, but of a group they are not in; the mode says that the group counts.
    std::os::unix::fs::chown(place.config(), Some(SPARE), Some(0)).unwrap();
    let error = place.helped(&spare, Atomic).unwrap();
    assert!(error.contains("belongs to user 12345 and group 0"), "{error}");
    assert_eq!((place.read().as_str(), place.names()), (OLD, vec!["config".to_owned()]));
    fs::set_permissions(place.config(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.helped(&spare, Atomic).as_deref(), Some("ok"));
    assert_eq!(place.read(), NEW);
}

#[test]
fn a_full_disk_loses_nothing() {
    // A limit on the size of files: one block (512 or 1,024 bytes) is less than the file will have.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"];
    let old = format!("{OLD}{}", "# filler\n".repeat(300));
    for how in [Atomic, InPlace] {
        let place = Place::new();
        let old = if how == InPlace { format!("# {}[x]", "x".repeat(1019) + "\n") } else { old.clone() };
        place.write("config", &old);
        let error = place.helped(&limited, how).unwrap();
        assert!(error.contains("can't be written; File too large"), "{error}");
        assert_eq!((place.read(), place.names()), (old, vec!["config".to_owned()]));
    }
    // A disk of its own, full.
    let place = Place::new();
    let aws = place.aws();
    let script = "mount -t tmpfs -o size=64k tmpfs \"$0\" && head -c 20480 /dev/zero | tr '\\0' '#' > \"$0/config\" \
                  && cp \"$0/config\" \"$0/../before\" && (head -c 64000 /dev/zero > \"$0/filler\"; \"$@\"; \
                  cmp \"$0/config\" \"$0/../before\" && ls -A \"$0\")";
    for how in [Atomic, InPlace] {
        let wrapper = ["unshare", "-m", "sh", "-c", script, aws.to_str().unwrap()];
        let output = place.helper(&wrapper, how).output();
        let Some(error) = output.as_ref().ok().and_then(said) else {
            return skip("a_full_disk (tmpfs)", "no mount allowed");
        };
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(error.contains("can't be written; No space left on device"), "{how:?}: {error}");
        assert!(text.ends_with("config\nfiller\n"), "{text}");
    }
}

#[test]
fn a_mounted_file_is_a_clear_error_and_can_be_written_into() {
    let place = Place::new();
    let config = place.config();
    let wrapper = ["unshare", "-m", "sh", "-c", "mount --bind \"$0\" \"$0\" && exec \"$@\"", config.to_str().unwrap()];
    let Some(error) = place.helped(&wrapper, Atomic) else {
        return skip("a_mounted_file", "no mount allowed");
    };
    assert!(error.contains("--in-place"), "{error}");
    assert_eq!((place.read().as_str(), place.names()), (OLD, vec!["config".to_owned()]));
    assert_eq!(place.helped(&wrapper, InPlace).as_deref(), Some("ok"));
    assert_eq!(place.read(), NEW);
}

#[test]
fn a_file_that_cant_be_read_is_an_error_not_an_empty_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("loop");
    symlink(&path, &path).unwrap();
    let home = home.path().to_str().unwrap();
    let env = Env::fixed(&[("HOME", home), ("AWS_CONFIG_FILE", path.to_str().unwrap())], DateTime::UNIX_EPOCH);
    assert!(matches!(Files::load(&env), Err(Error::Unreadable { .. })));
    assert!(edit_file(&env, Path::new(&path), Atomic, set_region).is_err());
}
