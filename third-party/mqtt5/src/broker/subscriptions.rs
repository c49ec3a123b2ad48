//! Subscriptions, found by what they match and by whose they are.
//!
//! Not of upstream: its router keeps one map by filter, and looks at every subscription there is when a
//! client comes or goes, and at every filter with a wildcard when a message is routed.

use crate::broker::router::{Subscription, SubscriptionIdentity};
use crate::validation::topic_matches_filter;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// So many levels of filters are looked at one by one; those that go on are compared as a whole.
const DEPTH: usize = 16;

/// Subscriptions of all clients.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    by_filter: HashMap<Arc<str>, Vec<Subscription>>,
    by_client: HashMap<String, HashSet<Arc<str>>>,
    wildcards: Level,
}

/// The filters with wildcards that begin with the same levels.
#[derive(Debug, Default)]
struct Level {
    below: HashMap<Box<str>, Level>,
    /// Those that end here, or have more levels than are looked at.
    filters: Vec<Arc<str>>,
}

impl Subscriptions {
    /// Adds or replaces a subscription; whether it is new.
    pub(crate) fn insert(&mut self, filter: &str, subscription: Subscription) -> bool {
        let filter = match self.by_filter.get_key_value(filter) {
            Some((known, _)) => Arc::clone(known),
            None => {
                let filter = Arc::<str>::from(filter);
                if has_wildcards(&filter) {
                    self.wildcards.insert(&filter);
                }
                filter
            }
        };
        let of_client = self
            .by_client
            .entry(subscription.client_id.clone())
            .or_default();
        of_client.insert(Arc::clone(&filter));
        let subs = self.by_filter.entry(filter).or_default();
        let known = subs
            .iter()
            .position(|sub| sub.identity() == subscription.identity());
        match known {
            Some(position) => subs[position] = subscription,
            None => subs.push(subscription),
        }
        known.is_none()
    }

    /// Removes a subscription; whether there was one.
    pub(crate) fn remove(&mut self, filter: &str, identity: SubscriptionIdentity<'_>) -> bool {
        let Some(subs) = self.by_filter.get_mut(filter) else {
            return false;
        };
        let before = subs.len();
        subs.retain(|sub| sub.identity() != identity);
        let removed = subs.len() < before;
        self.tidy(filter, identity.0);
        removed
    }

    /// Removes a client's subscriptions except those to keep; gives the filters of those removed.
    pub(crate) fn retain_of(
        &mut self,
        client_id: &str,
        keep: impl Fn(&str, &Subscription) -> bool,
    ) -> Vec<String> {
        let filters: Vec<Arc<str>> = match self.by_client.get(client_id) {
            Some(filters) => filters.iter().cloned().collect(),
            None => return Vec::new(),
        };
        let mut removed = Vec::new();
        for filter in filters {
            if let Some(subs) = self.by_filter.get_mut(&filter) {
                let before = subs.len();
                subs.retain(|sub| sub.client_id != client_id || keep(&filter, sub));
                if subs.len() < before {
                    removed.push(filter.to_string());
                    self.tidy(&filter, client_id);
                }
            }
        }
        removed
    }

    /// Removes all of a client's.
    pub(crate) fn remove_client(&mut self, client_id: &str) {
        self.retain_of(client_id, |_, _| false);
    }

    /// Those of a filter.
    pub(crate) fn get(&self, filter: &str) -> &[Subscription] {
        self.by_filter.get(filter).map_or(&[], Vec::as_slice)
    }

    /// Those that a topic matches, by filter.
    pub(crate) fn matching(&self, topic: &str) -> Vec<(&str, &[Subscription])> {
        let exact = self.by_filter.get_key_value(topic);
        let exact = exact.filter(|(filter, _)| !has_wildcards(filter));
        let mut matching: Vec<(&str, &[Subscription])> = exact
            .map(|(filter, subs)| (filter.as_ref(), subs.as_slice()))
            .into_iter()
            .collect();
        for filter in self.wildcards.candidates(topic) {
            if topic_matches_filter(topic, filter) {
                matching.push((filter, self.get(filter)));
            }
        }
        matching
    }

    /// How many filters there are.
    pub(crate) fn filters(&self) -> usize {
        self.by_filter.len()
    }

    /// How many subscriptions a client has.
    pub(crate) fn count_of(&self, client_id: &str) -> usize {
        let filters = self.by_client.get(client_id).into_iter().flatten();
        filters
            .flat_map(|filter| self.get(filter))
            .filter(|sub| sub.client_id == client_id)
            .count()
    }

    /// Whose there are.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &String> {
        self.by_client.keys()
    }

    /// Forgets what a filter and a client have no more of each other.
    fn tidy(&mut self, filter: &str, client_id: &str) {
        let subs = self.get(filter);
        let is_subscribed = subs.iter().any(|sub| sub.client_id == client_id);
        let is_empty = subs.is_empty();
        if !is_subscribed {
            if let Some(filters) = self.by_client.get_mut(client_id) {
                filters.remove(filter);
                if filters.is_empty() {
                    self.by_client.remove(client_id);
                }
            }
        }
        if is_empty && self.by_filter.remove(filter).is_some() && has_wildcards(filter) {
            self.wildcards.remove(filter);
        }
    }
}

impl Level {
    fn insert(&mut self, filter: &Arc<str>) {
        let mut level = self;
        for part in filter.split('/').take(DEPTH) {
            level = level.below.entry(part.into()).or_default();
        }
        level.filters.push(Arc::clone(filter));
    }

    fn remove(&mut self, filter: &str) {
        let parts: Vec<&str> = filter.split('/').take(DEPTH).collect();
        self.remove_at(&parts, filter);
    }

    fn remove_at(&mut self, parts: &[&str], filter: &str) {
        let Some((part, rest)) = parts.split_first() else {
            self.filters.retain(|known| known.as_ref() != filter);
            return;
        };
        if let Some(level) = self.below.get_mut(*part) {
            level.remove_at(rest, filter);
            if level.below.is_empty() && level.filters.is_empty() {
                self.below.remove(*part);
            }
        }
    }

    /// All filters that a topic may match.
    fn candidates<'a>(&'a self, topic: &str) -> Vec<&'a str> {
        let mut candidates = Vec::new();
        let mut levels = vec![self];
        for part in topic.split('/').take(DEPTH) {
            let mut next = Vec::new();
            for level in levels {
                candidates.extend(level.below.get("#").into_iter().flat_map(Level::own));
                next.extend(level.below.get(part));
                next.extend(level.below.get("+"));
            }
            levels = next;
        }
        for level in levels {
            candidates.extend(level.own());
            candidates.extend(level.below.get("#").into_iter().flat_map(Level::own));
        }
        candidates
    }

    fn own(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().map(AsRef::as_ref)
    }
}

fn has_wildcards(filter: &str) -> bool {
    filter.contains('+') || filter.contains('#')
}
