//! The request options of the simplest lines, `--option value` and no more, read without clap: building its parser would be a
//! tenth of a warm call. Anything else, and everything wrong, is clap's: it decides, and it words the error.

use super::Request;
use std::str::FromStr;

impl Request {
    /// The request, where clap would read the same. `None`: ask clap.
    pub(crate) fn from_plain_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut request = Self::default();
        let mut words = words.into_iter();
        while let Some(option) = words.next() {
            let switch = match option {
                "--refresh" => Some(&mut request.refresh),
                "--no-prompt" => Some(&mut request.no_prompt),
                _ => None,
            };
            if let Some(switch) = switch {
                if std::mem::replace(switch, true) {
                    return None;
                }
                continue;
            }
            let value = words.next().filter(|value| !value.is_empty() && !value.starts_with('-'))?;
            match option {
                "-p" | "--profile" => once(&mut request.profile, value),
                "--role-arn" => once(&mut request.role_arn, value),
                "--source-profile" => once(&mut request.source_profile, value),
                "--mfa-serial" => once(&mut request.mfa_serial, value),
                "--token-code" => once(&mut request.token_code, value),
                "--duration" => once(&mut request.duration, value),
                "--min-ttl" => once(&mut request.min_ttl, value),
                "--region" => once(&mut request.region, value),
                "--external-id" => once(&mut request.external_id, value),
                "--role-session-name" => once(&mut request.role_session_name, value),
                "--source-identity" => once(&mut request.source_identity, value),
                _ => None,
            }?;
        }
        // clap says what is missing
        (request.source_profile.is_none() || request.role_arn.is_some()).then_some(request)
    }
}

fn once<T: FromStr>(place: &mut Option<T>, value: &str) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value.parse().ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        request: Request,
    }

    fn words(line: &str) -> Vec<String> {
        shlex::split(line).unwrap()
    }

    #[test]
    fn clap_reads_the_same() {
        for line in [
            "",
            "-p admin",
            "--profile 'two words' --refresh --no-prompt",
            "-p admin --role-arn 123456789012:Admin --source-profile base --mfa-serial GAHT12345678 --duration 12h",
            "--region eu-west-1 --external-id a=b --role-session-name me@x --source-identity me --min-ttl 0 --token-code 123456",
        ] {
            let by_clap = Line::try_parse_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}")).request;
            let words = words(line);
            assert_eq!(Request::from_plain_words(words.iter().map(String::as_str)), Some(by_clap), "{line}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_clap() {
        for line in [
            "-padmin",
            "--profile=admin",
            "-p",
            "-p a -p b",
            "-p ''",
            "--token-code -",
            "--tag a=b",
            "--source-profile base",
            "--duration soon",
            "--refresh --refresh",
            "--prof admin",
            "--debug",
            "--help",
            "admin",
            "-- x",
        ] {
            let words = words(line);
            assert_eq!(Request::from_plain_words(words.iter().map(String::as_str)), None, "{line}");
        }
    }
}
