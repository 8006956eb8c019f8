//! The words of `credential_process` lines that lead back to this program.

use crate::env::Env;
use crate::error::Error;
use std::path::PathBuf;

/// The program's path as it is found along PATH: a link there outlives an upgrade of what it leads to. Absolute, because
/// programs with a window have another PATH.
pub(super) fn own_program(env: &Env) -> Result<String, Error> {
    let unknown =
        || Error::usage("the path of this program is not known", "mfa-run configure --program /path/to/mfa-run");
    let own = std::env::current_exe().map_err(|_| unknown())?;
    let real = own.canonicalize().map_err(|_| unknown())?;
    let name = format!("mfa-run{}", std::env::consts::EXE_SUFFIX);
    let folders = env.var_os("PATH").map(|path| std::env::split_paths(path).collect::<Vec<PathBuf>>());
    let mut found = folders.into_iter().flatten().map(|folder| folder.join(&name)).filter(|path| path.is_absolute());
    let path = found.find(|path| path.canonicalize().is_ok_and(|path| path == real)).unwrap_or(own);
    path.to_str().map(str::to_owned).ok_or_else(unknown)
}

/// One word for programs that split the line themselves (botocore), for `sh -c` (Go, Java, JavaScript) and for `cmd.exe`.
pub(super) fn quoted_word(word: &str) -> Result<String, Error> {
    let strange = |why: &str| {
        Error::usage(
            &format!("`{word}` can't stand in credential_process: {why}"),
            "rename it, or give another path with --program",
        )
    };
    if word.chars().any(char::is_control) {
        return Err(strange("control characters end a line"));
    }
    if [" #", " ;", "\t#", "\t;"].iter().any(|comment| word.contains(comment)) {
        return Err(strange("some SDKs take what follows a # or ; for a comment"));
    }
    if cfg!(windows) {
        let plain = |c: char| c.is_alphanumeric() || "\\/:._-+=,@~".contains(c);
        return match word {
            _ if word.contains(['"', '%']) => Err(strange("cmd.exe knows no quoting for it")),
            _ if !word.is_empty() && word.chars().all(plain) => Ok(word.to_owned()),
            _ => Ok(format!("\"{word}\"")),
        };
    }
    shlex::try_quote(word).map(|quoted| quoted.into_owned()).map_err(|_| strange("it holds a NUL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_sdk_would_cut_is_refused() {
        assert!(quoted_word("a #b").is_err() && quoted_word("a\nb").is_err());
        assert_eq!(quoted_word("a#b").unwrap(), if cfg!(windows) { "\"a#b\"" } else { "'a#b'" });
    }
}
