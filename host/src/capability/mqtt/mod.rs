//! Topics of the cloud's broker, over the one link that the device has ([`crate::cloud`]). What is
//! published is in the spool when its publisher hears so; what comes waits in a queue as messages of
//! local topics do.

pub(crate) mod ipc;
#[cfg(test)]
mod tests;
pub mod wit;

use super::caller::{Caller, Operation, Slot};
use super::queue::{DEFAULT_QUEUE, Queue, Reader, Waiting};
use crate::cloud::{Link, LinkError, LinkState, LinkSubscription, PayloadFormat, Publication, Qos};
use crate::error::{Error, Result};
use crate::metrics::Registry;
use bytesize::ByteSize;
use gg_model::{Topic, TopicFilter, WhenFull};
use std::sync::Arc;
use tokio::sync::watch;

/// Most bytes of all that a publication says beside its payload.
const MOST_AROUND: u64 = 65_535;

/// The broker's topics. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mqtt {
    /// `None`: no broker is configured.
    link: Option<Link>,
    counters: Registry,
}

impl Waiting for Publication {
    fn size(&self) -> u64 {
        const AROUND: u64 = 256;
        Self::size(self) + AROUND
    }
}

impl Mqtt {
    /// Over a link, if there is one; messages are counted among these.
    pub fn new(link: Option<Link>, counters: Registry) -> Self {
        Self { link, counters }
    }

    /// Publish: the message is in the spool when this returns, and on disk if its QoS is 1.
    ///
    /// # Errors
    /// Unauthorized; an invalid topic or property; more than the broker takes; no broker is
    /// configured, or the spool has no room.
    pub async fn publish(
        &self,
        caller: &Caller,
        publication: impl Into<Arc<Publication>>,
    ) -> Result<()> {
        let publication = publication.into();
        check(caller, &publication)?;
        caller.authorize(Operation::PublishToIoTCore, &publication.topic)?;
        self.link()?.publish(publication).await.map_err(failed)?;
        self.counters.of(caller.name()).published.add(1);
        Ok(())
    }

    /// Subscribe; the queue holds so many messages, and when it is full the oldest makes room. Done
    /// when the broker has granted it, or at once while there is no connection.
    ///
    /// # Errors
    /// Unauthorized; an invalid filter; as many subscriptions as the component's limits allow; the
    /// broker does not grant it; no broker is configured.
    pub async fn subscribe(
        &self,
        caller: &Caller,
        filter: &str,
        qos: Qos,
        capacity: Option<u32>,
    ) -> Result<Subscription> {
        let filter: TopicFilter =
            filter.parse().map_err(|error| Error::invalid(format!("{error}")))?;
        caller.authorize(Operation::SubscribeToIoTCore, filter.as_ref())?;
        let link = self.link()?;
        let capacity = capacity.unwrap_or_else(|| DEFAULT_QUEUE.min(caller.limits().queue));
        let slot = caller.take_subscription()?;
        let queue = Arc::new(Queue::new(
            caller.name().clone(),
            false,
            WhenFull::DropOldest,
            usize::try_from(capacity).unwrap_or(usize::MAX),
            caller.queue_budget(),
            self.counters.of(caller.name()),
        ));
        let taker = Arc::clone(&queue);
        let deliver = move |message: &Arc<Publication>| {
            // What is dropped is counted there.
            let _taken = taker.offer(message);
        };
        let subscribed = link.subscribe(&filter, qos, Arc::new(deliver)).await.map_err(failed)?;
        let (reader, caller) = (Reader::new(queue), caller.clone());
        Ok(Subscription { reader, caller, _subscribed: subscribed, _slot: slot })
    }

    /// Whether there is a connection to the broker at this moment.
    pub fn connected(&self) -> bool {
        self.link.as_ref().is_some_and(Link::is_up)
    }

    /// Whether there is one, now and from now on; the end of the changes is that of the link.
    ///
    /// # Errors
    /// No broker is configured.
    pub fn watch(&self) -> Result<watch::Receiver<LinkState>> {
        Ok(self.link()?.watch())
    }

    /// What it goes over.
    ///
    /// # Errors
    /// No broker is configured.
    pub fn link(&self) -> Result<&Link> {
        self.link.as_ref().ok_or_else(|| {
            Error::unavailable(
                "no broker is configured: set iotDataEndpoint in the configuration of \
                 aws.greengrass.Nucleus, or for a run --broker mqtt://HOST:PORT",
            )
        })
    }
}

/// Whether a publication is one.
fn check(caller: &Caller, publication: &Publication) -> Result<()> {
    let topic = |topic: &str| {
        topic.parse::<Topic>().map(drop).map_err(|error| Error::invalid(format!("{error}")))
    };
    topic(&publication.topic)?;
    publication.response_topic.as_deref().map_or(Ok(()), topic)?;
    let (payload, limits) = (publication.payload.len() as u64, caller.limits());
    if payload > limits.message {
        let needed = ByteSize(payload).display().iec().to_string();
        let exceeded = limits.exceeded("message", Some(needed));
        return Err(Error::invalid(format!("the payload {exceeded}")));
    }
    if publication.size() - payload > MOST_AROUND {
        return Err(Error::invalid(format!(
            "topic and properties have more than {MOST_AROUND} bytes together"
        )));
    }
    let own = publication.user_properties.iter().flat_map(|(name, value)| [name, value]);
    if own.chain(&publication.content_type).any(|text| text.contains('\0')) {
        return Err(Error::invalid("a property contains the character U+0000; remove it"));
    }
    if publication.payload_format == Some(PayloadFormat::Utf8)
        && str::from_utf8(&publication.payload).is_err()
    {
        return Err(Error::invalid("the payload is not UTF-8, as its format says"));
    }
    Ok(())
}

fn failed(error: LinkError) -> Error {
    match error {
        LinkError::Quota(reason) => Error::invalid(reason),
        LinkError::Refused(reason) => Error::unavailable(reason),
        other => Error::unavailable(other.to_string()),
    }
}

/// The messages of one filter. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    reader: Reader<Publication>,
    caller: Caller,
    _subscribed: LinkSubscription,
    _slot: Slot,
}

impl Subscription {
    /// Wait for the next message. `None`: the instance is asked to stop and the queue is empty.
    pub async fn next(&mut self) -> Option<Arc<Publication>> {
        self.reader.next(&self.caller).await
    }

    /// The next message, if one is there.
    pub fn try_next(&mut self) -> Option<Arc<Publication>> {
        self.reader.try_next()
    }

    /// Messages lost so far because the queue was full; stays at the largest number.
    pub fn dropped(&self) -> u32 {
        self.reader.queue().dropped()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.reader.queue().close();
    }
}
