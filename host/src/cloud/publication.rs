//! A message to or from the cloud, as MQTT 5 has it, without its form on the wire.

use bytes::Bytes;
use std::fmt;

/// How surely a message is delivered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Qos {
    /// Once or never.
    #[default]
    AtMostOnce,
    /// Once or more often.
    AtLeastOnce,
}

/// What the publisher says its payload is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PayloadFormat {
    /// Any bytes.
    Bytes,
    /// UTF-8.
    Utf8,
}

/// What leaves the spool first. The broker does not see it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    /// Before all others: the device's own state, which is not to wait behind what components sent
    /// while it was offline.
    High,
    /// What components publish.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

/// A message.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Publication {
    /// The topic; no filter.
    pub topic: String,
    /// The bytes.
    pub payload: Bytes,
    /// How surely it is delivered.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// What the bytes are, where the publisher said so.
    pub payload_format: Option<PayloadFormat>,
    /// Their MIME type.
    pub content_type: Option<String>,
    /// Where an answer is expected.
    pub response_topic: Option<String>,
    /// Ties an answer to its request.
    pub correlation_data: Option<Bytes>,
    /// Seconds from now after which it is of no use.
    pub message_expiry: Option<u32>,
    /// Words of the publisher's own, in order; names may repeat.
    pub user_properties: Vec<(String, String)>,
    /// What leaves the spool first.
    pub priority: Priority,
}

impl Publication {
    /// A message without properties.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>, qos: Qos) -> Self {
        Self { topic: topic.into(), payload: payload.into(), qos, ..Self::default() }
    }

    /// What it takes in the spool: topic, payload and properties, in bytes.
    pub fn size(&self) -> u64 {
        let words = [&self.content_type, &self.response_topic];
        let words = words.into_iter().flatten().map(String::len);
        let own = self.user_properties.iter().map(|(name, value)| name.len() + value.len());
        let data = self.correlation_data.as_ref().map_or(0, Bytes::len);
        (self.topic.len() + self.payload.len() + data + words.chain(own).sum::<usize>()) as u64
    }
}

/// Without the payload and what else the publisher wrote.
impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("topic", &self.topic)
            .field("bytes", &self.payload.len())
            .field("qos", &self.qos)
            .finish_non_exhaustive()
    }
}
