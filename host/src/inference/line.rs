//! The host's end of the line to a worker.
//!
//! The executor watches it only while somebody waits: a thread that holds on for an answer is then the
//! only one that is woken by it.

use crate::watched::watched;
use bytes::{Bytes, BytesMut};
use gg_inference::wire::{self, Response, WireError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};
use serde::Serialize;
use std::io::{self, ErrorKind, IoSlice, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::Interest;

/// Bytes that are read at once at the least, and at the most.
const LEAST: usize = 16 << 10;
const MOST: usize = 256 << 10;

/// Both directions of it, for somebody may be called off while an answer is waited for.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) to: To,
    pub(super) from: From,
}

impl Line {
    /// Of a stream that does not block.
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        // The executor can watch each file once.
        let other = stream.try_clone()?;
        Ok(Self {
            to: To(stream.into()),
            from: From { socket: other.into(), read: BytesMut::new() },
        })
    }
}

/// Wait until there is something to do with a socket.
async fn ready(socket: &Arc<UnixStream>, interest: Interest) -> io::Result<()> {
    let watched = watched(Arc::clone(socket), interest)?;
    let _seen = watched.ready(interest).await?;
    Ok(())
}

/// What is said to a worker.
#[derive(Debug)]
pub(super) struct To(Arc<UnixStream>);

impl To {
    /// A frame, all of it at once where the other side takes that much.
    pub(super) async fn send(
        &mut self,
        head: &impl Serialize,
        body: &[&[u8]],
    ) -> Result<(), WireError> {
        let opening = wire::opening(head, body.iter().map(|part| part.len() as u64).sum())?;
        let mut parts = wire::parts(&opening, body);
        let mut left = &mut parts[..];
        // Leaves out what is empty.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match (&*self.0).write_vectored(left) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) => self.wait_for(error).await?,
            }
        }
        Ok(())
    }

    /// The beginning of a frame whose body comes after it.
    pub(super) async fn open(&mut self, head: &impl Serialize, body: u64) -> Result<(), WireError> {
        Ok(self.continued(&wire::opening(head, body)?).await?)
    }

    /// A piece of a body.
    pub(super) async fn continued(&mut self, mut piece: &[u8]) -> io::Result<()> {
        while !piece.is_empty() {
            match (&*self.0).write(piece) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => piece = &piece[written..],
                Err(error) => self.wait_for(error).await?,
            }
        }
        Ok(())
    }

    /// Wait where that is what a failure asks for.
    async fn wait_for(&self, error: io::Error) -> io::Result<()> {
        match error.kind() {
            ErrorKind::WouldBlock => ready(&self.0, Interest::WRITABLE).await,
            ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }
    }
}

/// What a worker says.
#[derive(Debug)]
pub(super) struct From {
    socket: Arc<UnixStream>,
    /// What was read and is not yet a whole frame.
    read: BytesMut,
}

impl From {
    /// A frame. What is said to come reserves no room before it has.
    pub(super) async fn receive(&mut self, most: u64) -> Result<(Response, Bytes), WireError> {
        loop {
            if let Some(frame) = wire::take(&mut self.read, most)? {
                return Ok(frame);
            }
            match self.more() {
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready(&self.socket, Interest::READABLE).await?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A frame that comes while this thread is held up, at most so long: who waits for it is woken by
    /// the kernel, and by nobody in between.
    pub(super) fn receive_within(
        &mut self,
        most: u64,
        patience: Duration,
    ) -> Result<Option<(Response, Bytes)>, WireError> {
        let until = Instant::now() + patience;
        loop {
            if let Some(frame) = wire::take(&mut self.read, most)? {
                return Ok(Some(frame));
            }
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let ready = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&left));
            // Whoever waits for it in the other way finds out why nothing came.
            if ready.unwrap_or(0) == 0 || !matches!(self.more(), Ok(1..)) {
                return Ok(None);
            }
        }
    }

    /// Read what is there: as much as is missing, as far as that is known.
    fn more(&mut self) -> io::Result<usize> {
        let (begin, missing) = (self.read.len(), wire::missing(&self.read));
        self.read.resize(begin + missing.clamp(LEAST, MOST), 0);
        let got = recv(&self.socket, &mut self.read[begin..], RecvFlags::DONTWAIT);
        self.read.truncate(begin + got.map_or(0, |(got, _)| got));
        Ok(got.map(|(got, _)| got)?)
    }
}
