//! The plan and the strategy as a table: files, environment and options in, steps or an error out.

use super::plan::{Plan, Source, plan};
use super::request::Request;
use super::strategy::{Begin, Caller, Known, Step, steps};
use crate::config::Files;
use crate::env::Env;
use chrono::DateTime;
use clap::Parser;

/// Files that most cases share.
const CONFIG: &str = include_str!("cases/config.ini");

const CREDENTIALS: &str = include_str!("cases/credentials.ini");

fn planned(options: &str, variables: &[(&str, &str)]) -> Result<Plan, super::Error> {
    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        request: Request,
    }
    let line = Line::try_parse_from(shlex::split(options).unwrap()).unwrap();
    let env = Env::fixed(variables, DateTime::UNIX_EPOCH);
    plan(&Files::from_bytes(CONFIG.as_bytes(), CREDENTIALS.as_bytes()), &env, &line.request)
}

/// `source | device | role[+external ID][ for SECONDS], ... | exported Region`
fn shown(plan: &Plan) -> String {
    let mfa = plan.mfa.as_ref().map_or("-", |mfa| mfa.serial.value.as_str().rsplit('/').next().unwrap());
    let roles = plan.roles.iter().map(|role| {
        let name = role.arn.value.as_str().rsplit('/').next().unwrap();
        let id = role.external_id.as_ref().map(|id| format!("+{}", id.value)).unwrap_or_default();
        let duration = role.duration.as_ref().map(|d| format!(" for {}", d.value.0)).unwrap_or_default();
        format!("{name}{id}{duration}")
    });
    let region = plan.region.as_ref().map_or("-", |region| &region.value);
    let source = match &plan.source {
        Source::Process { command, .. } => format!("credential_process {command}"),
        source => source.identity(),
    };
    format!("{source} | {mfa} | {} | {region}", roles.collect::<Vec<_>>().join(", "))
}

#[test]
fn a_profile_is_planned_as_aws_reads_it() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let cases: &[Case] = &[
        ("-p admin", &[], "AKIABASE | alice | admin | eu-central-1"),
        ("", &[("AWS_PROFILE", "admin")], "AKIABASE | alice | admin | eu-central-1"),
        (
            "",
            &[("AWS_DEFAULT_PROFILE", "admin"), ("MFA_RUN_PROFILE", "long")],
            "AKIABASE | alice | admin | eu-central-1",
        ),
        ("-p long", &[("AWS_PROFILE", "admin")], "AKIABASE | alice | long for 28800 | ap-south-1"),
        // inside `mfa-run -p admin -- bash`: the profile, never the temporary keys in the environment
        (
            "",
            &[
                ("MFA_RUN_PROFILE", "admin"),
                ("AWS_ACCESS_KEY_ID", "ASIAX"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("AWS_SESSION_TOKEN", "t"),
            ],
            "AKIABASE | alice | admin | eu-central-1",
        ),
        ("-p 'two words'", &[], "AKIABASE | - | words+x-1 | eu-central-1"),
        // device and Region are looked up along the chain; external ID and duration stay with their hop
        ("-p chained", &[], "AKIABASE | alice | admin, inner+x-2 for 7200 | eu-central-1"),
        ("-p via-mfabase", &[], "AKIAMFABASE | alice | via | us-west-2"),
        ("-p mfabase", &[], "AKIAMFABASE | alice |  | us-west-2"),
        ("-p kept", &[], "AKIAKEPT | alice |  | us-west-2"),
        ("-p via-kept", &[], "AKIAKEPT | alice | via | us-west-2"),
        ("-p kept-and-plain", &[], "AKIAPLAIN | alice |  | us-west-2"),
        ("-p self", &[], "AKIASELF | - | self | us-west-2"),
        ("-p included", &[], "AKIABASE | alice | included | eu-central-1"),
        // flag > environment > profile
        ("-p long --region us-east-2", &[("AWS_REGION", "us-east-1")], "AKIABASE | alice | long for 28800 | us-east-2"),
        (
            "-p long",
            &[("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-2")],
            "AKIABASE | alice | long for 28800 | us-east-1",
        ),
        ("-p admin", &[("AWS_MFA_SERIAL", "GAHT12345678")], "AKIABASE | GAHT12345678 | admin | eu-central-1"),
        (
            "-p admin --mfa-serial arn:aws:iam::123456789012:mfa/bob",
            &[("AWS_MFA_SERIAL", "GAHT12345678")],
            "AKIABASE | bob | admin | eu-central-1",
        ),
        // belongs to web identity
        (
            "-p admin",
            &[("AWS_ROLE_ARN", "arn:aws:iam::1:role/x"), ("AWS_ROLE_SESSION_NAME", "x")],
            "AKIABASE | alice | admin | eu-central-1",
        ),
        // another role: the profile's own role's parameters do not reach it
        ("-p 'two words' --role-arn 111122223333:other", &[], "AKIABASE | - | other | eu-central-1"),
        ("-p long --role-arn 111122223333:other", &[], "AKIABASE | alice | other | ap-south-1"),
        ("-p keys --role-arn 111122223333:other", &[], "AKIAKEYS | - | other | us-west-2"),
        (
            "--role-arn 111122223333:other --source-profile keys",
            &[("AWS_PROFILE", "admin")],
            "AKIAKEYS | - | other | us-west-2",
        ),
        ("--role-arn 111122223333:other --source-profile admin", &[], "AKIABASE | alice | admin, other | eu-central-1"),
        // long-lived keys in the environment
        (
            "--role-arn 111122223333:other",
            &[("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")],
            "AKIAENV | - | other | us-west-2",
        ),
        (
            "-p env",
            &[("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")],
            "AKIAENV | alice | env | us-west-2",
        ),
        // our own command line is read, never run
        ("-p ours", &[], "AKIABASE | alice | admin | eu-west-3"),
        ("-p ours", &[("AWS_PROFILE", "chained")], "AKIABASE | alice | admin | eu-west-3"),
        ("-p ours --duration 2h", &[], "AKIABASE | alice | admin for 7200 | eu-west-3"),
        ("-p ours-named", &[], "AKIABASE | - | admin for 43200 | eu-central-1"),
        (
            "-p ours-named --role-arn 111122223333:admin --source-profile base",
            &[],
            "AKIABASE | - | admin | eu-central-1",
        ),
        ("-p ours-self", &[], "AKIABASE | alice | admin | eu-central-1"),
        ("-p ours-other", &[], "AKIABASE | alice | admin | eu-central-1"),
        ("-p layout-b", &[], "AKIAMFABASE | alice |  | us-west-2"),
        ("-p via-layout-b", &[], "AKIAMFABASE | alice | via | us-west-2"),
        // aws-mfa's layout
        ("-p work", &[], "AKIAWORK | work |  | us-west-2"),
        ("-p role", &[], "AKIAROLE | GAHT12345678 | longterm | us-west-2"),
        ("-p role --role-arn 111122223333:other", &[], "AKIAROLE | GAHT12345678 | other | us-west-2"),
        ("--role-arn 111122223333:other --source-profile work", &[], "AKIAWORK | work | other | us-west-2"),
        // sources that are no access key
        ("-p via-foreign", &[], "credential_process /usr/bin/other --get admin | - | via | us-west-2"),
        ("-p via-sso", &[], "profile sso corp 111122223333 ReadOnly | - | via | us-west-2"),
        ("-p ec2", &[], "Ec2InstanceMetadata | - | ec2 | us-west-2"),
        ("--role-arn 111122223333:other --source-profile temp", &[], "ASIATEMP | - | other | us-west-2"),
    ];
    for (options, variables, expected) in cases {
        let plan = planned(options, variables).unwrap_or_else(|error| panic!("{options} {variables:?}: {error}"));
        assert_eq!(shown(&plan), *expected, "{options} {variables:?}");
    }
}

#[test]
fn what_cannot_be_planned_says_why_and_what_to_type() {
    for (options, variables, message, hint) in [
        ("-p nobody", &[][..], "there is no profile nobody", "-p NAME"),
        ("-p amdin", &[], "there is no profile amdin", "did you mean admin?"),
        ("-p lost", &[], "there is no profile bsae", "did you mean base?"),
        ("-p loop-a", &[], "loop-a -> loop-b -> loop-a", "source_profile"),
        ("-p ours-loop", &[], "ours-loop -> ours-loop-2 -> ours-loop", "source_profile"),
        ("-p orphan", &[], "neither source_profile nor credential_source", "--source-profile"),
        ("-p keys", &[], "neither role_arn nor mfa_serial", "mfa_serial ="),
        ("-p temp --mfa-serial GAHT12345678", &[], "holds a temporary session", "[temp-long-term]"),
        ("-p foreign", &[], "a source for roles only", "--role-arn"),
        ("-p env", &[], "no access key", "set AWS_ACCESS_KEY_ID"),
        ("-p odd-source", &[], "credential_source = Moon at config:", "line"),
        ("-p bad-duration", &[], "duration_seconds = soon at config:", "line"),
        ("-p fido", &[], "FIDO", "device enroll"),
        ("-p ours-broken", &[], "--no-such-option", "--help"),
        (
            "-p ours-nothing",
            &[("AWS_PROFILE", "ours-nothing")],
            "profile default leads to no credentials",
            "aws configure",
        ),
        ("-p admin --duration 13h", &[], "more than a role session can last", "12h"),
        (
            "--role-arn 111122223333:x",
            &[("AWS_ACCESS_KEY_ID", "ASIAENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")],
            "temporary session (ASIAENV)",
            "unset AWS_ACCESS_KEY_ID",
        ),
        ("-p admin", &[("AWS_MFA_SERIAL", "no good")], "AWS_MFA_SERIAL=no good", "unset AWS_MFA_SERIAL"),
        ("-p admin", &[("AWS_REGION", "eu west")], "region=eu west", "region"),
    ] {
        let error = planned(options, variables).map(|plan| shown(&plan)).unwrap_err();
        let (shown, next) = (error.to_string(), error.hint());
        assert!(shown.contains(message), "{options}: {shown}");
        assert!(next.contains(hint), "{options}: {next}");
        assert!(!format!("{shown}{next}{error:?}").contains("planted"), "{options}: {error:?}");
    }
}

#[test]
fn a_plan_can_be_printed_and_holds_no_secret_in_print() {
    for name in ["admin", "mfabase", "work", "via-foreign"] {
        let printed = format!("{:?}", planned(&format!("-p {name}"), &[]).unwrap());
        assert!(!printed.contains("planted") && !printed.contains("--get"), "{printed}");
    }
}

#[test]
fn two_requests_share_a_session_if_they_differ_in_code_and_duration_alone() {
    let id = |options: &str| planned(options, &[]).unwrap().id();
    let admin = id("-p admin");
    for same in [
        "-p admin --duration 2h",
        "-p admin --token-code 123456",
        "-p admin --refresh",
        "-p admin --region eu-west-1",
        "-p ours",
        "-p ours-self",
        "-p ours-other",
    ] {
        assert_eq!(id(same), admin, "{same}");
    }
    let mut all: Vec<_> = [
        "-p admin",
        "-p admin --external-id x",
        "-p admin --role-session-name x-x",
        "-p admin --source-identity x-x",
        "-p admin --tag a=b",
        "-p admin --tag a=bc",
        "-p admin --tag ab=c",
        "-p admin --tag a=b --transitive-tag a",
        "-p admin --policy-arn arn:aws:iam::aws:policy/X",
        "-p admin --mfa-serial GAHT12345678",
        "-p admin --role-arn 111122223333:other",
        "-p chained",
        "-p mfabase",
        "-p via-mfabase",
    ]
    .map(id)
    .into();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
    let elsewhere = planned("-p admin", &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")]).unwrap();
    assert_ne!(elsewhere.id(), admin);
}

#[test]
fn sts_is_where_the_sdks_look_for_it() {
    for (options, variables, expected) in [
        ("-p keys --role-arn 111122223333:x", &[][..], "us-west-2 aws -"),
        ("-p china", &[], "us-west-2 aws-cn -"),
        ("-p admin", &[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")], "eu-central-1 aws global -"),
        ("-p admin", &[("AWS_USE_FIPS_ENDPOINT", "true")], "eu-central-1 aws fips -"),
        (
            "-p admin",
            &[("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_STS", "http://b")],
            "eu-central-1 aws http://b",
        ),
        ("-p admin", &[("AWS_ENDPOINT_URL", "http://a")], "eu-central-1 aws http://a"),
        (
            "-p admin",
            &[("AWS_ENDPOINT_URL", "http://a"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "eu-central-1 aws -",
        ),
    ] {
        let sts = planned(options, variables).unwrap().sts;
        let flags = format!("{}{}", if sts.global { "global " } else { "" }, if sts.fips { "fips " } else { "" });
        let url = sts.endpoint_url.as_ref().map_or("-", |url| &url.value);
        assert_eq!(format!("{} {} {flags}{url}", sts.region, sts.partition), expected, "{options} {variables:?}");
    }
}

#[test]
fn a_code_is_spent_where_it_serves_longest() {
    use Caller::{OneShot, Renewing};
    let none = Known::default();
    let gst = |duration| Step::GetSessionToken { duration };
    let with = |duration| Step::AssumeRole { hop: 0, duration, with_code: true };
    let from = |hop, duration| Step::AssumeRole { hop, duration, with_code: false };
    let lives = Known { shared: true, ..none.clone() };
    let refuses = Known { refused_duration: Some(43_200), ..none.clone() };
    let refuses_2h = Known { refused_duration: Some(7_200), ..none.clone() };
    for (options, known, caller, begin, expected) in [
        ("-p 'two words'", &none, OneShot, Begin::Source, vec![from(0, 3_600)]),
        ("-p 'two words' --duration 12h", &none, OneShot, Begin::Source, vec![from(0, 43_200)]),
        ("-p via-foreign --duration 12h", &none, OneShot, Begin::Source, vec![from(0, 3_600)]),
        ("-p mfabase", &none, Renewing, Begin::Source, vec![gst(43_200)]),
        ("-p mfabase --duration 36h", &none, Renewing, Begin::Source, vec![gst(129_600)]),
        ("-p long", &lives, OneShot, Begin::Source, vec![with(28_800)]),
        ("-p admin --duration 2h", &lives, OneShot, Begin::Source, vec![with(7_200)]),
        ("-p onlyrole", &lives, OneShot, Begin::Source, vec![with(43_200)]),
        ("-p admin", &lives, OneShot, Begin::Shared, vec![from(0, 3_600)]),
        ("-p admin --duration 30m", &lives, OneShot, Begin::Shared, vec![from(0, 1_800)]),
        ("-p chained", &lives, OneShot, Begin::Shared, vec![from(0, 3_600), from(1, 3_600)]),
        ("-p shared", &none, OneShot, Begin::Source, vec![gst(43_200), from(0, 3_600)]),
        ("-p admin", &refuses, OneShot, Begin::Source, vec![gst(43_200), from(0, 3_600)]),
        (
            "-p long",
            &Known { refused_duration: Some(28_800), ..none.clone() },
            OneShot,
            Begin::Source,
            vec![with(3_600)],
        ),
        ("-p 'two words' --duration 2h", &refuses_2h, OneShot, Begin::Source, vec![from(0, 3_600)]),
        ("-p admin --duration 1h30m", &refuses_2h, OneShot, Begin::Source, vec![with(5_400)]),
        (
            "-p admin",
            &Known { siblings: true, ..none.clone() },
            Renewing,
            Begin::Source,
            vec![gst(43_200), from(0, 3_600)],
        ),
        ("-p admin", &Known { siblings: true, ..none.clone() }, OneShot, Begin::Source, vec![with(43_200)]),
        (
            "-p admin",
            &Known { others_wait: true, ..none.clone() },
            OneShot,
            Begin::Source,
            vec![gst(43_200), from(0, 3_600)],
        ),
        (
            "-p admin --duration 2h",
            &Known { only_shared: true, ..none.clone() },
            OneShot,
            Begin::Source,
            vec![gst(43_200), from(0, 3_600)],
        ),
        (
            "-p admin",
            &Known { wants_fresh_code: true, shared: true, ..none.clone() },
            OneShot,
            Begin::Source,
            vec![with(43_200)],
        ),
        ("-p admin", &none, Renewing, Begin::Source, vec![with(43_200)]),
        ("-p chained", &none, OneShot, Begin::Source, vec![with(43_200), from(1, 3_600)]),
        ("-p chained", &Known { hop: Some(1), ..none.clone() }, OneShot, Begin::Hop(1), vec![from(1, 3_600)]),
    ] {
        let plan = planned(options, &[]).unwrap();
        assert_eq!(steps(&plan, known, caller), (begin, expected), "{options} {known:?} {caller:?}");
    }
}
