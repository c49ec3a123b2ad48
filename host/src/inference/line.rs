//! The host's end of the line to a worker.

use gg_inference::wire::{self, PREFIX, Response, WireError};
use serde::Serialize;
use std::io::{self, IoSlice};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// Bytes that are read at once; an answer whose tensors are small is read with one call.
const BUFFER: usize = 64 << 10;

/// Both directions of it, for somebody may be called off while an answer is waited for.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) to: To,
    pub(super) from: From,
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> Self {
        let (from, to) = stream.into_split();
        Self { to: To(to), from: From(BufReader::with_capacity(BUFFER, from)) }
    }
}

/// What is said to a worker.
#[derive(Debug)]
pub(super) struct To(OwnedWriteHalf);

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
            match self.0.write_vectored(left).await? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                written => IoSlice::advance_slices(&mut left, written),
            }
        }
        Ok(())
    }

    /// The beginning of a frame whose body comes after it.
    pub(super) async fn open(&mut self, head: &impl Serialize, body: u64) -> Result<(), WireError> {
        Ok(self.continued(&wire::opening(head, body)?).await?)
    }

    /// A piece of a body.
    pub(super) async fn continued(&mut self, piece: &[u8]) -> io::Result<()> {
        self.0.write_all(piece).await
    }
}

/// What a worker says.
#[derive(Debug)]
pub(super) struct From(BufReader<OwnedReadHalf>);

impl From {
    /// A frame. What is said to come reserves no room before it has.
    pub(super) async fn receive(&mut self, most: u64) -> Result<(Response, Vec<u8>), WireError> {
        let mut prefix = [0; PREFIX];
        self.0.read_exact(&mut prefix).await?;
        let (head, body) = wire::lengths(prefix, most)?;
        let head = self.exactly(head as u64).await?;
        let body = self.exactly(body).await?;
        Ok((serde_json::from_slice(&head)?, body))
    }

    async fn exactly(&mut self, length: u64) -> Result<Vec<u8>, WireError> {
        const ROOM: u64 = 16 << 20;
        // What is not written to takes no memory.
        let mut bytes = Vec::with_capacity(ROOM.min(length) as usize);
        let got = (&mut self.0).take(length).read_to_end(&mut bytes).await?;
        if (got as u64) < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(bytes)
    }
}
