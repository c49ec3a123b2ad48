//! The text of a policy, read (AWS IoT developer guide, "AWS IoT Core policies"; its grammar is that of
//! IAM, "Grammar of the IAM JSON policy language").

use super::condition::Condition;
use super::pattern::Pattern;
use crate::registry::{Kind, Refusal};
use serde_json::{Map, Value};

/// Most letters, blanks not counted (AWS IoT quotas, "Policy document size").
const LONGEST: usize = 2048;

/// Most bytes, blanks and all.
const LONGEST_WITH_BLANKS: usize = 64 * 1024;

/// A policy's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    pub(super) statements: Vec<Statement>,
}

/// One of its statements.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) actions: Vec<Pattern>,
    pub(super) resources: Vec<Pattern>,
    pub(super) conditions: Vec<Condition>,
}

/// What a statement does with what it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

impl Document {
    /// Read it.
    ///
    /// # Errors
    /// It is too long, or no policy.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let letters = || text.chars().filter(|letter| !letter.is_whitespace());
        if text.len() > LONGEST_WITH_BLANKS || letters().count() > LONGEST {
            return Err(malformed(format!(
                "it has more than {LONGEST} letters that are no blanks"
            )));
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|error| malformed(format!("it is no JSON: {error}")))?;
        let Value::Object(members) = value else {
            return Err(malformed("it is no JSON object"));
        };
        only(&members, &["Version", "Id", "Statement"])?;
        match members.get("Version").and_then(Value::as_str) {
            Some("2012-10-17" | "2008-10-17") => {}
            _ => return Err(malformed("its Version is not 2012-10-17")),
        }
        let statements = match members.get("Statement") {
            Some(Value::Array(several)) => several.iter().map(Statement::read).collect(),
            Some(one) => Statement::read(one).map(|one| vec![one]),
            None => Err(malformed("it has no Statement")),
        };
        Ok(Self { statements: statements? })
    }
}

impl Statement {
    fn read(value: &Value) -> Result<Self, Refusal> {
        let members = value.as_object().ok_or_else(|| malformed("a Statement is no object"))?;
        only(members, &["Sid", "Effect", "Action", "Resource", "Condition"])?;
        let effect = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(malformed("an Effect is neither Allow nor Deny")),
        };
        let actions = texts(members, "Action")?;
        let known = |action: &&str| *action == "*" || action.contains(':');
        if let Some(other) = actions.iter().find(|action| !known(action)) {
            return Err(malformed(format!("{other:?} is no action, such as iot:Connect")));
        }
        let conditions = match members.get("Condition") {
            None => Vec::new(),
            Some(Value::Object(operators)) => Condition::read(operators).map_err(malformed)?,
            Some(_) => return Err(malformed("a Condition is no object")),
        };
        Ok(Self {
            effect,
            // Actions are the same in every case.
            actions: actions.iter().map(|text| Pattern::parse(&text.to_lowercase())).collect(),
            resources: texts(members, "Resource")?.into_iter().map(Pattern::parse).collect(),
            conditions,
        })
    }
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::new(Kind::Malformed, format!("the policy document is malformed: {}", what.into()))
}

fn only(members: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(other) => {
            let other: String = other.chars().take(64).collect();
            Err(malformed(format!("{other:?} is none of {}", known.join(", "))))
        }
        None => Ok(()),
    }
}

/// One text, or several.
fn texts<'v>(members: &'v Map<String, Value>, name: &str) -> Result<Vec<&'v str>, Refusal> {
    let texts: Option<Vec<&str>> = match members.get(name) {
        Some(Value::String(one)) => Some(vec![one.as_str()]),
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match texts {
        Some(texts) if !texts.is_empty() => Ok(texts),
        _ => Err(malformed(format!("{name} is neither a text nor a list of texts"))),
    }
}
