//! One subscription's queue: bounded in messages by itself and in bytes together with the other
//! queues of its component, with one reader and any number of publishers.

use super::Message;
use crate::capability::caller::Budget;
use crate::metrics::Counters;
use gg_model::{ComponentName, WhenFull};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a publisher waits for room in a queue that asks it to. A subscriber that takes
/// nothing for so long loses the right to hold others up until it reads again.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Messages the reader takes out at once, so that it and the publishers seldom meet at the lock.
const BATCH: usize = 32;

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Offer {
    /// It is in the queue, which has room for so many more.
    Taken { room: usize },
    /// It, or an older one in its place, was dropped and counted.
    Dropped,
    /// There is no room, and the subscriber asked publishers to wait.
    Full,
}

#[derive(Debug)]
pub(super) struct Queue {
    /// Whose subscription it is.
    pub(super) owner: ComponentName,
    pub(super) from_others: bool,
    when_full: WhenFull,
    capacity: usize,
    bytes: Budget,
    state: Mutex<State>,
    dropped: AtomicU32,
    /// Its owner's.
    counters: Arc<Counters>,
    /// Nobody has read for [`PATIENCE`] while a publisher waited.
    stalled: AtomicBool,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Arc<Message>>,
    reader: Option<Waker>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(
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
            state: Mutex::default(),
            dropped: AtomicU32::new(0),
            counters,
            stalled: AtomicBool::new(false),
            room: Notify::new(),
        }
    }

    /// Put a message in, if there is room or the subscription's rule makes some.
    pub(super) fn offer(&self, message: &Arc<Message>) -> Offer {
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
    pub(super) async fn offer_patiently(&self, message: &Arc<Message>) {
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

    /// Move waiting messages into `batch`, or ask to be woken.
    pub(super) fn poll_take(
        &self,
        batch: &mut VecDeque<Arc<Message>>,
        cx: Option<&mut Context<'_>>,
    ) -> Poll<()> {
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
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let unread = std::mem::take(&mut state.messages);
        drop(state);
        self.bytes.give(unread.iter().map(|message| message.size()).sum());
        self.room.notify_waiters();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().messages.len()
    }

    pub(super) fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn count_dropped(&self, more: u32) {
        self.counters.dropped.add(u64::from(more));
        // Stays at the largest number rather than start over.
        let _always = self.dropped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            Some(count.saturating_add(more))
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
