//! The lines of the two files: what some SDK refuses, drops without a word, or reads in another way than the others do.

use super::finding::{Finding, Report, Severity};
use super::{Scene, shell, show};
use crate::config::{FileKind, Warning, WarningKind};

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    let variables = [(FileKind::Config, "AWS_CONFIG_FILE"), (FileKind::Credentials, "AWS_SHARED_CREDENTIALS_FILE")];
    let files = variables.map(|(kind, variable)| {
        let path = scene.files.path(kind);
        let is_there = path.is_file();
        if !is_there && scene.env.var_os(variable).is_some() {
            report.warning(
                "file-missing",
                format!("{variable} names {}, which is not there", scene.short(path)),
                "tools take that for a file without profiles, and say nothing",
                shell::unset(scene, &[variable]),
            );
        }
        format!("{}{}", scene.short(path), if is_there { "" } else { " (not there)" })
    });
    let profiles = scene.files.profiles().count();
    report.fact(format!("{}: {}", files.join(", "), show::count(profiles, "profile")));
    report.findings.extend(scene.files.warnings().iter().map(|warning| finding(scene, warning)));
}

fn finding(scene: &Scene<'_>, warning: &Warning) -> Finding {
    use Severity::{Error, Note, Warning as Disagree};
    use WarningKind::*;
    const DROPPED: &str = "SDKs pass over it without a word: tools do not find the profile";
    const DISAGREE: &str = "each SDK takes another value";
    const REFUSED: &str = "the AWS CLI, boto3 and all else in Python stop working for every profile of the file";
    let (id, severity, why, edit) = match &warning.kind {
        HeaderIgnored { header } => ("header-ignored", Disagree, DROPPED, format!("[{}]", header_meant(header))),
        PrefixInCredentials { header } => {
            ("header-prefix", Disagree, DROPPED, format!("[{}]", header.split_once(' ').map_or("", |(_, name)| name)))
        }
        NameOnlyForBotocore { .. } => (
            "name-for-python-only",
            Note,
            "Terraform and others say that there is no such profile",
            "a name of letters, digits and hyphens".into(),
        ),
        TwoHeaders { name } => {
            let keep = if name == "default" { "[default]" } else { "one of them" };
            (
                "two-headers",
                Disagree,
                "botocore takes the later one, Rust's and Java's SDK the one with the prefix",
                format!("move its keys to {keep}"),
            )
        }
        DuplicateSection { first, .. } => {
            ("section-twice", Error, REFUSED, format!("move its keys to the section in line {first}"))
        }
        DuplicateKey { .. } => ("key-twice", Error, REFUSED, "take one of the two lines out".into()),
        PythonDefaults => (
            "python-defaults",
            Disagree,
            "other SDKs do not know these keys",
            "[default], or the keys in each profile".into(),
        ),
        BareLine => ("bare-line", Error, REFUSED, "key = value, or # before it".into()),
        Stray => ("stray-line", Error, REFUSED, "a [header] above it, or # before it".into()),
        BareNestedLine { .. } => ("bare-nested-line", Error, REFUSED, "key = value, or take it out".into()),
        NotUtf8 => ("not-utf8", Error, REFUSED, "save the file as UTF-8".into()),
        ByteOrderMark => ("byte-order-mark", Error, REFUSED, "save the file as UTF-8 without a byte order mark".into()),
        Utf16 => ("utf-16", Error, REFUSED, "save the file as UTF-8".into()),
        InlineComment { .. } => ("inline-comment", Disagree, DISAGREE, "put the comment into a line of its own".into()),
        ContinuedValue { .. } => ("continued-value", Disagree, DISAGREE, "begin the lines below without spaces".into()),
        Indented => (
            "indented",
            Disagree,
            "to some SDKs it is a key or header of its own, to others more of what is above",
            "begin the line without spaces".into(),
        ),
        LoneReturn => (
            "lone-return",
            Disagree,
            "the others read on to the next line feed",
            "save the file with LF or CRLF line ends".into(),
        ),
        IndentedComment => (
            "indented-comment",
            Disagree,
            "Terraform and others may refuse the whole file",
            "begin the comment without spaces".into(),
        ),
        Colon { key } => ("colon", Disagree, "the others do not find the key", format!("{key} = value")),
    };
    let place = scene.place(warning.origin);
    // the sentence says already who refuses it
    let said = warning.to_string();
    let what = said.split_once("; Python's SDK").map_or(said.as_str(), |(what, _)| what);
    Finding::new(severity, id, format!("{place}: {what}"), why, format!("edit {place}: {edit}"))
}

/// What somebody meant who wrote `[x]`, `[profile-x]`, `[profile two words]`.
fn header_meant(header: &str) -> String {
    let name = header.trim().trim_start_matches("profile").trim_matches(['-', ':', ' ', '"', '\'']);
    if name.contains(' ') { format!("profile \"{name}\"") } else { format!("profile {name}") }
}
