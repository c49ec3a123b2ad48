//! Who comes in, and how much of the server each component gets.
//!
//! Everything that a component can make the server keep is counted for it, so that it takes nothing
//! away from others: connections, streams, calls under way, and frames that take much memory.

use gg_model::ComponentName;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at one time, of all and of one component.
pub(super) const CONNECTIONS: usize = 4096;
pub(super) const CONNECTIONS_OF_ONE: usize = 1024;

/// Those among them that have not shown a token yet.
pub(super) const NEWCOMERS: usize = 256;

/// Streams at one time, of all and of one component. Subscriptions have stricter limits of their
/// own (`subscriptions`, `watches`).
pub(super) const STREAMS: usize = 65_536;
pub(super) const STREAMS_OF_ONE: usize = 16_384;

/// Calls of one component that are not answered at once; further ones wait.
const BUSY_OF_ONE: usize = 64;

/// Kibibytes of long answers that one component has not read yet. Further ones are not given.
pub(super) const UNREAD_OF_ONE: usize = 64 * 1024;

/// Large frames of one component at one time; further ones wait.
const LARGE_OF_ONE: usize = 2;

/// Counts what is taken.
#[derive(Debug)]
pub(super) struct Admission {
    newcomers: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    shares: Mutex<HashMap<ComponentName, Weak<Share>>>,
}

/// What one component may take.
#[derive(Debug)]
pub(super) struct Share {
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    pub(super) busy: Arc<Semaphore>,
    pub(super) unread: Arc<Semaphore>,
    pub(super) large: Arc<Semaphore>,
}

/// One of a limited number of things; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            newcomers: Arc::new(Semaphore::new(NEWCOMERS)),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            shares: Mutex::default(),
        }
    }
}

impl Admission {
    /// Wait until one more may come who has not said who they are.
    pub(super) async fn for_newcomer(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(&self.newcomers).acquire_owned().await.ok()
    }

    /// A connection's place, and its component's share; `None` if all are taken.
    pub(super) fn for_connection(&self, component: &ComponentName) -> Option<(Place, Arc<Share>)> {
        let share = self.share(component);
        let place = Place::take(&self.connections, &share.connections)?;
        Some((place, share))
    }

    /// A stream's place; `None` if all are taken.
    pub(super) fn for_stream(&self, share: &Share) -> Option<Place> {
        Place::take(&self.streams, &share.streams)
    }

    fn share(&self, component: &ComponentName) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(component).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Share {
            connections: Arc::new(Semaphore::new(CONNECTIONS_OF_ONE)),
            streams: Arc::new(Semaphore::new(STREAMS_OF_ONE)),
            busy: Arc::new(Semaphore::new(BUSY_OF_ONE)),
            unread: Arc::new(Semaphore::new(UNREAD_OF_ONE)),
            large: Arc::new(Semaphore::new(LARGE_OF_ONE)),
        });
        shares.insert(component.clone(), Arc::downgrade(&share));
        share
    }
}

impl Place {
    fn take(of_all: &Arc<Semaphore>, of_one: &Arc<Semaphore>) -> Option<Self> {
        Some(Self {
            _of_one: Arc::clone(of_one).try_acquire_owned().ok()?,
            _of_all: Arc::clone(of_all).try_acquire_owned().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_component_leaves_room_for_others() {
        let admission = Admission::default();
        let (greedy, modest) = ("greedy".parse().unwrap(), "modest".parse().unwrap());
        let taken: Vec<_> =
            std::iter::from_fn(|| admission.for_connection(&greedy)).take(CONNECTIONS).collect();
        assert_eq!(taken.len(), CONNECTIONS_OF_ONE);
        assert!(admission.for_connection(&modest).is_some());
        drop(taken);
        assert!(admission.for_connection(&greedy).is_some());
    }
}
