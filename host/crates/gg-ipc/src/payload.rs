//! What a frame carries: bytes, and for all of Greengrass IPC a JSON object.

use crate::extent::Extent;
use crate::text::cut;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::Deref;

/// Most values in a payload, of all kinds together.
pub const MAX_VALUES: usize = 500_000;

/// Most bytes of what a [`PayloadError`] says, which may quote the payload.
const MAX_REASON_BYTES: usize = 300;

/// A payload. [`Debug`](fmt::Debug) shows its length alone, since it may hold secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(pub Bytes);

/// Why a payload is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is not as it should be: {reason}")]
pub struct PayloadError {
    /// What is wrong with it.
    pub reason: String,
}

impl Payload {
    /// A shape as JSON.
    pub fn of(shape: &impl Serialize) -> Result<Self, PayloadError> {
        match serde_json::to_vec(shape) {
            Ok(json) => Ok(Self(json.into())),
            Err(error) => Err(PayloadError::new(&error)),
        }
    }

    /// The shape that the payload is; an empty one counts as `{}`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        let json: &[u8] = if self.is_empty() { b"{}" } else { self };
        // serde would take a list for the members in their order.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(PayloadError::new(&"expected a JSON object"));
        }
        // A value takes two bytes at least, so few payloads need to be measured.
        if json.len() / 2 > MAX_VALUES && Extent::of(json).values > MAX_VALUES {
            return Err(PayloadError::new(&"there are too many values; send fewer at a time"));
        }
        serde_json::from_slice(json).map_err(|error| PayloadError::new(&error))
    }
}

impl PayloadError {
    pub(crate) fn new(reason: &dyn fmt::Display) -> Self {
        Self { reason: cut(reason.to_string(), MAX_REASON_BYTES) }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests;
