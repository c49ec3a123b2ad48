//! Free-form JSON inside shapes: always an object, as Java and the SDKs have it. [`Document`] is
//! for those who look into it, [`ObjectText`] for those who pass it on.

use crate::extent::Extent;
use crate::payload::PayloadError;
use bytes::Bytes;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Most objects and lists inside one another, as many as serde_json takes.
const MAX_DEPTH: usize = 127;

/// A JSON object. Its members may be null, unlike those of shapes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Map<String, Value>);

impl From<Map<String, Value>> for Document {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

/// The text of a JSON object, which passes through as it came: numbers keep all their digits and
/// members their order. [`Debug`](std::fmt::Debug) shows its length alone.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct ObjectText(Box<RawValue>);

impl ObjectText {
    /// The object that a text is.
    pub fn parse(text: impl Into<String>) -> Result<Self, PayloadError> {
        let text = RawValue::from_string(text.into()).map_err(|error| PayloadError::new(&error))?;
        Self::checked(text).map_err(|reason| PayloadError::new(&reason))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The text as bytes, not copied.
    pub fn into_bytes(self) -> Bytes {
        Box::<str>::from(self.0).into_string().into()
    }

    fn checked(text: Box<RawValue>) -> Result<Self, &'static str> {
        if !text.get().starts_with('{') {
            return Err("expected a JSON object");
        }
        if Extent::of(text.get().as_bytes()).depth > MAX_DEPTH {
            return Err("objects and lists are nested too deep; at most 127 may be");
        }
        Ok(Self(text))
    }
}

impl PartialEq for ObjectText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl std::fmt::Debug for ObjectText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.as_str().len())
    }
}

impl<'de> Deserialize<'de> for ObjectText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::checked(Box::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
