//! The place of an execution among all.
//!
//! A device drops a job that was queued before the one that it saw last (`LatestQueuedJobs` of the
//! Java nucleus). So the time never goes back, whatever the machine's clock does, and what is queued
//! within a second has an order.

use crate::clock::Time;
use crate::state::{Key, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};

const LAST: Table<Queued> = Table::new("jobs-order");

/// When an execution was queued.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Queued {
    /// Its place: no other has the same but those of one job that were queued together.
    pub order: u64,
    /// Seconds.
    pub at: u64,
}

/// The next place.
pub(super) fn next(tx: &mut dyn Transaction, now: Time) -> Result<Queued, StateError> {
    let last = LAST.get(tx, &Key::new())?.unwrap_or_default();
    let next = Queued { order: last.order + 1, at: now.seconds().max(last.at) };
    LAST.put(tx, &Key::new(), &next)?;
    Ok(next)
}
