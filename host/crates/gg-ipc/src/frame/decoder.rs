//! The incremental reader of frames.

use super::{CHECKSUM, Frame, FrameError, MAX_FRAME_BYTES, MIN_FRAME_BYTES, PRELUDE};
use crate::header::{self, HeaderError, Headers};
use crate::payload::Payload;
use bytes::{Buf as _, Bytes};

/// Reads frames from bytes that come in pieces of any size.
///
/// It holds at most one frame, and no more memory than twice the bytes of it that have come; what a
/// frame says of its length reserves nothing.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many bytes of the prelude are there.
    Prelude { bytes: [u8; PRELUDE], filled: usize },
    /// The prelude is good, and bytes of the frame are there.
    Frame { lengths: Lengths, bytes: Vec<u8> },
    /// What came is no frame.
    Failed(FrameError),
}

#[derive(Clone, Copy, Debug)]
struct Lengths {
    total: usize,
    headers: usize,
}

impl Decoder {
    /// A decoder of frames of at most `limit` bytes, and never more than [`MAX_FRAME_BYTES`].
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.min(MAX_FRAME_BYTES), state: State::empty() }
    }

    /// Allow `limit` bytes from the next frame on, for a peer that has said who it is.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(MAX_FRAME_BYTES);
    }

    /// Take bytes off the front of `input`, up to the end of a frame. `None` means that all are
    /// taken and more are needed. After an error there is no next frame: the error repeats.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        let decoded = self.advance(input);
        self.remember(decoded)
    }

    /// The same. A frame that lies in these bytes as a whole shares them, and nothing is copied.
    pub fn decode_shared(&mut self, input: &mut Bytes) -> Result<Option<Frame>, FrameError> {
        if let State::Prelude { filled: 0, .. } = self.state
            && let Some(prelude) = input.first_chunk()
        {
            let whole = match Lengths::read(prelude, self.limit) {
                Ok(lengths) if lengths.total > input.len() => None,
                Ok(lengths) => Some(lengths.frame(input.split_to(lengths.total))),
                Err(error) => Some(Err(error)),
            };
            if let Some(frame) = whole {
                return self.remember(frame.map(Some));
            }
        }
        let mut rest = &input[..];
        let decoded = self.decode(&mut rest);
        let taken = input.len() - rest.len();
        input.advance(taken);
        decoded
    }

    /// After an error there is no next frame.
    fn remember<T>(&mut self, decoded: Result<T, FrameError>) -> Result<T, FrameError> {
        if let Err(error) = &decoded {
            self.state = State::Failed(error.clone());
        }
        decoded
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        if let State::Prelude { bytes, filled } = &mut self.state {
            let taken = take(input, PRELUDE - *filled);
            bytes[*filled..*filled + taken.len()].copy_from_slice(taken);
            *filled += taken.len();
            if *filled < PRELUDE {
                return Ok(None);
            }
            let lengths = Lengths::read(bytes, self.limit)?;
            let mut frame = Vec::with_capacity(lengths.total.min(PRELUDE + input.len()));
            frame.extend_from_slice(bytes);
            self.state = State::Frame { lengths, bytes: frame };
        }
        match &mut self.state {
            State::Frame { lengths, bytes } => {
                append(bytes, take(input, lengths.total - bytes.len()), lengths.total);
                if bytes.len() < lengths.total {
                    return Ok(None);
                }
                let (lengths, bytes) = (*lengths, std::mem::take(bytes));
                self.state = State::empty();
                lengths.frame(bytes.into()).map(Some)
            }
            State::Failed(error) => Err(error.clone()),
            State::Prelude { .. } => Ok(None),
        }
    }

    /// Whether the bytes end inside a frame; at the end of a connection something is missing then.
    pub fn is_inside_frame(&self) -> bool {
        !matches!(self.state, State::Prelude { filled: 0, .. })
    }
}

impl State {
    fn empty() -> Self {
        Self::Prelude { bytes: [0; PRELUDE], filled: 0 }
    }
}

impl Lengths {
    fn read(prelude: &[u8; PRELUDE], limit: usize) -> Result<Self, FrameError> {
        let [a, b, c, d, e, f, g, h, checksum @ ..] = *prelude;
        if u32::from_be_bytes(checksum) != crc32fast::hash(&prelude[..8]) {
            return Err(FrameError::PreludeChecksum);
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(MIN_FRAME_BYTES..=limit).contains(&length) {
            return Err(FrameError::Length { length, limit });
        }
        let headers = u32::from_be_bytes([e, f, g, h]) as usize;
        if headers > length - MIN_FRAME_BYTES {
            return Err(FrameError::HeadersLength { headers, length });
        }
        if headers > header::MAX_BLOCK_BYTES {
            return Err(HeaderError::BlockTooLong { length: headers }.into());
        }
        Ok(Self { total: length, headers })
    }

    /// The frame that these bytes are.
    fn frame(self, bytes: Bytes) -> Result<Frame, FrameError> {
        let end = self.total - CHECKSUM;
        if crc32fast::hash(&bytes[..end]).to_be_bytes() != bytes[end..] {
            return Err(FrameError::Checksum);
        }
        let payload = PRELUDE + self.headers;
        Ok(Frame {
            headers: Headers::read(bytes.slice(PRELUDE..payload))?,
            payload: Payload(bytes.slice(payload..end)),
        })
    }
}

/// Take at most so many bytes off the front.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(input.len().min(most));
    *input = rest;
    taken
}

/// Append to a frame that will have `total` bytes, with room for no more than that.
fn append(frame: &mut Vec<u8>, bytes: &[u8], total: usize) {
    let needed = frame.len() + bytes.len();
    if needed > frame.capacity() {
        let room = needed.max(2 * frame.capacity()).min(total);
        frame.reserve_exact(room - frame.len());
    }
    frame.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
