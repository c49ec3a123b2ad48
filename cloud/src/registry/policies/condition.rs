//! When a statement counts (IAM user guide, "IAM JSON policy elements: Condition operators"), as far as
//! policies of AWS IoT have it.

use super::context::Context;
use super::pattern::{Pattern, Unknown};
use serde_json::{Map, Value};

/// An operator, a key, and what is compared with its values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Condition {
    operator: Option<Operator>,
    key: String,
    wanted: Vec<Pattern>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Operator {
    compare: Compare,
    negated: bool,
    /// It holds where the key has no value.
    if_exists: bool,
    set: Option<Set>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Compare {
    Bool,
    Equals,
    EqualsInAnyCase,
    Like,
}

/// How a key with several values is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Set {
    All,
    Any,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Holds {
    Yes,
    No,
    /// What it says is not known here.
    Unknown,
}

impl Condition {
    /// Operators with their keys, and these with one value or several.
    pub(super) fn read(operators: &Map<String, Value>) -> Result<Vec<Self>, String> {
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let keys = keys.as_object().ok_or("a condition's operator has no object")?;
            for (key, wanted) in keys {
                let wanted = match wanted {
                    Value::Array(several) => several.iter().map(text).collect(),
                    one => text(one).map(|one| vec![one]),
                };
                let wanted = wanted.ok_or("a condition compares with texts")?;
                let (operator, key) = (Operator::read(operator), key.clone());
                conditions.push(Self { operator, key, wanted });
            }
        }
        Ok(conditions)
    }

    pub(super) fn holds(&self, context: &Context<'_>) -> Holds {
        let Some(operator) = self.operator else { return Holds::Unknown };
        if !self.wanted.iter().all(|wanted| wanted.is_known(context)) {
            return Holds::Unknown;
        }
        let values = context.values(&self.key);
        let one = |value: &str| {
            let found = self.wanted.iter().any(|wanted| match operator.compare {
                Compare::Equals => wanted.equals(value, context, false),
                Compare::Bool | Compare::EqualsInAnyCase => wanted.equals(value, context, true),
                Compare::Like => wanted.matches(value, context, Unknown::Nothing),
            });
            found != operator.negated
        };
        let holds = match (values, operator.set) {
            (None, None) => operator.if_exists || operator.negated,
            (None, Some(Set::All)) => true,
            (None, Some(Set::Any)) => operator.if_exists,
            (Some(values), Some(Set::All)) => values.iter().all(|value| one(value)),
            (Some(values), _) => values.iter().any(|value| one(value)),
        };
        if holds { Holds::Yes } else { Holds::No }
    }
}

impl Operator {
    /// `None`: it is not known here.
    fn read(text: &str) -> Option<Self> {
        let (set, text) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (if_exists, text) = match text.strip_suffix("IfExists") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (compare, negated) = match text {
            "Bool" => (Compare::Bool, false),
            "StringEquals" | "ArnEquals" => (Compare::Equals, false),
            "StringNotEquals" | "ArnNotEquals" => (Compare::Equals, true),
            "StringEqualsIgnoreCase" => (Compare::EqualsInAnyCase, false),
            "StringNotEqualsIgnoreCase" => (Compare::EqualsInAnyCase, true),
            "StringLike" | "ArnLike" => (Compare::Like, false),
            "StringNotLike" | "ArnNotLike" => (Compare::Like, true),
            _ => return None,
        };
        Some(Self { compare, negated, if_exists, set })
    }
}

fn text(value: &Value) -> Option<Pattern> {
    match value {
        Value::String(text) => Some(Pattern::parse(text)),
        Value::Bool(yes) => Some(Pattern::parse(if *yes { "true" } else { "false" })),
        Value::Number(number) => Some(Pattern::parse(&number.to_string())),
        _ => None,
    }
}
