//! The reading end of a subscription.

use super::shelf::Shelved;
use super::{Message, PubSub, SubscribeOptions};
use crate::capability::caller::{Caller, Slot};
use crate::capability::queue::{Queue, Reader, unless_stopped};
use gg_model::TopicFilter;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The messages of one filter. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    pubsub: PubSub,
    caller: Caller,
    id: u64,
    filter: TopicFilter,
    options: SubscribeOptions,
    reader: Reader<Message>,
    _slot: Slot,
}

impl Subscription {
    pub(super) fn new(pubsub: PubSub, caller: Caller, from: Shelved, slot: Slot) -> Self {
        let Shelved { id, filter, options, reader } = from;
        Self { pubsub, caller, id, filter, options, reader, _slot: slot }
    }

    /// What was subscribed to.
    pub fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    /// Messages lost so far because the queue was full; stays at the largest number.
    pub fn dropped(&self) -> u32 {
        self.reader.queue().dropped()
    }

    /// A look at how many messages wait, for others than the reader.
    pub fn backlog(&self) -> Backlog {
        Backlog(Arc::clone(self.reader.queue()))
    }

    /// The next message, if one is there.
    pub fn try_next(&mut self) -> Option<Arc<Message>> {
        self.reader.try_next()
    }

    /// The next message, or ask to be woken when there is one.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Arc<Message>> {
        self.reader.poll_next(cx)
    }

    /// Wait for the next message. `None`: the instance is asked to stop and the queue is empty.
    pub async fn next(&mut self) -> Option<Arc<Message>> {
        self.reader.next(&self.caller).await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.caller.is_handing_over() {
            let shelved = Shelved {
                id: self.id,
                filter: self.filter.clone(),
                options: self.options,
                reader: self.reader.hand_over(),
            };
            self.pubsub.topics.shelf.put(self.caller.name(), shelved);
            return;
        }
        self.pubsub.unsubscribe(&self.filter, self.id);
        self.reader.queue().close();
    }
}

/// A look at how many messages wait in a subscription's queue.
#[derive(Clone, Debug)]
pub struct Backlog(Arc<Queue<Message>>);

impl Backlog {
    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Wait for the next message on any of `count` subscriptions of one instance, which `poll`
/// reaches by their index, looking first at the one at `first`. `None`: the instance is asked to
/// stop and all queues are empty.
pub async fn next_any(
    count: usize,
    first: usize,
    caller: &Caller,
    mut poll: impl FnMut(usize, &mut Context<'_>) -> Poll<Arc<Message>>,
) -> Option<(usize, Arc<Message>)> {
    let any = poll_fn(|cx| {
        for step in 0..count {
            let index = first.wrapping_add(step) % count;
            if let Poll::Ready(message) = poll(index, cx) {
                return Poll::Ready((index, message));
            }
        }
        Poll::Pending
    });
    if caller.is_handing_over() {
        return None;
    }
    unless_stopped(caller.stop(), any).await
}
