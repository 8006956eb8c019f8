//! Printing what was parsed is identity; an edit touches its own lines only; an edit taken back is none.

use super::{corpus, generate};
use mfa_run::config::document::{Document, LineKind};
use mfa_run::config::{Change, FileKind, Files, SectionKind};
use proptest::prelude::*;
use std::fmt::Write;

/// What the lines of a document say of themselves has to add up to the document.
fn check_identity(bytes: &[u8]) {
    let document = Document::parse(bytes.to_vec());
    assert_eq!(document.as_bytes(), bytes);
    let bom = if document.has_bom() { &bytes[..3] } else { b"" };
    let lines: Vec<u8> = (0..document.line_count()).flat_map(|line| document.line(line).to_vec()).collect();
    assert_eq!([bom, &lines].concat(), bytes);
    let is_header = |line: &usize| document.kind(*line) == LineKind::Header;
    assert_eq!((0..document.line_count()).filter(is_header).collect::<Vec<_>>(), document.headers());
    // Reading must not fail either, whatever is asked.
    let files = Files::from_bytes(bytes, bytes);
    for profile in files.profiles() {
        let found = files.profile(profile.name()).expect("a listed profile is found");
        assert_eq!(found.properties().count(), profile.properties().count());
        for property in profile.properties() {
            assert_eq!(profile.get(&property.key).map(|value| value.text), property.value, "{}", property.key);
        }
    }
    let _ = files.warnings();
}

#[derive(Debug, Clone, PartialEq)]
enum Edit {
    Set(&'static str, &'static str),
    Remove(&'static str),
    AddSection,
    RemoveSection,
    Rename,
}

fn edits() -> impl Strategy<Value = (Edit, FileKind, &'static str)> {
    let key = proptest::sample::select(&["region", "role_arn", "s3", "credential_process", "k1"][..]);
    let value = proptest::sample::select(&["v", "a b=c", "", "# x"][..]);
    let edit = prop_oneof![
        4 => (key.clone(), value).prop_map(|(key, value)| Edit::Set(key, value)),
        3 => key.prop_map(Edit::Remove),
        1 => Just(Edit::AddSection),
        1 => Just(Edit::RemoveSection),
        1 => Just(Edit::Rename),
    ];
    let kind = proptest::sample::select(&[FileKind::Config, FileKind::Config, FileKind::Credentials][..]);
    (edit, kind, proptest::sample::select(&["default", "a", "b", "c-d", "e", "a b", "new"][..]))
}

/// Does it; `None` where the document refuses.
fn apply(document: &Document, (edit, kind, profile): &(Edit, FileKind, &str)) -> Option<Document> {
    let mut document = Document::parse(document.as_bytes().to_vec());
    match edit {
        Edit::Set(key, value) => document.set(*kind, profile, key, value).ok()?,
        Edit::Remove(key) => drop(document.remove(*kind, profile, key).ok()?),
        Edit::AddSection => document.add_section("profile added", &[("k", "v"), ("l", "w")]).ok()?,
        Edit::RemoveSection => drop(document.remove_section(*kind, SectionKind::Profile, profile).ok()?),
        Edit::Rename => {
            let section = *document.sections(*kind, SectionKind::Profile, profile).last()?;
            document.rename_section(section, "renamed one").ok()?;
        }
    }
    Some(document)
}

fn undo(change: &Change, document: Document) -> Result<Document, mfa_run::config::Error> {
    let stored = serde_json::to_string(change).unwrap();
    let change: Change = serde_json::from_str(&stored).unwrap();
    change.undo(document, &mut |_, _| None)
}

/// The lines without their endings.
fn lines(document: &Document) -> Vec<Vec<u8>> {
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n');
    (0..document.line_count()).map(|line| document.line(line).split(ends).next().unwrap().to_vec()).collect()
}

/// All lines but those of the edited profile are as they were, in their order.
fn check_own_lines(before: &Document, after: &Document, (edit, kind, profile): &(Edit, FileKind, &str)) {
    let own = |document: &Document, line: usize| {
        let mut sections = document.sections(*kind, SectionKind::Profile, profile);
        if *edit == Edit::Rename {
            sections.extend(
                (0..document.headers().len()).filter(|s| document.header(document.headers()[*s]) == b"renamed one"),
            );
        }
        if *edit == Edit::AddSection {
            sections.extend(
                (0..document.headers().len()).filter(|s| document.header(document.headers()[*s]) == b"profile added"),
            );
        }
        sections.iter().any(|section| document.body(*section).contains(&line) || document.headers()[*section] == line)
    };
    let others = |document: &Document| {
        let blank = |line: &usize| document.kind(*line) == LineKind::Blank;
        let all = lines(document);
        let loose = |line: &usize| matches!(document.kind(*line), LineKind::Comment);
        let kept = |line: &usize| !own(document, *line) && !blank(line) && !loose(line);
        (0..document.line_count()).filter(kept).map(|line| all[line].clone()).collect::<Vec<_>>()
    };
    assert_eq!(others(before), others(after));
    let comments = |document: &Document| {
        let all = lines(document);
        let comment = |line: &usize| document.kind(*line) == LineKind::Comment;
        (0..document.line_count()).filter(comment).map(|line| all[line].clone()).collect::<Vec<_>>()
    };
    let (was, is) = (comments(before), comments(after));
    // Comments go only with the block or the section they are in.
    assert!(is.iter().all(|comment| was.contains(comment)) && is.len() <= was.len());
    if matches!(edit, Edit::AddSection | Edit::Rename) {
        assert_eq!(was, is);
    }
}

#[test]
fn the_corpus_is_printed_as_it_was_parsed() {
    let corpus = corpus();
    assert!(corpus.len() > 30);
    for (_, config, credentials) in &corpus {
        check_identity(config);
        check_identity(credentials);
    }
}

#[test]
fn every_edit_of_the_corpus_can_be_taken_back() {
    let kinds = [Edit::Set("region", "new"), Edit::Set("fresh", "v"), Edit::Remove("region"), Edit::Remove("s3")];
    let kinds = kinds.into_iter().chain([Edit::AddSection, Edit::RemoveSection, Edit::Rename]);
    let mut done = 0;
    for (name, config, credentials) in corpus() {
        for (kind, bytes) in [(FileKind::Config, config), (FileKind::Credentials, credentials)] {
            let before = Document::parse(bytes.clone());
            for (edit, profile) in kinds.clone().flat_map(|edit| ["default", "x", "y"].map(|p| (edit.clone(), p))) {
                let edit = (edit, kind, profile);
                let Some(after) = apply(&before, &edit) else { continue };
                check_own_lines(&before, &after, &edit);
                if after.change().withheld().count() == 0 {
                    let undone = undo(&after.change(), after).unwrap_or_else(|e| panic!("{name} {edit:?}: {e}"));
                    assert!(undone.as_bytes() == bytes, "{name} {edit:?}");
                    done += 1;
                }
            }
        }
    }
    assert!(done > 500, "{done}");
}

#[test]
fn ten_thousand_profiles() {
    let mut config = String::new();
    for n in 0..10_000 {
        write!(config, "[profile p{n}]\nrole_arn = arn:aws:iam::123456789012:role/r{n}\nregion = eu-west-1\n\n")
            .unwrap();
    }
    let files = Files::from_bytes(config.as_bytes(), b"");
    assert_eq!(files.profiles().count(), 10_000);
    assert_eq!(files.profile("p9999").unwrap().get("role_arn").unwrap().origin.line, 39_998);
    let before = Document::parse(config.clone().into_bytes());
    let edit = (Edit::Set("region", "x"), FileKind::Config, "p5000");
    let after = apply(&before, &edit).unwrap();
    let same = lines(&before).iter().zip(lines(&after)).filter(|(was, is)| *was == is).count();
    assert_eq!((same, after.line_count()), (39_999, before.line_count()));
    assert_eq!(undo(&after.change(), after).unwrap().as_bytes(), config.as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_bytes_are_printed_as_they_were_parsed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_identity(&bytes);
    }

    #[test]
    fn generated_files_are_printed_as_they_were_parsed(bytes in generate::file()) {
        check_identity(&bytes);
    }

    #[test]
    fn an_edit_touches_its_own_lines_and_is_taken_back(bytes in generate::file(), edit in edits()) {
        let before = Document::parse(bytes.clone());
        if let Some(after) = apply(&before, &edit) {
            check_own_lines(&before, &after, &edit);
            let change = after.change();
            if let (Edit::Set(key, value), kind, profile) = &edit {
                let text = after.as_bytes();
                let files = match kind {
                    FileKind::Config => Files::from_bytes(text, b""),
                    FileKind::Credentials => Files::from_bytes(b"", text),
                };
                prop_assert_eq!(files.profile(profile).unwrap().get(key).unwrap().text, *value);
            }
            if change.withheld().count() == 0 {
                let undone = undo(&change, after).unwrap();
                prop_assert_eq!(undone.as_bytes(), &bytes[..]);
            }
        }
    }

    #[test]
    fn an_edit_is_taken_back_after_others(bytes in generate::file(), edits in proptest::collection::vec(edits(), 2..5)) {
        let mut document = Document::parse(bytes.clone());
        let mut changes = Vec::new();
        for edit in &edits {
            if let Some(after) = apply(&document, edit) {
                changes.push(after.change());
                document = after;
            }
        }
        if changes.iter().all(|change| change.withheld().count() == 0) {
            for change in changes.iter().rev() {
                document = undo(change, document).unwrap();
            }
            prop_assert_eq!(document.as_bytes(), &bytes[..]);
        }
    }

    #[test]
    fn edits_of_other_profiles_stay_when_one_is_taken_back(bytes in generate::sound_file(true), set in 0..3_usize) {
        // What `configure` does to one profile, then to another; then the first is undone.
        let configure = |document: &Document, profile: &'static str| {
            let mut document = Document::parse(document.as_bytes().to_vec());
            for key in ["region", "output", "s3"] {
                document.remove(FileKind::Config, profile, key).unwrap();
            }
            document.set(FileKind::Config, profile, "credential_process", profile).unwrap();
            document
        };
        let before = Document::parse(bytes);
        let has = |name: &str| !before.sections(FileKind::Config, SectionKind::Profile, name).is_empty();
        let (first, second) = [("a", "b"), ("b", "c"), ("c", "default")][set];
        prop_assume!(has(first) && has(second));
        let one = configure(&before, first);
        let both = configure(&one, second);
        let undone = undo(&one.change(), both.clone());
        prop_assert!(undone.is_ok(), "{:?}\n{}", one.change(), both.as_bytes().escape_ascii());
        let undone = undone.unwrap();
        // Only the spacing that the second learnt from the first may differ.
        let text = |document: &Document| document.as_bytes().iter().copied().filter(|b| *b != b' ').collect::<Vec<_>>();
        prop_assert_eq!(text(&undone), text(&configure(&before, second)));
        let none = undo(&both.change(), undone.clone());
        prop_assert!(none.is_ok(), "{:?}\n{}\n{}", both.change(), both.as_bytes().escape_ascii(), undone.as_bytes().escape_ascii());
        let none = none.unwrap();
        prop_assert_eq!(none.as_bytes(), before.as_bytes());
    }
}
