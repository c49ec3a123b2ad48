//! How a deployment ended, in the words of Greengrass (fleet status, `statusDetails`).

use super::codes;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use thiserror::Error;

/// What stands before the last lines of a component.
const LAST: &str = "; it said last: ";

/// What stands between them.
const BETWEEN: &str = " | ";

/// How a deployment ended, in detail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DetailedStatus {
    /// It was called off before it changed anything.
    Canceled,
    /// It failed before anything that runs was touched.
    FailedNoStateChange,
    /// It failed, and what was before it is back.
    FailedRollbackComplete,
    /// It failed, and the device stays as it left it, as it asked for.
    FailedRollbackNotRequested,
    /// It failed, and what was before it did not come back either.
    FailedUnableToRollback,
    /// It was not taken on.
    Rejected,
    /// It was carried out.
    Successful,
}

/// What is kept of a deployment's end, as JSON.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Detail {
    /// How it ended; none while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed_status: Option<DetailedStatus>,
    /// What went wrong, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_cause: String,
    /// The same in Greengrass's codes, from the general to the special.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_stack: Vec<String>,
    /// Of which kinds these are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_types: Vec<String>,
    /// What the component said last that is to blame.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
}

impl Detail {
    /// An end without trouble.
    pub fn of(status: DetailedStatus) -> Self {
        Self { detailed_status: Some(status), ..Self::default() }
    }

    /// A failure.
    pub fn failed(status: DetailedStatus, problem: &Problem) -> Self {
        Self { detailed_status: Some(status), ..Self::cause(problem) }
    }

    /// A failure of a deployment that is not at its end yet.
    pub fn cause(problem: &Problem) -> Self {
        let stack = codes::stack(problem.within, problem.code);
        let texts = |codes: Vec<&str>| codes.into_iter().map(str::to_owned).collect();
        Self {
            detailed_status: None,
            failure_cause: problem.message.clone(),
            error_types: texts(codes::kinds(&stack)),
            error_stack: texts(stack),
            last_lines: problem.last_lines.clone(),
        }
    }

    /// What went wrong, and what was said last, in so many characters at most, on one line: the cloud
    /// takes no others. As many lines as fit whole, the last ones.
    pub fn told(&self, most: usize) -> String {
        let plain = |text: &str| -> Vec<char> {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
        };
        let cause = plain(&self.failure_cause);
        let mut told: String = cause.iter().take(most).collect();
        let mut left = most.saturating_sub(cause.len() + LAST.len());
        let mut lines = VecDeque::new();
        for line in self.last_lines.iter().rev().map(|line| plain(line)) {
            let length = line.len() + if lines.is_empty() { 0 } else { BETWEEN.len() };
            let Some(rest) = left.checked_sub(length) else { break };
            left = rest;
            lines.push_front(line.into_iter().collect::<String>());
        }
        if !lines.is_empty() {
            told.push_str(LAST);
            told.push_str(&Vec::from(lines).join(BETWEEN));
        }
        told
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From JSON; nothing where it is none.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// Why a deployment cannot be carried out.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message}")]
pub struct Problem {
    /// Greengrass's code for it.
    pub code: &'static str,
    /// The code of what was being done, where the first does not say it.
    pub within: Option<&'static str>,
    /// For people.
    pub message: String,
    /// What the component said last that is to blame.
    pub last_lines: Vec<String>,
}

impl Problem {
    /// A problem with its code.
    pub fn new(code: &'static str, message: impl ToString) -> Self {
        Self { code, within: None, message: message.to_string(), last_lines: Vec::new() }
    }

    /// While this was being done.
    #[must_use]
    pub fn within(self, code: &'static str) -> Self {
        Self { within: Some(code), ..self }
    }

    /// With what a component said last.
    #[must_use]
    pub fn saying(self, last_lines: &[String]) -> Self {
        Self { last_lines: last_lines.to_vec(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_last_is_told_as_far_as_it_fits() {
        let lines = ["the first", "no\nspace", "left on device"].map(str::to_owned);
        let problem = Problem::new("COMPONENT_BROKEN", "ended\twith code 1").saying(&lines);
        let detail = Detail::failed(DetailedStatus::FailedRollbackComplete, &problem);
        assert_eq!(Detail::from_json(&detail.to_json()), detail);
        let whole = "ended with code 1; it said last: the first | no space | left on device";
        assert_eq!(detail.told(1024), whole);
        assert_eq!(detail.told(whole.len()), whole);
        let two = "ended with code 1; it said last: no space | left on device";
        assert_eq!(detail.told(whole.len() - 1), two);
        assert_eq!(detail.told(40), "ended with code 1");
        assert_eq!(detail.told(5), "ended");
        for most in 0..100 {
            assert!(detail.told(most).chars().count() <= most, "{most}");
        }
    }
}
