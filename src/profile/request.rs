//! The request options: what a person or a `credential_process` line asks for, the same on every command that makes a
//! session. A profile's own `credential_process = mfa-run …` is read with this parser too, never executed.

use clap::{Args, Parser};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Which session to make, and how.
#[derive(Args, Debug, Clone, Default, PartialEq)]
#[command(next_help_heading = "Request options")]
pub struct Request {
    /// Profile to use [default: $AWS_PROFILE, $AWS_DEFAULT_PROFILE, then "default"]
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Assume this role instead of the profile's; also ACCOUNT:ROLE and PARTITION:ACCOUNT:ROLE
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<RoleArn>,
    /// Whose access key to use with --role-arn
    #[arg(long, value_name = "NAME", requires = "role_arn")]
    pub source_profile: Option<String>,
    /// MFA device: its ARN, or the serial number of a hardware device
    #[arg(long, value_name = "ARN")]
    pub mfa_serial: Option<MfaSerial>,
    /// Token code, instead of a prompt; "-" reads it from stdin
    #[arg(long, value_name = "CODE", aliases = ["mfa-token", "token"])]
    pub token_code: Option<TokenCodeArgument>,
    /// How long the session should live: 12h, 90m, 43200 (15m to 12h; shared MFA sessions to 36h)
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Seconds>,
    /// Least time a cached session must have left to be used
    #[arg(long, value_name = "TIME")]
    pub min_ttl: Option<TimeLeft>,
    /// AWS Region [default: $AWS_REGION, $AWS_DEFAULT_REGION, then the profile's]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// External ID the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Name of the role session [default: the IAM user's name]
    #[arg(long, value_name = "NAME")]
    pub role_session_name: Option<String>,
    /// Source identity
    #[arg(long, value_name = "NAME")]
    pub source_identity: Option<String>,
    /// Session tag, repeatable
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub tags: Vec<Tag>,
    /// Key of a session tag that further roles inherit, repeatable
    #[arg(long = "transitive-tag", value_name = "KEY")]
    pub transitive_tags: Vec<String>,
    /// Managed policy that limits the session, repeatable
    #[arg(long = "policy-arn", value_name = "ARN")]
    pub policy_arns: Vec<String>,
    /// File with an inline session policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<Policy>,
    /// Ignore what is cached, get a new session
    #[arg(long)]
    pub refresh: bool,
    /// Never ask; exit 3 where a token code would be needed
    #[arg(long)]
    pub no_prompt: bool,
}

/// `mfa-run credential-process …` as a command line of its own.
#[derive(Parser, Debug)]
#[command(name = "mfa-run credential-process", no_binary_name = true, disable_version_flag = true)]
struct CredentialProcessLine {
    #[command(flatten)]
    request: Request,
    #[arg(long, hide = true)]
    debug: bool,
}

impl Request {
    /// Reads a `credential_process` value. `None` where it is another program's.
    ///
    /// ```ini
    /// credential_process = "/opt/my tools/mfa-run" credential-process --profile admin
    /// ```
    pub fn from_credential_process(line: &str) -> Option<Result<Self, String>> {
        let words = split_command_line(line)?;
        let (program, rest) = words.split_first()?;
        let name = program.rsplit(['/', '\\']).next()?;
        let ours = name == "mfa-run" || name.eq_ignore_ascii_case("mfa-run.exe");
        if !ours || rest.first()? != "credential-process" {
            return None;
        }
        if let Some(request) = Self::from_plain_words(rest[1..].iter().map(String::as_str)) {
            return Some(Ok(request));
        }
        Some(CredentialProcessLine::try_parse_from(&rest[1..]).map(|line| line.request).map_err(|error| {
            // the first line says what is wrong; the rest is usage
            error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }))
    }

    /// These options over those a profile's `credential_process` line has: whoever is nearer to the person wins. Options that
    /// belong to one role are not carried over to another.
    pub(crate) fn over(&self, inner: Self) -> Self {
        let other_role = self.role_arn.is_some() && self.role_arn != inner.role_arn;
        let base = if other_role {
            Self {
                profile: inner.profile,
                source_profile: inner.source_profile,
                mfa_serial: inner.mfa_serial,
                region: inner.region,
                ..Self::default()
            }
        } else {
            inner
        };
        fn nearer<T: Clone>(mine: &Option<T>, base: Option<T>) -> Option<T> {
            mine.clone().or(base)
        }
        fn nearer_list<T: Clone>(mine: &[T], base: Vec<T>) -> Vec<T> {
            if mine.is_empty() { base } else { mine.to_vec() }
        }
        Self {
            profile: base.profile,
            role_arn: nearer(&self.role_arn, base.role_arn),
            source_profile: nearer(&self.source_profile, base.source_profile),
            mfa_serial: nearer(&self.mfa_serial, base.mfa_serial),
            token_code: self.token_code.clone(),
            duration: nearer(&self.duration, base.duration),
            min_ttl: nearer(&self.min_ttl, base.min_ttl),
            region: nearer(&self.region, base.region),
            external_id: nearer(&self.external_id, base.external_id),
            role_session_name: nearer(&self.role_session_name, base.role_session_name),
            source_identity: nearer(&self.source_identity, base.source_identity),
            tags: nearer_list(&self.tags, base.tags),
            transitive_tags: nearer_list(&self.transitive_tags, base.transitive_tags),
            policy_arns: nearer_list(&self.policy_arns, base.policy_arns),
            policy: nearer(&self.policy, base.policy),
            refresh: self.refresh,
            no_prompt: self.no_prompt,
        }
    }
}

/// The arguments behind `mfa-run credential-process`, where the line is our own.
pub fn own_arguments(line: &str) -> Option<Vec<String>> {
    Request::from_credential_process(line)?.ok()?;
    Some(split_command_line(line)?.split_off(2))
}

/// Splits as a POSIX shell and botocore do; on Windows backslashes are path separators, not escapes.
pub fn split_command_line(line: &str) -> Option<Vec<String>> {
    if cfg!(windows) { split_as_windows(line) } else { shlex::split(line) }
}

/// Double quotes alone quote, and a backslash is one of a path, but for one before a double quote. `None`: one is left open.
fn split_as_windows(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' if !quoted => words.extend(word.take()),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if chars.peek() == Some(&'"') => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}

/// A role's ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn(String);

impl RoleArn {
    /// `arn:aws:iam::123456789012:role/path/name`
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Twelve digits.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The role's name, with its path where it has one.
    pub fn name(&self) -> &str {
        self.0.splitn(6, ':').nth(5).and_then(|role| role.strip_prefix("role/")).unwrap_or(&self.0)
    }

    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or("aws")
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let twelve_digits = |s: &str| s.len() == 12 && s.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let arn = match parts[..] {
            ["arn", _, "iam", "", account, role]
                if twelve_digits(account) && role.len() > 5 && role.starts_with("role/") =>
            {
                text.to_owned()
            }
            [account, role] if twelve_digits(account) && !role.is_empty() => {
                format!("arn:aws:iam::{account}:role/{role}")
            }
            [partition, account, role]
                if twelve_digits(account) && !role.is_empty() && partition.starts_with("aws") =>
            {
                format!("arn:{partition}:iam::{account}:role/{role}")
            }
            _ => {
                return Err(
                    "a role ARN looks like arn:aws:iam::123456789012:role/NAME, in short 123456789012:NAME".into()
                );
            }
        };
        if arn.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("a role ARN has no spaces or control characters".into());
        }
        Ok(Self(arn))
    }
}

/// An MFA device: an ARN, or a hardware device's serial number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MfaSerial(String);

impl MfaSerial {
    /// As STS takes it in SerialNumber.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A virtual device's name, a hardware device's serial number.
    pub fn name(&self) -> &str {
        self.0.split_once(":mfa/").map_or(&self.0, |(_, name)| name)
    }

    /// The account of a virtual device.
    pub fn account(&self) -> Option<&str> {
        self.0.split(':').nth(4).filter(|a| a.len() == 12)
    }
}

impl fmt::Display for MfaSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MfaSerial {
    type Err = String;

    /// STS takes 9 to 256 characters of `[\w+=/:,.@-]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (9..=256).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&b));
        if !fits {
            return Err(
                "an MFA serial is an ARN like arn:aws:iam::123456789012:mfa/NAME, or a hardware device's serial number"
                    .into(),
            );
        }
        if text.contains(":u2f/") || text.contains(":sms-mfa/") {
            return Err(
                "STS takes codes of virtual and hardware TOTP devices only, not of a FIDO security key or SMS".into()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// A session's duration in seconds: 15 minutes to 36 hours (a role's to 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u32);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_time(text) {
            Some(seconds @ 900..=129_600) => Ok(Self(seconds)),
            Some(_) => Err("AWS allows 15m to 12h for roles, to 36h for shared MFA sessions".into()),
            None => Err("write 12h, 90m, 1h30m or seconds".into()),
        }
    }
}

/// Time left, in seconds; zero is fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLeft(pub u32);

impl FromStr for TimeLeft {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_time(text).map(Self).ok_or_else(|| "write 15m, 1h30m or seconds".into())
    }
}

fn parse_time(text: &str) -> Option<u32> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut total, mut digits) = (0u32, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u32>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && !text.is_empty()).then_some(total)
}

/// A session tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// 1 to 128 characters.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.into(), value: value.into() }),
            _ => Err("a tag is KEY=VALUE".into()),
        }
    }
}

/// An inline session policy, read from its file when the option is parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy(pub String);

impl FromStr for Policy {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(Path::new(path)).map_err(|error| error.to_string())?;
        let parsed: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}"))?;
        // spaces count against the 2,048 characters that STS allows
        Ok(Self(parsed.to_string()))
    }
}

/// What stands behind `--token-code`. Security: not yet looked at, so that clap cannot echo it in an error.
#[derive(Clone, PartialEq)]
pub struct TokenCodeArgument(pub(crate) String);

impl FromStr for TokenCodeArgument {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for TokenCodeArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCodeArgument(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_may_be_short() {
        for (text, arn) in [
            ("arn:aws:iam::123456789012:role/Admin", "arn:aws:iam::123456789012:role/Admin"),
            ("arn:aws-cn:iam::123456789012:role/team/Admin", "arn:aws-cn:iam::123456789012:role/team/Admin"),
            ("123456789012:Admin", "arn:aws:iam::123456789012:role/Admin"),
            ("aws-us-gov:123456789012:team/Admin", "arn:aws-us-gov:iam::123456789012:role/team/Admin"),
        ] {
            assert_eq!(text.parse::<RoleArn>().unwrap().as_str(), arn);
        }
        for bad in [
            "",
            "Admin",
            "12345:Admin",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::1:role/x",
            "123456789012:",
            "123456789012:a b",
        ] {
            assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_hours_minutes_or_seconds() {
        for (text, seconds) in
            [("12h", 43_200), ("90m", 5_400), ("43200", 43_200), ("1h30m", 5_400), ("36h", 129_600), ("900s", 900)]
        {
            assert_eq!(text.parse::<Seconds>(), Ok(Seconds(seconds)), "{text}");
        }
        for bad in ["", "h", "12", "14m", "37h", "12d", "1h30", "-1h", "99999999999h", "4294967295h"] {
            assert!(bad.parse::<Seconds>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_security_key_is_refused_with_the_reason() {
        assert!("arn:aws:iam::123456789012:u2f/user/alice/key".parse::<MfaSerial>().unwrap_err().contains("FIDO"));
        assert!("GAHT12345678".parse::<MfaSerial>().is_ok());
    }

    #[test]
    fn our_own_credential_process_is_read_and_no_other_is() {
        let ours = |line| Request::from_credential_process(line);
        let read = ours("\"/opt/my tools/mfa-run\" credential-process --role-arn 123456789012:Admin --source-profile base --duration 12h").unwrap().unwrap();
        assert_eq!(read.role_arn.unwrap().as_str(), "arn:aws:iam::123456789012:role/Admin");
        assert_eq!((read.source_profile.as_deref(), read.duration), (Some("base"), Some(Seconds(43_200))));
        for other in [
            "aws-vault export --format=json x",
            "mfa-run",
            "mfa-run export -p x",
            "/bin/sh -c 'mfa-run credential-process'",
            "\"unbalanced",
        ] {
            assert!(ours(other).is_none(), "{other}");
        }
        assert!(ours("mfa-run credential-process --no-such-option").unwrap().unwrap_err().contains("--no-such-option"));
    }

    #[test]
    fn on_windows_a_backslash_is_one_of_a_path() {
        let line = r#""C:\Program Files\mfa-run.exe"  credential-process -p it's "" a\"b "c d"e"#;
        let words = split_as_windows(line).unwrap();
        assert_eq!(words, [r"C:\Program Files\mfa-run.exe", "credential-process", "-p", "it's", "", "a\"b", "c de"]);
        assert_eq!(split_as_windows("\"open"), None);
    }

    #[test]
    fn options_of_one_role_do_not_reach_another() {
        let inner = Request::from_credential_process(
            "mfa-run credential-process --role-arn 123456789012:A --source-profile b --external-id x --duration 2h",
        )
        .unwrap()
        .unwrap();
        let same = Request { region: Some("eu-west-1".into()), ..Request::default() }.over(inner.clone());
        assert_eq!((same.external_id.as_deref(), same.duration), (Some("x"), Some(Seconds(7_200))));
        let other = Request { role_arn: Some("123456789012:B".parse().unwrap()), ..Request::default() }.over(inner);
        assert_eq!((other.external_id, other.duration, other.source_profile.as_deref()), (None, None, Some("b")));
    }

    #[test]
    fn a_token_code_does_not_show_in_debug() {
        let request = Request { token_code: Some(TokenCodeArgument("123456".into())), ..Request::default() };
        assert!(!format!("{request:?}").contains("123456"));
    }
}
