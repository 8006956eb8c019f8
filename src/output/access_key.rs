//! The one exception to "no output format accepts an access key": `key export`, after a person at a terminal has said so, and
//! `key rotate` of a key that stands in `~/.aws/credentials` in plain text, and so does the next one.

use crate::credentials::AccessKey;
use secrecy::ExposeSecret;
use std::io;
use zeroize::Zeroizing;

/// Two lines for a section of `~/.aws/credentials`.
pub fn print(key: &AccessKey) -> io::Result<()> {
    let secret = in_the_clear(key);
    let lines = Zeroizing::new(format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", key.id, *secret));
    super::print(lines.as_bytes())
}

/// The secret, for the file that the last one stood in.
pub fn in_the_clear(key: &AccessKey) -> Zeroizing<String> {
    Zeroizing::new(key.secret.expose_secret().to_owned())
}

/// Whether stdout is a file that others than its owner may read.
#[cfg(unix)]
pub fn stdout_is_readable_by_others() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::PermissionsExt;
    let file = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    let metadata = file.and_then(|file| file.metadata());
    metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
}

/// Windows: a file in the user's folders is the user's.
#[cfg(not(unix))]
pub fn stdout_is_readable_by_others() -> bool {
    false
}
