//! One step of a lifecycle.

use super::lifecycle::{environment, options, seconds, unknown};
use super::skip_if::SkipIf;
use crate::shape::{Path, ShapeError, Warnings, boolean, parsed, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// One step. What it means depends on the runtime: a shell script, a wasm artifact with its
/// arguments, an image with its arguments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// What is run.
    pub script: String,
    /// Whether it runs as root.
    pub requires_privilege: bool,
    /// The condition under which it is skipped, and counts as done.
    pub skip_if: Option<SkipIf>,
    /// After how long it counts as failed, if the recipe says; see
    /// [`Lifecycle::timeout`](super::Lifecycle::timeout).
    pub timeout: Option<Duration>,
    /// Environment variables of this step, over those of the lifecycle.
    pub environment: BTreeMap<String, String>,
    /// Whether a bootstrap step runs again when its version comes back by a rollback.
    pub bootstrap_on_rollback: bool,
    /// Options that have no field here, by lower-case name.
    pub other_options: BTreeMap<String, Value>,
}

/// Which step of a lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepName {
    /// `bootstrap`: before a new version becomes active; it may ask for a restart.
    Bootstrap,
    /// `install`: when a version is new on the device.
    Install,
    /// `startup`: when the component starts and says itself when it is up; `run` is not run then.
    Startup,
    /// `run`: while the component runs.
    Run,
    /// `shutdown`: when it stops.
    Shutdown,
    /// `recover`: after an error, before the next try.
    Recover,
    /// `uninstall`: when a version leaves the device.
    Uninstall,
}

impl StepName {
    /// All, in the order of a component's life.
    pub const ALL: [Self; 7] = [
        Self::Bootstrap,
        Self::Install,
        Self::Startup,
        Self::Run,
        Self::Shutdown,
        Self::Recover,
        Self::Uninstall,
    ];

    /// The name as recipes have it, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Install => "install",
            Self::Startup => "startup",
            Self::Run => "run",
            Self::Shutdown => "shutdown",
            Self::Recover => "recover",
            Self::Uninstall => "uninstall",
        }
    }

    /// After how long this step counts as failed if the recipe does not say, as the Java nucleus
    /// has it; none for `run`, which may run for ever.
    pub const fn default_timeout(self) -> Option<Duration> {
        match self {
            Self::Bootstrap | Self::Install | Self::Startup | Self::Uninstall => {
                Some(Duration::from_secs(120))
            }
            Self::Run => None,
            Self::Shutdown => Some(Duration::from_secs(15)),
            Self::Recover => Some(Duration::from_secs(60)),
        }
    }

    /// The step of this name in lower case.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const OPTIONS: [&str; 6] =
    ["Script", "RequiresPrivilege", "Skipif", "Timeout", "Setenv", "BootstrapOnRollback"];

/// Read a step: its script alone, or an object.
pub(super) fn read(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Step, ShapeError> {
    let mut step = Step::default();
    if let Value::String(script) = value {
        step.script.clone_from(script);
        return Ok(step);
    }
    let mut script = None;
    for (name, (key, value)) in options(path, value)? {
        let place = path.key(key);
        match name.as_str() {
            _ if value.is_null() => {}
            "script" => script = Some(text(&place, value)?),
            "requiresprivilege" => step.requires_privilege = boolean(&place, value)?,
            "skipif" => step.skip_if = Some(parsed(&place, value)?),
            "timeout" => step.timeout = Some(seconds(&place, value)?),
            "setenv" => step.environment = environment(&place, value)?,
            "bootstraponrollback" => step.bootstrap_on_rollback = boolean(&place, value)?,
            _ => {
                warnings.add(&place, unknown(key, OPTIONS));
                step.other_options.insert(name, value.clone());
            }
        }
    }
    let script =
        script.ok_or_else(|| ShapeError::new(&path.key("Script"), "is required but missing"))?;
    step.script = script.into();
    Ok(step)
}
