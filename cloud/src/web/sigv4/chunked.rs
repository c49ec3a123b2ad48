//! `aws-chunked`: a body in pieces, each of which may be signed, with headers after the last (S3 API
//! reference, "Signature calculations: transferring a payload in multiple chunks").
//!
//! ```text
//! 10000;chunk-signature=…\r\n  65536 bytes  \r\n
//! 0;chunk-signature=…\r\n
//! x-amz-checksum-crc32:…\r\n
//! x-amz-trailer-signature:…\r\n
//! \r\n
//! ```

use super::{Claim, SigningKey};
use crate::hexadecimal::hexadecimal;
use bytes::{Buf as _, Bytes, BytesMut};
use ring::digest::{Context, SHA256, digest};
use thiserror::Error;

/// Most bytes in a line.
const LONGEST_LINE: usize = 1024;

/// Most headers after the body.
const MOST_TRAILERS: usize = 16;

/// Why a body is not what it says.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ChunkError {
    /// It is not `aws-chunked`.
    #[error("the body is not aws-chunked: {0}")]
    Malformed(&'static str),
    /// The body ended too early.
    #[error("the body ends within a chunk")]
    Cut,
    /// A signature does not hold.
    #[error("the signature of a chunk is not the one that the secret of the access key makes")]
    Mismatch,
}

/// What comes next of a body.
#[derive(Debug, Eq, PartialEq)]
pub enum Piece {
    /// Bytes.
    Data(Bytes),
    /// More has to arrive.
    More,
    /// It is whole.
    End,
}

/// Signatures of pieces, each of which is made with the one before.
#[derive(Clone, Debug)]
pub struct Chain {
    key: SigningKey,
    place: String,
    previous: String,
}

impl Chain {
    /// It begins with the signature of the request.
    pub fn new(claim: &Claim, key: SigningKey) -> Self {
        let place = format!("{}\n{}", claim.at.basic(), claim.scope);
        Self { key, place, previous: claim.signature().to_owned() }
    }

    fn chunk(&mut self, signature: &str, content: Context) -> Result<(), ChunkError> {
        let (empty, content) = (digest(&SHA256, b""), content.finish());
        let (empty, content) = (hexadecimal(empty.as_ref()), hexadecimal(content.as_ref()));
        self.link("PAYLOAD", signature, &format!("{empty}\n{content}"))
    }

    fn trailer(&mut self, signature: &str, lines: &str) -> Result<(), ChunkError> {
        let content = hexadecimal(digest(&SHA256, lines.as_bytes()).as_ref());
        self.link("TRAILER", signature, &content)
    }

    fn link(&mut self, kind: &str, signature: &str, content: &str) -> Result<(), ChunkError> {
        let text = format!("AWS4-HMAC-SHA256-{kind}\n{}\n{}\n{content}", self.place, self.previous);
        if !self.key.verify(&text, signature) {
            return Err(ChunkError::Mismatch);
        }
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}

/// Where in a body it is.
enum At {
    /// Before the line that says how long a chunk is.
    Length,
    /// So many bytes before the end of a chunk.
    Chunk { left: u64 },
    /// Before the line end after a chunk.
    ChunkEnd,
    /// Among the headers after the last chunk.
    Trailers,
    /// After everything.
    End,
}

/// Takes a body apart as it arrives. It keeps no more than a line.
pub struct Decoder {
    at: At,
    arrived: BytesMut,
    chain: Option<Chain>,
    signature: String,
    content: Context,
    trailers: Vec<(String, String)>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// At the beginning of a body, whose chunks are signed where there is a chain.
    pub fn new(chain: Option<Chain>) -> Self {
        Self {
            at: At::Length,
            arrived: BytesMut::new(),
            chain,
            signature: String::new(),
            content: Context::new(&SHA256),
            trailers: Vec::new(),
        }
    }

    /// More has arrived. Everything is to be taken out with [`take`](Self::take) before.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.arrived.extend_from_slice(bytes);
    }

    /// A header after the body, by its name in lower case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What comes next.
    ///
    /// # Errors
    /// The body is not what it says.
    pub fn take(&mut self) -> Result<Piece, ChunkError> {
        loop {
            match self.at {
                At::Chunk { left } if !self.arrived.is_empty() => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.arrived.len());
                    let data = self.arrived.split_to(here).freeze();
                    let left = left - here as u64;
                    self.at = if left > 0 { At::Chunk { left } } else { At::ChunkEnd };
                    if self.chain.is_some() {
                        self.content.update(&data);
                    }
                    return Ok(Piece::Data(data));
                }
                At::Chunk { .. } => return Ok(Piece::More),
                At::End if self.arrived.is_empty() => return Ok(Piece::End),
                At::End => return Err(ChunkError::Malformed("there is more after the end")),
                At::Length | At::ChunkEnd | At::Trailers => {
                    let Some(line) = self.line()? else { return Ok(Piece::More) };
                    self.read(&line)?;
                }
            }
        }
    }

    /// The body ended: whether that was to be expected.
    ///
    /// # Errors
    /// It was not.
    pub fn finish(&mut self) -> Result<(), ChunkError> {
        match self.take()? {
            Piece::End => Ok(()),
            // Some clients leave out the empty line after the last chunk.
            Piece::More if matches!(self.at, At::Trailers) && self.arrived.is_empty() => {
                self.end_of_trailers()
            }
            _ => Err(ChunkError::Cut),
        }
    }

    fn line(&mut self) -> Result<Option<String>, ChunkError> {
        let Some(end) = self.arrived.windows(2).position(|pair| pair == b"\r\n") else {
            return match self.arrived.len() > LONGEST_LINE {
                true => Err(ChunkError::Malformed("a line is too long")),
                false => Ok(None),
            };
        };
        if end > LONGEST_LINE {
            return Err(ChunkError::Malformed("a line is too long"));
        }
        let line = self.arrived.split_to(end);
        self.arrived.advance(2);
        let line = String::from_utf8(line.to_vec());
        line.map(Some).map_err(|_| ChunkError::Malformed("a line is not UTF-8"))
    }

    fn read(&mut self, line: &str) -> Result<(), ChunkError> {
        match self.at {
            At::Length => {
                let (length, extension) = line.split_once(';').unwrap_or((line, ""));
                let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_hexdigit());
                let left = u64::from_str_radix(length, 16).ok().filter(|_| digits);
                let left = left.ok_or(ChunkError::Malformed("a chunk has no length"))?;
                let signature = extension.trim().strip_prefix("chunk-signature=");
                signature.unwrap_or_default().clone_into(&mut self.signature);
                self.at = if left > 0 { At::Chunk { left } } else { At::Trailers };
                if left == 0 {
                    self.end_of_chunk()?;
                }
            }
            At::ChunkEnd if line.is_empty() => {
                self.end_of_chunk()?;
                self.at = At::Length;
            }
            At::ChunkEnd => return Err(ChunkError::Malformed("a chunk is longer than it says")),
            _ if line.is_empty() => self.end_of_trailers()?,
            _ => {
                if self.trailers.len() == MOST_TRAILERS {
                    return Err(ChunkError::Malformed("there are too many headers after the body"));
                }
                let trailer = line.split_once(':');
                let (name, value) =
                    trailer.ok_or(ChunkError::Malformed("a trailer has no name"))?;
                let name = name.trim().to_ascii_lowercase();
                self.trailers.push((name, value.trim().to_owned()));
            }
        }
        Ok(())
    }

    fn end_of_chunk(&mut self) -> Result<(), ChunkError> {
        let content = std::mem::replace(&mut self.content, Context::new(&SHA256));
        match &mut self.chain {
            Some(chain) => chain.chunk(&self.signature, content),
            None => Ok(()),
        }
    }

    fn end_of_trailers(&mut self) -> Result<(), ChunkError> {
        self.at = At::End;
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let signed = |name: &str| name != "x-amz-trailer-signature";
        let lines: String = self
            .trailers
            .iter()
            .filter(|(name, _)| signed(name))
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        let signature = self.trailers.iter().find(|(name, _)| !signed(name));
        let signature = signature.map(|(_, value)| value.clone()).unwrap_or_default();
        chain.trailer(&signature, &lines)
    }
}
