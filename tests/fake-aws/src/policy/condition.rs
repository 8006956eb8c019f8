//! Condition blocks: `Bool`, `Null`, `StringEquals`, `StringNotEquals`, `StringEqualsIgnoreCase`, `StringLike`,
//! `StringNotLike`, `ArnEquals`, `ArnLike`, the `Numeric` family, each with `IfExists` and, for keys of several values,
//! `ForAnyValue:` and `ForAllValues:`.

use serde_json::Value;

use super::{Context, PolicyError, fill, glob, malformed, strings};

#[derive(Clone, Debug)]
pub(super) struct Condition {
    operator: Operator,
    over: Over,
    if_exists: bool,
    key: String,
    wanted: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    One,
    Any,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Bool,
    Null,
    StringEquals { not: bool, ignore_case: bool },
    StringLike { not: bool },
    Numeric(Comparison),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equals,
    NotEquals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
}

/// The whole `Condition` element: all of the result must hold.
pub(super) fn parse(block: &Value) -> Result<Vec<Condition>, PolicyError> {
    let block = block.as_object().ok_or_else(|| malformed("Condition", "not an object"))?;
    let mut out = vec![];
    for (name, tests) in block {
        let (operator, over, if_exists) = parse_operator(name)?;
        let tests = tests.as_object().ok_or_else(|| malformed("Condition", format!("{name} is not an object")))?;
        for (key, wanted) in tests {
            let wanted = strings("Condition", wanted)?;
            check_values(operator, &wanted)?;
            out.push(Condition { operator, over, if_exists, key: key.clone(), wanted });
        }
    }
    Ok(out)
}

fn parse_operator(name: &str) -> Result<(Operator, Over, bool), PolicyError> {
    use Comparison::{Equals, Greater, GreaterEquals, Less, LessEquals, NotEquals};
    let (over, rest) = if let Some(rest) = name.strip_prefix("ForAnyValue:") {
        (Over::Any, rest)
    } else if let Some(rest) = name.strip_prefix("ForAllValues:") {
        (Over::All, rest)
    } else {
        (Over::One, name)
    };
    let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
    let operator = match base {
        "Bool" => Operator::Bool,
        "Null" if !if_exists => Operator::Null,
        "StringEquals" => Operator::StringEquals { not: false, ignore_case: false },
        "StringNotEquals" => Operator::StringEquals { not: true, ignore_case: false },
        "StringEqualsIgnoreCase" => Operator::StringEquals { not: false, ignore_case: true },
        "StringNotEqualsIgnoreCase" => Operator::StringEquals { not: true, ignore_case: true },
        "StringLike" | "ArnLike" | "ArnEquals" => Operator::StringLike { not: false },
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Operator::StringLike { not: true },
        "NumericEquals" => Operator::Numeric(Equals),
        "NumericNotEquals" => Operator::Numeric(NotEquals),
        "NumericLessThan" => Operator::Numeric(Less),
        "NumericLessThanEquals" => Operator::Numeric(LessEquals),
        "NumericGreaterThan" => Operator::Numeric(Greater),
        "NumericGreaterThanEquals" => Operator::Numeric(GreaterEquals),
        _ => return Err(PolicyError::UnknownOperator(name.to_owned())),
    };
    Ok((operator, over, if_exists))
}

fn check_values(operator: Operator, wanted: &[String]) -> Result<(), PolicyError> {
    let good = |w: &String| match operator {
        Operator::Bool | Operator::Null => matches!(w.to_ascii_lowercase().as_str(), "true" | "false"),
        Operator::Numeric(_) => w.parse::<f64>().is_ok(),
        _ => true,
    };
    match wanted.iter().find(|w| !good(w)) {
        Some(bad) => Err(malformed("Condition", format!("{bad:?} is no value for {operator:?}"))),
        None => Ok(()),
    }
}

impl Condition {
    pub(super) fn holds(&self, context: &Context) -> bool {
        let have = context.values(&self.key);
        if self.operator == Operator::Null {
            let absent = have.is_none_or(<[String]>::is_empty).to_string();
            return self.wanted.iter().any(|w| w.eq_ignore_ascii_case(&absent));
        }
        match (have, self.over) {
            // "ForAllValues" is true of a key that is absent; AWS warns about it.
            (None, Over::All) => true,
            // A negated operator matches where the key is absent; a positive one does not, unless IfExists.
            (None, _) => self.if_exists || self.negated(),
            (Some(have), Over::All) => have.iter().all(|h| self.matches(h, context)),
            (Some(have), Over::One | Over::Any) => have.iter().any(|h| self.matches(h, context)),
        }
    }

    fn negated(&self) -> bool {
        matches!(
            self.operator,
            Operator::StringEquals { not: true, .. }
                | Operator::StringLike { not: true }
                | Operator::Numeric(Comparison::NotEquals)
        )
    }

    /// One value the request has, against all that are wanted (any of them; for negated operators none).
    fn matches(&self, have: &str, context: &Context) -> bool {
        let positive = self.wanted.iter().any(|w| match self.operator {
            Operator::Bool | Operator::Null => have.eq_ignore_ascii_case(w),
            Operator::StringEquals { ignore_case: true, .. } => {
                fill(w, context).is_some_and(|w| w.eq_ignore_ascii_case(have))
            }
            Operator::StringEquals { .. } => fill(w, context).as_deref() == Some(have),
            Operator::StringLike { .. } => fill(w, context).is_some_and(|w| glob(w.as_bytes(), have.as_bytes())),
            Operator::Numeric(comparison) => compare(comparison, have, w),
        });
        let negated_string =
            matches!(self.operator, Operator::StringEquals { not: true, .. } | Operator::StringLike { not: true });
        positive != negated_string
    }
}

fn compare(comparison: Comparison, have: &str, wanted: &str) -> bool {
    let (Ok(have), Ok(wanted)) = (have.parse::<f64>(), wanted.parse::<f64>()) else { return false };
    match comparison {
        Comparison::Equals => have == wanted,
        Comparison::NotEquals => have != wanted,
        Comparison::Less => have < wanted,
        Comparison::LessEquals => have <= wanted,
        Comparison::Greater => have > wanted,
        Comparison::GreaterEquals => have >= wanted,
    }
}
