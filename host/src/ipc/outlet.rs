//! What a component is sent. All calls of a connection write whole frames, in turn; a connection
//! that takes nothing for too long is over.

use super::cut::Cut;
use crate::capability::caller::Caller;
use crate::watched::watched;
use gg_ipc::{EncodeError, Message, StreamMessage};
use std::io::{ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::Interest;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Room that is kept for what is written next.
const KEPT: usize = 64 * 1024;

/// The writing half of a connection.
#[derive(Debug)]
pub(super) struct Outlet {
    writer: Mutex<Writer>,
    /// The connection is over.
    over: CancellationToken,
    broken: OnceLock<Cut>,
    /// How long the client may read nothing while there is something for it.
    patience: Duration,
    /// Whose connection it is, once that is known.
    caller: OnceLock<Caller>,
}

#[derive(Debug)]
struct Writer {
    /// Does not block.
    socket: Arc<UnixStream>,
    bytes: Vec<u8>,
    /// Of them, those that were written.
    sent: usize,
}

/// The right to write. What is put in is sent with [`Turn::send`].
#[derive(Debug)]
pub(super) struct Turn<'a> {
    outlet: &'a Outlet,
    writer: MutexGuard<'a, Writer>,
}

/// The connection is over, and nothing more can be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over;

impl Outlet {
    pub(super) fn new(
        socket: Arc<UnixStream>,
        over: CancellationToken,
        patience: Duration,
    ) -> Self {
        let writer = Mutex::new(Writer { socket, bytes: Vec::new(), sent: 0 });
        Self { writer, over, broken: OnceLock::new(), patience, caller: OnceLock::new() }
    }

    /// Wait for the right to write.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Over> {
        tokio::select! {
            biased;
            () = self.over.cancelled() => Err(Over),
            writer = self.writer.lock() => Ok(Turn { outlet: self, writer }),
        }
    }

    /// From now on it is this component's connection.
    pub(super) fn belongs_to(&self, caller: Caller) {
        let _again = self.caller.set(caller);
    }

    /// What ended the connection, if it was something about writing.
    pub(super) fn broken(&self) -> Option<&Cut> {
        self.broken.get()
    }

    /// The end of the connection, after which nothing is written.
    pub(super) fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Turn<'_> {
    /// Add a message of a call.
    pub(super) fn put(&mut self, message: &StreamMessage, limit: usize) -> Result<(), EncodeError> {
        message.encode(limit, &mut self.writer.bytes)
    }

    /// Add messages that are bytes already, and leave none behind.
    pub(super) fn append(&mut self, messages: &mut Vec<u8>) {
        self.writer.bytes.append(messages);
    }

    /// Add a message of the connection itself.
    pub(super) fn put_message(&mut self, message: &Message) {
        // These are short.
        let _fits = message.encode(gg_ipc::frame::SMALL_FRAME_BYTES, &mut self.writer.bytes);
    }

    /// Bytes put in.
    pub(super) fn len(&self) -> usize {
        self.writer.bytes.len()
    }

    /// Send what was put in. If this is dropped, the rest goes with what is sent next.
    pub(super) async fn send(mut self) -> Result<(), Over> {
        let sent = tokio::select! {
            biased;
            sent = self.writer.send(self.outlet) => sent,
            () = self.outlet.over.cancelled() => return Err(Over),
        };
        sent.map_err(|cut| {
            let _first = self.outlet.broken.set(cut);
            // What was written may end inside a frame.
            self.outlet.over.cancel();
            Over
        })
    }
}

impl Writer {
    async fn send(&mut self, outlet: &Outlet) -> Result<(), Cut> {
        while self.sent < self.bytes.len() {
            match (&*self.socket).write(&self.bytes[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(outlet).await?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.sent = 0;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        Ok(())
    }

    /// Wait until the client has read something. That is seldom, and watched for only as long.
    async fn wait(&self, outlet: &Outlet) -> Result<(), Cut> {
        let room = watched(self.socket.try_clone()?, Interest::WRITABLE)?;
        loop {
            match timeout(outlet.patience, room.writable()).await {
                Ok(ready) => return ready.map(drop).map_err(Cut::from),
                // It is halted, and cannot read.
                Err(_) if outlet.caller.get().is_some_and(Caller::is_paused) => {}
                Err(_) => return Err(Cut::Stalled(outlet.patience)),
            }
        }
    }
}
