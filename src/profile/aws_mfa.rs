//! aws-mfa's environment: `MFA_DEVICE`, `MFA_STS_DURATION`, `MFA_ASSUME_ROLE`. They stand where aws-mfa has them, below its flags and
//! above its files, and count only for profiles in its layout: elsewhere they would be a surprise.

use super::{Error, Request};
use crate::env::Env;
use std::str::FromStr;

/// The request with what these variables say where no flag does. A duration of 0 counts as none.
pub fn with_variables(env: &Env, request: &Request) -> Result<Request, Error> {
    let mut request = request.clone();
    fill(env, "MFA_DEVICE", &mut request.mfa_serial)?;
    fill(env, "MFA_ASSUME_ROLE", &mut request.role_arn)?;
    if env.var("MFA_STS_DURATION") != Some("0") {
        fill(env, "MFA_STS_DURATION", &mut request.duration)?;
    }
    Ok(request)
}

fn fill<T: FromStr<Err = String>>(env: &Env, name: &'static str, place: &mut Option<T>) -> Result<(), Error> {
    if let (None, Some(value)) = (&place, env.var(name)) {
        let parsed = value.parse().map_err(|why| Error::BadVariable { name, value: value.to_owned(), why })?;
        *place = Some(parsed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::request::Seconds;
    use chrono::DateTime;

    #[test]
    fn a_flag_comes_before_a_variable() {
        let env = |duration| {
            let vars = [("MFA_DEVICE", "arn:aws:iam::123456789012:mfa/env"), ("MFA_STS_DURATION", duration)];
            Env::fixed(&vars, DateTime::UNIX_EPOCH)
        };
        let flagged = Request { mfa_serial: "arn:aws:iam::123456789012:mfa/flag".parse().ok(), ..Request::default() };
        let filled = with_variables(&env("1800"), &flagged).unwrap();
        assert!(filled.mfa_serial.unwrap().as_str().ends_with("/flag"));
        assert_eq!(filled.duration, Some(Seconds(1_800)));
        assert_eq!(with_variables(&env("0"), &flagged).unwrap().duration, None);
        assert!(matches!(
            with_variables(&env("x"), &flagged),
            Err(Error::BadVariable { name: "MFA_STS_DURATION", .. })
        ));
    }
}
