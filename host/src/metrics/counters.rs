//! Numbers that only grow, counted where things happen.

use gg_model::ComponentName;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// All so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one component does, through all its instances.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages that it published to local topics.
    pub published: Counter,
    /// Messages of local topics that it took out of its queues.
    pub delivered: Counter,
    /// Messages that were lost because its queues were full.
    pub dropped: Counter,
    /// Log records that were left out.
    pub logs_dropped: Counter,
}

/// The counters of all components. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<BTreeMap<ComponentName, Arc<Counters>>>>);

impl Registry {
    /// A component's counters, which begin at 0 when they are asked for first.
    pub fn of(&self, component: &ComponentName) -> Arc<Counters> {
        let mut all = self.lock();
        match all.get(component) {
            Some(counters) => Arc::clone(counters),
            None => Arc::clone(all.entry(component.clone()).or_default()),
        }
    }

    /// A component is not here any more.
    pub fn forget(&self, component: &ComponentName) {
        self.lock().remove(component);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ComponentName, Arc<Counters>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
