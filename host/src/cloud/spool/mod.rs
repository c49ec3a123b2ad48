//! What is published waits here until the broker has it: the outgoing queue of the device.
//!
//! QoS 1 is on disk before its publisher hears that it is published, and leaves the disk after the
//! broker has acknowledged it: nothing acknowledged is lost, and after a crash some is sent twice.
//! QoS 0 is in memory, unless it is to wait for a connection. Of what is on disk only the front is in
//! memory ([`lane`]); what is to happen decides [`state`].

mod age;
mod lane;
mod losses;
mod ranges;
mod row;
mod state;
#[cfg(test)]
mod tests;

pub use lane::SpoolId;

use super::publication::Publication;
use crate::clock::Clock;
use crate::metrics::SpoolFigures;
use crate::store::{LANES, Place, SpoolLane, Store, StoreError, lane_start};
use age::{Age, Machine};
use gg_model::NucleusSettings;
use lane::{Held, WINDOW, WINDOW_BYTES};
use state::{Limits, Newcomer, Next, OnDisk, State, Undeleted, lane_of, priority_of};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Notify, oneshot, watch};

/// How long the last that are done stay on disk while nothing else happens.
const DELETE_WITHIN: Duration = Duration::from_secs(1);

/// Until the disk is asked again after it failed.
const RETRY: Duration = Duration::from_secs(1);

/// What a message takes beside its own bytes.
const OVERHEAD: u64 = 64;

/// Why a publication was not taken.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// There is no room, and nothing that may make some.
    #[error(
        "the spool is full ({bytes} bytes in {messages} messages); see mqtt.spooler.maxSizeInBytes"
    )]
    Full {
        /// What waits.
        messages: u64,
        /// What that takes.
        bytes: u64,
    },
    /// Its QoS is 0, and the device is offline.
    #[error(
        "the device is offline, and keeps no messages of QoS 0; see mqtt.spooler.keepQos0WhenOffline"
    )]
    Offline,
    /// It could not be written to disk.
    #[error("it cannot be kept: {0}")]
    Store(#[from] StoreError),
    /// It is larger than the whole spool may be.
    #[error(
        "{size} bytes are more than the spool may hold ({most}); see mqtt.spooler.maxSizeInBytes"
    )]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        most: u64,
    },
}

/// What is handed out.
#[derive(Clone, Debug)]
pub struct Spooled {
    /// By which it is [`done`](Spool::done).
    pub id: SpoolId,
    /// What to send. Its expiry is what is left of it.
    pub publication: Arc<Publication>,
    /// Whether it was handed out before, by this nucleus.
    pub again: bool,
}

/// The outgoing queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Option<Store>,
    settings: watch::Receiver<Arc<NucleusSettings>>,
    age: Age,
    state: Mutex<State>,
    waiting: Notify,
    /// Told when rows are no longer read or taken away that are only on disk.
    idle: Notify,
}

/// How far a publication has come.
#[derive(Debug)]
enum Begun {
    /// It is in memory, which is all.
    Kept,
    /// Something must be done on disk before there is room.
    NoRoomYet(Arc<Publication>, OnDisk),
    /// It is on its way to disk.
    Writing(oneshot::Receiver<Result<(), StoreError>>),
}

impl Spool {
    /// What the store holds, and what will come. Without a store everything is in memory. What
    /// `mqtt.spooler` says counts at once whenever it changes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open(
        store: Option<Store>,
        settings: watch::Receiver<Arc<NucleusSettings>>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        Self::open_on(store, settings, clock, Machine::this()).await
    }

    async fn open_on(
        store: Option<Store>,
        settings: watch::Receiver<Arc<NucleusSettings>>,
        clock: Clock,
        machine: Machine,
    ) -> Result<Self, StoreError> {
        let (lanes, stamp) = match &store {
            Some(store) => (store.spool_lanes().await?, store.spool_stamp().await?),
            None => {
                let empty = |lane| SpoolLane { last: lane_start(lane), ..SpoolLane::default() };
                (std::array::from_fn::<_, LANES, _>(empty), None)
            }
        };
        Ok(Self(Arc::new(Shared {
            store,
            settings,
            age: Age::resume(stamp.as_ref(), clock, machine),
            state: Mutex::new(State::new(&lanes, stamp.is_some())),
            waiting: Notify::new(),
            idle: Notify::new(),
        })))
    }

    /// Take a publication. QoS 1 is on disk when this returns. If the caller does not wait for that,
    /// it may be sent or not.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn push(&self, publication: impl Into<Arc<Publication>>) -> Result<(), SpoolError> {
        let mut publication = publication.into();
        loop {
            let stored = self.lock().goes_to_disk(&self.limits(), &publication);
            let place = match &self.0.store {
                Some(store) if stored => Some(store.place().await?),
                _ => None,
            };
            match self.begin(publication, place)? {
                Begun::Kept => return Ok(()),
                Begun::Writing(answer) => {
                    return Ok(answer.await.map_err(|_| StoreError::Closed)??);
                }
                Begun::NoRoomYet(back, on_disk) => {
                    publication = back;
                    self.on_disk(on_disk).await?;
                }
            }
        }
    }

    /// Take a publication, into memory or by a place in the store's queue.
    fn begin(
        &self,
        publication: Arc<Publication>,
        place: Option<Place<'_>>,
    ) -> Result<Begun, SpoolError> {
        let (now, limits) = (self.0.age.now(), self.limits());
        let lane = lane_of(publication.priority);
        let (size, stored) = (publication.size() + OVERHEAD, place.is_some());
        let mut state = self.lock();
        state.admit(&limits, &publication)?;
        if let Some(on_disk) = state.make_room(&limits, Newcomer { lane, size, stored }, now)? {
            return Ok(Begun::NoRoomYet(publication, on_disk));
        }
        let expires = publication.message_expiry.map(|seconds| age::expiry(now, seconds));
        let held = Held { publication, size, expires, stored, again: false };
        let Some(place) = place else {
            state.push(lane, held);
            drop(state);
            self.0.waiting.notify_one();
            return Ok(Begun::Kept);
        };
        // Numbers are in the order of the writes, since both happen under the lock.
        let number = state.begin(lane, &held);
        let row = row::to_row(number, &held);
        let stamp = expires.map(|_| self.0.age.stamp());
        let (sender, answer) = oneshot::channel();
        let spool = self.clone();
        place.spool(row, stamp, move |outcome| {
            spool.written(number, held, &outcome);
            let _gone = sender.send(outcome);
        });
        drop(state);
        // Others may have made room.
        self.delete_done();
        Ok(Begun::Writing(answer))
    }

    /// A row was written or not. Called in the order of the numbers.
    fn written(&self, number: i64, held: Held, outcome: &Result<(), StoreError>) {
        let mut state = self.lock();
        match outcome {
            Ok(()) => state.kept(number, held),
            Err(_) => state.not_kept(number, &held),
        }
        drop(state);
        self.0.waiting.notify_one();
    }

    /// The next to send, as soon as there is one: by priority, then in the order in which they were
    /// taken. Each is handed out once, to one caller at a time. Nothing is lost when the caller does
    /// not wait for it.
    pub async fn next(&self) -> Spooled {
        loop {
            let (waiting, now) = (self.0.waiting.notified(), self.0.age.now());
            let next = self.lock().next(now);
            self.read_ahead();
            match next {
                Next::Ready(spooled) => return spooled,
                Next::OnDisk(on_disk) => {
                    if let Err(error) = self.on_disk(on_disk).await {
                        tracing::error!(%error, "what waits for the cloud cannot be read");
                        tokio::time::sleep(RETRY).await;
                    }
                }
                Next::Nothing if self.lock().may_delete() => {
                    if tokio::time::timeout(DELETE_WITHIN, waiting).await.is_err() {
                        self.delete(State::may_delete);
                    }
                }
                Next::Nothing => waiting.await,
            }
            // What has expired may have made many.
            self.delete_done();
        }
    }

    /// It is sent (QoS 0), or the broker has acknowledged it (QoS 1). Says nothing of one that was
    /// given back.
    pub fn done(&self, id: SpoolId) {
        self.lock().done(id);
        self.delete_done();
    }

    /// There is a connection: QoS 0 is taken from now on.
    pub fn online(&self) {
        self.lock().online = true;
    }

    /// There is no connection any more. All that was handed out and is not done will be handed out
    /// again, before all others and in the same order; but QoS 0 is dropped and refused, unless it is
    /// to be kept.
    pub fn give_back(&self) {
        let limits = self.limits();
        self.lock().give_back(&limits);
        self.0.waiting.notify_one();
        self.delete(State::may_delete);
    }

    /// How it stands.
    pub fn figures(&self) -> SpoolFigures {
        self.lock().figures()
    }

    /// Write down what is done, so that the next nucleus does not send it again.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn close(&self) -> Result<(), StoreError> {
        let Some(store) = &self.0.store else { return Ok(()) };
        let place = store.place().await?;
        let (sender, answer) = oneshot::channel();
        let undeleted = self.lock().take_undeleted();
        place.unspool(undeleted.ranges, move |outcome| {
            let _gone = sender.send(outcome);
        });
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Do what must be done on disk, or wait while something else is.
    async fn on_disk(&self, on_disk: OnDisk) -> Result<(), StoreError> {
        let Some(store) = &self.0.store else { return Ok(()) };
        let idle = self.0.idle.notified();
        let place = store.place().await?;
        match self.start_on_disk(place, on_disk) {
            Some(answer) => answer.await.map_err(|_| StoreError::Closed)?,
            None => {
                idle.await;
                Ok(())
            }
        }
    }

    /// The same, without waiting for it: it is carried out even if nobody does. `None`: something
    /// else is being done.
    fn start_on_disk(
        &self,
        place: Place<'_>,
        on_disk: OnDisk,
    ) -> Option<oneshot::Receiver<Result<(), StoreError>>> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.busy, true) {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        let spool = self.clone();
        match on_disk {
            OnDisk::Read(lane) => {
                let after = state.seen(lane);
                let most = (WINDOW, i64::try_from(WINDOW_BYTES).unwrap_or(i64::MAX));
                place.spooled(lane, after, most, move |rows| {
                    let priority = priority_of(lane);
                    let outcome = rows.map(|rows| {
                        let rows = rows.into_iter().map(|row| row::from_row(priority, row));
                        spool.lock().read(lane, rows);
                    });
                    spool.is_idle();
                    let _gone = sender.send(outcome);
                });
            }
            OnDisk::Thin(lane, thin) => {
                let lanes = lane.map_or(0..LANES, |lane| lane..lane + 1);
                let lanes = lanes.filter(|lane| state.lies_behind(*lane));
                let after = lanes.map(|lane| (lane, state.seen(lane))).collect();
                place.thin_spool(after, thin, move |gone| {
                    let outcome = gone.map(|gone| {
                        let mut state = spool.lock();
                        gone.into_iter().for_each(|(lane, gone)| state.thinned(lane, thin, gone));
                    });
                    spool.is_idle();
                    let _gone = sender.send(outcome);
                });
            }
        }
        drop(state);
        Some(answer)
    }

    fn is_idle(&self) {
        self.lock().busy = false;
        self.0.idle.notify_waiters();
        self.0.waiting.notify_one();
    }

    /// Have rows read that will be needed soon.
    fn read_ahead(&self) {
        let Some(lane) = self.lock().runs_low() else { return };
        if let Some(place) = self.0.store.as_ref().and_then(Store::try_place) {
            drop(self.start_on_disk(place, OnDisk::Read(lane)));
        }
    }

    /// Delete what is done, if there is much of it.
    fn delete_done(&self) {
        self.delete(State::must_delete);
    }

    /// Delete what is done if it is time, without waiting for it.
    fn delete(&self, is_time: impl Fn(&State) -> bool) {
        let mut state = self.lock();
        if !is_time(&state) {
            return;
        }
        // If there is no place now, there will be one next time.
        let Some(place) = self.0.store.as_ref().and_then(Store::try_place) else { return };
        let undeleted = state.start_deleting();
        drop(state);
        let ranges = undeleted.ranges.clone();
        let spool = self.clone();
        place.unspool(ranges, move |outcome| spool.deleted(undeleted, &outcome));
    }

    fn deleted(&self, undeleted: Undeleted, outcome: &Result<(), StoreError>) {
        let news = self.lock().deleted(undeleted, outcome.is_ok());
        match outcome {
            Err(error) if news => {
                tracing::warn!(%error, "messages that were sent cannot be deleted yet");
            }
            _ => {}
        }
        self.0.waiting.notify_one();
        if outcome.is_ok() {
            // There may be many again.
            self.delete_done();
        }
    }

    fn limits(&self) -> Limits {
        Limits::new(&self.0.settings.borrow().mqtt.spooler, self.0.store.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
