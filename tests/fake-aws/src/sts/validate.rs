//! Parameter checks in the words of AWS: all violations of a call in one message, as its services word them.

use crate::api::{ApiError, Parameters};

/// Collects violations; [`Violations::check`] turns them into one ValidationError.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<String>);

/// Characters beside letters, digits and `_` that a parameter may hold.
pub(crate) const NAME: &str = "+=,.@-";
pub(crate) const EXTERNAL_ID: &str = "+=,.@:/-";
pub(crate) const SERIAL: &str = "+=/:,.@-";
const TAG: &str = " .:/=+-@";

impl Violations {
    fn add(&mut self, value: &str, name: &str, constraint: &str) {
        self.0.push(format!("Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"));
    }

    /// Length in characters.
    pub(crate) fn length(&mut self, value: Option<&str>, name: &str, min: usize, max: usize) -> &mut Self {
        if let Some(value) = value {
            let n = value.chars().count();
            if n < min {
                self.add(value, name, &format!("Member must have length greater than or equal to {min}"));
            }
            if n > max {
                self.add(value, name, &format!("Member must have length less than or equal to {max}"));
            }
        }
        self
    }

    /// `[\w` and `more` `]*`
    pub(crate) fn word(&mut self, value: Option<&str>, name: &str, more: &str) -> &mut Self {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
        if let Some(value) = value.filter(|v| !v.chars().all(good)) {
            let more = more.replace('/', "\\/");
            self.add(value, name, &format!("Member must satisfy regular expression pattern: [\\w{more}]*"));
        }
        self
    }

    pub(crate) fn token_code(&mut self, value: Option<&str>) -> &mut Self {
        self.length(value, "tokenCode", 6, 6);
        if let Some(value) = value.filter(|v| !v.chars().all(|c| c.is_ascii_digit())) {
            self.add(value, "tokenCode", "Member must satisfy regular expression pattern: [\\d]*");
        }
        self
    }

    pub(crate) fn required(&mut self, value: Option<&str>, name: &str) -> &mut Self {
        if value.is_none() {
            self.0.push(format!("Value null at '{name}' failed to satisfy constraint: Member must not be null"));
        }
        self
    }

    pub(crate) fn range(&mut self, value: i64, name: &str, min: i64, max: i64) -> &mut Self {
        if value < min {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.add(&value.to_string(), name, &constraint);
        }
        if value > max {
            self.add(&value.to_string(), name, &format!("Member must have value less than or equal to {max}"));
        }
        self
    }

    pub(crate) fn count(&mut self, n: usize, name: &str, max: usize) -> &mut Self {
        if n > max {
            self.add(&format!("[{n} members]"), name, &format!("Member must have length less than or equal to {max}"));
        }
        self
    }

    pub(crate) fn tags(&mut self, tags: &[(String, String)]) -> &mut Self {
        self.count(tags.len(), "tags", 50);
        for (i, (key, value)) in tags.iter().enumerate() {
            let (key_name, value_name) = (format!("tags.{}.member.key", i + 1), format!("tags.{}.member.value", i + 1));
            self.length(Some(key), &key_name, 1, 128).length(Some(value), &value_name, 0, 256);
            for (text, name) in [(key, key_name), (value, value_name)] {
                if !text.chars().all(|c| c.is_alphanumeric() || c == '_' || TAG.contains(c)) {
                    let pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
                    self.add(text, &name, &format!("Member must satisfy regular expression pattern: {pattern}"));
                }
            }
        }
        self
    }

    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        let n = self.0.len();
        if n == 0 {
            return Ok(());
        }
        let errors = if n == 1 { "error" } else { "errors" };
        Err(ApiError::validation(format!("{n} validation {errors} detected: {}", self.0.join("; "))))
    }
}

/// `DurationSeconds`: a 32-bit number; `0900` and `+900` are fine, ` 900` and `9e2` are not.
pub(crate) fn duration(parameters: &Parameters) -> Result<Option<i64>, ApiError> {
    let Some(text) = parameters.get("DurationSeconds") else { return Ok(None) };
    match text.parse::<i32>() {
        Ok(n) => Ok(Some(n.into())),
        Err(_) => Err(ApiError::new(400, "MalformedInput", "Unexpected value for DurationSeconds")),
    }
}

/// Keys differ by more than case, none is reserved, and what is transitive is there.
pub(crate) fn tag_keys(tags: &[(String, String)], transitive: &[String]) -> Result<(), ApiError> {
    let invalid = |message: &str| Err(ApiError::new(400, "InvalidParameterValue", message));
    let mut keys: Vec<String> = tags.iter().map(|(key, _)| key.to_lowercase()).collect();
    if keys.iter().any(|k| k.starts_with("aws:")) {
        return invalid("Tag keys may not start with the reserved prefix aws:");
    }
    keys.sort();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    if transitive.iter().any(|t| !keys.contains(&t.to_lowercase())) {
        return invalid("The specified transitive tag key must be included in the requested tags.");
    }
    Ok(())
}
