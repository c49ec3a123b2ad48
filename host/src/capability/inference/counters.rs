//! What is counted of a model, from the nucleus's start on, through all its versions.

use crate::metrics::Counter;
use std::time::Duration;

/// What is counted of a model.
#[derive(Debug, Default)]
pub(super) struct ModelCounters {
    /// Predictions that were asked for.
    pub(super) calls: Counter,
    /// Those of them that were not made.
    pub(super) errors: Counter,
    /// Of those, the ones that took too long.
    pub(super) late: Counter,
    /// Of those, the ones for which the queue had no room.
    pub(super) full: Counter,
    /// Predictions that were made.
    pub(super) made: Counter,
    /// Microseconds from question to answer, of predictions that were made.
    pub(super) micros: Counter,
    /// Times that a worker ran, each for one prediction or for a batch.
    pub(super) runs: Counter,
    /// Times that it was loaded.
    pub(super) loads: Counter,
    /// Times that it made room for others.
    pub(super) evictions: Counter,
    /// Times that its worker ended over a prediction.
    pub(super) crashes: Counter,
}

impl ModelCounters {
    /// A prediction was made, which took so long.
    pub(super) fn answered(&self, took: Duration) {
        self.made.add(1);
        self.micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}
