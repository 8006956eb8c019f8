//! Edits as tables: before, what is done, after; and each of them taken back.

use super::super::*;
use FileKind::{Config, Credentials};

type Edit = fn(&mut Document) -> Result<(), Error>;

fn check(before: &str, edit: Edit, after: &str) {
    let mut document = Document::parse(before.as_bytes().to_vec());
    edit(&mut document).unwrap_or_else(|error| panic!("{before:?}: {error}"));
    assert_eq!(String::from_utf8_lossy(document.as_bytes()), after, "{before:?}");
    let change = document.change();
    let kept = serde_json::to_string(&change).unwrap();
    assert!(!kept.contains("planted"), "{kept}");
    let change: Change = serde_json::from_str(&kept).unwrap();
    let undone = change.undo(document, &mut |_, _| Some("planted".into()));
    let undone = undone.unwrap_or_else(|error| panic!("{before:?}: {error}"));
    assert_eq!(String::from_utf8_lossy(undone.as_bytes()), before);
}

#[test]
fn an_edit_is_what_a_person_would_have_typed() {
    let set: Edit = |document| document.set(Config, "x", "region", "b");
    for (before, after) in [
        ("", "[profile x]\nregion = b\n"),
        ("[profile x]\nregion = a\n", "[profile x]\nregion = b\n"),
        ("[profile x]\n  Region=a  \n", "[profile x]\n  Region=b  \n"),
        ("[profile x]\nregion:  a", "[profile x]\nregion:  b"),
        ("[profile x]\nregion =\n", "[profile x]\nregion = b\n"),
        ("[profile x]\nregion=\n", "[profile x]\nregion=b\n"),
        ("[profile x]\nregion = a\n  more\n\n  more\n\nk = v\n", "[profile x]\nregion = b\n\nk = v\n"),
        ("[profile x]\nregion = 1\nregion = 2\n", "[profile x]\nregion = 1\nregion = b\n"),
        ("[profile x]\nregion = 1\n[profile x]\nk=v\n", "[profile x]\nregion = b\n[profile x]\nk=v\n"),
        ("[profile x]\nk=v", "[profile x]\nk=v\nregion=b"),
        ("[profile x]\r\nk = v\r\n", "[profile x]\r\nk = v\r\nregion = b\r\n"),
        ("[profile x]\nk      = v\n", "[profile x]\nk      = v\nregion = b\n"),
        ("[profile x]\n  k = v\n\n# c\n[y]\n", "[profile x]\n  k = v\n  region = b\n\n# c\n[y]\n"),
        ("[profile x]\ns3 =\n  a = b\n\n[y]\n", "[profile x]\ns3 =\n  a = b\nregion = b\n\n[y]\n"),
        ("[profile x]\n  [profile y]\n", "[profile x]\n  region = b\n  [profile y]\n"),
        ("[profile y]\nk=v", "[profile y]\nk=v\n\n[profile x]\nregion=b"),
        ("# c\n\n", "# c\n\n[profile x]\nregion = b\n"),
        ("\u{feff}[profile x]", "\u{feff}[profile x]\nregion = b"),
    ] {
        check(before, set, after);
    }
    let remove: Edit = |document| document.remove(Config, "x", "k").map(drop);
    for (before, after) in [
        ("[profile x]\nk = 1\nregion = a\n", "[profile x]\nregion = a\n"),
        ("[profile x]\nk =\n  a = b\n # c\n  c = d\n# e\nregion = a\n", "[profile x]\n# e\nregion = a\n"),
        ("[profile x]\nk = 1\nK = 2\n", "[profile x]\n"),
        ("[profile x]\nregion = a\nk = 1", "[profile x]\nregion = a"),
        ("[profile x]\nregion = a\r\n\nk = 1", "[profile x]\nregion = a\r\n\n"),
        ("[profile y]\nk = 1\n", "[profile y]\nk = 1\n"),
    ] {
        check(before, remove, after);
    }
    let remove: Edit = |document| document.remove_section(Credentials, SectionKind::Profile, "x").map(drop);
    for (before, after) in [
        ("[a]\nk=v\n\n[x]\nk=v\n\n[b]\n", "[a]\nk=v\n\n[b]\n"),
        ("[a]\nk=v\n\n[x]\naws_secret_access_key = planted\n", "[a]\nk=v\n"),
        ("[x]\nk=v\n# stays\n\n[b]\n", "# stays\n\n[b]\n"),
        ("[x]\naws_session_token=planted", ""),
        ("[a]\nk=v\n[x]", "[a]\nk=v"),
        ("[x]\n[a]\n[x]\nk=v\n", "[a]\n"),
    ] {
        check(before, remove, after);
    }
    let rename: Edit = |document| document.rename_section(0, "b");
    check(" [a] # c\nk=v\n", rename, " [b] # c\nk=v\n");
}

#[test]
fn what_would_not_be_read_back_is_not_written() {
    let mut document = Document::parse(b"[a]\nx=1\n[b]\n   [c]\n".to_vec());
    let set = |document: &mut Document, key, value| document.set(Credentials, "a", key, value);
    assert!(matches!(set(&mut document, "k", "a\nb"), Err(Error::NoValue { .. })));
    assert!(matches!(set(&mut document, "k", " a"), Err(Error::NoValue { .. })));
    assert!(matches!(set(&mut document, "a=b", "a"), Err(Error::NoKey { .. })));
    assert!(matches!(set(&mut document, "", "a"), Err(Error::NoKey { .. })));
    assert!(matches!(document.add_section("a\nb", &[]), Err(Error::NoHeader { .. })));
    assert!(matches!(document.set(Credentials, "DEFAULT", "k", "v"), Err(Error::NoHeader { .. })));
    // Without [b], the indented [c] would be more of x.
    let removed = document.remove_section(Credentials, SectionKind::Profile, "b");
    assert!(matches!(removed, Err(Error::Misread { line: 4 })), "{removed:?}");
    assert!(document.change().is_empty());
}

#[test]
fn a_change_is_taken_back_whatever_else_was_changed() {
    let before = "[default]\nregion = a\n\n[profile x]\nrole_arn = r\nsource_profile = default\n# mine\nmfa_serial = m\n\n\
                  [profile y]\nrole_arn = r\n";
    let configure = |document: &mut Document, profile: &str| {
        for key in ["role_arn", "source_profile", "mfa_serial"] {
            document.remove(Config, profile, key).unwrap();
        }
        document.set(Config, profile, "credential_process", "mfa-run").unwrap();
    };
    let mut document = Document::parse(before.into());
    configure(&mut document, "x");
    let x = document.change();
    let mut document = Document::parse(document.into_bytes());
    configure(&mut document, "y");
    document.set(Config, "default", "region", "b").unwrap();
    document.add_section("profile z", &[("k", "v")]).unwrap();
    let undone = x.undo(document.clone(), &mut |_, _| None).unwrap();
    let mut expected = Document::parse(before.into());
    configure(&mut expected, "y");
    expected.set(Config, "default", "region", "b").unwrap();
    expected.add_section("profile z", &[("k", "v")]).unwrap();
    assert_eq!(String::from_utf8_lossy(undone.as_bytes()), String::from_utf8_lossy(expected.as_bytes()));

    // Its own lines were changed meanwhile: a value, or a key that is back.
    for (key, value) in [("credential_process", "other"), ("role_arn", "other")] {
        let mut changed = document.clone();
        changed.set(Config, "x", key, value).unwrap();
        let refused = x.undo(changed, &mut |_, _| None);
        assert!(matches!(&refused, Err(Error::Changed { .. })), "{key}: {refused:?}");
    }
}

#[test]
fn what_is_so_already_is_no_edit() {
    let mut document = Document::parse(b"[default]\nregion = a".to_vec());
    document.set(Config, "default", "region", "a").unwrap();
    document.remove(Config, "default", "output").unwrap();
    assert!(document.change().is_empty());
}

#[test]
fn sections_that_are_alike_are_told_apart() {
    // Found by fuzzing: without the removed line, the two sections are the same.
    let before = "[default]\nregion=a\nk=v\n[default]\nk=v\n[default]\nk=v\n";
    let mut document = Document::parse(before.into());
    document.remove_in(0, "region").unwrap();
    let undone = document.change().undo(document, &mut |_, _| None).unwrap();
    assert_eq!(undone.as_bytes(), before.as_bytes());
}

#[test]
fn a_removed_secret_is_in_no_record() {
    let before = "[x]\naws_access_key_id = AKIA\naws_secret_access_key = planted/secret\n";
    let mut document = Document::parse(before.into());
    document.remove(Credentials, "x", "aws_secret_access_key").unwrap();
    let change = document.change();
    assert!(!format!("{change:?} {document:?}").contains("planted"));
    assert_eq!(change.withheld().collect::<Vec<_>>(), [("x", "aws_secret_access_key")]);
    let refused = change.undo(document.clone(), &mut |_, _| None);
    assert!(matches!(refused, Err(Error::Withheld { .. })));
    let given = change.undo(document, &mut |_, _| Some("planted/secret".into())).unwrap();
    assert_eq!(given.as_bytes(), before.as_bytes());

    for secret in [
        "# aws_secret_access_key = planted\n",
        "k = v\n  aws_session_token = planted\n",
        "aws_secret_access_key =\nplanted/secret+of/forty\n",
        "aws_secret_access_key =\n  planted\n",
        "aws_session_token = x\nplanted/base64==\n",
    ] {
        let mut document = Document::parse(format!("[x]\n{secret}k2 = v\n").into_bytes());
        document.remove_section(Credentials, SectionKind::Profile, "x").unwrap();
        let record = serde_json::to_string(&document.change()).unwrap();
        assert!(!record.contains("planted"), "{record}");
        assert_ne!(document.change().withheld().count(), 0);
    }
}
