//! How much processor time a guest takes, and what follows when it is more than its share. Adds up
//! the memory of its instances as well.

use super::epoch::Ticker;
use crate::metrics::Usage;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Time a guest may take ahead of its share, so that short work is not held up.
const AHEAD: Duration = Duration::from_millis(100);

/// Longest pause at a time, so that a change of mind is soon noticed.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Counts the time one guest runs, and its memory. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    born: Instant,
    /// Nanoseconds run in finished turns.
    used: AtomicU64,
    /// When the present turn began, in nanoseconds since `born`.
    turn: AtomicU64,
    /// Bytes of the memories of all instances.
    memory: AtomicU64,
}

impl Meter {
    pub(super) fn new() -> Self {
        let (used, turn, memory) = Default::default();
        Self { shared: Arc::new(Shared { born: Instant::now(), used, turn, memory }) }
    }

    /// Time run so far, the present turn included.
    pub(super) fn used(&self) -> Duration {
        let shared = &self.shared;
        let turn = self.now().saturating_sub(shared.turn.load(Ordering::Relaxed));
        Duration::from_nanos(shared.used.load(Ordering::Relaxed) + turn)
    }

    /// What it uses, for others than the guest itself; the present turn, which is no longer than
    /// an epoch, is left out.
    pub(super) fn usage(&self) -> Usage {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (memory, used) = (read(&self.shared.memory), read(&self.shared.used));
        Usage { memory: Some(memory), cpu: Some(Duration::from_nanos(used)), processes: None }
    }

    /// An instance has so many more bytes of memory.
    pub(super) fn take_memory(&self, bytes: u64) {
        self.shared.memory.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An instance that had so many bytes of memory is gone.
    pub(super) fn give_memory(&self, bytes: u64) {
        self.shared.memory.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.shared.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Count the turns of a future that runs a guest.
    pub(super) fn count<F: Future>(&self, ticker: &Ticker, future: F) -> Counted<F> {
        Counted { meter: self.clone(), ticker: ticker.clone(), future: Box::pin(future) }
    }
}

/// A guest's future whose turns are counted.
pub(super) struct Counted<F> {
    meter: Meter,
    ticker: Ticker,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let begin = self.meter.now();
        self.meter.shared.turn.store(begin, Ordering::Relaxed);
        self.ticker.enter();
        let poll = self.future.as_mut().poll(cx);
        self.ticker.leave();
        let took = self.meter.now().saturating_sub(begin);
        self.meter.shared.used.fetch_add(took, Ordering::Relaxed);
        poll
    }
}

/// A share of one processor over time.
#[derive(Debug)]
pub(super) struct Share {
    share: f64,
    /// Time the guest may still take, in seconds; negative when it is over its share.
    credit: f64,
    seen: Duration,
    at: Instant,
}

impl Share {
    pub(super) fn new(share: f64, now: Instant) -> Self {
        Self { share, credit: AHEAD.as_secs_f64(), seen: Duration::ZERO, at: now }
    }

    /// How long a guest that has used so much should pause, if at all.
    pub(super) fn pause(&mut self, used: Duration, now: Instant) -> Option<Duration> {
        let spent = used.saturating_sub(self.seen).as_secs_f64();
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.share;
        self.seen = used;
        self.at = now;
        self.credit = (self.credit + gained - spent).min(AHEAD.as_secs_f64());
        if self.credit >= 0.0 {
            return None;
        }
        let pause = Duration::try_from_secs_f64(-self.credit / self.share).unwrap_or(LONGEST_PAUSE);
        Some(pause.min(LONGEST_PAUSE))
    }
}
