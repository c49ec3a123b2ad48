//! Who comes in, and how much of the server each component gets.
//!
//! Everything that a component can make the server keep is counted for it, so that it takes nothing
//! away from others: connections, streams, calls under way, and frames that take much memory.

use gg_model::ComponentName;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections at one time, of all and of one component.
pub(super) const CONNECTIONS: usize = 4096;
pub(super) const CONNECTIONS_OF_ONE: usize = 1024;

/// Those beside them that have not shown a token yet. One more sends the oldest of them away: a client
/// shows its token at once, and must not wait behind those that never do.
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
    newcomers: Arc<Mutex<Newcomers>>,
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    shares: Mutex<HashMap<ComponentName, Weak<Share>>>,
}

/// Those that have not shown a token yet, the oldest first.
#[derive(Debug, Default)]
struct Newcomers {
    waiting: BTreeMap<u64, CancellationToken>,
    next: u64,
}

/// One that has not shown a token yet; no longer one when dropped.
#[derive(Debug)]
pub(super) struct Newcomer {
    number: u64,
    of: Arc<Mutex<Newcomers>>,
    sent_away: CancellationToken,
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
            newcomers: Arc::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            shares: Mutex::default(),
        }
    }
}

impl Admission {
    /// One more has come who has not said who they are.
    pub(super) fn newcomer(&self) -> Newcomer {
        let sent_away = CancellationToken::new();
        let mut newcomers = lock(&self.newcomers);
        let number = newcomers.next;
        newcomers.next += 1;
        newcomers.waiting.insert(number, sent_away.clone());
        if newcomers.waiting.len() > NEWCOMERS
            && let Some((_, oldest)) = newcomers.waiting.pop_first()
        {
            oldest.cancel();
        }
        Newcomer { number, of: Arc::clone(&self.newcomers), sent_away }
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
        let mut shares = lock(&self.shares);
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

impl Newcomer {
    /// Wait until it is sent away, as others have come.
    pub(super) async fn sent_away(&self) {
        self.sent_away.cancelled().await;
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        lock(&self.of).waiting.remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
