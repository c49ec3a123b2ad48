//! PURE: the messages of one priority, in order: the first of them in memory, what lies behind them
//! on disk. Those that are on disk at all are rows of the store.

use crate::cloud::publication::{Publication, Qos};
use crate::store::SpoolLane;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// So many rows are read at once, and so many bytes of them, when half as many are left.
pub(super) const WINDOW: u32 = 512;
pub(super) const WINDOW_BYTES: u64 = 1 << 20;

/// Room for so many stays when nothing waits.
const SPARE: usize = 1024;

/// A publication in the spool, for as long as the nucleus runs. Its place: after a row, and after
/// others that are in memory alone.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SpoolId {
    pub(super) row: i64,
    pub(super) after: u64,
}

/// A message in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) publication: Arc<Publication>,
    pub(super) size: u64,
    /// By the spool's time.
    pub(super) expires: Option<i64>,
    /// Whether it is on disk too.
    pub(super) stored: bool,
    /// Whether it was handed out before.
    pub(super) again: bool,
}

impl Held {
    pub(super) fn is_unsure(&self) -> bool {
        self.publication.qos == Qos::AtMostOnce
    }

    pub(super) fn has_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The messages of one priority.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The number of the last row, on disk or on its way there.
    last: i64,
    /// Rows up to here are not only on disk, or no more.
    seen: i64,
    /// Rows after that, and those of QoS 0 among them.
    behind: u64,
    behind_unsure: u64,
    /// What waits in memory, in order.
    ready: VecDeque<(SpoolId, Held)>,
    /// Rows and bytes of rows in it, and messages of QoS 0.
    rows: u64,
    row_bytes: u64,
    unsure: u64,
    /// What is handed out.
    out: BTreeMap<SpoolId, Held>,
}

impl Lane {
    pub(super) fn new(start: i64, stored: SpoolLane) -> Self {
        Self {
            last: stored.last,
            seen: start,
            behind: stored.messages.unsigned_abs(),
            behind_unsure: stored.unsure.unsigned_abs(),
            ..Self::default()
        }
    }

    /// The number for the next row.
    pub(super) fn number(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// Rows up to here need not be read.
    pub(super) fn seen(&self) -> i64 {
        self.seen
    }

    /// Whether there are rows that are only on disk.
    pub(super) fn lies_behind(&self) -> bool {
        self.behind > 0
    }

    /// Whether there are such rows of QoS 0.
    pub(super) fn unsure_lie_behind(&self) -> bool {
        self.behind_unsure > 0
    }

    /// Whether the next of them comes first.
    pub(super) fn must_read(&self) -> bool {
        self.behind > 0 && self.ready.front().is_none_or(|(id, _)| id.row > self.seen)
    }

    /// Whether more rows should be read, before they are needed.
    pub(super) fn runs_low(&self) -> bool {
        let low = self.rows < u64::from(WINDOW) / 2 && self.row_bytes < WINDOW_BYTES / 2;
        self.behind > 0 && low
    }

    /// A message that is in memory alone comes last.
    pub(super) fn push(&mut self, after: u64, held: Held) {
        self.put((SpoolId { row: self.last, after }, held));
    }

    /// A row is on disk, and comes last. It stays in memory if there is room and none lies between.
    pub(super) fn kept(&mut self, number: i64, held: Held) {
        let room = self.rows < u64::from(WINDOW) && self.row_bytes < WINDOW_BYTES;
        if self.behind == 0 && room {
            self.seen = number;
            self.put((SpoolId { row: number, after: 0 }, held));
        } else {
            self.behind += 1;
            self.behind_unsure += u64::from(held.is_unsure());
        }
    }

    /// The next rows were read. `false`: there were none, though there should be.
    pub(super) fn read(&mut self, rows: impl IntoIterator<Item = (i64, Held)>) -> bool {
        let before = self.behind;
        for (number, held) in rows {
            self.seen = number;
            self.behind = self.behind.saturating_sub(1);
            self.behind_unsure = self.behind_unsure.saturating_sub(u64::from(held.is_unsure()));
            self.put((SpoolId { row: number, after: 0 }, held));
        }
        if self.behind == before {
            (self.behind, self.behind_unsure) = (0, 0);
        }
        self.behind < before || before == 0
    }

    /// Rows that were only on disk are there no more. There are no more of QoS 0 where none is left.
    pub(super) fn thinned(&mut self, messages: u64, unsure: u64, no_more_unsure: bool) {
        self.behind = self.behind.saturating_sub(messages);
        let left = self.behind_unsure.saturating_sub(unsure);
        self.behind_unsure = if no_more_unsure { 0 } else { left };
    }

    /// The first that waits in memory, taken out.
    pub(super) fn pop(&mut self) -> Option<(SpoolId, Held)> {
        self.remove(0)
    }

    /// The first of QoS 0, taken out; of those in memory alone, if only they are wanted.
    pub(super) fn pop_unsure(&mut self, only_memory: bool) -> Option<(SpoolId, Held)> {
        if self.unsure == 0 {
            return None;
        }
        self.pop_first(|held| held.is_unsure() && !(only_memory && held.stored))
    }

    /// The first that waits in memory of which this is so, taken out.
    pub(super) fn pop_first(&mut self, is: impl Fn(&Held) -> bool) -> Option<(SpoolId, Held)> {
        self.remove(self.ready.iter().position(|(_, held)| is(held))?)
    }

    /// All that wait in memory of which this is so, taken out.
    pub(super) fn extract(&mut self, is: impl Fn(&Held) -> bool) -> Vec<(SpoolId, Held)> {
        let all = std::mem::take(&mut self.ready).into_iter();
        let (gone, kept): (Vec<_>, Vec<_>) = all.partition(|(_, held)| is(held));
        self.ready = kept.into();
        gone.iter().for_each(|(_, held)| self.count_out(held));
        gone
    }

    /// It is handed out.
    pub(super) fn hand_out(&mut self, id: SpoolId, held: Held) {
        self.out.insert(id, held);
    }

    /// It is done.
    pub(super) fn done(&mut self, id: SpoolId) -> Option<Held> {
        self.out.remove(&id)
    }

    /// All that was handed out waits again, before all others. Gives how many those are.
    pub(super) fn give_back(&mut self) -> u64 {
        let out = std::mem::take(&mut self.out);
        let count = out.len() as u64;
        for (id, mut held) in out.into_iter().rev() {
            held.again = true;
            self.put((id, held));
        }
        count
    }

    #[cfg(test)]
    pub(super) fn in_memory(&self) -> usize {
        self.ready.len()
    }

    fn put(&mut self, (id, held): (SpoolId, Held)) {
        self.rows += u64::from(held.stored);
        self.row_bytes += if held.stored { held.size } else { 0 };
        self.unsure += u64::from(held.is_unsure());
        let place = match self.ready.back() {
            Some((last, _)) if *last > id => self.ready.partition_point(|(other, _)| *other < id),
            _ => self.ready.len(),
        };
        self.ready.insert(place, (id, held));
    }

    fn remove(&mut self, place: usize) -> Option<(SpoolId, Held)> {
        let (id, held) = self.ready.remove(place)?;
        self.count_out(&held);
        if self.ready.is_empty() {
            self.ready.shrink_to(SPARE);
        }
        Some((id, held))
    }

    fn count_out(&mut self, held: &Held) {
        self.rows -= u64::from(held.stored);
        self.row_bytes -= if held.stored { held.size } else { 0 };
        self.unsure -= u64::from(held.is_unsure());
    }
}
