//! Reading with the SDKs' rules, as tables.

use super::*;

mod edit;

use chrono::DateTime;

fn get(config: &str, profile: &str, key: &str) -> Option<String> {
    Files::from_bytes(config.as_bytes(), b"").profile(profile)?.get(key).map(|value| value.text.to_owned())
}

#[test]
fn a_value_is_read_as_botocore_reads_it() {
    for (config, profile, expected) in [
        ("[default]\nregion = eu-west-1\n", "default", Some("eu-west-1")),
        ("[default]\r\nregion=eu-west-1\r\n", "default", Some("eu-west-1")),
        ("[default]\rregion=eu-west-1\r", "default", Some("eu-west-1")),
        ("\u{feff}[default]\nregion=eu-west-1", "default", Some("eu-west-1")),
        ("[default]\nregion: eu-west-1", "default", Some("eu-west-1")),
        ("[default]\nREGION = eu-west-1", "default", Some("eu-west-1")),
        ("[default]\n  region = eu-west-1", "default", Some("eu-west-1")),
        ("[default]\nregion = eu-west-1\u{a0}", "default", Some("eu-west-1")),
        ("[default]\nregion = eu-west-1 # here", "default", Some("eu-west-1 # here")),
        ("[default]\n# region = x\n ; region = x\nregion = y", "default", Some("y")),
        ("[default]\nregion =\n", "default", Some("")),
        ("[default]\nregion\n", "default", None),
        ("[default]\noutput = json\n  region = x\n", "default", None),
        ("[default]\ns3 =\n  region = x\n", "default", None),
        ("[default]\nregion = a\n b\n\n # c\n d\n\n", "default", Some("a\nb\n\nd")),
        ("[default]\nregion = a\nregion = b\n", "default", Some("b")),
        ("[default]\nregion = a\n[profile x]\n[default]\noutput = json\n", "default", Some("a")),
        ("[default]\nregion = a\n[profile default]\noutput = json\n", "default", None),
        ("[profile default]\nregion = a\n[default]\nregion = b\n", "default", Some("b")),
        ("[profile x] ; comment\nregion = a\n", "x", Some("a")),
        ("[profile \"two words\"]\nregion = a\n", "two words", Some("a")),
        ("[profile a\"b c\"]\nregion = a\n", "ab c", Some("a")),
        ("[DEFAULT]\nregion = a\n[profile x]\noutput = json\n", "x", Some("a")),
        ("[DEFAULT]\nregion = a\n[profile x]\nregion = b\n", "x", Some("b")),
    ] {
        assert_eq!(get(config, profile, "region").as_deref(), expected, "{config:?}");
    }
}

#[test]
fn the_credentials_file_wins_key_by_key() {
    let files = Files::from_bytes(
        b"[profile x]\nregion = a\naws_access_key_id = config\n[profile y]\n",
        b"[x]\naws_access_key_id = credentials\n[profile x]\nregion = z\n[w]\n",
    );
    let x = files.profile("x").unwrap();
    let key = x.get("aws_access_key_id").unwrap();
    assert_eq!((key.text, key.origin), ("credentials", Origin { file: FileKind::Credentials, line: 2 }));
    assert_eq!(x.get("region").unwrap().origin, Origin { file: FileKind::Config, line: 2 });
    assert_eq!(x.get_in(FileKind::Config, "aws_access_key_id").unwrap().text, "config");
    assert!(x.is_in(FileKind::Credentials) && !files.profile("y").unwrap().is_in(FileKind::Credentials));
    let names: Vec<_> = files.profiles().map(|profile| profile.name()).collect();
    assert_eq!(names, ["x", "y", "profile x", "w"]);
    let properties: Vec<_> = x.properties().map(|p| (p.key.into_owned(), p.value.unwrap())).collect();
    assert_eq!(properties, [("region".to_owned(), "a"), ("aws_access_key_id".to_owned(), "credentials")]);
}

#[test]
fn what_is_not_utf8_is_left_out_and_nothing_else() {
    let files = Files::from_bytes(b"# \xe4\n[profile \xe4]\n[profile x]\nregion = \xe4\noutput = json\n", b"[x]\n");
    let x = files.profile("x").unwrap();
    assert_eq!(x.get("region"), None);
    assert_eq!(x.get("output").unwrap().text, "json");
    assert_eq!(files.profiles().count(), 1);
}

#[test]
fn blocks_and_sections_that_are_no_profiles() {
    let files = Files::from_bytes(
        b"[profile x]\ns3 =\n  # c\n\n  addressing_style = path\n  Max=1\nservices = local\n\
          [services local]\nsts =\n  endpoint_url = http://localhost:4566\n\
          [sso-session s]\nsso_region = eu-west-1\n",
        b"",
    );
    let x = files.profile("x").unwrap();
    let style = x.nested("s3", "addressing_style").unwrap();
    assert_eq!((style.text, style.origin.line), ("path", 5));
    assert_eq!(x.nested("s3", "max"), None);
    assert_eq!(x.get("s3"), None);
    assert_eq!(x.get("services").unwrap().text, "local");
    assert_eq!(files.service("local", "sts", "endpoint_url").unwrap().text, "http://localhost:4566");
    assert_eq!(files.service("local", "s3", "endpoint_url"), None);
    assert_eq!(files.sso_session("s").unwrap().get("sso_region").unwrap().text, "eu-west-1");
    assert_eq!(files.profiles().count(), 1);
}

#[test]
fn files_are_found_where_the_sdks_look() {
    let home = tempfile::tempdir().unwrap();
    let aws = home.path().join(".aws");
    crate::fsio::write_private(&aws.join("config"), b"[default]\nregion = a\n").unwrap();
    crate::fsio::write_private(&home.path().join("other"), b"[default]\nregion = b\n").unwrap();
    let home = home.path().to_str().unwrap();
    let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let region = |vars: &[(&str, &str)]| {
        let files = Files::load(&Env::fixed(vars, DateTime::UNIX_EPOCH)).unwrap();
        files.profile("default").map(|profile| profile.get("region").unwrap().text.to_owned())
    };
    assert_eq!(region(&[(variable, home)]).as_deref(), Some("a"));
    assert_eq!(region(&[(variable, home), ("AWS_CONFIG_FILE", "~/other")]).as_deref(), Some("b"));
    assert_eq!(region(&[(variable, home), ("AWS_CONFIG_FILE", "~/missing")]), None);
    assert_eq!(region(&[(variable, home), ("AWS_CONFIG_FILE", "~/.aws")]), None, "a folder is no file");
}

#[test]
fn what_sdks_refuse_drop_or_disagree_about_is_said() {
    for (config, credentials, line, said, refused) in [
        ("[profile-x]\n", "", 1, "no SDK takes [profile-x] for a profile", false),
        ("[profile two words]\n", "", 1, "no SDK takes [profile two words] for a profile", false),
        ("[profile \"x\u{1b}]\n", "", 1, "no SDK takes [profile \"x\\u{1b}] for a profile", false),
        ("[profile \"two words\"]\n", "", 1, "only Python's SDK finds the profile `two words`", false),
        ("", "[profile x]\n", 1, "in the credentials file, [profile x] has to stand without a prefix", false),
        ("[default]\n[profile default]\n", "", 2, "`default` is there under two headers", false),
        ("[default]\n\n[default]\n", "", 3, "[default] is there twice, first in line 1", true),
        ("[default]\na=1\nA=2\n", "", 3, "a is there twice, first in line 2", true),
        ("[DEFAULT]\n", "", 1, "Python's SDK takes the keys of [DEFAULT]", false),
        ("[default]\nregion\n", "", 2, "neither `[header]` nor `key = value`", true),
        ("region = a\n", "", 1, "text before the first section", true),
        ("[default]\ns3 =\n  a\n", "", 3, "in the block s3: not `key = value`", true),
        ("\u{feff}[default]\n", "", 1, "the file begins with a byte order mark", true),
        ("[default]\na = b # c\n", "", 2, "SDKs disagree whether the `#` or `;` in the value of a", false),
        ("[default]\na = b\n  c = d\n", "", 2, "the indented lines below are taken for more of a", false),
        ("[default]\n a = b\n", "", 2, "indented: SDKs disagree", false),
        ("[default]\n # c\n", "", 2, "an indented comment", false),
        ("[default]\na: b\n", "", 2, "only Python's SDK reads a with a colon", false),
        ("[default]\ra=b", "", 1, "only Python's SDK takes a carriage return", false),
    ] {
        let warnings = Files::from_bytes(config.as_bytes(), credentials.as_bytes()).warnings();
        let [warning] = &warnings[..] else { panic!("{config:?}: {warnings:?}") };
        assert!(warning.to_string().starts_with(said), "{warning}");
        assert_eq!((warning.origin.line, warning.is_refused_by_botocore()), (line, refused), "{config:?}");
    }
    for bytes in [b"[default]\nk = \xe4\n".as_slice(), b"\xff\xfe[\0d\0]\0"] {
        assert!(Files::from_bytes(bytes, b"").warnings()[0].is_refused_by_botocore());
    }
    let silent = "[default]\nregion = a#b\n\n[profile x]\ns3 =\n  a = b\n[sso-session s]\n[plugins]\n";
    assert_eq!(Files::from_bytes(silent.as_bytes(), b"[default]\n[y]\n").warnings(), []);
}

#[test]
fn debug_shows_no_value() {
    let files = Files::from_bytes(b"", b"[x]\naws_secret_access_key = planted\n");
    let x = files.profile("x").unwrap();
    let shown = format!("{files:?} {x:?} {:?} {:?}", x.get("aws_secret_access_key"), x.properties().next());
    assert!(!shown.contains("planted"), "{shown}");
}
