//! The condition under which a step is skipped.

use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;

/// The condition under which a step is skipped (Greengrass developer guide, recipe reference,
/// `Skipif`): `onpath git`, `! exists ~/model.bin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipIf {
    /// Whether the step is skipped where the condition does not hold (`!`).
    pub negated: bool,
    /// What must hold.
    pub condition: Condition,
}

/// What can be asked of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `onpath`: a program of this name is on the path.
    OnPath(String),
    /// `exists`: there is such a file or folder; `~/` is the home folder.
    Exists(String),
}

/// A text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a condition; write `onpath PROGRAM` or `exists FILE`, and `!` before it for the opposite"
)]
pub struct SkipIfError {
    /// The text.
    pub text: String,
}

impl FromStr for SkipIf {
    type Err = SkipIfError;

    fn from_str(text: &str) -> Result<Self, SkipIfError> {
        let error = || SkipIfError { text: excerpt(text) };
        let condition = text.trim();
        let (negated, condition) = match condition.strip_prefix('!') {
            Some(condition) => (true, condition.trim_start()),
            None => (false, condition),
        };
        let (word, operand) = condition.split_once(char::is_whitespace).ok_or_else(error)?;
        let operand = operand.trim_start().to_owned();
        let condition = match word.to_ascii_lowercase().as_str() {
            "onpath" => Condition::OnPath(operand),
            "exists" => Condition::Exists(operand),
            _ => return Err(error()),
        };
        Ok(Self { negated, condition })
    }
}

impl fmt::Display for SkipIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "!" } else { "" };
        match &self.condition {
            Condition::OnPath(program) => write!(f, "{not}onpath {program}"),
            Condition::Exists(path) => write!(f, "{not}exists {path}"),
        }
    }
}
