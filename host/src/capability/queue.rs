//! One subscription's queue, of local topics or of the cloud's: bounded in messages by itself and in
//! bytes together with the other queues of its component, with one reader and any number of
//! publishers.

use super::caller::{Budget, Caller};
use crate::metrics::Counters;
use gg_model::{ComponentName, WhenFull};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Messages a subscription's queue holds unless it says otherwise.
pub const DEFAULT_QUEUE: u32 = 256;

/// How long a publisher waits for room in a queue that asks it to. A subscriber that takes
/// nothing for so long loses the right to hold others up until it reads again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Messages the reader takes out at once, so that it and the publishers seldom meet at the lock.
const BATCH: usize = 32;

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Offer {
    /// It is in the queue, which has room for so many more.
    Taken { room: usize },
    /// It, or an older one in its place, was dropped and counted.
    Dropped,
    /// There is no room, and the subscriber asked publishers to wait.
    Full,
}

/// What waits in a queue.
pub(crate) trait Waiting {
    /// Bytes it takes while it waits, what is around the payload included.
    fn size(&self) -> u64;
}

#[derive(Debug)]
pub(crate) struct Queue<M> {
    /// Whose subscription it is.
    pub(crate) owner: ComponentName,
    pub(crate) from_others: bool,
    when_full: WhenFull,
    capacity: usize,
    bytes: Budget,
    state: Mutex<State<M>>,
    dropped: AtomicU32,
    /// Its owner's.
    counters: Arc<Counters>,
    /// Nobody has read for [`PATIENCE`] while a publisher waited.
    stalled: AtomicBool,
    room: Notify,
}

#[derive(Debug)]
struct State<M> {
    messages: VecDeque<Arc<M>>,
    reader: Option<Waker>,
    closed: bool,
}

impl<M: Waiting> Queue<M> {
    /// A queue of messages, those of its owner left out or not; full at so many messages, or when
    /// its owner's budget of bytes is spent.
    pub(crate) fn new(
        owner: ComponentName,
        from_others: bool,
        when_full: WhenFull,
        capacity: usize,
        bytes: Budget,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            owner,
            from_others,
            when_full,
            capacity: capacity.max(1),
            bytes,
            state: Mutex::new(State { messages: VecDeque::new(), reader: None, closed: false }),
            dropped: AtomicU32::new(0),
            counters,
            stalled: AtomicBool::new(false),
            room: Notify::new(),
        }
    }

    /// Put a message in, if there is room or the subscription's rule makes some.
    pub(crate) fn offer(&self, message: &Arc<M>) -> Offer {
        let mut state = self.lock();
        if state.closed {
            return Offer::Taken { room: usize::MAX };
        }
        let size = message.size();
        let mut dropped = 0;
        while state.messages.len() >= self.capacity || !self.bytes.take(size) {
            match self.when_full {
                WhenFull::Block if !self.stalled.load(Ordering::Relaxed) => return Offer::Full,
                WhenFull::DropOldest if let Some(oldest) = state.messages.pop_front() => {
                    self.bytes.give(oldest.size());
                    dropped += 1;
                }
                _ => {
                    drop(state);
                    self.count_dropped(dropped + 1);
                    return Offer::Dropped;
                }
            }
        }
        state.messages.push_back(Arc::clone(message));
        let room = self.capacity.saturating_sub(state.messages.len());
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        if dropped > 0 {
            self.count_dropped(dropped);
            return Offer::Dropped;
        }
        Offer::Taken { room }
    }

    /// Put a message in, waiting for room. Gives up after [`PATIENCE`].
    pub(crate) async fn offer_patiently(&self, message: &Arc<M>) {
        let patience = async {
            loop {
                let room = self.room.notified();
                if self.offer(message) != Offer::Full {
                    return;
                }
                room.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, patience).await;
        if waited.is_err() && self.offer(message) == Offer::Full {
            self.stalled.store(true, Ordering::Relaxed);
            self.offer(message);
        }
    }

    /// A message that does not wait for room is lost to this one.
    pub(super) fn pass_by(&self) {
        self.count_dropped(1);
    }

    /// Move waiting messages into `batch`, or ask to be woken.
    fn poll_take(&self, batch: &mut VecDeque<Arc<M>>, cx: Option<&mut Context<'_>>) -> Poll<()> {
        let mut state = self.lock();
        if state.messages.is_empty() {
            if let Some(cx) = cx {
                match &mut state.reader {
                    Some(reader) => reader.clone_from(cx.waker()),
                    None => state.reader = Some(cx.waker().clone()),
                }
            }
            return Poll::Pending;
        }
        let count = state.messages.len().min(BATCH);
        let mut bytes = 0;
        batch.extend(state.messages.drain(..count).inspect(|message| bytes += message.size()));
        let left = state.messages.len();
        drop(state);
        self.bytes.give(bytes);
        self.counters.delivered.add(count as u64);
        if self.when_full == WhenFull::Block {
            self.stalled.store(false, Ordering::Relaxed);
            // Not at the first free place: publishers would be woken for every few messages.
            if left <= self.capacity - self.capacity / 4 {
                self.room.notify_waiters();
            }
        }
        Poll::Ready(())
    }

    /// Take nothing more, and let waiting publishers go.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let unread = std::mem::take(&mut state.messages);
        drop(state);
        self.bytes.give(unread.iter().map(|message| message.size()).sum());
        self.room.notify_waiters();
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().messages.len()
    }

    pub(crate) fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn count_dropped(&self, more: u32) {
        self.counters.dropped.add(u64::from(more));
        // Stays at the largest number rather than start over.
        let _always = self.dropped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            Some(count.saturating_add(more))
        });
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reading end of a queue.
#[derive(Debug)]
pub(crate) struct Reader<M> {
    queue: Arc<Queue<M>>,
    /// Taken from the queue, not yet read.
    batch: VecDeque<Arc<M>>,
}

impl<M: Waiting> Reader<M> {
    pub(crate) fn new(queue: Arc<Queue<M>>) -> Self {
        Self { queue, batch: VecDeque::new() }
    }

    /// What is left to read, for another to read in its place.
    pub(crate) fn hand_over(&mut self) -> Self {
        Self { queue: Arc::clone(&self.queue), batch: std::mem::take(&mut self.batch) }
    }

    /// What it reads from.
    pub(crate) fn queue(&self) -> &Arc<Queue<M>> {
        &self.queue
    }

    /// The next message, if one is there.
    pub(crate) fn try_next(&mut self) -> Option<Arc<M>> {
        if self.batch.is_empty() {
            let _pending = self.queue.poll_take(&mut self.batch, None);
        }
        self.batch.pop_front()
    }

    /// The next message, or ask to be woken when there is one.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Arc<M>> {
        if self.batch.is_empty() && self.queue.poll_take(&mut self.batch, Some(cx)).is_pending() {
            return Poll::Pending;
        }
        self.batch.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    /// Wait for the next message. `None`: the instance is asked to stop and the queue is empty.
    pub(crate) async fn next(&mut self, caller: &Caller) -> Option<Arc<M>> {
        if caller.is_handing_over() {
            return None;
        }
        if let Some(message) = self.try_next() {
            return Some(message);
        }
        unless_stopped(caller.stop(), poll_fn(|cx| self.poll_next(cx))).await
    }
}

/// What is waited for, or nothing if the component is asked to stop first.
pub(crate) async fn unless_stopped<T>(
    stop: &CancellationToken,
    next: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        found = next => Some(found),
        () = stop.cancelled() => None,
    }
}
