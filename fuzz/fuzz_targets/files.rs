//! Whatever bytes a file has: printing what was parsed is identity, reading does not panic, and every edit is taken back
//! byte for byte. The first bytes choose the edits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_run::config::{Document, FileKind, Files, SectionKind};

const KEYS: [&str; 4] = ["region", "role_arn", "s3", "new_key"];
const PROFILES: [&str; 4] = ["default", "x", "two words", "new"];

fuzz_target!(|data: &[u8]| {
    let Some((choices, bytes)) = data.split_first_chunk::<4>() else { return };
    let mut document = Document::parse(bytes.to_vec());
    assert_eq!(document.as_bytes(), bytes);
    let files = Files::from_bytes(bytes, bytes);
    for profile in files.profiles() {
        assert!(files.profile(profile.name()).is_some());
        assert!(profile.properties().all(|p| profile.get(&p.key).map(|value| value.text) == p.value));
    }
    let _ = files.warnings();

    let mut changes = Vec::new();
    for choice in choices {
        let before = document.clone();
        let mut after = Document::parse(document.into_bytes());
        let (key, profile) = (KEYS[usize::from(choice & 3)], PROFILES[usize::from(choice >> 2 & 3)]);
        let kind = if choice & 16 == 0 { FileKind::Config } else { FileKind::Credentials };
        let done = match choice >> 5 {
            0..=2 => after.set(kind, profile, key, "a value"),
            3..=5 => after.remove(kind, profile, key).map(drop),
            6 => after.remove_section(kind, SectionKind::Profile, profile).map(drop),
            _ => after.add_section("profile added", &[(key, "v")]),
        };
        if done.is_ok() && after.change().withheld().count() == 0 {
            changes.push(after.change());
            document = after;
        } else {
            document = before;
        }
    }
    for change in changes.iter().rev() {
        document = change.undo(document, &mut |_, _| None).expect("nothing was changed meanwhile");
    }
    assert_eq!(document.as_bytes(), bytes);
});
