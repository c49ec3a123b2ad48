//! How a deployment treats the device and its components.

use crate::shape::{Object, Path, ShapeError, Warnings, choice, whole};
use serde_json::{Value, json};
use std::time::Duration;

/// What happens when a deployment fails after it has begun to change the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureHandlingPolicy {
    /// What was deployed before comes back.
    #[default]
    Rollback,
    /// The device stays as the failed deployment left it.
    DoNothing,
}

/// Whether and how long components may ask for a deployment to wait (Greengrass developer guide,
/// `componentUpdatePolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentUpdatePolicy {
    /// How long a component has to answer.
    pub timeout: Duration,
    /// Whether it is asked.
    pub action: UpdateAction,
}

/// Whether components are asked before they are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateAction {
    /// Those that want to know are, and may put it off.
    #[default]
    NotifyComponents,
    /// None is.
    SkipNotifyComponents,
}

/// How long a component has to answer a question about a deployment, unless the document says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

const FAILURE: [(&str, FailureHandlingPolicy); 2] = [
    ("ROLLBACK", FailureHandlingPolicy::Rollback),
    ("DO_NOTHING", FailureHandlingPolicy::DoNothing),
];
const ACTION: [(&str, UpdateAction); 2] = [
    ("NOTIFY_COMPONENTS", UpdateAction::NotifyComponents),
    ("SKIP_NOTIFY_COMPONENTS", UpdateAction::SkipNotifyComponents),
];

impl Default for ComponentUpdatePolicy {
    fn default() -> Self {
        Self { timeout: DEFAULT_TIMEOUT, action: UpdateAction::default() }
    }
}

impl FailureHandlingPolicy {
    pub(super) fn read(path: &Path<'_>, value: &Value) -> Result<Self, ShapeError> {
        choice(path, value, &FAILURE)
    }

    /// The word for it in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "ROLLBACK",
            Self::DoNothing => "DO_NOTHING",
        }
    }
}

impl ComponentUpdatePolicy {
    /// No component is asked.
    pub const SKIP: Self =
        Self { timeout: DEFAULT_TIMEOUT, action: UpdateAction::SkipNotifyComponents };

    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let policy = Self {
            timeout: object.read("timeout", seconds)?.unwrap_or(DEFAULT_TIMEOUT),
            action: object
                .read("action", |path, value| choice(path, value, &ACTION))?
                .unwrap_or_default(),
        };
        object.warn_unknown(warnings);
        Ok(policy)
    }

    pub(super) fn to_json(self) -> Value {
        let action = match self.action {
            UpdateAction::NotifyComponents => "NOTIFY_COMPONENTS",
            UpdateAction::SkipNotifyComponents => "SKIP_NOTIFY_COMPONENTS",
        };
        json!({"timeout": self.timeout.as_secs(), "action": action})
    }
}

/// Read `configurationValidationPolicy`: how long a component has to judge its new configuration.
pub(super) fn validation_timeout(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Duration, ShapeError> {
    let mut object = Object::open(path, value)?;
    let timeout = object.read("timeout", seconds)?.unwrap_or(DEFAULT_TIMEOUT);
    object.warn_unknown(warnings);
    Ok(timeout)
}

/// The same where the document has none.
pub(super) const fn default_validation_timeout() -> Duration {
    DEFAULT_TIMEOUT
}

fn seconds(path: &Path<'_>, value: &Value) -> Result<Duration, ShapeError> {
    whole(path, value, "seconds", 0..=u32::MAX.into()).map(Duration::from_secs)
}
