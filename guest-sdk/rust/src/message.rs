//! Messages as components receive them.

use crate::bindings::gg::host::types::Message as Wit;
use crate::{Error, Origin, PayloadFormat, Result};
use serde::de::DeserializeOwned;

/// A message and where it came from.
#[derive(Clone, Debug)]
pub struct Message {
    /// The topic it was published to.
    pub topic: String,
    /// The bytes as published.
    pub payload: Vec<u8>,
    /// What the publisher says they are.
    pub format: PayloadFormat,
    /// Whether it came from this device or from the cloud.
    pub origin: Origin,
}

impl Message {
    /// The payload as a JSON value of some type.
    ///
    /// # Errors
    /// [`Error::Json`] when it is not.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.payload)?)
    }

    /// The payload as text.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.payload)
            .map_err(|error| Error::InvalidArgument(format!("the payload is not text: {error}")))
    }

    /// The levels of the topic, which `/` parts.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.topic.split('/')
    }
}

impl From<Wit> for Message {
    fn from(message: Wit) -> Self {
        let Wit { topic, payload, format, origin } = message;
        Self { topic, payload, format, origin }
    }
}
