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

/// A file that most parsers take: no broken line, no key twice.
pub(crate) fn sound_file(is_config: bool) -> impl Strategy<Value = Vec<u8>> {
    const ITEMS: &[&str] = &[
        "region",
        "output",
        "role_session_name",
        "k1",
        "k-2",
        "# a comment",
        "; another",
        "",
        "s3 =\n  a = b\n  c = d",
        "sts=\n    endpoint_url = http://localhost:1",
    ];
    let names: &[&str] = if is_config {
        &["default", "profile a", "profile b", "profile c", "services v", "sso-session s", "profile d"]
    } else {
        &["default", "a", "b", "e"]
    };
    let around = select(&["=", " = ", "= ", " ="][..]);
    let value = select(&["a", "eu-west-1", "b c", "a=b", "arn:aws:iam::1:x/y", "", "a#b", "\"q\""][..]);
    let rest = (around, value).prop_map(|(around, value)| format!("{around}{value}"));
    let items = proptest::sample::subsequence(ITEMS, 0..ITEMS.len()).prop_shuffle();
    let body = (items, proptest::collection::vec(rest, ITEMS.len())).prop_map(|(items, rests)| {
        let plain = |item: &str| item.is_empty() || item.contains([' ', '=']);
        let line =
            |(item, rest): (&str, String)| if plain(item) { format!("{item}\n") } else { format!("{item}{rest}\n") };
        items.into_iter().zip(rests).map(line).collect::<String>()
    });
    let sections = proptest::sample::subsequence(names, names.len() - 2..=names.len()).prop_shuffle();
    let bodies = proptest::collection::vec(body, names.len());
    (sections, bodies, select(&["\n", "\r\n"][..])).prop_map(|(names, bodies, ending)| {
        let sections = names.iter().zip(bodies).map(|(name, body)| format!("[{name}]\n{body}"));
        sections.collect::<String>().replace('\n', ending).into_bytes()
    })
}
