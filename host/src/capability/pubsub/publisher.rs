//! The publishing end of one instance of a component.

use super::{Message, PayloadFormat, PubSub};
use crate::capability::caller::{Caller, Operation};
use crate::capability::queue::{Offer, Queue};
use crate::error::{Error, Result};
use crate::metrics::Counters;
use bytesize::ByteSize;
use gg_model::Topic;
use std::sync::Arc;

/// Topics whose matches are remembered.
const REMEMBERED: usize = 16;

/// Matches of one topic that are worth remembering; more are looked up each time.
const MOST_MATCHES: usize = 1024;

/// Publications in a row after which a publisher lets others run.
const TURN: usize = 64;

/// The part of the room left in a queue that may be filled before others run.
const PART: usize = 4;

/// Publishes for one caller. Remembers for the topics used last that they are allowed and who
/// receives them, until a policy or a subscription changes.
#[derive(Debug)]
pub struct Publisher {
    pubsub: PubSub,
    caller: Caller,
    /// Most recently used first.
    remembered: Vec<Arc<Route>>,
    in_a_row: usize,
    counters: Arc<Counters>,
}

/// Where the messages of one topic go.
#[derive(Debug)]
struct Route {
    topic: Topic,
    policy: u64,
    subscribers: u64,
    queues: Vec<Arc<Queue<Message>>>,
}

impl Publisher {
    pub(super) fn new(pubsub: PubSub, caller: Caller) -> Self {
        let counters = pubsub.topics.counters.of(caller.name());
        Self { pubsub, caller, remembered: Vec::new(), in_a_row: 0, counters }
    }

    /// Publish. Done when each subscriber's queue has taken or dropped the message.
    ///
    /// # Errors
    /// Unauthorized; an invalid topic; a payload that is not the JSON it is said to be.
    pub async fn publish(
        &mut self,
        topic: &str,
        payload: Vec<u8>,
        format: PayloadFormat,
    ) -> Result<()> {
        match self.offer(topic, payload, format)? {
            Then::GoOn => {}
            Then::LetOthersRun => tokio::task::yield_now().await,
            // Boxed because it is seldom: the future of a publication stays small.
            Then::WaitForRoom(full, message) => Box::pin(wait_for_room(full, message)).await,
        }
        Ok(())
    }

    /// Publish without waiting for anybody: who asks publishers to wait for room goes without.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub fn publish_at_once(
        &mut self,
        topic: &str,
        payload: Vec<u8>,
        format: PayloadFormat,
    ) -> Result<()> {
        if let Then::WaitForRoom(full, _) = self.offer(topic, payload, format)? {
            full.iter().for_each(|queue| queue.pass_by());
        }
        Ok(())
    }

    /// Offer a message to each of its queues, once.
    fn offer(&mut self, topic: &str, payload: Vec<u8>, format: PayloadFormat) -> Result<Then> {
        self.check(&payload, format)?;
        let route = self.route(topic)?;
        self.counters.published.add(1);
        if route.queues.is_empty() {
            return Ok(Then::GoOn);
        }
        let message = Arc::new(Message { topic: route.topic.clone(), payload, format });
        let mut least_room = usize::MAX;
        let mut full = Vec::new();
        for queue in &route.queues {
            match queue.offer(&message) {
                Offer::Taken { room } => least_room = least_room.min(room),
                Offer::Dropped => least_room = 0,
                Offer::Full => full.push(Arc::clone(queue)),
            }
        }
        self.in_a_row += 1;
        if full.is_empty() && self.in_a_row < TURN.min(least_room / PART) {
            return Ok(Then::GoOn);
        }
        self.in_a_row = 0;
        Ok(if full.is_empty() { Then::LetOthersRun } else { Then::WaitForRoom(full, message) })
    }

    fn check(&self, payload: &[u8], format: PayloadFormat) -> Result<()> {
        let limits = self.caller.limits();
        if payload.len() as u64 > limits.message {
            let needed = ByteSize(payload.len() as u64).display().iec().to_string();
            return Err(Error::invalid(format!(
                "the payload {}",
                limits.exceeded("message", Some(needed))
            )));
        }
        if format == PayloadFormat::Json {
            serde_json::from_slice::<serde::de::IgnoredAny>(payload).map_err(|error| {
                Error::invalid(format!("the payload is not JSON, as its format says: {error}"))
            })?;
        }
        Ok(())
    }

    fn route(&mut self, topic: &str) -> Result<Arc<Route>> {
        let now = (self.caller.policy_generation(), self.pubsub.generation());
        let place = self.remembered.iter().position(|route| route.topic.as_ref() == topic);
        if let Some(place) = place {
            let route = &self.remembered[place];
            if (route.policy, route.subscribers) == now {
                let found = Arc::clone(route);
                self.remembered.swap(0, place);
                return Ok(found);
            }
            self.remembered.swap_remove(place);
        }
        let topic: Topic = topic.parse().map_err(|error| Error::invalid(format!("{error}")))?;
        self.caller.authorize(Operation::PublishToTopic, topic.as_ref())?;
        let queues = self.pubsub.matches(&self.caller, &topic);
        let (policy, subscribers) = now;
        let route = Arc::new(Route { topic, policy, subscribers, queues });
        if route.queues.len() <= MOST_MATCHES {
            self.remembered.truncate(REMEMBERED - 1);
            self.remembered.insert(0, Arc::clone(&route));
        }
        Ok(route)
    }
}

/// What a publisher does after a message.
#[derive(Debug)]
enum Then {
    GoOn,
    LetOthersRun,
    /// These queues have no room, and their subscribers asked publishers to wait.
    WaitForRoom(Vec<Arc<Queue<Message>>>, Arc<Message>),
}

async fn wait_for_room(full: Vec<Arc<Queue<Message>>>, message: Arc<Message>) {
    for queue in full {
        queue.offer_patiently(&message).await;
    }
}
