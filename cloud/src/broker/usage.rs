//! What one client may use of the broker: so many messages in a second, and so many subscriptions.
//!
//! The library could count both. It drops messages that are too many, though, and counts the
//! subscriptions of one by looking at those of all.

use crate::allowance::Allowance;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Most subscriptions of a client.
const MOST_SUBSCRIPTIONS: usize = 50;

/// What a client uses.
#[derive(Debug)]
pub(super) struct Usage {
    /// Most messages in a second; 0 is any number.
    most_messages: u32,
    messages: Allowance,
    /// The filters that it subscribed to, since it connected or before with the same session.
    filters: HashSet<String>,
}

impl Usage {
    /// Of a client that has just connected and may send so many messages in a second; 0 is any number.
    pub(super) fn new(most_messages: u32) -> Self {
        let messages = Allowance::full(most_messages, Instant::now());
        Self { most_messages, messages, filters: HashSet::new() }
    }

    /// Count a message.
    ///
    /// # Errors
    /// It comes too early, by this long.
    pub(super) fn message(&mut self, now: Instant) -> Result<(), Duration> {
        self.messages.take(self.most_messages, now)
    }

    /// Count a subscription, which may be one that is known; whether there may be so many.
    pub(super) fn subscribe(&mut self, filter: &str) -> bool {
        if self.filters.contains(filter) {
            return true;
        }
        self.filters.len() < MOST_SUBSCRIPTIONS && self.filters.insert(filter.to_owned())
    }

    /// A subscription is over.
    pub(super) fn unsubscribe(&mut self, filter: &str) {
        self.filters.remove(filter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_counted_once_and_make_room_when_they_end() {
        let mut usage = Usage::new(0);
        for number in 0..MOST_SUBSCRIPTIONS {
            assert!(usage.subscribe(&number.to_string()));
        }
        assert!(!usage.subscribe("one more"));
        assert!(usage.subscribe("7"), "it is subscribed to again");
        usage.unsubscribe("nothing");
        assert!(!usage.subscribe("one more"));
        usage.unsubscribe("7");
        assert!(usage.subscribe("one more"));
        assert!(!usage.subscribe("7"));
    }
}
