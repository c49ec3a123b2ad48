//! A transaction that several changes share: what one has done waits for the others that wait for their
//! turn, so that all go to disk together.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Most changes that share a transaction.
pub(super) const MOST: usize = 64;

/// What is known of one that is open.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Changes that are done and wait for it to last.
    pub(super) changes: usize,
    /// The tables that they changed.
    pub(super) changed: BTreeSet<&'static str>,
    /// What becomes of it.
    pub(super) outcome: Arc<Outcome>,
}

/// Whether a transaction lasts, once that is known.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    known: Mutex<Option<Result<(), String>>>,
    told: Condvar,
}

impl Outcome {
    /// Tell all who wait; the database's own words if it failed.
    pub(super) fn tell(&self, outcome: Result<(), String>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.told.notify_all();
    }

    /// Wait until it is known. Blocks.
    pub(super) fn wait(&self) -> Result<(), String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = known.as_ref() {
                return outcome.clone();
            }
            known = self.told.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
