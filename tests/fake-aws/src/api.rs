//! One AWS call: who signed it, what it asks, and the answer or error in AWS's words.

use std::collections::BTreeMap;

use crate::clock;
use crate::log::TokenCode;
use crate::policy::{Context, MFA_AGE, MFA_PRESENT, Policy, Request, Verdict, evaluate};
use crate::sigv4::{Authorization, Scope, SignedRequest, signature};
use crate::world::{Session, SessionKind, World};

const SKEW_SECONDS: i64 = 15 * 60;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub(crate) fn invalid_token() -> Self {
        Self::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    }

    fn signature(message: impl Into<String>) -> Self {
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }
}

/// An HTTP request with its body read.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// The parameters of a call, as sent.
#[derive(Debug)]
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

impl Parameters {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `Name.member.1`, `Name.member.2` ...; for structures with `.field` behind.
    pub(crate) fn list(&self, name: &str, field: &str) -> Vec<String> {
        (1..)
            .map_while(|i| {
                let key = format!("{name}.member.{i}{field}");
                self.get(&key).map(str::to_owned)
            })
            .collect()
    }
}

/// Who signed.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    /// As GetCallerIdentity shows them.
    pub(crate) arn: String,
    pub(crate) user_id: String,
    /// Set for an IAM user, with its own key or a GetSessionToken session.
    pub(crate) user: Option<String>,
    pub(crate) session: Option<Session>,
}

impl Caller {
    pub(crate) fn role_arn(&self) -> Option<&str> {
        match &self.session.as_ref()?.kind {
            SessionKind::Role { role_arn, .. } => Some(role_arn),
            _ => None,
        }
    }

    /// Every name a `Principal` may call it by.
    pub(crate) fn principals(&self) -> Vec<String> {
        let role = self.role_arn().map(str::to_owned);
        role.into_iter().chain([self.arn.clone()]).collect()
    }

    /// A GetSessionToken session made with a code: when that was.
    pub(crate) fn mfa_at(&self) -> Option<i64> {
        match self.session.as_ref()?.kind {
            SessionKind::User { mfa_at, .. } => mfa_at,
            _ => None,
        }
    }

    /// The condition keys of a request this caller makes at `now`.
    pub(crate) fn context(&self, now: i64) -> Context {
        let mut context = Context::new();
        context
            .set("aws:userid", &self.user_id)
            .set("aws:PrincipalArn", self.role_arn().unwrap_or(&self.arn))
            .set("aws:PrincipalAccount", &self.account)
            .set("aws:SecureTransport", "true")
            .set("aws:EpochTime", now.to_string());
        let kind = match &self.session.as_ref().map(|s| &s.kind) {
            Some(SessionKind::Role { .. }) => "AssumedRole",
            Some(SessionKind::Federated { .. }) => "FederatedUser",
            _ if self.arn.ends_with(":root") => "Account",
            _ => "User",
        };
        context.set("aws:PrincipalType", kind);
        if let Some(user) = &self.user {
            context.set("aws:username", user);
        }
        if let Some(session) = &self.session {
            // Temporary credentials always carry the key; those of a role say false even if a code opened the role.
            context.set(MFA_PRESENT, self.mfa_at().is_some().to_string());
            if let Some(at) = self.mfa_at() {
                context.set(MFA_AGE, (now - at).to_string());
            }
            for (key, value) in &session.tags {
                context.set(&format!("aws:PrincipalTag/{key}"), value);
            }
            if let Some(identity) = &session.source_identity {
                context.set("aws:SourceIdentity", identity);
            }
        }
        context
    }
}

impl World {
    /// Everything that is attached to the caller.
    pub(crate) fn identity_policies(&self, caller: &Caller) -> Vec<&Policy> {
        let user = match caller.session.as_ref().map(|s| &s.kind) {
            Some(SessionKind::Role { role_arn, .. }) => {
                return self.roles.get(role_arn).map(|r| r.policies.values().collect()).unwrap_or_default();
            }
            Some(SessionKind::Federated { user, .. }) => user,
            _ => caller.user.as_ref().expect("a caller is a session or a user"),
        };
        self.users.get(user).map(|u| u.policies.values().collect()).unwrap_or_default()
    }

    /// Identity policies, cut down by the session's own.
    pub(crate) fn identity_verdict(&self, caller: &Caller, action: &str, resource: &str, context: &Context) -> Verdict {
        if caller.arn.ends_with(":root") && caller.session.as_ref().is_none_or(|s| s.policies.is_none()) {
            return Verdict::Allow;
        }
        let principals = caller.principals();
        let request = Request { account: &caller.account, principals: &principals, action, resource, context };
        let attached = evaluate(self.identity_policies(caller), &request);
        match caller.session.as_ref().and_then(|s| s.policies.as_ref()) {
            None => attached,
            Some(session) => match (attached, evaluate(session, &request)) {
                (Verdict::Deny, _) | (_, Verdict::Deny) => Verdict::Deny,
                (Verdict::Allow, Verdict::Allow) => Verdict::Allow,
                _ => Verdict::Silent,
            },
        }
    }

    /// For actions that only identity policies decide.
    pub(crate) fn authorize(&self, caller: &Caller, action: &str, resource: &str) -> Result<(), ApiError> {
        let context = caller.context(self.now());
        let why = match self.identity_verdict(caller, action, resource, &context) {
            Verdict::Allow | Verdict::AllowAccount => return Ok(()),
            Verdict::Deny => "with an explicit deny in an identity-based policy".to_owned(),
            Verdict::Silent => format!("because no identity-based policy allows the {action} action"),
        };
        let arn = &caller.arn;
        Err(ApiError::denied(format!(
            "User: {arn} is not authorized to perform: {action} on resource: {resource} {why}"
        )))
    }

    /// Checks the signature and everything about the key it was made with.
    pub(crate) fn authenticate(
        &mut self,
        request: &HttpRequest,
        authorization: Option<&Authorization>,
        service: &str,
    ) -> Result<Caller, ApiError> {
        let Some(header) = request.header("authorization") else {
            return Err(ApiError::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token"));
        };
        let Some(auth) = authorization else {
            let message = format!("Authorization header is not complete AWS4-HMAC-SHA256: {} bytes", header.len());
            return Err(ApiError::new(400, "IncompleteSignature", message));
        };
        let (secret, caller) = self.caller(auth, request.header("x-amz-security-token"))?;
        let time = self.check_scope(request, auth, service)?;
        let signed = SignedRequest {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: &request.headers,
            body: &request.body,
        };
        let scope = Scope { date: &auth.date, region: &auth.region, service };
        let wanted = signature(&signed, &auth.signed_headers, &scope, &clock::basic(time), &secret);
        let payload = request.header("x-amz-content-sha256");
        if wanted != auth.signature || payload.is_some_and(|p| p != crate::sigv4::sha256_hex(&request.body)) {
            return Err(ApiError::signature(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ));
        }
        if caller.session.as_ref().is_some_and(|s| s.expires <= self.now()) {
            return Err(ApiError::new(403, "ExpiredToken", "The security token included in the request is expired"));
        }
        let now = self.now();
        if let Some(key) = self.keys.get_mut(&auth.access_key_id) {
            key.last_used = Some((now, service.to_owned(), auth.region.clone()));
        }
        Ok(caller)
    }

    /// The secret behind an access key ID and token, and whose it is.
    fn caller(&self, auth: &Authorization, token: Option<&str>) -> Result<(String, Caller), ApiError> {
        let id = &auth.access_key_id;
        if let Some(key) = self.keys.get(id) {
            if !key.active || key.usable_from > self.now() || token.is_some() {
                return Err(ApiError::invalid_token());
            }
            let user = self.users.get(&key.user).ok_or_else(ApiError::invalid_token)?;
            let caller = Caller {
                account: self.account.clone(),
                arn: user.arn.clone(),
                user_id: user.id.clone(),
                user: Some(user.name.clone()),
                session: None,
            };
            return Ok((key.secret.clone(), caller));
        }
        let session = self.sessions.get(id).filter(|s| token == Some(&s.token)).ok_or_else(ApiError::invalid_token)?;
        let (account, arn, user_id, user) = match &session.kind {
            SessionKind::User { user, .. } => {
                let user = self.users.get(user).ok_or_else(ApiError::invalid_token)?;
                (self.account.clone(), user.arn.clone(), user.id.clone(), Some(user.name.clone()))
            }
            SessionKind::Role { role_arn, role_id, session_name, .. } => {
                let role = self.roles.get(role_arn).ok_or_else(ApiError::invalid_token)?;
                let arn = assumed_role_arn(&self.partition, role_arn, session_name);
                (role.account.clone(), arn, format!("{role_id}:{session_name}"), None)
            }
            SessionKind::Federated { name, .. } => {
                let arn = format!("arn:{}:sts::{}:federated-user/{name}", self.partition, self.account);
                (self.account.clone(), arn, format!("{}:{name}", self.account), None)
            }
        };
        let caller = Caller { account, arn, user_id, user, session: Some(session.clone()) };
        Ok((session.secret.clone(), caller))
    }

    /// Service, region, signed headers and the clock; the request's time in Unix seconds.
    fn check_scope(&self, request: &HttpRequest, auth: &Authorization, service: &str) -> Result<i64, ApiError> {
        if auth.service != service {
            return Err(ApiError::signature(format!("Credential should be scoped to correct service: '{service}'. ")));
        }
        let iam_region = match self.partition.as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        };
        if auth.region.is_empty() || (service == "iam" && !self.settings.iam_any_region && auth.region != iam_region) {
            let region = &auth.region;
            return Err(ApiError::signature(format!(
                "Credential should be scoped to a valid region, not '{region}'. "
            )));
        }
        let (date_header, date) = match (request.header("x-amz-date"), request.header("date")) {
            (Some(v), _) => ("x-amz-date", v),
            (None, Some(v)) => ("date", v),
            (None, None) => return Err(ApiError::new(400, "IncompleteSignature", "Date header is missing")),
        };
        let time = clock::parse(date)
            .ok_or_else(|| ApiError::new(400, "IncompleteSignature", format!("Date in the wrong format: '{date}'")))?;
        for needed in ["host", date_header, "x-amz-security-token"] {
            if request.header(needed).is_some() && !auth.signs(needed) {
                let message = format!("'{needed}' must be a 'SignedHeader' in the AWS Authorization header.");
                return Err(ApiError::signature(message));
            }
        }
        let stamp = clock::basic(time);
        if stamp[..8] != auth.date {
            let message = format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{}', from '{stamp}'.",
                auth.date,
                &stamp[..8]
            );
            return Err(ApiError::signature(message));
        }
        let now = self.now();
        let (server, early, late) =
            (clock::basic(now), clock::basic(now - SKEW_SECONDS), clock::basic(now + SKEW_SECONDS));
        if time < now - SKEW_SECONDS {
            let message = format!("Signature expired: {stamp} is now earlier than {early} ({server} - 15 min.)");
            return Err(ApiError::signature(message));
        }
        if time > now + SKEW_SECONDS {
            let message = format!("Signature not yet current: {stamp} is still later than {late} ({server} + 15 min.)");
            return Err(ApiError::signature(message));
        }
        Ok(time)
    }
}

/// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, without the role's path.
pub(crate) fn assumed_role_arn(partition: &str, role_arn: &str, session_name: &str) -> String {
    let account = role_arn.split(':').nth(4).unwrap_or_default();
    let name = role_arn.rsplit('/').next().unwrap_or_default();
    format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
}

/// What a call did, beside its answer: for the log.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) caller: Option<String>,
    pub(crate) token_code: Option<TokenCode>,
}

/// The result element of an answer; `None` where AWS sends none.
pub(crate) type Answer = Result<Option<String>, ApiError>;

/// Actions a service knows, as `(name, function)`.
pub(crate) type Action = fn(&mut World, &Caller, &Parameters, &mut Notes) -> Answer;

/// Tags of a request: `Tags.member.N.Key`/`.Value`.
pub(crate) fn tags(parameters: &Parameters) -> Vec<(String, String)> {
    let keys = parameters.list("Tags", ".Key");
    let values: BTreeMap<usize, String> = (0..keys.len())
        .filter_map(|i| Some((i, parameters.get(&format!("Tags.member.{}.Value", i + 1))?.to_owned())))
        .collect();
    keys.into_iter().enumerate().map(|(i, key)| (key, values.get(&i).cloned().unwrap_or_default())).collect()
}
