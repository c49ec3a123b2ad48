//! Local publish and subscribe between the components of this device: at most once, in the
//! order of each publisher, nothing retained. Topics and filters as in MQTT 5.0, section 4.7.
//!
//! A publication is matched against the tree of filters ([`Trie`]) and offered to the queue of
//! each match ([`queue`]). A [`Publisher`] remembers the matches of the topics it used last.

pub(crate) mod ipc;
mod publisher;
mod shelf;
mod subscription;
#[cfg(test)]
mod tests;
pub mod wit;

pub use publisher::Publisher;
pub use subscription::{Backlog, Subscription, next_any};

use super::caller::{Caller, Operation};
use super::queue::{DEFAULT_QUEUE, Queue, Reader, Waiting};
use crate::error::{Error, Result};
use crate::metrics::Registry;
use crate::trie::Trie;
use gg_model::{ComponentName, ReceiveMode, Topic, TopicFilter, WhenFull};
use shelf::{Shelf, Shelved};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Notify;

/// What the publisher says its payload is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PayloadFormat {
    /// Bytes without a stated meaning.
    Binary,
    /// One JSON value in UTF-8.
    Json,
}

/// A publication on its way to its subscribers.
#[derive(Debug)]
pub struct Message {
    /// Where it was published.
    pub topic: Topic,
    /// The bytes as published.
    pub payload: Vec<u8>,
    /// What they are.
    pub format: PayloadFormat,
}

impl Waiting for Message {
    fn size(&self) -> u64 {
        const AROUND: u64 = 64;
        self.payload.len() as u64 + AROUND
    }
}

/// How to subscribe; what is `None` takes its default.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct SubscribeOptions {
    /// Default: from others for a filter with a wildcard, else all (Greengrass, SubscribeToTopic).
    pub receive_mode: Option<ReceiveMode>,
    /// Messages the queue holds. Default: [`DEFAULT_QUEUE`].
    pub queue: Option<u32>,
    /// Default: the oldest makes room.
    pub when_full: Option<WhenFull>,
}

/// The device's local topics. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PubSub {
    topics: Arc<Topics>,
}

#[derive(Debug, Default)]
struct Topics {
    subscribers: RwLock<Trie<Arc<Queue<Message>>>>,
    /// Counts every change of `subscribers`.
    generation: AtomicU64,
    next_id: AtomicU64,
    shelf: Shelf,
    changed: Notify,
    counters: Registry,
}

impl PubSub {
    /// No subscriber yet; messages are counted among these.
    pub fn counted(counters: Registry) -> Self {
        Self { topics: Arc::new(Topics { counters, ..Topics::default() }) }
    }

    /// A publisher's end, which belongs to one instance of a component.
    pub fn publisher(&self, caller: Caller) -> Publisher {
        Publisher::new(self.clone(), caller)
    }

    /// Subscribe to a filter.
    ///
    /// # Errors
    /// Unauthorized; an invalid filter or queue length; as many subscriptions as the component's
    /// limits allow.
    pub fn subscribe(
        &self,
        caller: &Caller,
        filter: &str,
        options: SubscribeOptions,
    ) -> Result<Subscription> {
        let filter: TopicFilter =
            filter.parse().map_err(|error| Error::invalid(format!("{error}")))?;
        caller.authorize(Operation::SubscribeToTopic, filter.as_ref())?;
        let capacity = options.queue.unwrap_or_else(|| DEFAULT_QUEUE.min(caller.limits().queue));
        if capacity == 0 || capacity > caller.limits().queue {
            let exceeded = caller.limits().exceeded("queue", Some(capacity.to_string()));
            return Err(Error::invalid(exceeded.to_string()));
        }
        let slot = caller.take_subscription()?;
        if let Some(shelved) = self.topics.shelf.take(caller.name(), &filter, options) {
            return Ok(Subscription::new(self.clone(), caller.clone(), shelved, slot));
        }
        let from_others = match options.receive_mode {
            Some(mode) => mode == ReceiveMode::FromOthers,
            None => filter.has_wildcard(),
        };
        let queue = Arc::new(Queue::new(
            caller.name().clone(),
            from_others,
            options.when_full.unwrap_or(WhenFull::DropOldest),
            usize::try_from(capacity).unwrap_or(usize::MAX),
            caller.queue_budget(),
            self.topics.counters.of(caller.name()),
        ));
        let id = self.topics.next_id.fetch_add(1, Ordering::Relaxed);
        self.change(|subscribers| subscribers.insert(&filter, id, Arc::clone(&queue)));
        let fresh = Shelved { id, filter, options, reader: Reader::new(queue) };
        Ok(Subscription::new(self.clone(), caller.clone(), fresh, slot))
    }

    /// End what one instance of a component left for the next and the next did not pick up.
    pub fn clear_shelf(&self, component: &ComponentName) {
        for shelved in self.topics.shelf.clear(component) {
            self.unsubscribe(&shelved.filter, shelved.id);
            shelved.reader.queue().close();
        }
    }

    /// Wait until somebody other than the caller would receive a message on a topic.
    pub async fn until_subscribed(&self, caller: &Caller, topic: &Topic) {
        loop {
            let changed = self.topics.changed.notified();
            if self.matches(caller, topic).iter().any(|queue| queue.owner != *caller.name()) {
                return;
            }
            changed.await;
        }
    }

    fn unsubscribe(&self, filter: &TopicFilter, id: u64) {
        self.change(|subscribers| subscribers.remove(filter, id));
    }

    fn change(&self, change: impl FnOnce(&mut Trie<Arc<Queue<Message>>>)) {
        let mut subscribers =
            self.topics.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut subscribers);
        self.topics.generation.fetch_add(1, Ordering::Release);
        self.topics.changed.notify_waiters();
    }

    fn generation(&self) -> u64 {
        self.topics.generation.load(Ordering::Acquire)
    }

    /// The queues a message of this caller on this topic goes to.
    fn matches(&self, caller: &Caller, topic: &Topic) -> Vec<Arc<Queue<Message>>> {
        let subscribers = self.topics.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        subscribers.matches(topic, &mut |queue: &Arc<Queue<Message>>| {
            if !(queue.from_others && queue.owner == *caller.name()) {
                found.push(Arc::clone(queue));
            }
        });
        found
    }
}
