//! Headers of a frame: names with values of ten kinds, kept as the bytes in which they came.
//!
//! ```text
//! length of name u8 | name | kind u8 | value
//! ```
//!
//! Greengrass IPC uses the kinds [`Int32`](HeaderValue::Int32) and [`String`](HeaderValue::String)
//! alone, and the SDK for C knows no others: send none to a component.

use bytes::Bytes;
use std::fmt;

/// Most headers in a frame.
pub const MAX_HEADERS: usize = 1024;

/// Most bytes of a header's text or bytes.
pub const MAX_VALUE_BYTES: usize = 32_767;

/// Most bytes of all headers of a frame.
pub const MAX_BLOCK_BYTES: usize = 128 * 1024;

/// The headers of a frame in their order; a name may come twice.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Bytes);

/// The value of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// True or false, two kinds on the wire.
    Bool(bool),
    /// An integer of 8 bits.
    Byte(i8),
    /// An integer of 16 bits.
    Int16(i16),
    /// An integer of 32 bits.
    Int32(i32),
    /// An integer of 64 bits.
    Int64(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    String(&'a str),
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// A UUID.
    Uuid([u8; 16]),
}

/// Why headers cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A header goes beyond the end of the headers.
    #[error("a header is cut off")]
    CutOff,
    /// A kind of value that does not exist.
    #[error("a header has a value of the unknown kind {0}")]
    UnknownKind(u8),
    /// A name or text is not UTF-8.
    #[error("a header is not UTF-8")]
    NotUtf8,
    /// A name is too long.
    #[error("a header's name has {length} bytes; at most {} are allowed", u8::MAX)]
    NameTooLong {
        /// Its length.
        length: usize,
    },
    /// A text or bytes are too long.
    #[error("a header's value has {length} bytes; at most {MAX_VALUE_BYTES} are allowed")]
    ValueTooLong {
        /// Its length.
        length: usize,
    },
    /// There are too many.
    #[error("there are more than {MAX_HEADERS} headers")]
    TooMany,
    /// All headers together are too long.
    #[error("the headers have {length} bytes; at most {MAX_BLOCK_BYTES} are allowed")]
    BlockTooLong {
        /// Their length.
        length: usize,
    },
}

impl Headers {
    /// Headers from names and values.
    pub fn new<'a>(
        list: impl IntoIterator<Item = (&'a str, HeaderValue<'a>)>,
    ) -> Result<Self, HeaderError> {
        let mut block = Vec::new();
        for (name, value) in list {
            put(&mut block, name, value)?;
        }
        Self::read(Bytes::from(block))
    }

    /// Headers from their bytes.
    pub fn read(block: Bytes) -> Result<Self, HeaderError> {
        check(&block)?;
        Ok(Self(block))
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, HeaderValue<'_>)> {
        let mut rest: &[u8] = &self.0;
        // What was checked is there, so `take` fails only at the end.
        std::iter::from_fn(move || take(&mut rest).ok())
    }

    /// Their bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Whether bytes are headers and within the limits.
pub(crate) fn check(block: &[u8]) -> Result<(), HeaderError> {
    if block.len() > MAX_BLOCK_BYTES {
        return Err(HeaderError::BlockTooLong { length: block.len() });
    }
    let (mut rest, mut count) = (block, 0);
    while !rest.is_empty() {
        if count == MAX_HEADERS {
            return Err(HeaderError::TooMany);
        }
        take(&mut rest)?;
        count += 1;
    }
    Ok(())
}

/// Append a header.
pub(crate) fn put(
    out: &mut Vec<u8>,
    name: &str,
    value: HeaderValue<'_>,
) -> Result<(), HeaderError> {
    let length = name.len();
    out.push(u8::try_from(length).map_err(|_| HeaderError::NameTooLong { length })?);
    out.extend_from_slice(name.as_bytes());
    match value {
        HeaderValue::Bool(true) => out.push(0),
        HeaderValue::Bool(false) => out.push(1),
        HeaderValue::Byte(value) => put_fixed(out, 2, value.to_be_bytes()),
        HeaderValue::Int16(value) => put_fixed(out, 3, value.to_be_bytes()),
        HeaderValue::Int32(value) => put_fixed(out, 4, value.to_be_bytes()),
        HeaderValue::Int64(value) => put_fixed(out, 5, value.to_be_bytes()),
        HeaderValue::Bytes(value) => put_sized(out, 6, value)?,
        HeaderValue::String(value) => put_sized(out, 7, value.as_bytes())?,
        HeaderValue::Timestamp(value) => put_fixed(out, 8, value.to_be_bytes()),
        HeaderValue::Uuid(value) => put_fixed(out, 9, value),
    }
    Ok(())
}

fn put_fixed<const N: usize>(out: &mut Vec<u8>, kind: u8, value: [u8; N]) {
    out.push(kind);
    out.extend_from_slice(&value);
}

fn put_sized(out: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<(), HeaderError> {
    let length = value.len();
    match u16::try_from(length) {
        Ok(short) if length <= MAX_VALUE_BYTES => put_fixed(out, kind, short.to_be_bytes()),
        _ => return Err(HeaderError::ValueTooLong { length }),
    }
    out.extend_from_slice(value);
    Ok(())
}

/// Take a header off the front.
fn take<'a>(rest: &mut &'a [u8]) -> Result<(&'a str, HeaderValue<'a>), HeaderError> {
    let [length] = take_fixed(rest)?;
    let name = text(take_bytes(rest, usize::from(length))?)?;
    let [kind] = take_fixed(rest)?;
    let value = match kind {
        0 => HeaderValue::Bool(true),
        1 => HeaderValue::Bool(false),
        2 => HeaderValue::Byte(i8::from_be_bytes(take_fixed(rest)?)),
        3 => HeaderValue::Int16(i16::from_be_bytes(take_fixed(rest)?)),
        4 => HeaderValue::Int32(i32::from_be_bytes(take_fixed(rest)?)),
        5 => HeaderValue::Int64(i64::from_be_bytes(take_fixed(rest)?)),
        6 => HeaderValue::Bytes(take_sized(rest)?),
        7 => HeaderValue::String(text(take_sized(rest)?)?),
        8 => HeaderValue::Timestamp(i64::from_be_bytes(take_fixed(rest)?)),
        9 => HeaderValue::Uuid(take_fixed(rest)?),
        other => return Err(HeaderError::UnknownKind(other)),
    };
    Ok((name, value))
}

fn take_fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], HeaderError> {
    let (taken, left) = rest.split_first_chunk().ok_or(HeaderError::CutOff)?;
    *rest = left;
    Ok(*taken)
}

fn take_sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], HeaderError> {
    let length = usize::from(u16::from_be_bytes(take_fixed(rest)?));
    if length > MAX_VALUE_BYTES {
        return Err(HeaderError::ValueTooLong { length });
    }
    take_bytes(rest, length)
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], HeaderError> {
    let (taken, left) = rest.split_at_checked(length).ok_or(HeaderError::CutOff)?;
    *rest = left;
    Ok(taken)
}

fn text(bytes: &[u8]) -> Result<&str, HeaderError> {
    str::from_utf8(bytes).map_err(|_| HeaderError::NotUtf8)
}

#[cfg(test)]
mod tests;
