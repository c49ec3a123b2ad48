//! The states of a component.

use std::fmt;

/// Where a component stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LifecycleState {
    /// It failed too often and is left alone.
    Broken,
    /// It failed and will be started again.
    Errored,
    /// It did what it had to do, or was stopped.
    Finished,
    /// It is ready to start.
    Installed,
    /// Nothing is done yet.
    New,
    /// It does its work.
    Running,
    /// It is coming up.
    Starting,
    /// It is asked to end.
    Stopping,
}

impl LifecycleState {
    /// Whether the component is over until somebody asks for it again.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Broken | Self::Finished)
    }

    /// Whether a component that depends on this one may run (as in the Java nucleus: also while
    /// this one stops in good order).
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Finished | Self::Running | Self::Stopping)
    }
}

impl fmt::Display for LifecycleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Broken => "BROKEN",
            Self::Errored => "ERRORED",
            Self::Finished => "FINISHED",
            Self::Installed => "INSTALLED",
            Self::New => "NEW",
            Self::Running => "RUNNING",
            Self::Starting => "STARTING",
            Self::Stopping => "STOPPING",
        })
    }
}
