//! Each value in force, and who said so. Security: of a command line only the program is shown, the rest may hold a secret.

use crate::config::{Files, Origin};
use crate::env::Env;
use crate::profile::plan::{Role, SdkSource};
use crate::profile::{MfaSession, Plan, Provenance, Setting, Source};
use serde::Serialize;

/// A value as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) from: String,
}

/// Adds values with their origins in words.
struct Collector<'a> {
    files: &'a Files,
    home: Option<String>,
    shown: Vec<Shown>,
}

/// All of them, in the order of the calls.
pub(super) fn of(plan: &Plan, files: &Files, env: &Env) -> Vec<Shown> {
    let home = env.home().map(|home| home.display().to_string());
    let mut all = Collector { files, home, shown: vec![] };
    all.add("profile", &plan.profile, Clone::clone);
    let from = all.source_origin(&plan.source);
    all.shown.push(Shown { name: "source".into(), value: source(plan), from });
    if let Some(mfa) = &plan.mfa {
        all.add("MFA serial", &mfa.serial, ToString::to_string);
        all.maybe("mfa_process", &mfa.process, |line| program_of(line));
    }
    for role in &plan.roles {
        all.role(role);
    }
    if plan.roles.is_empty() {
        all.maybe("duration", &plan.duration, |duration| format!("{} s", duration.0));
    }
    all.maybe("mfa_session", &plan.mfa_session, |kind| {
        match kind {
            MfaSession::Shared => "shared",
            MfaSession::Role => "role",
        }
        .into()
    });
    all.maybe("region", &plan.region, Clone::clone);
    all.maybe("STS endpoint", &plan.sts.endpoint_url, Clone::clone);
    all.maybe("CA bundle", &plan.sts.ca_bundle, Clone::clone);
    all.shown
}

/// Whose credentials begin.
pub(super) fn source(plan: &Plan) -> String {
    match &plan.source {
        Source::File { profile, key, session_token: None } => format!("access key {} of {profile}", key.id),
        Source::File { profile, key, .. } => format!("session {} of {profile}", key.id),
        Source::Keychain { profile, access_key_id } => {
            format!("access key {access_key_id} of {profile}, in the keychain")
        }
        Source::Environment { key, .. } => format!("access key {} of the environment", key.id),
        Source::Process { profile, command } => format!("{} of {profile}", program_of(command)),
        Source::Sdk(SdkSource::Profile { name, .. }) => format!("SSO or web identity of {name}"),
        Source::Sdk(_) => plan.source.in_words().to_owned(),
    }
}

fn program_of(line: &str) -> String {
    let program = line.split_whitespace().next().unwrap_or_default();
    if program.len() == line.trim().len() { program.to_owned() } else { format!("{program} ...") }
}

impl Collector<'_> {
    fn add<T>(&mut self, name: &str, setting: &Setting<T>, show: impl Fn(&T) -> String) {
        let from = self.words(&setting.from);
        self.shown.push(Shown { name: name.into(), value: show(&setting.value), from });
    }

    fn maybe<T>(&mut self, name: &str, setting: &Option<Setting<T>>, show: impl Fn(&T) -> String) {
        if let Some(setting) = setting {
            self.add(name, setting, show);
        }
    }

    fn role(&mut self, role: &Role) {
        self.add("role ARN", &role.arn, ToString::to_string);
        match &role.session_name {
            Some(name) => self.add("role session name", name, Clone::clone),
            None => self.shown.push(Shown {
                name: "role session name".into(),
                value: "the IAM user's name".into(),
                from: "default".into(),
            }),
        }
        self.maybe("duration", &role.duration, |duration| format!("{} s", duration.0));
        self.maybe("external ID", &role.external_id, Clone::clone);
        self.maybe("source identity", &role.source_identity, Clone::clone);
        self.maybe("tags", &role.tags, |tags| {
            tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect::<Vec<_>>().join(",")
        });
        self.maybe("transitive tags", &role.transitive_tags, |keys| keys.join(","));
        self.maybe("policy ARNs", &role.policy_arns, |arns| arns.join(","));
        self.maybe("policy", &role.policy, Clone::clone);
    }

    fn source_origin(&self, source: &Source) -> String {
        let key = match source {
            Source::File { .. } => "aws_access_key_id",
            Source::Keychain { .. } => "mfa_run_access_key_id",
            Source::Process { .. } => "credential_process",
            Source::Environment { .. } => return "$AWS_ACCESS_KEY_ID".into(),
            Source::Sdk(_) => return "what the AWS SDK finds".into(),
        };
        let value = self.files.profile(source.in_words()).and_then(|profile| profile.get(key));
        value.map_or_else(String::new, |value| self.place(value.origin))
    }

    fn words(&self, from: &Provenance) -> String {
        match from {
            Provenance::Flag(flag) => (*flag).to_owned(),
            Provenance::OwnCommandLine { profile, flag } => format!("{flag} in credential_process of {profile}"),
            Provenance::Variable(name) => format!("${name}"),
            Provenance::Profile { profile, origin } => format!("{}, profile {profile}", self.place(*origin)),
            Provenance::Default => "default".into(),
        }
    }

    /// `~/.aws/config:12`
    fn place(&self, origin: Origin) -> String {
        let path = self.files.path(origin.file);
        let path = path.display().to_string();
        let short = self
            .home
            .as_deref()
            .and_then(|home| path.strip_prefix(home))
            .filter(|rest| rest.starts_with(std::path::is_separator));
        format!("{}:{}", short.map_or(path.clone(), |rest| format!("~{rest}")), origin.line)
    }
}
