//! A process of Windows can't become another: the command runs beside us, and its exit code is ours, all 32 bits of it.
//! The console tells every process in it of Ctrl-C: what comes of that is the command's affair, and we wait on.

use crate::env::Env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use tokio::signal::windows::CtrlC;

/// What can be started, in the order of `PATHEXT` on a Windows as it is installed. std quotes arguments for the last two as cmd
/// reads them, and refuses those that it cannot.
const STARTED: [&str; 4] = [".com", ".exe", ".bat", ".cmd"];

/// The command by the name that people type: `npm` is `npm.cmd`, which `Command` alone would not find.
///
/// Security: not looked for in the working folder, unlike cmd does: a name without a folder is one of `PATH`.
pub(super) fn command(program: &OsStr, env: &Env) -> Command {
    Command::new(find(program, env).as_deref().unwrap_or(program.as_ref()))
}

fn find(program: &OsStr, env: &Env) -> Option<PathBuf> {
    let kinds = env.var("PATHEXT").unwrap_or(".COM;.EXE;.BAT;.CMD").to_ascii_lowercase();
    let kinds: Vec<&str> = kinds.split(';').filter(|kind| STARTED.contains(kind)).collect();
    let name = program.to_string_lossy().to_ascii_lowercase();
    let with = |kind: &str| [program, kind.as_ref()].into_iter().collect::<OsString>();
    let names: Vec<OsString> = match STARTED.iter().any(|kind| name.ends_with(kind)) {
        true => vec![program.to_owned()],
        false => kinds.into_iter().map(with).collect(),
    };
    let has_folder = Path::new(program).components().count() > 1;
    let path = if has_folder { OsStr::new("") } else { env.var_os("PATH").unwrap_or_default() };
    let folders = std::env::split_paths(path).filter(|folder| has_folder || !folder.as_os_str().is_empty());
    folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).find(|path| path.is_file())
}

/// Runs the command to its end.
pub(super) fn become_command(mut command: Command) -> io::Result<ExitCode> {
    let companion = Companion::prepare()?;
    companion.accompany(&mut command.spawn()?, || ())
}

/// What we do while a command runs, prepared before it is started: as long as it is there, Ctrl-C does not end us. Caught, not
/// ignored: that would be inherited.
#[derive(Debug)]
pub(super) struct Companion(#[expect(dead_code, reason = "catches")] CtrlC);

impl Companion {
    pub(super) fn prepare() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for the command's end, and ends as it ended: there is no way back. Errors: the system refuses to tell.
    pub(super) fn accompany(self, child: &mut Child, at_its_end: impl FnOnce()) -> io::Result<ExitCode> {
        let status = child.wait()?;
        at_its_end();
        // an `ExitCode` has eight bits, and 0xC000013A, the end by Ctrl-C, has more
        std::process::exit(status.code().unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn a_command_is_found_as_people_type_it() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = |folder: &tempfile::TempDir, name: &str| {
            std::fs::File::create(folder.path().join(name)).unwrap();
            folder.path().join(name)
        };
        let (script, binary) = (file(&first, "tool.cmd"), file(&second, "tool.exe"));
        file(&first, "other.py");
        file(&first, "bare");
        let path = std::env::join_paths([first.path(), second.path()]).unwrap();
        let vars = [("Path", path.to_str().unwrap()), ("PATHEXT", ".COM;.EXE;.BAT;.CMD;.PY")];
        let env = Env::fixed(&vars, DateTime::UNIX_EPOCH);
        assert_eq!(find("tool".as_ref(), &env), Some(script.clone()), "the first folder wins");
        assert_eq!(find("tool.EXE".as_ref(), &env).map(|found| found.is_file()), Some(true));
        let named = second.path().join("tool");
        assert_eq!(find(named.as_os_str(), &env), Some(binary.clone()));
        assert_eq!(find(binary.as_os_str(), &env), Some(binary));
        for none in ["other", "bare", "no-such", ""] {
            assert_eq!(find(none.as_ref(), &env), None, "{none}");
        }
    }
}
