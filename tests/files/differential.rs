//! The same files read by others: botocore, which this is to agree with wherever it takes a file, and Rust's SDK, which
//! it is to agree with wherever no warning says that SDKs differ.

use super::{corpus, generate, skip};
use mfa_run::config::{Files, Profile, Section, Warning};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

fn generated(strategy: impl Strategy<Value = (Vec<u8>, Vec<u8>)>, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs: Vec<_> = corpus().into_iter().map(|(_, config, credentials)| (config, credentials)).collect();
    // Each file alone too: one that is refused hides the other.
    pairs.extend(
        pairs.clone().into_iter().flat_map(|(config, credentials)| [(config, Vec::new()), (Vec::new(), credentials)]),
    );
    pairs.extend(generated((generate::file(), proptest::strategy::Just(Vec::new())), 900));
    pairs.extend(generated((generate::sound_file(true), generate::sound_file(false)), 400));
    pairs
}

/// What botocore says to each pair; `None` where there is no botocore.
fn botocore(pairs: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: String, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let paths: Vec<_> = pairs
        .iter()
        .enumerate()
        .map(|(n, (config, credentials))| {
            (write(format!("{n}.config"), config), write(format!("{n}.credentials"), credentials))
        })
        .collect();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/differential.py");
    let mut python = Command::new("python3");
    python.arg(script).env("PYTHONUTF8", "1").env("AWS_EC2_METADATA_DISABLED", "true");
    python.env_remove("AWS_PROFILE").env_remove("AWS_DEFAULT_PROFILE");
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(json!(paths).to_string().as_bytes()).ok()?;
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("No module named 'botocore'") {
        return None;
    }
    assert!(output.status.success(), "{errors}");
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    Some(read["read"].as_array().unwrap().clone())
}

/// A section as botocore shows it. A key is in lower case as Python has it, beyond ASCII too.
fn section_as_botocore(properties: impl Iterator<Item = mfa_run::config::Property<'static>>) -> Value {
    let shown = properties.map(|property| {
        let value = property.value.map_or_else(
            || Value::Object(property.nested().map(|(key, value)| (key.to_owned(), json!(value.text))).collect()),
            |text| json!(text),
        );
        (property.key.to_lowercase(), value)
    });
    Value::Object(shown.collect())
}

#[test]
fn botocore_reads_the_same() {
    let pairs = pairs();
    let Some(read) = botocore(&pairs) else {
        return skip("botocore_reads_the_same", "no python3 with botocore");
    };
    let (mut taken, mut refused) = (0, 0);
    for ((config, credentials), theirs) in pairs.iter().zip(read) {
        let files: &'static Files = Box::leak(Box::new(Files::from_bytes(config, credentials)));
        let shown = || format!("{}\n---\n{}", config.escape_ascii(), credentials.escape_ascii());
        let refusing: Vec<_> = files.warnings().into_iter().filter(Warning::is_refused_by_botocore).collect();
        assert_eq!(theirs.is_null(), !refusing.is_empty(), "{}\n{refusing:?}", shown());
        if theirs.is_null() {
            refused += 1;
            continue;
        }
        taken += 1;
        let profiles: Map<String, Value> = files
            .profiles()
            .map(|p: Profile<'static>| (p.name().to_owned(), section_as_botocore(p.properties())))
            .collect();
        assert_eq!(Value::Object(profiles), theirs["profiles"], "{}", shown());
        for (name, theirs) in theirs["sso_sessions"].as_object().unwrap() {
            let ours: Section<'static> = files.sso_session(name).unwrap();
            assert_eq!(section_as_botocore(ours.properties()), *theirs, "{}", shown());
        }
        for (name, theirs) in theirs["services"].as_object().unwrap() {
            for (service, theirs) in theirs.as_object().unwrap() {
                for (key, theirs) in theirs.as_object().into_iter().flatten() {
                    assert_eq!(
                        files.service(name, service, key).unwrap().text,
                        theirs.as_str().unwrap(),
                        "{}",
                        shown()
                    );
                }
            }
        }
    }
    assert!(taken > 300 && refused > 100, "{taken} files taken, {refused} refused: the generator makes no good sample");
}

#[tokio::test]
#[expect(deprecated, reason = "aws-config's name for types of aws-runtime; one dependency less")]
async fn rusts_sdk_reads_the_same_where_nothing_warns() {
    use aws_config::profile::ProfileFileRegionProvider;
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
    let mut compared = 0;
    for (config, credentials) in pairs() {
        let files = Files::from_bytes(&config, &credentials);
        if !files.warnings().is_empty() {
            continue;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let theirs = ProfileFiles::builder()
            .with_contents(ProfileFileKind::Config, text(&config))
            .with_contents(ProfileFileKind::Credentials, text(&credentials))
            .build();
        for profile in files.profiles() {
            // Their reader of a region follows the source profile; that is no business of the files.
            if profile.get("role_arn").is_some() || profile.get("source_profile").is_some() {
                continue;
            }
            let provider =
                ProfileFileRegionProvider::builder().profile_files(theirs.clone()).profile_name(profile.name());
            let region = aws_config::meta::region::ProvideRegion::region(&provider.build()).await;
            let region = region.as_ref().map(AsRef::as_ref);
            let shown = format!("{}: {}\n---\n{}", profile.name(), config.escape_ascii(), credentials.escape_ascii());
            assert_eq!(region, profile.get("region").map(|value| value.text), "{shown}");
            compared += usize::from(region.is_some());
        }
    }
    assert!(compared > 150, "{compared} regions compared: the generator makes no good sample");
}
