//! PURE: what is in the spool and what becomes of it, without the disk and without waiting.

use super::age::seconds_left;
use super::lane::{Held, Lane, SpoolId};
use super::losses::{Loss, Losses};
use super::ranges::Ranges;
use super::{SpoolError, Spooled};
use crate::cloud::publication::{Priority, Publication, Qos};
use crate::metrics::SpoolFigures;
use crate::store::{Gone, LANES, SpoolLane, Thin, lane_start};
use gg_model::nucleus::{SpoolerSettings, SpoolerStorage, WhenSpoolerFull};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// As much as Greengrass keeps where nobody says otherwise (developer guide, "Greengrass nucleus").
const BYTES: u64 = 2_621_440;

/// Rows that are done are deleted when there are so many, or so many bytes or ranges of them.
const MANY_UNDELETED: u64 = 256;
const MANY_UNDELETED_BYTES: u64 = 1 << 20;
const MANY_RANGES: usize = 64;

/// Nothing is handed out while so many are done and still on disk. After a crash no more are sent
/// again.
pub(super) const MOST_UNDELETED: u64 = 1024;

/// Milliseconds between two searches for what has expired, where there is no room.
const PURGE_PAUSE: i64 = 1_000;

/// What the spool may hold and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    bytes: u64,
    messages: u64,
    /// Bytes of messages that are in memory alone.
    memory: u64,
    disk: bool,
    keep_qos0: bool,
    drop_oldest: bool,
}

impl Limits {
    pub(super) fn new(settings: &SpoolerSettings, has_store: bool) -> Self {
        let disk = has_store && settings.storage != Some(SpoolerStorage::Memory);
        let bytes = settings.bytes.unwrap_or(BYTES);
        Self {
            bytes,
            messages: settings.messages.unwrap_or(u64::MAX),
            memory: if disk { bytes.min(BYTES) } else { bytes },
            disk,
            keep_qos0: settings.keep_qos0,
            drop_oldest: settings.when_full == WhenSpoolerFull::DropOldest,
        }
    }
}

/// A message for which there is to be room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer {
    pub(super) lane: usize,
    pub(super) size: u64,
    /// Whether it goes to disk.
    pub(super) stored: bool,
}

/// What must be done on disk first.
#[derive(Clone, Copy, Debug)]
pub(super) enum OnDisk {
    /// The next rows of a lane are to be read.
    Read(usize),
    /// Rows that are only on disk are to go, of one lane or all.
    Thin(Option<usize>, Thin),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Nothing,
    OnDisk(OnDisk),
    Ready(Spooled),
}

/// Rows that are done and still on disk.
#[derive(Debug, Default)]
pub(super) struct Undeleted {
    pub(super) ranges: Vec<RangeInclusive<i64>>,
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) online: bool,
    lanes: [Lane; LANES],
    /// Numbers those in memory alone.
    after: u64,
    messages: u64,
    bytes: u64,
    /// Bytes in memory alone.
    memory: u64,
    taken: u64,
    sent: u64,
    again: u64,
    losses: Losses,
    /// Whether anything can expire, and when it was looked for last.
    expires: bool,
    purged: Option<i64>,
    ranges: Ranges,
    undeleted: u64,
    undeleted_bytes: u64,
    being_deleted: u64,
    /// Whether rows are being read or taken away that are only on disk.
    pub(super) busy: bool,
    /// Whether some are being deleted, and whether that failed last time.
    deleting: bool,
    delete_fails: bool,
}

pub(super) fn lane_of(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

pub(super) fn priority_of(lane: usize) -> Priority {
    match lane {
        0 => Priority::High,
        1 => Priority::Normal,
        _ => Priority::Low,
    }
}

/// The lane of a row.
fn lane_of_row(row: i64) -> usize {
    (0..LANES).rev().find(|lane| row >= lane_start(*lane)).unwrap_or_default()
}

impl State {
    pub(super) fn new(stored: &[SpoolLane; LANES], expires: bool) -> Self {
        let mut state = Self { expires, ..Self::default() };
        for (number, lane) in stored.iter().enumerate() {
            state.lanes[number] = Lane::new(lane_start(number), *lane);
            state.messages += lane.messages.unsigned_abs();
            state.bytes += lane.bytes.unsigned_abs();
        }
        state
    }

    /// Whether a publication goes to disk. QoS 0 does if it is to wait for long.
    pub(super) fn goes_to_disk(&self, limits: &Limits, publication: &Publication) -> bool {
        let waits = !self.online || self.lanes[lane_of(publication.priority)].lies_behind();
        limits.disk && (publication.qos == Qos::AtLeastOnce || limits.keep_qos0 && waits)
    }

    /// Whether a publication can be taken now.
    ///
    /// # Errors
    /// It would not be kept until there is a connection.
    pub(super) fn admit(
        &mut self,
        limits: &Limits,
        publication: &Publication,
    ) -> Result<(), SpoolError> {
        if publication.qos == Qos::AtMostOnce && !self.online && !limits.keep_qos0 {
            self.losses.add(Loss::Offline);
            return Err(SpoolError::Offline);
        }
        Ok(())
    }

    /// Make room, if need be at the cost of others that are not more urgent: of what has expired,
    /// then of the oldest of QoS 0, then of the oldest if that is the rule. `Some`: try again when
    /// this is done.
    ///
    /// # Errors
    /// There is no room.
    pub(super) fn make_room(
        &mut self,
        limits: &Limits,
        newcomer: Newcomer,
        now: i64,
    ) -> Result<Option<OnDisk>, SpoolError> {
        let Newcomer { lane, size, stored } = newcomer;
        if size > limits.bytes {
            self.losses.add(Loss::Refused);
            return Err(SpoolError::TooLarge { size, most: limits.bytes });
        }
        let after = self.bytes.saturating_add(size);
        let mut over = after.saturating_sub(limits.bytes);
        loop {
            let full = self.messages >= limits.messages || over > 0;
            let memory_full = !stored && self.memory.saturating_add(size) > limits.memory;
            if !full && !memory_full {
                return Ok(None);
            }
            if let Some(on_disk) = self.purge(now) {
                return Ok(Some(on_disk));
            }
            let others = (lane..LANES).rev();
            let only_memory = !full;
            let gone = others.clone().find_map(|lane| self.lanes[lane].pop_unsure(only_memory));
            if gone.is_none() && full {
                let mut behind =
                    others.clone().filter(|lane| self.lanes[*lane].unsure_lie_behind());
                if let Some(lane) = behind.next() {
                    let wanted = i64::try_from(over.max(1)).unwrap_or(i64::MAX);
                    return Ok(Some(OnDisk::Thin(Some(lane), Thin::Unsure(wanted))));
                }
            }
            let gone = match gone {
                None if limits.drop_oldest && full => {
                    if let Some(lane) = others.clone().find(|lane| self.lanes[*lane].must_read()) {
                        return Ok(Some(OnDisk::Read(lane)));
                    }
                    others.clone().find_map(|lane| self.lanes[lane].pop())
                }
                None if limits.drop_oldest => {
                    others.clone().find_map(|lane| self.lanes[lane].pop_first(|held| !held.stored))
                }
                gone => gone,
            };
            let Some((id, held)) = gone else {
                self.losses.add(Loss::Refused);
                return Err(SpoolError::Full { messages: self.messages, bytes: self.bytes });
            };
            over = over.saturating_sub(held.size);
            self.lose(id, &held, Loss::Full);
        }
    }

    /// Let go of what has expired, now and then.
    fn purge(&mut self, now: i64) -> Option<OnDisk> {
        if !self.expires || self.purged.is_some_and(|last| now < last + PURGE_PAUSE) {
            return None;
        }
        for lane in 0..LANES {
            for (id, held) in self.lanes[lane].extract(|held| held.has_expired(now)) {
                self.lose(id, &held, Loss::Expired);
            }
        }
        self.purged = Some(now);
        Some(OnDisk::Thin(None, Thin::Expired(now)))
    }

    /// Take a message that stays in memory.
    pub(super) fn push(&mut self, lane: usize, held: Held) {
        self.enter(&held);
        self.memory += held.size;
        self.after += 1;
        self.lanes[lane].push(self.after, held);
    }

    /// Take a message that is on its way to disk, under this number.
    pub(super) fn begin(&mut self, lane: usize, held: &Held) -> i64 {
        self.enter(held);
        self.lanes[lane].number()
    }

    /// It is there.
    pub(super) fn kept(&mut self, number: i64, held: Held) {
        self.lanes[lane_of_row(number)].kept(number, held);
    }

    /// It is not.
    pub(super) fn not_kept(&mut self, number: i64, held: &Held) {
        self.leave(held);
        self.taken -= 1;
        // So that there is no gap between those that are done.
        self.ranges.add(number..=number);
    }

    /// What comes next.
    pub(super) fn next(&mut self, now: i64) -> Next {
        if self.deleting && self.undeleted + self.being_deleted >= MOST_UNDELETED {
            return Next::Nothing;
        }
        for lane in 0..LANES {
            loop {
                if self.lanes[lane].must_read() {
                    return Next::OnDisk(OnDisk::Read(lane));
                }
                let Some((id, held)) = self.lanes[lane].pop() else { break };
                if held.has_expired(now) {
                    self.lose(id, &held, Loss::Expired);
                    continue;
                }
                let mut publication = Arc::clone(&held.publication);
                if let Some(expires) = held.expires {
                    Arc::make_mut(&mut publication).message_expiry = seconds_left(now, expires);
                }
                let spooled = Spooled { id, publication, again: held.again };
                self.lanes[lane].hand_out(id, held);
                return Next::Ready(spooled);
            }
        }
        Next::Nothing
    }

    /// Rows of a lane up to this one need not be read.
    pub(super) fn seen(&self, lane: usize) -> i64 {
        self.lanes[lane].seen()
    }

    /// Whether a lane has rows that are only on disk.
    pub(super) fn lies_behind(&self, lane: usize) -> bool {
        self.lanes[lane].lies_behind()
    }

    /// A lane of which more should be read, before it is needed.
    pub(super) fn runs_low(&self) -> Option<usize> {
        let low = || (0..LANES).find(|lane| self.lanes[*lane].runs_low());
        if self.busy { None } else { low() }
    }

    /// The next rows of a lane were read.
    pub(super) fn read(&mut self, lane: usize, rows: impl IntoIterator<Item = (i64, Held)>) {
        if !self.lanes[lane].read(rows) {
            tracing::error!(lane, "there are fewer messages in the spool than were counted");
        }
    }

    /// Rows of a lane that were only on disk have gone.
    pub(super) fn thinned(&mut self, lane: usize, thin: Thin, gone: Gone) {
        let Gone { messages, bytes, unsure } = gone;
        let count = messages.unsigned_abs();
        let no_more = matches!(thin, Thin::Unsure(wanted) if bytes < wanted);
        self.lanes[lane].thinned(count, unsure.unsigned_abs(), no_more);
        self.messages = self.messages.saturating_sub(count);
        self.bytes = self.bytes.saturating_sub(bytes.unsigned_abs());
        let loss = if matches!(thin, Thin::Expired(_)) { Loss::Expired } else { Loss::Full };
        (0..count).for_each(|_| self.losses.add(loss));
        self.look_whether_empty();
    }

    /// One that was handed out is done.
    pub(super) fn done(&mut self, id: SpoolId) {
        let Some(held) = self.lanes[lane_of_row(id.row)].done(id) else { return };
        self.sent += 1;
        self.go(id, &held);
    }

    /// All that was handed out waits again. What is of QoS 0 and in memory goes, unless it is to wait
    /// for a connection.
    pub(super) fn give_back(&mut self, limits: &Limits) {
        self.online = false;
        for lane in 0..LANES {
            self.again += self.lanes[lane].give_back();
            if limits.keep_qos0 {
                continue;
            }
            for (id, held) in self.lanes[lane].extract(|held| held.is_unsure() && !held.stored) {
                self.lose(id, &held, Loss::Offline);
            }
        }
    }

    /// Whether it is time to delete what is done.
    pub(super) fn must_delete(&self) -> bool {
        !self.deleting
            && (self.undeleted >= MANY_UNDELETED
                || self.undeleted_bytes >= MANY_UNDELETED_BYTES
                || self.ranges.len() >= MANY_RANGES)
    }

    /// Whether there is anything to delete.
    pub(super) fn may_delete(&self) -> bool {
        !self.deleting && self.ranges.len() > 0
    }

    /// What is done and still on disk is being deleted.
    pub(super) fn start_deleting(&mut self) -> Undeleted {
        self.deleting = true;
        self.being_deleted = self.undeleted;
        self.take_undeleted()
    }

    /// It is deleted, or not. Gives whether that is news.
    pub(super) fn deleted(&mut self, undeleted: Undeleted, well: bool) -> bool {
        self.deleting = false;
        self.being_deleted = 0;
        if !well {
            undeleted.ranges.into_iter().for_each(|range| self.ranges.add(range));
            self.undeleted += undeleted.messages;
            self.undeleted_bytes += undeleted.bytes;
        }
        std::mem::replace(&mut self.delete_fails, !well) == well
    }

    /// What is done and still on disk, for somebody to delete.
    pub(super) fn take_undeleted(&mut self) -> Undeleted {
        Undeleted {
            ranges: self.ranges.take(),
            messages: std::mem::take(&mut self.undeleted),
            bytes: std::mem::take(&mut self.undeleted_bytes),
        }
    }

    /// Messages that wait and are in memory.
    #[cfg(test)]
    pub(super) fn in_memory(&self) -> usize {
        self.lanes.iter().map(Lane::in_memory).sum()
    }

    pub(super) fn figures(&self) -> SpoolFigures {
        SpoolFigures {
            messages: self.messages,
            bytes: self.bytes,
            taken: self.taken,
            sent: self.sent,
            again: self.again,
            lost: self.losses.counts().map(|(reason, count)| (reason.to_owned(), count)).into(),
        }
    }

    fn lose(&mut self, id: SpoolId, held: &Held, loss: Loss) {
        self.losses.add(loss);
        self.go(id, held);
    }

    /// A message leaves the spool that was in memory.
    fn go(&mut self, id: SpoolId, held: &Held) {
        if held.stored {
            self.ranges.add(id.row..=id.row);
            self.undeleted += 1;
            self.undeleted_bytes += held.size;
        } else {
            self.memory -= held.size;
        }
        self.leave(held);
    }

    fn enter(&mut self, held: &Held) {
        self.messages += 1;
        self.bytes += held.size;
        self.taken += 1;
        self.expires |= held.expires.is_some();
    }

    fn leave(&mut self, held: &Held) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(held.size);
        self.look_whether_empty();
    }

    fn look_whether_empty(&mut self) {
        if self.messages == 0 {
            self.losses.is_empty_again();
        }
    }
}
