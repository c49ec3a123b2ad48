//! The lifecycle of a component: what is run when.

use super::step::{self, Step, StepName};
use crate::shape::{Members, Path, ShapeError, Warnings, members, scalar_text};
use crate::text::suggest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// After how long without an error earlier errors no longer count, unless the recipe says.
pub const DEFAULT_ERROR_RESET_TIME: Duration = Duration::from_secs(60 * 60);

/// The steps of a lifecycle (Greengrass developer guide, recipe reference, `Lifecycle`).
#[derive(Debug, Clone, PartialEq)]
pub struct Lifecycle {
    /// What is run at which point; few of them, and large.
    pub steps: BTreeMap<StepName, Box<Step>>,
    /// Environment variables of all steps (`setenv`).
    pub environment: BTreeMap<String, String>,
    /// After how long without an error earlier errors no longer count (`errorResetTime`).
    pub error_reset_time: Duration,
}

impl Lifecycle {
    /// After how long a step counts as failed: what the recipe says, or what Greengrass takes for
    /// this step.
    pub fn timeout(&self, step: StepName) -> Option<Duration> {
        self.steps.get(&step).and_then(|step| step.timeout).or_else(|| step.default_timeout())
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            steps: BTreeMap::new(),
            environment: BTreeMap::new(),
            error_reset_time: DEFAULT_ERROR_RESET_TIME,
        }
    }
}

const OTHER_KEYS: [&str; 2] = ["setenv", "errorResetTime"];

/// Read the steps of one manifest, selections already made.
pub(super) fn read(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Lifecycle, ShapeError> {
    let mut lifecycle = Lifecycle::default();
    for (name, (key, value)) in options(path, value)? {
        let place = path.key(key);
        match (name.as_str(), StepName::of(&name)) {
            _ if value.is_null() => {}
            (_, Some(step)) => {
                lifecycle.steps.insert(step, Box::new(step::read(&place, value, warnings)?));
            }
            ("setenv", _) => lifecycle.environment = environment(&place, value)?,
            ("errorresettime", _) => lifecycle.error_reset_time = seconds(&place, value)?,
            _ => {
                let steps = StepName::ALL.into_iter().map(StepName::as_str);
                warnings.add(&place, unknown(key, steps.chain(OTHER_KEYS)));
            }
        }
    }
    Ok(lifecycle)
}

/// The members of an object that might have been text.
pub(super) fn options<'v>(path: &Path<'_>, value: &'v Value) -> Result<Members<'v>, ShapeError> {
    match value {
        Value::Object(map) => members(path, map),
        _ => Err(ShapeError::expected(path, "text or an object", value)),
    }
}

pub(super) fn unknown(key: &str, known: impl IntoIterator<Item = &'static str> + Clone) -> String {
    match suggest(key, known.clone()) {
        Some(near) => format!("is not a known key; is it `{near}`?"),
        None => {
            let known: Vec<&str> = known.into_iter().collect();
            format!("is not a known key; known are {}", known.join(", "))
        }
    }
}

pub(super) fn environment(
    path: &Path<'_>,
    value: &Value,
) -> Result<BTreeMap<String, String>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    map.iter().map(|(key, value)| Ok((key.clone(), scalar_text(&path.key(key), value)?))).collect()
}

/// Seconds as a number or as the text of one.
pub(super) fn seconds(path: &Path<'_>, value: &Value) -> Result<Duration, ShapeError> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| ShapeError::expected(path, "a number of seconds", value))
}
