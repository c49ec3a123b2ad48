//! What the host says: read in its order, and listened to ahead of it for one thing, that nobody
//! waits for a prediction any more.

use crate::backend::{Ear, Until};
use crate::wire::{self, PREFIX, Request, WireError};
use bytes::Bytes;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that are read at once; a prediction whose tensors are small is read with one call.
const BUFFER: usize = 64 << 10;

/// Microseconds between two looks whether there is something to hear.
const PAUSE: u64 = 1000;

/// Bytes of the longest head that can be of a cancellation.
const LONGEST_CANCEL: usize = 64;

/// What requests come over.
pub trait Line: Read + Send + 'static {
    /// Whether a read would not wait: something has come, or nothing will any more.
    fn is_ready(&self) -> bool;
}

/// A line with what was taken from it and not read yet.
pub(super) struct Incoming<L>(Mutex<BufReader<L>>);

impl<L: Line> Incoming<L> {
    pub(super) fn new(line: L) -> Self {
        Self(Mutex::new(BufReader::with_capacity(BUFFER, line)))
    }

    /// The next request and its body; `None` at the end.
    pub(super) fn read(&self, most: u64) -> Result<Option<(Request, Bytes)>, WireError> {
        wire::read(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), most)
    }

    /// Until when a prediction may go on that begins now.
    pub(super) fn until(self: &Arc<Self>, id: u64, patience: Option<Duration>) -> Until {
        let begin = Instant::now();
        // What has come with the prediction can be looked at without asking the kernel.
        let already = self.0.try_lock().is_ok_and(|line| is_called_off(line.buffer(), id));
        let ear = Listening { incoming: Arc::clone(self), id, begin, next: PAUSE.into() };
        Until {
            deadline: patience.and_then(|patience| begin.checked_add(patience)),
            cancelled: Arc::new(already.into()),
            ear: Some(Arc::new(ear)),
        }
    }

    /// Look whether a prediction was called off, without waiting and without taking anything.
    fn hears_the_end_of(&self, id: u64) -> bool {
        // Whoever has it reads the next request, and this prediction is over.
        let Ok(mut line) = self.0.try_lock() else { return false };
        if !line.buffer().is_empty() {
            return is_called_off(line.buffer(), id);
        }
        if !line.get_ref().is_ready() {
            return false;
        }
        // Nobody waits when the host has gone.
        line.fill_buf().map_or(true, |bytes| bytes.is_empty() || is_called_off(bytes, id))
    }
}

/// Whether whole frames in here call a prediction off.
fn is_called_off(mut bytes: &[u8], id: u64) -> bool {
    while let Ok(Some((head, body))) = wire::whole(bytes, u64::MAX) {
        let (frame, rest) = bytes.split_at(PREFIX + head + body);
        if head <= LONGEST_CANCEL
            && let Ok(Request::Cancel { id: other }) =
                serde_json::from_slice(&frame[PREFIX..PREFIX + head])
            && other == id
        {
            return true;
        }
        bytes = rest;
    }
    false
}

/// Listens in the middle of a prediction.
struct Listening<L> {
    incoming: Arc<Incoming<L>>,
    id: u64,
    begin: Instant,
    /// Microseconds after the beginning, before which nobody listens again.
    next: AtomicU64,
}

impl<L: Line> Ear for Listening<L> {
    fn is_called_off(&self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.begin).as_micros();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let later = elapsed.saturating_add(PAUSE);
        // One thread is enough.
        elapsed >= next
            && self.next.compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            && self.incoming.hears_the_end_of(self.id)
    }
}
