//! Frames of the event stream: lengths, headers, payload and two checksums. What they mean is
//! [`message`](crate::message)'s business.
//!
//! ```text
//! total length u32 | headers length u32 | CRC of these 8 | headers | payload | CRC of all before
//! ```
//!
//! Integers are big-endian, and the CRC is that of zlib. [`Decoder`] reads frames,
//! [`Frame::encode`] writes them.

mod decoder;

pub use decoder::Decoder;

use crate::header::{self, HeaderError, Headers};
use crate::payload::Payload;

/// Fewest bytes of a frame: no headers, no payload.
pub const MIN_FRAME_BYTES: usize = PRELUDE + CHECKSUM;

/// Most bytes of a frame that the SDKs' common runtime takes. A longer one ends the connection.
pub const MAX_FRAME_BYTES: usize = 24 * 1024 * 1024;

/// Most bytes of a frame that the SDK for C and the lite nucleus take. A component with that SDK
/// exits at a longer one.
pub const SMALL_FRAME_BYTES: usize = 10_000;

/// The two lengths and their checksum.
const PRELUDE: usize = 12;

/// The checksum at the end.
const CHECKSUM: usize = 4;

/// A frame: headers and payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The headers.
    pub headers: Headers,
    /// What follows them.
    pub payload: Payload,
}

/// Why bytes are no frame. The peer cannot be understood any more; close the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The lengths do not match their checksum.
    #[error("the lengths of a frame do not match their checksum; the peer speaks something else")]
    PreludeChecksum,
    /// The frame is too short or too long.
    #[error("a frame of {length} bytes; {MIN_FRAME_BYTES} to {limit} are allowed")]
    Length {
        /// Its length.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// The headers do not fit into the frame.
    #[error("headers of {headers} bytes do not fit into a frame of {length}")]
    HeadersLength {
        /// The headers' length.
        headers: usize,
        /// The frame's.
        length: usize,
    },
    /// The frame does not match its checksum.
    #[error("a frame does not match its checksum; bytes were lost or changed")]
    Checksum,
    /// Its headers cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Why something cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The frame would be too long for the peer.
    #[error("a frame of {length} bytes; at most {limit} can be sent, so send less at a time")]
    TooLong {
        /// Its length.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// A header does not fit.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

impl Frame {
    /// Append the frame's bytes, at most `limit` and never more than [`MAX_FRAME_BYTES`]. After an
    /// error nothing is appended.
    pub fn encode(&self, limit: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write(limit, &self.payload, out, |out| {
            out.extend_from_slice(self.headers.as_bytes());
            Ok(())
        })
    }
}

/// Append a frame whose headers `put_headers` appends.
pub(crate) fn write(
    limit: usize,
    payload: &[u8],
    out: &mut Vec<u8>,
    put_headers: impl FnOnce(&mut Vec<u8>) -> Result<(), HeaderError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let written = write_at(start, limit, payload, out, put_headers);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write_at(
    start: usize,
    limit: usize,
    payload: &[u8],
    out: &mut Vec<u8>,
    put_headers: impl FnOnce(&mut Vec<u8>) -> Result<(), HeaderError>,
) -> Result<(), EncodeError> {
    out.extend_from_slice(&[0; PRELUDE]);
    put_headers(out)?;
    let headers = out.len() - start - PRELUDE;
    if headers > header::MAX_BLOCK_BYTES {
        return Err(HeaderError::BlockTooLong { length: headers }.into());
    }
    let length = MIN_FRAME_BYTES + headers + payload.len();
    let limit = limit.min(MAX_FRAME_BYTES);
    let too_long = EncodeError::TooLong { length, limit };
    if length > limit {
        return Err(too_long);
    }
    // What fits the limit fits 32 bits.
    let (Ok(length), Ok(headers)) = (u32::try_from(length), u32::try_from(headers)) else {
        return Err(too_long);
    };
    let lengths = (u64::from(length) << 32 | u64::from(headers)).to_be_bytes();
    let checksum = crc32fast::hash(&lengths).to_be_bytes();
    out[start..start + 8].copy_from_slice(&lengths);
    out[start + 8..start + PRELUDE].copy_from_slice(&checksum);
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out[start..]).to_be_bytes();
    out.extend_from_slice(&checksum);
    Ok(())
}

#[cfg(test)]
mod tests;
