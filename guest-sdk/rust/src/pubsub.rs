//! Local topics: publish, and subscriptions as iterators.

use crate::bindings::gg::host::pubsub as wit;
use crate::{Message, PayloadFormat, ReceiveMode, Result, WhenFull};
use serde::Serialize;
use std::time::Duration;

/// Publish bytes to a local topic.
///
/// # Errors
/// Unauthorized; an invalid topic.
pub fn publish(topic: &str, payload: impl AsRef<[u8]>) -> Result<()> {
    Ok(wit::publish(topic, payload.as_ref(), PayloadFormat::Binary)?)
}

/// Publish a value as JSON to a local topic.
///
/// # Errors
/// Unauthorized; an invalid topic; a value that JSON cannot hold.
pub fn publish_json(topic: &str, value: &impl Serialize) -> Result<()> {
    Ok(wit::publish(topic, &serde_json::to_vec(value)?, PayloadFormat::Json)?)
}

/// Subscribe to local topics with the defaults of [`Subscribe`].
///
/// # Errors
/// Unauthorized; an invalid filter; as many subscriptions as the limits allow.
pub fn subscribe(filter: &str) -> Result<Subscription> {
    Ok(Subscription(wit::subscribe(filter)?))
}

/// How to subscribe.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscribe {
    receive_mode: Option<ReceiveMode>,
    queue: Option<u32>,
    when_full: Option<WhenFull>,
}

impl Subscribe {
    /// The defaults: messages of others for a filter with a wildcard, else all; a queue of 256;
    /// when it is full, the oldest makes room.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose messages to receive.
    pub fn receive(mut self, mode: ReceiveMode) -> Self {
        self.receive_mode = Some(mode);
        self
    }

    /// How many messages the queue holds.
    pub fn queue(mut self, length: u32) -> Self {
        self.queue = Some(length);
        self
    }

    /// What happens when it is full.
    pub fn when_full(mut self, rule: WhenFull) -> Self {
        self.when_full = Some(rule);
        self
    }

    /// Subscribe.
    ///
    /// # Errors
    /// As [`subscribe`].
    pub fn to(self, filter: &str) -> Result<Subscription> {
        let Self { receive_mode, queue, when_full } = self;
        let options = wit::SubscribeOptions { receive_mode, queue, when_full };
        Ok(Subscription(wit::subscribe_with(filter, options)?))
    }
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
    pub fn next_timeout(&self, timeout: Duration) -> Result<Option<Message>> {
        Ok(self.0.next_timeout(millis(timeout))?.map(Message::from))
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// The host failed.
    pub fn try_next(&self) -> Result<Option<Message>> {
        self.next_timeout(Duration::ZERO)
    }

    /// Messages lost so far because the queue was full.
    pub fn dropped(&self) -> u32 {
        self.0.dropped()
    }
}

impl Iterator for Subscription {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Result<Message>> {
        match self.0.next() {
            Ok(message) => Some(Ok(message?.into())),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Wait for a message on any of several subscriptions, at most so long, or without end. Gives the
/// place of the subscription in the list beside the message.
///
/// # Errors
/// The host failed.
pub fn next_any(
    subscriptions: &[&Subscription],
    timeout: Option<Duration>,
) -> Result<Option<(usize, Message)>> {
    let handles: Vec<&wit::Subscription> = subscriptions.iter().map(|one| &one.0).collect();
    let arrival = wit::next_any(&handles, timeout.map(millis))?;
    Ok(arrival.map(|arrival| (arrival.index as usize, arrival.message.into())))
}

pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
