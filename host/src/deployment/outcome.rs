//! How a deployment ended, in the words of Greengrass (fleet status, `statusDetails`).

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
        Self {
            detailed_status: None,
            failure_cause: problem.message.clone(),
            error_stack: ["DEPLOYMENT_FAILURE", problem.code].map(str::to_owned).to_vec(),
        }
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
    /// For people.
    pub message: String,
}

impl Problem {
    /// A problem with its code.
    pub fn new(code: &'static str, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }
}
