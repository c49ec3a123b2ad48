//! Who waits for changes to tables.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

type Tables = &'static [&'static str];

/// All who wait, and for what.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Vec<(Tables, watch::Sender<u64>)>>);

impl Watchers {
    /// Counts changes to any of the tables.
    pub(super) fn watch(&self, tables: Tables) -> watch::Receiver<u64> {
        let (sender, receiver) = watch::channel(0);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((tables, sender));
        receiver
    }

    /// Tell of a change that lasts. Those who went away are forgotten.
    pub(super) fn changed(&self, changed: &BTreeSet<&'static str>) {
        let mut watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|(_, sender)| !sender.is_closed());
        for (tables, sender) in watchers.iter() {
            if tables.iter().any(|table| changed.contains(table)) {
                sender.send_modify(|count| *count += 1);
            }
        }
    }
}
