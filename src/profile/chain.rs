//! Follows source profiles from the one that was asked for to the credentials that begin.

use super::Error;
use super::lookup::{Lookup, bad};
use super::plan::{Mfa, MfaSession, Plan, Provenance, Role, SdkSource, Setting, Source};
use super::request::{MfaSerial, Request, RoleArn, Seconds};
use crate::config::{FileKind, Files};
use crate::credentials::AccessKey;
use crate::env::Env;

/// STS's limit for a role.
const ROLE_MAXIMUM: u32 = 43_200;

pub(super) struct Resolver<'f> {
    files: &'f Files,
    env: &'f Env,
    /// Roles as met: the wanted one first.
    roles: Vec<Role>,
    serial: Option<Setting<MfaSerial>>,
    process: Option<Setting<String>>,
    region: Option<Setting<String>>,
    /// Profiles as met, to show a loop.
    seen: Vec<String>,
}

/// Where the walk stands.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum At {
    /// Read this profile, with these options on top, as a source or as what was asked for.
    Profile {
        name: String,
        named_by: Option<String>,
        options: Request,
    },
    Source(Source),
}

impl<'f> Resolver<'f> {
    pub(super) fn new(files: &'f Files, env: &'f Env) -> Self {
        Self { files, env, roles: vec![], serial: None, process: None, region: None, seen: vec![] }
    }

    pub(super) fn resolve(mut self, request: &Request) -> Result<Plan, Error> {
        self.note_flags(request, None);
        let start = self.start(request)?;
        let leaf = match &start {
            At::Profile { name, .. } if !names_role_and_source(request) => Lookup::find(self.files, name),
            _ => request.profile.as_ref().and_then(|name| Lookup::find(self.files, name)),
        };
        self.note_region(leaf.as_ref());
        // also where its own command line names role and source, and nothing else of the profile is read
        self.process = leaf.as_ref().and_then(|leaf| leaf.string("mfa_process"));
        let (mut leaf_options, profile) = (request.clone(), self.display_name(request));
        let mut at = start;
        let source = loop {
            at = match at {
                At::Source(source) => break source,
                At::Profile { name, named_by, options } => {
                    let depth_zero = self.seen.is_empty();
                    let (next, used) = self.step(name, named_by, options)?;
                    if depth_zero {
                        leaf_options = used;
                    }
                    next
                }
            };
        };
        self.finish(&leaf_options, leaf, profile, source)
    }

    /// The first profile to read, or the environment.
    fn start(&mut self, request: &Request) -> Result<At, Error> {
        if let (Some(arn), Some(source)) = (&request.role_arn, &request.source_profile) {
            // no base profile: an SDK that runs us leaves AWS_PROFILE set to the very profile that called
            self.roles.push(role_of_flags(arn, request, None));
            return Ok(At::Profile { name: source.clone(), named_by: None, options: Request::default() });
        }
        let named = request.profile.as_deref().or_else(|| self.env.profile_variable().map(|(_, name)| name));
        if let (None, Some(arn), Some(id)) = (named, &request.role_arn, self.env.var("AWS_ACCESS_KEY_ID")) {
            let source =
                self.environment_source().ok_or_else(|| Error::NoKeyInEnvironment { profile: "default".into() })?;
            if source.access_key_id().is_none() || !id.starts_with("AKIA") {
                return Err(Error::TemporaryKeysInEnvironment { access_key_id: id.to_owned() });
            }
            self.roles.push(role_of_flags(arn, request, None));
            return Ok(At::Source(source));
        }
        let name = named.unwrap_or("default").to_owned();
        Ok(At::Profile { name, named_by: None, options: request.clone() })
    }

    fn display_name(&self, request: &Request) -> Setting<String> {
        if let Some(name) = &request.profile {
            return Setting { value: name.clone(), from: Provenance::Flag("--profile") };
        }
        if let (Some(arn), Some(_)) = (&request.role_arn, &request.source_profile) {
            return Setting { value: arn.to_string(), from: Provenance::Flag("--role-arn") };
        }
        match (self.env.profile_variable(), &request.role_arn) {
            (Some((variable, name)), _) => Setting { value: name.to_owned(), from: Provenance::Variable(variable) },
            (None, Some(arn)) => Setting { value: arn.to_string(), from: Provenance::Flag("--role-arn") },
            (None, None) => Setting { value: "default".into(), from: Provenance::Default },
        }
    }

    /// One profile: a role to assume, our own command line to expand, or the source. Also says which options were in force there.
    fn step(&mut self, name: String, named_by: Option<String>, options: Request) -> Result<(At, Request), Error> {
        if self.seen.contains(&name) {
            let mut names = std::mem::take(&mut self.seen);
            names.push(name);
            return Err(Error::Loop { names });
        }
        let as_source = !self.roles.is_empty();
        self.seen.push(name.clone());
        let long_term = self.long_term(&name)?;
        let Some(profile) = Lookup::find(self.files, &name) else {
            if let Some((source, role)) = long_term {
                // aws-mfa's layout before its first run: only [x-long-term] is there
                self.note_flags(&options, None);
                let role = options
                    .role_arn
                    .as_ref()
                    .map(|arn| role_of_flags(arn, &options, None))
                    .or(role.filter(|_| !as_source));
                self.roles.extend(role);
                return Ok((At::Source(source), options));
            }
            return Err(Error::NotFound { close: self.closest(&name), name, named_by });
        };

        // our own command line, read, never run
        let own_line = profile.own("credential_process").and_then(|line| Request::from_credential_process(line.value));
        if let Some(parsed) = own_line {
            let inner = parsed.map_err(|why| Error::BadOwnCommandLine { profile: name.clone(), why })?;
            if names_role_and_source(&inner) || inner.profile.as_deref() != Some(name.as_str()) {
                return self.expand(&name, inner, options);
            }
            // `-p` itself: the profile's own keys mean the session
            let merged = options.over(inner);
            return self.read(profile, long_term, merged, as_source, Some(name));
        }
        self.read(profile, long_term, options, as_source, None)
    }

    /// Goes on where the profile's own `credential_process = mfa-run …` points to.
    fn expand(&mut self, name: &str, inner: Request, options: Request) -> Result<(At, Request), Error> {
        let options = options.over(inner);
        self.note_flags(&options, Some(name));
        // AWS_PROFILE is not read here: it names the profile that called
        let mut next = Request { profile: None, ..options.clone() };
        let target = match (&options.role_arn, &options.source_profile) {
            (Some(arn), Some(source)) => {
                self.roles.push(role_of_flags(arn, &options, Some(name)));
                next = Request::default();
                source.clone()
            }
            _ => options.profile.clone().unwrap_or_else(|| "default".into()),
        };
        Ok((At::Profile { name: target, named_by: Some(name.to_owned()), options: next }, options))
    }

    fn read(
        &mut self,
        profile: Lookup<'f>,
        long_term: Option<(Source, Option<Role>)>,
        options: Request,
        as_source: bool,
        own_line: Option<String>,
    ) -> Result<(At, Request), Error> {
        let name = profile.name().to_owned();
        self.note_flags(&options, own_line.as_deref());
        self.note_profile(&profile)?;

        if let Some((source, role)) = long_term {
            let role = options
                .role_arn
                .as_ref()
                .map(|arn| role_of_flags(arn, &options, own_line.as_deref()))
                .or(role.filter(|_| !as_source));
            if role.is_some() || profile.text("role_arn").is_none() {
                self.roles.extend(role);
                return Ok((At::Source(source), options));
            }
        }
        let own_key = own_key(&name, &profile);
        // a source profile's own key comes before its role, as in the SDKs
        if let (true, Some(source)) = (as_source, &own_key) {
            return Ok((At::Source(source.clone()), options));
        }
        let replaced = options.role_arn.as_ref().map(|arn| role_of_flags(arn, &options, own_line.as_deref()));
        let own_role = self.role_of_profile(&profile, &options, own_line.as_deref())?;
        if replaced.is_none() && own_role.is_none() {
            return Ok((At::Source(self.source_of(profile, own_key)?), options));
        }
        let has_own_role = own_role.is_some();
        self.roles.extend(replaced.or(own_role));

        let next = match (profile.text("source_profile"), profile.text("credential_source")) {
            (Some(source), _) if source.value == name => At::Source(own_key.ok_or(Error::NoSource { profile: name })?),
            (Some(source), _) => {
                At::Profile { name: source.value.to_owned(), named_by: Some(name), options: Request::default() }
            }
            (None, Some(source)) => At::Source(match source.value {
                "Environment" => self.environment_source().ok_or(Error::NoKeyInEnvironment { profile: name })?,
                "EcsContainer" => Source::Sdk(SdkSource::EcsContainer),
                "Ec2InstanceMetadata" => Source::Sdk(SdkSource::Ec2InstanceMetadata),
                _ => {
                    return Err(bad(
                        "credential_source",
                        source,
                        "AWS knows Environment, Ec2InstanceMetadata and EcsContainer".into(),
                    ));
                }
            }),
            (None, None) if profile.own("web_identity_token_file").is_some() && has_own_role => {
                // the profile's role is the web identity's own: AssumeRoleWithWebIdentity is the SDK's business
                self.roles.pop();
                At::Source(self.source_of(profile, None)?)
            }
            (None, None) if has_own_role && own_key.is_none() => return Err(Error::NoSourceForRole { profile: name }),
            (None, None) => At::Source(self.source_of(profile, own_key)?),
        };
        Ok((next, options))
    }

    /// Credentials a profile has itself.
    fn source_of(&self, profile: Lookup<'f>, own_key: Option<Source>) -> Result<Source, Error> {
        if let Some(source) = own_key {
            return Ok(source);
        }
        let name = profile.name().to_owned();
        let sdk = |identity: String| Ok(Source::Sdk(SdkSource::Profile { name: name.clone(), identity }));
        let text = |key| profile.text(key).map_or("", |setting| setting.value);
        if profile.text("sso_account_id").is_some() && profile.text("sso_role_name").is_some() {
            let session = [text("sso_session"), text("sso_start_url")].concat();
            return sdk(format!("{session} {} {}", text("sso_account_id"), text("sso_role_name")));
        }
        if profile.own("web_identity_token_file").is_some() {
            return sdk(text("role_arn").to_owned());
        }
        // our own line says whom to ask for, not whose credentials begin
        let process = profile.own("credential_process");
        if let Some(command) = process.filter(|line| Request::from_credential_process(line.value).is_none()) {
            return Ok(Source::Process { command: command.value.to_owned(), profile: name });
        }
        Err(Error::NoSource { profile: name })
    }

    /// aws-mfa's layout: `[x-long-term]` has the access key, the device and the role of `x`.
    fn long_term(&mut self, name: &str) -> Result<Option<(Source, Option<Role>)>, Error> {
        let section = format!("{name}-long-term");
        let Some(lookup) = Lookup::find(self.files, &section) else { return Ok(None) };
        if !self.files.profile(&section).is_some_and(|profile| profile.is_in(FileKind::Credentials)) {
            return Ok(None);
        }
        let Some(source) = own_key(&section, &lookup) else { return Ok(None) };
        if self.serial.is_none() {
            self.serial = lookup.parsed("aws_mfa_device")?;
        }
        let role = lookup.parsed::<RoleArn>("assume_role")?.map(Role::new);
        Ok(Some((source, role)))
    }

    fn environment_source(&self) -> Option<Source> {
        let key = AccessKey {
            id: self.env.var("AWS_ACCESS_KEY_ID")?.to_owned(),
            secret: self.env.var("AWS_SECRET_ACCESS_KEY")?.into(),
        };
        Some(Source::Environment { key, session_token: self.env.var("AWS_SESSION_TOKEN").map(Into::into) })
    }

    fn role_of_profile(
        &self,
        profile: &Lookup<'f>,
        options: &Request,
        own_line: Option<&str>,
    ) -> Result<Option<Role>, Error> {
        let Some(arn) = profile.parsed::<RoleArn>("role_arn")? else { return Ok(None) };
        let flags = role_of_flags(&arn.value, options, own_line);
        Ok(Some(Role {
            arn,
            session_name: flags.session_name.or_else(|| profile.string("role_session_name")),
            external_id: flags.external_id.or_else(|| profile.string("external_id")),
            source_identity: flags.source_identity.or_else(|| profile.string("source_identity")),
            tags: flags.tags.or(profile.tags()?),
            transitive_tags: flags.transitive_tags.or_else(|| profile.list("transitive_session_tags")),
            policy_arns: flags.policy_arns.or_else(|| profile.list("policy_arns")),
            policy: flags.policy,
            duration: flags.duration.or(profile.parsed("duration_seconds")?),
        }))
    }

    /// Device and Region given as flags; the first one met wins.
    fn note_flags(&mut self, options: &Request, own_line: Option<&str>) {
        let from = |flag| provenance(own_line, flag);
        if self.serial.is_none() {
            self.serial = options.mfa_serial.clone().map(|value| Setting { value, from: from("--mfa-serial") });
        }
        if self.region.is_none() {
            self.region = options.region.clone().map(|value| Setting { value, from: from("--region") });
        }
    }

    /// Device and Region are looked up along the source chain; nothing else is.
    fn note_profile(&mut self, profile: &Lookup<'f>) -> Result<(), Error> {
        if self.process.is_none() && (self.serial.is_none() || self.seen.len() == 1) {
            self.process = profile.string("mfa_process");
        }
        if self.serial.is_none() {
            self.serial = profile.parsed("mfa_serial")?;
        }
        self.note_region(Some(profile));
        Ok(())
    }

    fn note_region(&mut self, profile: Option<&Lookup<'f>>) {
        if self.region.is_none() {
            self.region = profile.and_then(|profile| profile.string("region"));
        }
    }

    fn finish(
        mut self,
        options: &Request,
        leaf: Option<Lookup<'f>>,
        profile: Setting<String>,
        source: Source,
    ) -> Result<Plan, Error> {
        self.roles.reverse();
        let variables = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                Some(Setting { value: self.env.var(name)?.to_owned(), from: Provenance::Variable(name) })
            })
        };
        let is_flag = |from: &Provenance| matches!(from, Provenance::Flag(_));
        // flag > environment > profile
        let region = match self.region {
            Some(region) if is_flag(&region.from) => Some(region),
            other => variables(&["AWS_REGION", "AWS_DEFAULT_REGION"]).or(other).or_else(|| {
                let default = Lookup::find(self.files, "default")?;
                default.string("region")
            }),
        };
        let serial = match (self.serial, variables(&["AWS_MFA_SERIAL"])) {
            (Some(serial), _) if is_flag(&serial.from) => Some(serial),
            (_, Some(variable)) => match variable.value.parse() {
                Ok(value) => Some(Setting { value, from: variable.from }),
                Err(why) => return Err(Error::BadVariable { name: "AWS_MFA_SERIAL", value: variable.value, why }),
            },
            (serial, None) => serial,
        };
        let mfa = serial.map(|serial| Mfa { serial, process: self.process });

        let mfa_session = match leaf.as_ref().and_then(|leaf| leaf.text("mfa_session")) {
            None => None,
            Some(setting) => Some(match setting.value {
                "shared" => setting.map(|_| MfaSession::Shared),
                "role" => setting.map(|_| MfaSession::Role),
                _ => return Err(bad("mfa_session", setting, "it is shared or role".into())),
            }),
        };
        let duration = match self.roles.last() {
            Some(role) => role.duration.clone(),
            None => options.duration.map(|value| Setting { value, from: Provenance::Flag("--duration") }),
        };
        for role in &self.roles {
            if let Some(Seconds(asked)) = role.duration.as_ref().map(|d| d.value).filter(|d| d.0 > ROLE_MAXIMUM) {
                return Err(Error::TooLongForRole { asked });
            }
        }
        let sts = super::endpoint::sts(self.env, leaf.as_ref(), region.as_ref(), &self.roles, mfa.as_ref())?;
        let plan = Plan { profile, region, sts, source, mfa, roles: self.roles, duration, mfa_session };
        check(plan)
    }

    fn closest(&self, name: &str) -> Option<String> {
        let far = name.chars().count().max(3);
        let near = self.files.profiles().map(|profile| (strsim::osa_distance(name, profile.name()), profile.name()));
        near.filter(|(distance, _)| distance * 2 < far).min().map(|(_, name)| name.to_owned())
    }
}

/// The access key a profile has itself: in the files, else in the keychain.
fn own_key(name: &str, profile: &Lookup<'_>) -> Option<Source> {
    key_of_files(name, profile).or_else(|| {
        let access_key_id = profile.own("mfa_run_access_key_id")?.value.to_owned();
        Some(Source::Keychain { profile: name.to_owned(), access_key_id })
    })
}

fn key_of_files(name: &str, profile: &Lookup<'_>) -> Option<Source> {
    let key = AccessKey {
        id: profile.own("aws_access_key_id")?.value.to_owned(),
        secret: profile.own("aws_secret_access_key")?.value.into(),
    };
    let session_token = profile.own("aws_session_token").or_else(|| profile.own("aws_security_token"));
    // a profile that mfa-run serves, with a session somebody left in it: the session is not what was meant
    if session_token.is_some()
        && profile.own("credential_process").is_some_and(|line| Request::from_credential_process(line.value).is_some())
    {
        return None;
    }
    Some(Source::File { profile: name.to_owned(), key, session_token: session_token.map(|token| token.value.into()) })
}

/// What no STS call could make good.
fn check(plan: Plan) -> Result<Plan, Error> {
    let profile = || plan.profile.value.clone();
    let temporary = |profile: &str| Error::TemporaryKeys { profile: profile.to_owned() };
    match (&plan.source, plan.roles.is_empty(), &plan.mfa) {
        (Source::File { profile, session_token: Some(_), .. }, true, _) => Err(temporary(profile)),
        (Source::File { profile, session_token: Some(_), .. }, _, Some(_)) => Err(temporary(profile)),
        (Source::Environment { key, session_token: Some(_) }, _, Some(_)) => {
            Err(Error::TemporaryKeysInEnvironment { access_key_id: key.id.clone() })
        }
        (Source::Process { .. }, true, _) => {
            Err(Error::NoRole { profile: profile(), source_kind: "another program's credential_process" })
        }
        (Source::Sdk(_), true, _) => {
            Err(Error::NoRole { profile: profile(), source_kind: "SSO, web identity or instance metadata" })
        }
        _ => Ok(plan),
    }
}

/// With both, no base profile is consulted.
fn names_role_and_source(request: &Request) -> bool {
    request.role_arn.is_some() && request.source_profile.is_some()
}

fn provenance(own_line: Option<&str>, flag: &'static str) -> Provenance {
    match own_line {
        Some(profile) => Provenance::OwnCommandLine { profile: profile.to_owned(), flag },
        None => Provenance::Flag(flag),
    }
}

/// The role that flags describe.
fn role_of_flags(arn: &RoleArn, options: &Request, own_line: Option<&str>) -> Role {
    fn given<T: Clone>(value: &Option<T>, own_line: Option<&str>, flag: &'static str) -> Option<Setting<T>> {
        Some(Setting { value: value.clone()?, from: provenance(own_line, flag) })
    }
    fn listed<T: Clone>(values: &[T], own_line: Option<&str>, flag: &'static str) -> Option<Setting<Vec<T>>> {
        (!values.is_empty()).then(|| Setting { value: values.to_vec(), from: provenance(own_line, flag) })
    }
    Role {
        session_name: given(&options.role_session_name, own_line, "--role-session-name"),
        external_id: given(&options.external_id, own_line, "--external-id"),
        source_identity: given(&options.source_identity, own_line, "--source-identity"),
        tags: listed(&options.tags, own_line, "--tag"),
        transitive_tags: listed(&options.transitive_tags, own_line, "--transitive-tag"),
        policy_arns: listed(&options.policy_arns, own_line, "--policy-arn"),
        policy: given(&options.policy, own_line, "--policy").map(|policy| policy.map(|policy| policy.0)),
        duration: given(&options.duration, own_line, "--duration"),
        ..Role::new(Setting { value: arn.clone(), from: provenance(own_line, "--role-arn") })
    }
}
