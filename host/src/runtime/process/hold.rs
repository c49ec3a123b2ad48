//! What a native component uses, and how it is halted.

use super::group::Group;
use crate::metrics::Usage;
use crate::runtime::{BoxFuture, Hold, PauseError};
use crate::tasks::Tasks;
use std::sync::{Arc, OnceLock, Weak};

/// A native component that was started. It keeps nothing of it alive.
#[derive(Clone, Debug)]
pub(super) struct NativeHold {
    tasks: Tasks,
    /// Its processes, once there are any.
    group: Arc<OnceLock<Weak<Group>>>,
}

impl NativeHold {
    pub(super) fn new(tasks: Tasks) -> Self {
        Self { tasks, group: Arc::default() }
    }

    /// These are its processes.
    pub(super) fn set(&self, group: &Arc<Group>) {
        let _once = self.group.set(Arc::downgrade(group));
    }

    fn group(&self) -> Option<Arc<Group>> {
        self.group.get()?.upgrade()
    }
}

impl Hold for NativeHold {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(async {
            let Some(group) = self.group() else { return Usage::default() };
            // The kernel's files do not wait for a disk, but there may be many.
            let read = self.tasks.spawn_blocking_host(move || group.usage());
            read.await.unwrap_or_default()
        })
    }

    fn is_paused(&self) -> bool {
        self.group().is_some_and(|group| group.is_frozen())
    }

    fn set_paused(&self, paused: bool) -> BoxFuture<'_, Result<(), PauseError>> {
        Box::pin(async move {
            let group = self.group().ok_or(PauseError::NotRunning)?;
            let set = self.tasks.spawn_blocking_host(move || group.set_frozen(paused));
            set.await.unwrap_or_else(|error| Err(PauseError::Failed(error.to_string())))
        })
    }
}
