//! A change of an AWS file as a unified diff, with secrets masked.

use similar::TextDiff;
use std::path::Path;

/// Security: the value of what may be a secret is never shown.
pub(super) fn unified(path: &Path, old: &[u8], new: &[u8]) -> String {
    if old == new {
        return String::new();
    }
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let name = path.display().to_string();
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let diff = diff.unified_diff().context_radius(3).header(&name, &name).to_string();
    diff.split_inclusive('\n').map(masked).collect()
}

fn masked(line: &str) -> String {
    const SECRETS: [&str; 5] = ["secret", "_token", "passphrase", "password", "seed"];
    match line.split_once(['=', ':']) {
        Some((key, value)) if SECRETS.iter().any(|word| key.to_ascii_lowercase().contains(word)) => {
            let end = if value.ends_with('\n') { "\n" } else { "" };
            format!("{key}= ****{end}")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_no_secret() {
        let old = b"[x]\naws_access_key_id = AKIA\naws_secret_access_key = planted\n";
        let new = b"[x-long-term]\naws_access_key_id = AKIA\naws_secret_access_key = planted\n";
        let diff = unified(Path::new("credentials"), old, new);
        assert!(diff.contains("-[x]\n+[x-long-term]\n") && diff.contains("aws_secret_access_key = ****\n"), "{diff}");
        assert!(!diff.contains("planted"));
    }
}
