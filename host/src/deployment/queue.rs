//! The queue of deployments: who asks for them, calls them off, and hears how they stand. The
//! [`worker`](super::worker) serves it.

use super::outcome::{Detail, DetailedStatus};
use crate::metrics::Counter;
use crate::store::{DeploymentRow, DeploymentState, Store, StoreError};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Asks for deployments, and calls them off. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    store: Store,
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Something was asked for.
    asked: Notify,
    /// Deployments under way that are to be called off.
    called_off: Mutex<HashSet<String>>,
    /// One more of them.
    more_called_off: Notify,
    /// A deployment has another state.
    changed: Notify,
    succeeded: Counter,
    failed: Counter,
    canceled: Counter,
}

impl Queue {
    /// The queue as the store has it.
    pub fn new(store: Store) -> Self {
        Self { store, inner: Arc::default() }
    }

    /// Ask for a deployment. `false`: one of this identity is known already.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn submit(&self, row: DeploymentRow) -> Result<bool, StoreError> {
        let new = self.store.enqueue(row).await?;
        self.inner.asked.notify_one();
        Ok(new)
    }

    /// Call a deployment off. `false`: it cannot be any more.
    ///
    /// # Errors
    /// The store fails.
    pub async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        let detail = Detail::of(DetailedStatus::Canceled).to_json();
        if self.store.cancel_queued(id, detail).await? {
            self.inner.canceled.add(1);
            self.inner.changed.notify_waiters();
            return Ok(true);
        }
        let row = self.find(id).await?;
        let under_way = row.is_some_and(|row| row.state == DeploymentState::InProgress);
        if under_way {
            self.called_off().insert(id.to_owned());
            self.inner.more_called_off.notify_waiters();
        }
        Ok(under_way)
    }

    /// A deployment, if it is remembered.
    ///
    /// # Errors
    /// The store fails.
    pub async fn find(&self, id: &str) -> Result<Option<DeploymentRow>, StoreError> {
        Ok(self.list().await?.into_iter().find(|row| row.id == id))
    }

    /// All that are remembered, the newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list(&self) -> Result<Vec<DeploymentRow>, StoreError> {
        self.store.deployments().await
    }

    /// Wait until a deployment is over.
    ///
    /// # Errors
    /// The store fails.
    pub async fn ended(&self, id: &str) -> Result<Option<DeploymentRow>, StoreError> {
        loop {
            let changed = self.inner.changed.notified();
            match self.find(id).await? {
                Some(row) if !row.state.has_ended() => changed.await,
                ended => return Ok(ended),
            }
        }
    }

    /// How many deployments ended so since the start.
    pub fn ended_so_far(&self) -> [(DeploymentState, u64); 3] {
        let Inner { succeeded, failed, canceled, .. } = &*self.inner;
        [
            (DeploymentState::Succeeded, succeeded.total()),
            (DeploymentState::Failed, failed.total()),
            (DeploymentState::Canceled, canceled.total()),
        ]
    }

    /// Wait from now on until something is asked for.
    pub(super) fn asked(&self) -> Notified<'_> {
        self.inner.asked.notified()
    }

    /// Wait from now on until a deployment has another state.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.inner.changed.notified()
    }

    /// A deployment has another state.
    pub(super) fn has_changed(&self) {
        self.inner.changed.notify_waiters();
    }

    /// A deployment under way has ended.
    pub(super) fn count(&self, ended: DeploymentState) {
        match ended {
            DeploymentState::Succeeded => self.inner.succeeded.add(1),
            DeploymentState::Failed => self.inner.failed.add(1),
            DeploymentState::Canceled => self.inner.canceled.add(1),
            _ => {}
        }
    }

    fn called_off(&self) -> MutexGuard<'_, HashSet<String>> {
        self.inner.called_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait until a deployment is to be called off.
    pub(super) async fn until_called_off(&self, id: &str) {
        loop {
            let more = self.inner.more_called_off.notified();
            if self.called_off().remove(id) {
                return;
            }
            more.await;
        }
    }
}
