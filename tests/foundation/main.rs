//! What the policies of packaging/terraform let whom do, decided by IAM's rules and compared with what was meant:
//! users x how the request is signed x actions x roles, all layers together and each layer alone.
//!
//! The documents are packaging/terraform/tests/policies.json, which `terraform test` holds equal to the module; so this
//! needs no terraform. "Alone" matters: one layer's mistake must not hide behind another layer.

mod iam;
mod mistakes;
mod readme;

use iam::{Context, Request, Verdict, verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const ACCOUNT: &str = "123456789012";
const PRODUCTION: &str = "210987654321";
const STRANGER: &str = "999999999999";
const PRESENT: &str = "aws:MultiFactorAuthPresent";
const AGE: &str = "aws:MultiFactorAuthAge";

/// The documents by the module's settings and name.
type Policies = BTreeMap<String, BTreeMap<String, Value>>;

/// A run of golden.tftest.hcl.
struct Settings {
    name: &'static str,
    own_session_name: bool,
    enroll_with_access_key: bool,
    own_access_keys: bool,
    mfa_in_group_policies: bool,
}

const DEFAULTS: Settings = Settings {
    name: "defaults",
    own_session_name: false,
    enroll_with_access_key: true,
    own_access_keys: false,
    mfa_in_group_policies: true,
};
const SETTINGS: [Settings; 3] = [
    DEFAULTS,
    Settings {
        name: "strict",
        own_session_name: true,
        enroll_with_access_key: false,
        own_access_keys: true,
        ..DEFAULTS
    },
    Settings { name: "trust_only", mfa_in_group_policies: false, ..DEFAULTS },
];

struct Role {
    level: &'static str,
    account: &'static str,
    name: &'static str,
    /// mfa_max_age
    max_age: Option<u32>,
}

const ROLES: [Role; 4] = [
    Role { level: "readonly", account: ACCOUNT, name: "mfa-readonly", max_age: None },
    Role { level: "admin", account: ACCOUNT, name: "mfa-admin", max_age: None },
    Role { level: "billing", account: ACCOUNT, name: "mfa-billing", max_age: Some(3600) },
    Role { level: "production", account: PRODUCTION, name: "mfa-admin", max_age: Some(3600) },
];

const USERS: [(&str, &[&str]); 4] = [
    ("alice", &["readonly", "admin", "production"]),
    ("bob", &["readonly", "billing"]),
    ("carol", &[]),
    ("eve", &["production"]),
];

/// How old the MFA sign-in is, in seconds; what an access key does not say, a session without MFA denies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mfa {
    NotSaid,
    No,
    Age(u32),
    /// One of the two keys without the other. AWS never sends these; they are here because each of the
    /// two conditions has to hold by itself.
    OnlyAge(u32),
    OnlyPresent,
}

impl Mfa {
    fn signed_in(self, max_age: Option<u32>) -> bool {
        match self {
            Mfa::Age(age) => max_age.is_none_or(|max| age < max),
            Mfa::OnlyPresent => max_age.is_none(),
            Mfa::NotSaid | Mfa::No | Mfa::OnlyAge(_) => false,
        }
    }

    fn context(self) -> Context {
        match self {
            Mfa::NotSaid => Context::new(),
            Mfa::No => [(PRESENT, "false".to_owned())].into(),
            Mfa::Age(age) => [(PRESENT, "true".to_owned()), (AGE, age.to_string())].into(),
            Mfa::OnlyAge(age) => [(AGE, age.to_string())].into(),
            Mfa::OnlyPresent => [(PRESENT, "true".to_owned())].into(),
        }
    }
}

struct Signed {
    how: &'static str,
    /// as the user's own policies see it
    identity: Mfa,
    /// as the role's trust policy sees it
    trust: Mfa,
}

/// Only AssumeRole and GetSessionToken take a code. That a trust policy sees it is certain; whether the caller's own
/// policies do, nobody says, so both answers are rows (README, `mfa_in_group_policies`).
const SIGNED: [Signed; 8] = [
    Signed { how: "access key", identity: Mfa::NotSaid, trust: Mfa::NotSaid },
    Signed { how: "session without MFA", identity: Mfa::No, trust: Mfa::No },
    Signed { how: "session with MFA", identity: Mfa::Age(60), trust: Mfa::Age(60) },
    Signed { how: "session with old MFA", identity: Mfa::Age(30000), trust: Mfa::Age(30000) },
    Signed { how: "nothing real: an age only", identity: Mfa::OnlyAge(60), trust: Mfa::OnlyAge(60) },
    Signed { how: "nothing real: no age", identity: Mfa::OnlyPresent, trust: Mfa::OnlyPresent },
    Signed { how: "access key and code", identity: Mfa::Age(0), trust: Mfa::Age(0) },
    Signed { how: "access key and code that only the trust policy sees", identity: Mfa::NotSaid, trust: Mfa::Age(0) },
];
const WITHOUT_CODE: usize = 6;

struct Case {
    settings: &'static str,
    label: String,
    principal: String,
    user: Option<String>,
    signed: &'static Signed,
    action: String,
    resource: String,
    session_name: Option<String>,
    /// names of documents, and two that are made here: "everything", and "allows" of self_service
    identity: Vec<String>,
    /// settings and name of the role's trust policy, or "open"; only where a role is assumed
    trust: Option<(&'static str, String)>,
    expected: bool,
}

fn policies() -> Policies {
    serde_json::from_str(include_str!("../../packaging/terraform/tests/policies.json")).expect("policies.json")
}

static EVERYTHING: LazyLock<Value> =
    LazyLock::new(|| json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] }));
static OPEN: LazyLock<Value> =
    LazyLock::new(|| json!({ "Statement": [{ "Effect": "Allow", "Action": "sts:*", "Principal": { "AWS": "*" } }] }));

impl Case {
    /// Does this document have a say in it?
    fn reads(&self, settings: &str, document: &str) -> bool {
        let allows = document == "self_service" && self.identity.iter().any(|d| d == "allows");
        self.settings == settings && (allows || self.identity.iter().any(|d| d == document))
            || self.trust.as_ref().is_some_and(|(s, d)| *s == settings && d == document)
    }
}

fn decide(policies: &Policies, case: &Case) -> bool {
    let own = &policies[case.settings];
    let allows = case.identity.iter().any(|d| d == "allows").then(|| {
        let statements = own["self_service"]["Statement"].as_array().expect("statements");
        json!({ "Statement": statements.iter().filter(|s| s["Effect"] == "Allow").collect::<Vec<_>>() })
    });
    let identity = case.identity.iter().map(|name| match name.as_str() {
        "everything" => &*EVERYTHING,
        "allows" => allows.as_ref().expect("made above"),
        name => &own[name],
    });
    let asked = |side: Mfa, documents: Vec<&Value>| {
        let mut context = side.context();
        context.extend(case.user.clone().map(|user| ("aws:username", user)));
        context.extend(case.session_name.clone().map(|name| ("sts:RoleSessionName", name)));
        let (principal, action, resource) = (&case.principal, &case.action, &case.resource);
        verdict(documents, &Request { principal, action, resource, context: &context })
    };
    let by_identity = match asked(case.signed.identity, identity.collect()) {
        Verdict::Allow => true,
        // The one call that needs no Allow.
        Verdict::Silent => case.action == "sts:GetSessionToken",
        Verdict::Deny => false,
    };
    // A trust policy that names an account leaves it to that account's policies: both sides have to allow.
    by_identity
        && case.trust.as_ref().is_none_or(|(settings, name)| {
            let trust = if name == "open" { &OPEN } else { &policies[*settings][name] };
            asked(case.signed.trust, vec![trust]) == Verdict::Allow
        })
}

fn user_arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{user}")
}

fn cases() -> Vec<Case> {
    SETTINGS.iter().flat_map(|s| assume_role(s).into_iter().chain(self_service(s))).collect()
}

/// AssumeRole: who, on which role, under which session name.
fn assume_role(settings: &Settings) -> Vec<Case> {
    let mut cases = Vec::new();
    for signed in &SIGNED {
        for role in &ROLES {
            let far = role.account == PRODUCTION;
            let trust = (
                if far { "production" } else { settings.name },
                format!("trust_{}", if far { "admin" } else { role.level }),
            );
            let open = (settings.name, "open".to_owned());
            let resource = format!("arn:aws:iam::{}:role/{}", role.account, role.name);
            let group = format!("assume_{}", role.level);
            let case = |label: &str,
                        user: &str,
                        session: &str,
                        identity: &[&str],
                        trust: &(&'static str, String),
                        expected| Case {
                settings: settings.name,
                label: format!("{label}: {user} as {session}"),
                principal: user_arn(user),
                user: Some(user.to_owned()),
                signed,
                action: "sts:AssumeRole".to_owned(),
                resource: resource.clone(),
                session_name: (session != "nobody").then(|| session.to_owned()),
                identity: identity.iter().map(|&n| n.to_owned()).collect(),
                trust: Some(trust.clone()),
                expected,
            };
            // A request without the name is nothing real either: STS asks for one.
            for session in ["own", "mallory", "nobody"] {
                let own = session == "own";
                // modules/roles in the second account was not asked for own session names.
                let trust_lets = signed.trust.signed_in(role.max_age) && (own || far || !settings.own_session_name);
                let deny_lets = !settings.mfa_in_group_policies || signed.identity.signed_in(None);
                let group_lets = !settings.mfa_in_group_policies
                    || (signed.identity.signed_in(role.max_age) && (own || !settings.own_session_name));
                for (user, levels) in USERS {
                    let session = if own { user } else { session };
                    let groups: Vec<_> = levels.iter().map(|level| format!("assume_{level}")).collect();
                    let documents: Vec<_> =
                        ["self_service"].into_iter().chain(groups.iter().map(String::as_str)).collect();
                    let member = levels.contains(&role.level);
                    let all = member && trust_lets && deny_lets && group_lets;
                    cases.push(case("all layers", user, session, &documents, &trust, all));
                }
                let name = if own { "zoe" } else { session };
                cases.push(case("trust alone", "zoe", name, &["everything"], &trust, trust_lets));
                cases.push(case("group alone", "zoe", name, &[&group], &open, group_lets));
                cases.push(case("deny alone", "zoe", name, &["everything", "self_service"], &open, deny_lets));
            }
            // Whoever is not a user of the trusted account stays out, whatever their own policies say.
            for (label, principal) in [
                ("a user of another account", format!("arn:aws:iam::{STRANGER}:user/zoe")),
                ("a user of the role's own account", format!("arn:aws:iam::{PRODUCTION}:user/zoe")),
            ] {
                cases.push(Case { principal, ..case(label, "zoe", "zoe", &["everything"], &trust, false) });
            }
            if signed.identity == Mfa::No {
                // A role's session says that there was no MFA, even where the role was assumed with it.
                let principal = format!("arn:aws:sts::{ACCOUNT}:assumed-role/ci/build");
                cases.push(Case {
                    principal,
                    user: None,
                    ..case("a role's session", "ci", "build", &["everything"], &trust, false)
                });
            }
            // What else may be done to a role, and with it.
            for action in ["sts:TagSession", "sts:SetSourceIdentity"] {
                let action = action.to_owned();
                cases.push(Case { action, ..case("trust alone", "zoe", "zoe", &["everything"], &trust, false) });
            }
            for action in ["sts:TagSession", "sts:AssumeRoleWithSAML", "iam:PassRole", "iam:UpdateAssumeRolePolicy"] {
                let action = action.to_owned();
                cases.push(Case { action, ..case("group alone", "zoe", "zoe", &[&group], &open, false) });
            }
            for other in [
                format!("arn:aws:iam::{}:role/other", role.account),
                format!("arn:aws:iam::{STRANGER}:role/{}", role.name),
            ] {
                cases.push(Case { resource: other, ..case("another role", "zoe", "zoe", &[&group], &open, false) });
            }
        }
    }
    cases
}

/// Everything but AssumeRole.
fn self_service(settings: &Settings) -> Vec<Case> {
    let mut cases = Vec::new();
    for signed in &SIGNED[..WITHOUT_CODE] {
        let mfa = signed.identity.signed_in(None);
        let enrols = settings.enroll_with_access_key || signed.identity.context().contains_key(PRESENT);
        let mut add = |label: &str, user: &str, action: &str, resource: String, identity: &[&str], expected| {
            cases.push(Case {
                settings: settings.name,
                label: format!("{label}: {user}"),
                principal: user_arn(user),
                user: Some(user.to_owned()),
                signed,
                action: action.to_owned(),
                resource,
                session_name: None,
                identity: identity.iter().map(|&n| n.to_owned()).collect(),
                trust: None,
                expected,
            });
        };
        let own_user = [
            ("iam:ChangePassword", true),
            ("iam:EnableMFADevice", enrols),
            ("iam:GetMFADevice", true),
            ("iam:GetUser", true),
            ("iam:ListMFADevices", true),
            ("iam:ResyncMFADevice", true),
            ("iam:DeactivateMFADevice", mfa),
            ("iam:CreateAccessKey", mfa && settings.own_access_keys),
            ("iam:DeleteAccessKey", mfa && settings.own_access_keys),
            ("iam:GetAccessKeyLastUsed", mfa && settings.own_access_keys),
            ("iam:ListAccessKeys", mfa && settings.own_access_keys),
            ("iam:UpdateAccessKey", mfa && settings.own_access_keys),
        ];
        let own_device =
            [("iam:CreateVirtualMFADevice", enrols), ("iam:DeleteVirtualMFADevice", true), ("iam:TagMFADevice", false)];
        let anyone = ["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices", "sts:GetSessionToken"];
        let nobody = [
            "iam:ListUsers",
            "iam:CreateUser",
            "iam:AttachUserPolicy",
            "iam:PutUserPolicy",
            "iam:AddUserToGroup",
            "iam:UpdateLoginProfile",
            "iam:PassRole",
            "s3:GetObject",
            "ec2:DescribeInstances",
            "sts:GetFederationToken",
        ];
        for (user, levels) in USERS {
            let groups: Vec<_> = levels.iter().map(|level| format!("assume_{level}")).collect();
            let all: Vec<_> = ["self_service"].into_iter().chain(groups.iter().map(String::as_str)).collect();
            for (layer, documents) in [("all layers", all.as_slice()), ("allows alone", &["allows"])] {
                // Alone, the Allows know nothing of who enrols; that is a Deny.
                let expected = |action: &str, lets: bool| match (layer, action) {
                    ("allows alone", "iam:EnableMFADevice" | "iam:CreateVirtualMFADevice") => true,
                    _ => lets,
                };
                for (action, lets) in own_user {
                    for own in [user_arn(user), user_arn(&format!("people/{user}"))] {
                        add(layer, user, action, own, documents, expected(action, lets));
                    }
                    for other in
                        ["mallory".to_owned(), format!("not{user}"), format!("{user}2"), format!("{user}/mallory")]
                    {
                        add(layer, user, action, user_arn(&other), documents, false);
                    }
                }
                for (action, lets) in own_device {
                    let device = |name: &str| format!("arn:aws:iam::{ACCOUNT}:mfa/{name}");
                    for own in [user.to_owned(), format!("{user}/phone")] {
                        add(layer, user, action, device(&own), documents, expected(action, lets));
                    }
                    for other in
                        ["mallory".to_owned(), format!("{user}2"), format!("not{user}"), format!("mallory/{user}")]
                    {
                        add(layer, user, action, device(&other), documents, false);
                    }
                }
                for action in anyone {
                    add(layer, user, action, "*".to_owned(), documents, true);
                }
                for action in nobody {
                    add(layer, user, action, user_arn(user), documents, false);
                }
            }
        }
        // The Deny stands in front of whatever else a user has or gets.
        let deny = &["everything", "self_service"];
        for (action, lets) in own_user {
            let needs_mfa = action.contains("AccessKey") || action == "iam:DeactivateMFADevice";
            let lets = if needs_mfa { mfa } else { lets };
            add("deny alone", "zoe", action, user_arn("zoe"), deny, lets);
        }
        for (action, lets) in own_device {
            let lets = if action == "iam:TagMFADevice" { mfa } else { lets };
            add("deny alone", "zoe", action, format!("arn:aws:iam::{ACCOUNT}:mfa/anything"), deny, lets);
        }
        for action in anyone {
            add("deny alone", "zoe", action, "*".to_owned(), deny, true);
        }
        for action in nobody {
            add("deny alone", "zoe", action, user_arn("zoe"), deny, mfa);
        }
    }
    cases
}

/// The cases that come out other than meant, readably.
fn wrong(policies: &Policies, cases: &[Case]) -> Vec<String> {
    cases
        .iter()
        .filter(|case| decide(policies, case) != case.expected)
        .map(|c| {
            let outcome = if c.expected { "refused" } else { "let through" };
            format!("{outcome}: [{}] {}, {}, {} on {}", c.settings, c.label, c.signed.how, c.action, c.resource)
        })
        .collect()
}

#[test]
fn without_mfa_nothing_but_self_service_and_with_it_ones_own_roles() {
    let cases = cases();
    let wrong = wrong(&policies(), &cases);
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A matrix that only ever expects one answer decides nothing.
#[test]
fn every_way_to_sign_has_both_answers() {
    for signed in &SIGNED {
        for expected in [true, false] {
            let found = cases()
                .iter()
                .any(|c| c.signed.how == signed.how && c.expected == expected && c.label.starts_with("all"));
            assert!(found, "no case with {} that is {expected}", signed.how);
        }
    }
}

/// The switch does what it is for: where the user's own policies do not see the code, only the trust policy decides.
#[test]
fn mfa_in_group_policies_decides_whether_a_code_unseen_by_the_users_policies_is_enough() {
    let through = |settings: &str| {
        cases().iter().any(|c| {
            c.settings == settings
                && c.label.starts_with("all layers")
                && c.action == "sts:AssumeRole"
                && c.signed.identity == Mfa::NotSaid
                && c.signed.trust == Mfa::Age(0)
                && decide(&policies(), c)
        })
    };
    assert!(!through("defaults") && through("trust_only"));
}

#[test]
fn no_allow_carries_an_operator_that_an_absent_key_satisfies() {
    for (settings, documents) in policies() {
        for (name, document) in documents {
            for statement in document["Statement"].as_array().expect("statements") {
                let Some(condition) = statement["Condition"].as_object() else { continue };
                let open = condition.keys().find(|operator| operator.ends_with("IfExists") || *operator == "Null");
                assert!(statement["Effect"] == "Deny" || open.is_none(), "{settings}/{name}: Allow with {open:?}");
            }
        }
    }
}
