//! Files as people could have left them, and worse.

use proptest::prelude::*;
use proptest::sample::select;

const HEADERS: &[&str] = &[
    "default",
    "profile default",
    "profile a",
    "profile b",
    "profile c-d",
    "profile e",
    "profile \"a b\"",
    "profile 'a'",
    "profile a b",
    "profile",
    "profile \"open",
    " profile f",
    "profile g ",
    "profiles h",
    "sso-session s",
    "services v",
    "DEFAULT",
    "a",
    "x]y",
    "profile \u{fc}",
];
const KEYS: &[&str] =
    &["region", "output", "Region", "role_arn", "mfa_serial", "s3", "sts", "k1", "k2", "k3", "k 4", "k-5", "k\u{e4}"];
const VALUES: &[&str] = &[
    "",
    "a",
    "b c",
    "a=b",
    "a:b",
    "arn:aws:iam::123456789012:role/x",
    "\"q\"",
    "a # b",
    "a;b",
    "#",
    "[a]",
    "\u{e4}",
    "a\u{a0}",
];
const INDENTS: &[&str] = &["", "", "", "", "", "", " ", "  ", "\t", "\u{a0}"];
const SPACES: &[&str] = &[" ", " ", " ", "", "\t", "  "];

/// A line without its ending.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let spaces = || select(SPACES);
    let header = (select(INDENTS), select(HEADERS), select(&["", "", "", " ", " # c", " ; ]"][..]))
        .prop_map(|(indent, header, tail)| format!("{indent}[{header}]{tail}").into_bytes());
    let delimiter = select(&["=", "=", "=", "=", "=", ":"][..]);
    let property =
        (select(INDENTS), select(KEYS), spaces(), delimiter, spaces(), select(VALUES), select(&["", " "][..]))
            .prop_map(|(i, k, s, d, t, v, e)| format!("{i}{k}{s}{d}{t}{v}{e}").into_bytes());
    let nested = (select(KEYS), select(VALUES)).prop_map(|(key, value)| format!("    {key} = {value}").into_bytes());
    let other =
        select(&["", "", "  ", "# c", "; c", "  # c", "bare", "= v", "    bare", "[", "[]", "]", "\u{feff}", "\0"][..])
            .prop_map(|line| line.as_bytes().to_vec());
    let bytes = proptest::collection::vec(select(&b"[]=: \t#;a\xe4\x0b\x0c\x1c\x85\0"[..]), 0..6);
    prop_oneof![6 => header, 12 => property, 4 => nested, 5 => other, 1 => bytes]
}

/// A file line by line, with some line endings or others, an end or none.
pub(crate) fn file() -> impl Strategy<Value = Vec<u8>> {
    let ending = || select(&["\n", "\n", "\n", "\n", "\r\n", "\r"][..]);
    let lines = proptest::collection::vec((line(), ending()), 0..24);
    (lines, ending(), 0..8_u8, any::<bool>()).prop_map(|(lines, ending, mixed, open)| {
        let mut file = if mixed == 7 { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        let count = lines.len();
        for (number, (line, own)) in lines.into_iter().enumerate() {
            file.extend(line);
            if !(open && number + 1 == count) {
                file.extend(if mixed == 6 { own } else { ending }.bytes());
            }
        }
        file
    })
}

/// A file that most parsers take: no line that is broken, few keys twice.
pub(crate) fn sound_file(is_config: bool) -> impl Strategy<Value = Vec<u8>> {
    let key = select(&["region", "output", "role_session_name", "s4", "endpoint", "k1", "k2", "k-3"][..]);
    let value = select(&["a", "eu-west-1", "b c", "a=b", "arn:aws:iam::1:x/y", "", "a#b", "\"q\""][..]);
    let around = select(&["=", " = ", "= ", " ="][..]);
    let property = (key, around, value).prop_map(|(key, around, value)| format!("{key}{around}{value}"));
    let comment = select(&["", "# c", "; c"][..]).prop_map(str::to_owned);
    let block =
        select(&["s3 =\n  a = b\n  c = d", "sts=\n    endpoint_url = http://localhost:1"][..]).prop_map(str::to_owned);
    let body = proptest::collection::vec(prop_oneof![4 => property, 2 => comment, 1 => block], 0..7);
    let names: &[&str] = if is_config {
        &["default", "profile a", "profile b", "profile c", "services v", "sso-session s", "profile d"]
    } else {
        &["default", "a", "b", "e"]
    };
    let sections = proptest::sample::subsequence(names, 0..names.len()).prop_shuffle();
    (
        sections.prop_flat_map(move |names| {
            proptest::collection::vec(body_of(body.clone()), names.len()).prop_map(move |bodies| {
                names.iter().zip(bodies).map(|(name, body)| format!("[{name}]\n{body}")).collect::<String>()
            })
        }),
        select(&["\n", "\r\n"][..]),
    )
        .prop_map(|(file, ending)| file.replace('\n', ending).into_bytes())
}

fn body_of(lines: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = String> {
    lines.prop_map(|lines| lines.into_iter().map(|line| line + "\n").collect())
}
