//! Which shell will evaluate what `export` prints: the one that started us, not the one the user logs in with.

use super::Format;
use crate::env::Env;
use std::path::Path;

/// The format of the calling shell. On Linux the nearest shell among the processes that started us, so that
/// `timeout 9 mfa-run export` is seen through, and `sh` where there is none (cron, make). Elsewhere the name in `$SHELL`,
/// which is the login shell, and `sh` for one we do not know; on Windows the same for a shell that sets `$SHELL` (Git
/// Bash), else PowerShell if it set `PSModulePath` to its user's folder, else cmd. `--format` says it for certain.
pub fn calling_shell(env: &Env) -> Format {
    if cfg!(target_os = "linux") && Path::new("/proc/self/stat").exists() {
        return ancestor().unwrap_or(Format::Sh);
    }
    let login_shell = env.var("SHELL").map(|shell| shell_named(file_name(shell)));
    match login_shell {
        Some(shell) => shell.unwrap_or(Format::Sh),
        None if cfg!(windows) => windows_shell(env.var("PSModulePath")),
        None => Format::Sh,
    }
}

fn shell_named(name: &str) -> Option<Format> {
    let name = name.trim_start_matches('-').trim_end_matches(" (deleted)").to_ascii_lowercase();
    Some(match name.trim_end_matches(".exe") {
        "bash" | "rbash" => Format::Bash,
        "zsh" => Format::Zsh,
        "sh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "oksh" | "yash" | "posh" => Format::Sh,
        "fish" => Format::Fish,
        "pwsh" | "powershell" => Format::PowerShell,
        "nu" => Format::Nu,
        "elvish" => Format::Elvish,
        "cmd" => Format::Cmd,
        _ => return None,
    })
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The machine's own `PSModulePath` begins with Program Files or the Windows folder; PowerShell puts its user's before it.
fn windows_shell(module_path: Option<&str>) -> Format {
    let first = module_path.and_then(|path| path.split(';').next()).unwrap_or("").to_ascii_lowercase();
    if first.contains("\\documents\\") { Format::PowerShell } else { Format::Cmd }
}

#[cfg(not(target_os = "linux"))]
fn ancestor() -> Option<Format> {
    None
}

#[cfg(target_os = "linux")]
fn ancestor() -> Option<Format> {
    let mut pid = std::os::unix::process::parent_id();
    for _ in 0..4 {
        // The file's name, because a process may rename itself; its own where the file says too little (busybox) or is
        // another user's.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
        let exe = exe.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let name = before.split_once('(').map_or("", |(_, name)| name);
        if let Some(shell) = exe.and_then(shell_named).or_else(|| shell_named(name)) {
            return Some(shell);
        }
        pid = after.split_ascii_whitespace().nth(1)?.parse().ok().filter(|&parent| parent > 1)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_its_name() {
        for (name, format) in [
            ("-zsh", Some(Format::Zsh)),
            ("/usr/local/bin/fish", Some(Format::Fish)),
            ("C:\\Program Files\\Git\\bin\\bash.exe", Some(Format::Bash)),
            ("PowerShell.exe", Some(Format::PowerShell)),
            ("bash (deleted)", Some(Format::Bash)),
            ("tcsh", None),
            ("python3", None),
        ] {
            assert_eq!(shell_named(file_name(name)), format, "{name}");
        }
    }

    #[test]
    fn on_windows_powershell_leaves_its_users_folder_first() {
        let user = "C:\\Users\\j\\Documents\\PowerShell\\Modules;C:\\Program Files\\PowerShell\\Modules";
        assert_eq!(windows_shell(Some(user)), Format::PowerShell);
        assert_eq!(windows_shell(Some("C:\\Program Files\\WindowsPowerShell\\Modules")), Format::Cmd);
        assert_eq!(windows_shell(None), Format::Cmd);
    }
}
