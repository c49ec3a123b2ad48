//! Bytes inside JSON: base64 in a string.

use base64_simd::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use serde::de::{Error, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// Bytes. [`Debug`](fmt::Debug) shows how many, since they may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Bytes);

impl From<Bytes> for Blob {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As JSON that is finished: there is nothing to escape, and looking for it takes longer than
        // all else.
        let mut text = String::with_capacity(STANDARD.encoded_length(self.0.len()) + 2);
        text.push('"');
        STANDARD.encode_append(&self.0, &mut text);
        text.push('"');
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes: whether they are UTF-8 need not be looked at before they are decoded.
        deserializer.deserialize_bytes(Base64)
    }
}

struct Base64;

impl Visitor<'_> for Base64 {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
        self.visit_bytes(text.as_bytes())
    }

    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Blob, E> {
        match decode(text) {
            Some(bytes) => Ok(bytes.into()),
            None => Err(E::custom("bytes are not in base64")),
        }
    }
}

/// The standard alphabet (RFC 4648, 4); as in Java, padding may be left out.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let (digits, padding) = text.split_at(end);
    let most = (4 - digits.len() % 4) % 4;
    if padding.len() > most {
        return None;
    }
    STANDARD_NO_PAD.decode_to_vec(digits).ok()
}

#[cfg(test)]
mod tests;
