//! The lifecycle of a component: what is run when.

use crate::shape::{Path, ShapeError, Warnings, boolean, scalar_text, text};
use crate::text::suggest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The steps of a lifecycle (Greengrass developer guide, recipe reference, `Lifecycle`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lifecycle {
    /// By lower-case name: `bootstrap`, `install`, `startup`, `run`, `shutdown`, `recover`,
    /// `uninstall`.
    pub steps: BTreeMap<String, Step>,
    /// Environment variables of all steps (`setenv`).
    pub environment: BTreeMap<String, String>,
    /// After how long without an error earlier errors no longer count (`errorResetTime`).
    pub error_reset_time: Option<Duration>,
}

/// One step. What it means depends on the runtime: a shell script, a wasm artifact with its
/// arguments, an image with its arguments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// What is run.
    pub script: String,
    /// Whether it runs as root.
    pub requires_privilege: bool,
    /// The condition under which it is skipped: `onpath <program>` or `exists <file>`.
    pub skip_if: Option<String>,
    /// After how long it counts as failed.
    pub timeout: Option<Duration>,
    /// Environment variables of this step, over those of the lifecycle.
    pub environment: BTreeMap<String, String>,
    /// Whether a bootstrap step runs again when its version comes back by a rollback.
    pub bootstrap_on_rollback: bool,
    /// Options that have no field here, by lower-case name.
    pub other_options: BTreeMap<String, Value>,
}

const STEPS: [&str; 7] =
    ["bootstrap", "install", "startup", "run", "shutdown", "recover", "uninstall"];
const OTHER_KEYS: [&str; 2] = ["setenv", "errorResetTime"];
const OPTIONS: [&str; 6] =
    ["Script", "RequiresPrivilege", "Skipif", "Timeout", "Setenv", "BootstrapOnRollback"];

/// Read the steps of one manifest, selections already made.
pub(super) fn read(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Lifecycle, ShapeError> {
    let mut lifecycle = Lifecycle::default();
    for (key, value) in members(path, value)? {
        let place = path.key(key);
        let name = key.to_lowercase();
        match name.as_str() {
            _ if value.is_null() => {}
            "setenv" => lifecycle.environment = environment(&place, value)?,
            "errorresettime" => lifecycle.error_reset_time = Some(seconds(&place, value)?),
            name if STEPS.contains(&name) => {
                let step = step(&place, value, warnings)?;
                if lifecycle.steps.insert(name.into(), step).is_some() {
                    return Err(ShapeError::new(&place, "is there twice; keep one"));
                }
            }
            _ => warnings.add(&place, unknown(key, STEPS.into_iter().chain(OTHER_KEYS))),
        }
    }
    Ok(lifecycle)
}

fn step(path: &Path<'_>, value: &Value, warnings: &mut Warnings) -> Result<Step, ShapeError> {
    let mut step = Step::default();
    if let Value::String(script) = value {
        step.script.clone_from(script);
        return Ok(step);
    }
    let mut script = None;
    for (key, value) in members(path, value)? {
        let place = path.key(key);
        match key.to_lowercase().as_str() {
            _ if value.is_null() => {}
            "script" => script = Some(text(&place, value)?),
            "requiresprivilege" => step.requires_privilege = boolean(&place, value)?,
            "skipif" => step.skip_if = Some(text(&place, value)?.into()),
            "timeout" => step.timeout = Some(seconds(&place, value)?),
            "setenv" => step.environment = environment(&place, value)?,
            "bootstraponrollback" => step.bootstrap_on_rollback = boolean(&place, value)?,
            name => {
                warnings.add(&place, unknown(key, OPTIONS));
                step.other_options.insert(name.into(), value.clone());
            }
        }
    }
    let script =
        script.ok_or_else(|| ShapeError::new(&path.key("Script"), "is required but missing"))?;
    step.script = script.into();
    Ok(step)
}

fn members<'v>(
    path: &Path<'_>,
    value: &'v Value,
) -> Result<impl Iterator<Item = (&'v String, &'v Value)>, ShapeError> {
    match value {
        Value::Object(map) => Ok(map.iter()),
        _ => Err(ShapeError::expected(path, "text or an object", value)),
    }
}

fn unknown(key: &str, known: impl IntoIterator<Item = &'static str> + Clone) -> String {
    match suggest(key, known.clone()) {
        Some(near) => format!("is not a known key; is it `{near}`?"),
        None => {
            let known: Vec<&str> = known.into_iter().collect();
            format!("is not a known key; known are {}", known.join(", "))
        }
    }
}

fn environment(path: &Path<'_>, value: &Value) -> Result<BTreeMap<String, String>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    map.iter().map(|(key, value)| Ok((key.clone(), scalar_text(&path.key(key), value)?))).collect()
}

/// Seconds as a number or as the text of one.
fn seconds(path: &Path<'_>, value: &Value) -> Result<Duration, ShapeError> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| ShapeError::expected(path, "a number of seconds", value))
}
