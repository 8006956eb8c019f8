//! Where STS is and how to get there: Region, partition, endpoint, CA bundle.

use super::Error;
use super::lookup::Lookup;
use super::plan::{Mfa, Provenance, Role, Setting, Sts};
use crate::env::Env;

/// Flag, environment, services section, profile, in the SDKs' order. Of a chain of roles the first says the partition.
pub(super) fn sts(
    env: &Env,
    leaf: Option<&Lookup<'_>>,
    region: Option<&Setting<String>>,
    roles: &[Role],
    mfa: Option<&Mfa>,
) -> Result<Sts, Error> {
    let text = |key: &str| leaf.and_then(|leaf| leaf.string(key));
    let variable =
        |name: &'static str| Some(Setting { value: env.var(name)?.to_owned(), from: Provenance::Variable(name) });
    let is_true = |value: &str| value.eq_ignore_ascii_case("true");
    let switch = |name: &'static str, key: &str| {
        variable(name).or_else(|| text(key)).is_some_and(|setting| is_true(&setting.value))
    };
    let ignore = switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
    let endpoint_url = variable("AWS_ENDPOINT_URL_STS")
        .or_else(|| variable("AWS_ENDPOINT_URL"))
        .or_else(|| leaf?.service("sts", "endpoint_url"))
        .or_else(|| text("endpoint_url"))
        .filter(|_| !ignore);

    let of_arn = roles
        .first()
        .map(|role| role.arn.value.partition())
        .or_else(|| mfa?.serial.value.as_str().strip_prefix("arn:")?.split(':').next());
    let named = region.map(|region| region.value.as_str());
    if let Some(bad) = named.filter(|name| !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')) {
        return Err(Error::BadVariable {
            name: "region",
            value: bad.to_owned(),
            why: "a Region has letters, digits and hyphens".into(),
        });
    }
    let partition = match (of_arn, named) {
        (Some(partition), _) => partition,
        (None, Some(region)) if region.starts_with("cn-") => "aws-cn",
        (None, Some(region)) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let own = match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    };
    let legacy = variable("AWS_STS_REGIONAL_ENDPOINTS").or_else(|| text("sts_regional_endpoints"));
    Ok(Sts {
        region: named.unwrap_or(own).to_owned(),
        partition: partition.to_owned(),
        endpoint_url,
        global: partition == "aws" && legacy.is_some_and(|setting| setting.value.eq_ignore_ascii_case("legacy")),
        fips: switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        dual_stack: switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        ca_bundle: variable("AWS_CA_BUNDLE").or_else(|| text("ca_bundle")),
    })
}
