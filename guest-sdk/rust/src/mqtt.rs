//! Topics of the cloud's broker, over the one link that the device has.

use crate::Result;
use crate::bindings::gg::host::mqtt as wit;
use crate::pubsub::millis;
use serde::Serialize;
use std::time::Duration;

pub use crate::bindings::gg::host::mqtt::{Publication, UserProperty};
pub use crate::bindings::gg::host::types::Qos;

/// Publish bytes with QoS 1. Done once the message is in the device's spool.
///
/// # Errors
/// Unauthorized; an invalid topic; no broker is configured, or the spool is full.
pub fn publish(topic: &str, payload: impl Into<Vec<u8>>) -> Result<()> {
    Publish::new(topic).send(payload)
}

/// Publish a value as JSON with QoS 1.
///
/// # Errors
/// As [`publish`]; a value that JSON cannot hold.
pub fn publish_json(topic: &str, value: &impl Serialize) -> Result<()> {
    Publish::new(topic).send_json(value)
}

/// A message to be published.
#[derive(Clone, Debug)]
pub struct Publish(Publication);

impl Publish {
    /// With QoS 1, not retained, without properties.
    pub fn new(topic: &str) -> Self {
        Self(Publication {
            topic: topic.to_owned(),
            payload: Vec::new(),
            qos: Qos::AtLeastOnce,
            retain: false,
            format: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            message_expiry: None,
            user_properties: Vec::new(),
        })
    }

    /// An answer to a message, if that says where it is expected.
    pub fn answer(to: &Publication) -> Option<Self> {
        let mut answer = Self::new(to.response_topic.as_deref()?);
        answer.0.correlation_data.clone_from(&to.correlation_data);
        Some(answer)
    }

    /// How surely it is delivered.
    pub fn qos(mut self, qos: Qos) -> Self {
        self.0.qos = qos;
        self
    }

    /// Have the broker keep it for later subscribers.
    pub fn retain(mut self) -> Self {
        self.0.retain = true;
        self
    }

    /// The MIME type of the payload.
    pub fn content_type(mut self, content_type: &str) -> Self {
        self.0.content_type = Some(content_type.to_owned());
        self
    }

    /// Where an answer is expected, and what ties it to this.
    pub fn answer_to(mut self, topic: &str, correlation: impl Into<Vec<u8>>) -> Self {
        self.0.response_topic = Some(topic.to_owned());
        self.0.correlation_data = Some(correlation.into());
        self
    }

    /// After how long it is of no use.
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.0.message_expiry = Some(u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX));
        self
    }

    /// A word of its own; names may repeat.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.0.user_properties.push(UserProperty { key: key.to_owned(), value: value.to_owned() });
        self
    }

    /// Publish it with these bytes.
    ///
    /// # Errors
    /// As [`publish`].
    pub fn send(mut self, payload: impl Into<Vec<u8>>) -> Result<()> {
        self.0.payload = payload.into();
        Ok(wit::publish(&self.0)?)
    }

    /// Publish it with a value as JSON.
    ///
    /// # Errors
    /// As [`publish_json`].
    pub fn send_json(mut self, value: &impl Serialize) -> Result<()> {
        self.0.format = Some(crate::PayloadFormat::Json);
        self.send(serde_json::to_vec(value)?)
    }
}

/// Subscribe with QoS 1. Done when the broker has granted it, or at once while there is no link.
///
/// # Errors
/// Unauthorized; an invalid filter; the broker does not grant it; no broker is configured.
pub fn subscribe(filter: &str) -> Result<Subscription> {
    Ok(Subscription(wit::subscribe(filter, Qos::AtLeastOnce)?))
}

/// Whether the link is up at this moment.
pub fn connected() -> bool {
    wit::connected()
}

/// The messages of a filter. As an iterator it waits for each, and ends when the component is
/// asked to stop. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription(wit::Subscription);

impl Subscription {
    /// Wait for the next message at most so long.
    ///
    /// # Errors
    /// The host failed.
    pub fn next_timeout(&self, timeout: Duration) -> Result<Option<Publication>> {
        Ok(self.0.next_timeout(millis(timeout))?)
    }

    /// Messages lost so far because the queue was full.
    pub fn dropped(&self) -> u32 {
        self.0.dropped()
    }
}

impl Iterator for Subscription {
    type Item = Result<Publication>;

    fn next(&mut self) -> Option<Result<Publication>> {
        match self.0.next() {
            Ok(message) => Some(Ok(message?)),
            Err(error) => Some(Err(error.into())),
        }
    }
}
