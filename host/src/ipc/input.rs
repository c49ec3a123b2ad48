//! What a component sends: bytes that come as they come, and frames that are whole. Between frames a
//! connection holds no memory for them.

use super::cut::Cut;
use crate::watched::watched;
use bytes::Bytes;
use gg_ipc::{Decoder, Frame, handshake};
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, read};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Bytes read at once, and from a client that has filled them.
const READ: usize = 16 * 1024;
const READ_MORE: usize = 64 * 1024;

/// Bytes of a frame after which it counts as large, and waits for its turn among the component's.
const SMALL: usize = 64 * 1024;

/// The reading half of a connection.
#[derive(Debug)]
pub(super) struct Input {
    /// Watched for what comes alone: one that is watched for room wakes its task whenever the client
    /// has read something.
    socket: AsyncFd<Arc<UnixStream>>,
    decoder: Decoder,
    /// What was read and not looked at.
    bytes: Bytes,
    /// Bytes that are read next.
    room: usize,
    /// Bytes of the frame that is not whole yet.
    unfinished: usize,
    /// How long a large frame may take to come, once it is its turn.
    patience: Duration,
    turns: Arc<Semaphore>,
    turn: Option<Turn>,
}

#[derive(Debug)]
struct Turn {
    permit: OwnedSemaphorePermit,
    until: Instant,
}

/// A frame, with what makes others wait until it has been dealt with.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) frame: Frame,
    pub(super) large: Option<OwnedSemaphorePermit>,
}

impl Input {
    /// For a client that has not said who it is, over a socket that does not block.
    ///
    /// # Errors
    /// The kernel cannot watch the socket.
    pub(super) fn new(socket: Arc<UnixStream>, patience: Duration) -> io::Result<Self> {
        Ok(Self {
            socket: watched(socket, Interest::READABLE)?,
            decoder: Decoder::new(handshake::MAX_FRAME_BYTES),
            bytes: Bytes::new(),
            room: READ,
            unfinished: 0,
            patience,
            turns: Arc::new(Semaphore::new(1)),
            turn: None,
        })
    }

    /// From now on frames may have so many bytes, and large ones wait for these turns.
    pub(super) fn trust(&mut self, limit: usize, turns: &Arc<Semaphore>) {
        self.decoder.set_limit(limit);
        self.turns = Arc::clone(turns);
    }

    /// The next frame of those that were read already.
    pub(super) fn buffered(&mut self) -> Result<Option<Arrival>, Cut> {
        let before = self.bytes.len();
        let frame = self.decoder.decode_shared(&mut self.bytes)?;
        self.unfinished += before - self.bytes.len();
        let Some(frame) = frame else {
            self.bytes = Bytes::new();
            return Ok(None);
        };
        self.unfinished = 0;
        Ok(Some(Arrival { frame, large: self.turn.take().map(|turn| turn.permit) }))
    }

    /// Wait for the next frame; `None` at the end. Nothing is lost when this is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Arrival>, Cut> {
        loop {
            if let Some(arrival) = self.buffered()? {
                return Ok(Some(arrival));
            }
            if self.unfinished > SMALL && self.turn.is_none() {
                // Nobody closes it.
                let permit = Arc::clone(&self.turns).acquire_owned().await;
                let until = Instant::now() + self.patience;
                self.turn = permit.ok().map(|permit| Turn { permit, until });
            }
            let filled = match &self.turn {
                None => self.fill().await?,
                Some(turn) => {
                    let (until, patience) = (turn.until, self.patience);
                    let filled = timeout_at(until, self.fill()).await;
                    filled.map_err(|_| Cut::Slow(patience))??
                }
            };
            if !filled {
                return if self.decoder.is_inside_frame() { Err(Cut::Truncated) } else { Ok(None) };
            }
        }
    }

    /// Read what is there; `false` at the end.
    async fn fill(&mut self) -> Result<bool, Cut> {
        loop {
            let mut ready = self.socket.readable().await?;
            let mut bytes = Vec::with_capacity(self.room);
            match read(ready.get_inner(), spare_capacity(&mut bytes)) {
                Ok(0) => return Ok(false),
                Ok(length) => {
                    let is_full = length == self.room;
                    self.room = if is_full { READ_MORE } else { READ };
                    // It gave all it had, so there is no need to ask once more.
                    if !is_full {
                        ready.clear_ready();
                    }
                    self.bytes = bytes.into();
                    return Ok(true);
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                // As the end: a client that is killed has not read everything.
                Err(Errno::CONNRESET) => return Ok(false),
                Err(error) => return Err(Cut::Gone(error.into())),
            }
        }
    }
}
