//! Who subscribes to what at the broker: which filters, over which connection, for whom.
//!
//! A filter is subscribed to once, for however many ask for it. Where filters overlap, a broker may
//! send a message once for each of them or once for all, as it likes (MQTT 5.0, 3.3.4). With
//! subscription identifiers each copy says for which it is. Without, copies could not be told
//! apart: then filters that overlap go over different connections.

use super::publication::{Publication, Qos};
use super::wire::Reason;
use crate::trie::Trie;
use gg_model::{Topic, TopicFilter};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Takes the messages of a subscription. It does not wait.
pub type Deliver = Arc<dyn Fn(&Arc<Publication>) + Send + Sync>;

/// Largest subscription identifier (MQTT 5.0, 3.8.2.1.2).
const MOST_IDENTIFIER: u32 = 268_435_455;

/// How a subscription stands at the broker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Grant {
    /// Not known yet.
    Asked,
    /// The broker grants it.
    Granted,
    /// It does not.
    Refused(Reason),
}

/// The subscriptions of all connections.
pub(super) struct Table {
    filters: HashMap<TopicFilter, Entry>,
    /// The filters that match a topic.
    by_topic: Trie<TopicFilter>,
    connections: Vec<Connection>,
    /// Most filters over one connection.
    most: usize,
    /// Whether the broker says by which subscriptions a message comes.
    identifies: bool,
    last_user: u64,
}

/// One of the device's connections.
#[derive(Default)]
struct Connection {
    filters: usize,
    /// What it has to look at, and that there is something.
    changed: Vec<TopicFilter>,
    wake: Arc<Notify>,
}

struct Entry {
    connection: usize,
    /// By which it is found among those that match a topic.
    number: u64,
    qos: Qos,
    identifier: u32,
    grant: watch::Sender<Grant>,
    users: Vec<(u64, Deliver)>,
}

/// What a connection asks the broker for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    pub(super) qos: Qos,
    pub(super) identifier: u32,
}

/// One user of a filter.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) user: u64,
    /// Over which it is.
    pub(super) connection: usize,
    /// Whether nothing went over that connection before.
    pub(super) is_new: bool,
    pub(super) grant: watch::Receiver<Grant>,
}

impl Table {
    /// No subscriptions yet, and one connection, which is there for what is published as well.
    pub(super) fn new(most: Option<u64>, identifies: bool) -> Self {
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        Self {
            filters: HashMap::new(),
            by_topic: Trie::default(),
            connections: vec![Connection::default()],
            most: most.max(1),
            identifies,
            last_user: 0,
        }
    }

    /// One more subscribes.
    pub(super) fn add(&mut self, filter: &TopicFilter, qos: Qos, deliver: Deliver) -> Added {
        self.last_user += 1;
        let user = self.last_user;
        let known = self.connections.len();
        let mut entry = match self.filters.remove(filter) {
            Some(entry) => entry,
            None => self.make(filter, qos),
        };
        entry.users.push((user, deliver));
        let more = qos == Qos::AtLeastOnce && entry.qos == Qos::AtMostOnce;
        if more {
            entry.qos = qos;
        }
        if more || *entry.grant.borrow() != Grant::Granted {
            entry.grant.send_replace(Grant::Asked);
            self.look(entry.connection, filter.clone());
        }
        let (connection, grant) = (entry.connection, entry.grant.subscribe());
        self.filters.insert(filter.clone(), entry);
        Added { user, connection, is_new: self.connections.len() > known, grant }
    }

    /// A filter that nobody has asked for yet.
    fn make(&mut self, filter: &TopicFilter, qos: Qos) -> Entry {
        let connection = self.seat(filter);
        // No user has this number again.
        let number = self.last_user;
        self.by_topic.insert(&matched(filter), number, filter.clone());
        let (identifier, grant) = (identifier(filter), watch::Sender::new(Grant::Asked));
        Entry { connection, number, qos, identifier, grant, users: Vec::new() }
    }

    /// One does not any more.
    pub(super) fn remove(&mut self, filter: &TopicFilter, user: u64) {
        let Some(entry) = self.filters.get_mut(filter) else { return };
        entry.users.retain(|(other, _)| *other != user);
        if entry.users.is_empty() {
            let (connection, number) = (entry.connection, entry.number);
            self.filters.remove(filter);
            self.by_topic.remove(&matched(filter), number);
            self.connections[connection].filters -= 1;
            self.look(connection, filter.clone());
        }
    }

    /// What is wanted of a filter over a connection.
    pub(super) fn wanted(&self, connection: usize, filter: &TopicFilter) -> Option<Wanted> {
        let entry = self.filters.get(filter).filter(|entry| entry.connection == connection)?;
        Some(Wanted { qos: entry.qos, identifier: entry.identifier })
    }

    /// Whether anything goes over a connection.
    pub(super) fn is_used(&self, connection: usize) -> bool {
        self.connections[connection].filters > 0
    }

    /// Wakes a connection that has to look at something.
    pub(super) fn wake(&self, connection: usize) -> Arc<Notify> {
        Arc::clone(&self.connections[connection].wake)
    }

    /// The filters that a connection has to look at.
    pub(super) fn changed(&mut self, connection: usize) -> Vec<TopicFilter> {
        std::mem::take(&mut self.connections[connection].changed)
    }

    /// A connection begins: it has to look at all of its filters, of which the broker has granted
    /// none if it has not kept the session.
    pub(super) fn begin(&mut self, connection: usize, kept: bool, identifies: bool) {
        if self.identifies && !identifies {
            self.identifies = false;
            self.part();
        }
        let own = self.filters.iter().filter(|(_, entry)| entry.connection == connection);
        let all = own.map(|(filter, entry)| {
            if !kept {
                entry.grant.send_replace(Grant::Asked);
            }
            filter.clone()
        });
        self.connections[connection].changed = all.collect();
    }

    /// What the broker says of a filter.
    pub(super) fn answered(&self, filter: &TopicFilter, grant: Grant) {
        if let Some(entry) = self.filters.get(filter) {
            entry.grant.send_replace(grant);
        }
    }

    /// Who takes a message that came over a connection, by these subscriptions if the broker says so.
    pub(super) fn takers(
        &self,
        connection: usize,
        topic: &Topic,
        subscriptions: &[u32],
    ) -> Vec<Deliver> {
        let mut takers = Vec::new();
        self.by_topic.matches(topic, &mut |filter: &TopicFilter| {
            let Some(entry) = self.filters.get(filter) else { return };
            let by = subscriptions.is_empty() || subscriptions.contains(&entry.identifier);
            if entry.connection == connection && by {
                takers.extend(entry.users.iter().map(|(_, deliver)| Arc::clone(deliver)));
            }
        });
        takers
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Have the first connection that can take a filter take it, or a new one.
    fn seat(&mut self, filter: &TopicFilter) -> usize {
        let fits = |index: &usize| {
            let overlaps = || {
                let mut others =
                    self.filters.iter().filter(|(_, entry)| entry.connection == *index);
                others.any(|(other, _)| matched(other).overlaps(&matched(filter)))
            };
            self.connections[*index].filters < self.most && (self.identifies || !overlaps())
        };
        let known = self.connections.len();
        let connection = (0..known).find(fits).unwrap_or(known);
        if connection == known {
            self.connections.push(Connection::default());
        }
        self.connections[connection].filters += 1;
        connection
    }

    /// Give filters that overlap connections of their own.
    fn part(&mut self) {
        let mut filters: Vec<TopicFilter> = self.filters.keys().cloned().collect();
        filters.sort();
        let mut entries = std::mem::take(&mut self.filters);
        for connection in &mut self.connections {
            connection.filters = 0;
        }
        for filter in filters {
            let Some(mut entry) = entries.remove(&filter) else { continue };
            let connection = self.seat(&filter);
            let before = std::mem::replace(&mut entry.connection, connection);
            if before != connection {
                entry.grant.send_replace(Grant::Asked);
                self.look(before, filter.clone());
                self.look(connection, filter.clone());
            }
            self.filters.insert(filter, entry);
        }
    }

    fn look(&mut self, connection: usize, filter: TopicFilter) {
        let connection = &mut self.connections[connection];
        connection.changed.push(filter);
        connection.wake.notify_one();
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("filters", &self.filters.len()).finish_non_exhaustive()
    }
}

/// The filter that topics are compared with: what follows the group of a shared subscription
/// (`$share/GROUP/FILTER`), or all of it.
fn matched(filter: &TopicFilter) -> TopicFilter {
    let shared = filter.as_ref().strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
    shared.and_then(|(_, rest)| rest.parse().ok()).unwrap_or_else(|| filter.clone())
}

/// The same for a filter in every life of the nucleus: the broker may send for one that was
/// subscribed to in an earlier one.
fn identifier(filter: &TopicFilter) -> u32 {
    let digest = Sha256::digest(filter.as_ref());
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    number % MOST_IDENTIFIER + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn filter(text: &str) -> TopicFilter {
        text.parse().unwrap()
    }

    /// Adds a filter whose takings are written down under its name.
    fn add(table: &mut Table, text: &str, taken: &Arc<Mutex<Vec<String>>>) -> Added {
        let (taken, name) = (Arc::clone(taken), text.to_owned());
        let deliver = move |_: &Arc<Publication>| taken.lock().unwrap().push(name.clone());
        table.add(&filter(text), Qos::AtLeastOnce, Arc::new(deliver))
    }

    fn who(table: &Table, connection: usize, topic: &str, by: &[u32]) -> usize {
        table.takers(connection, &topic.parse().unwrap(), by).len()
    }

    #[test]
    fn a_filter_is_subscribed_to_once_for_all_who_ask() {
        let (mut table, taken) = (Table::new(None, true), Arc::default());
        let one = add(&mut table, "a/+", &taken);
        assert_eq!(table.changed(0), [filter("a/+")]);
        table.answered(&filter("a/+"), Grant::Granted);
        let other = add(&mut table, "a/+", &taken);
        assert_eq!(table.changed(0), []);
        assert_eq!(*other.grant.borrow(), Grant::Granted);
        assert_eq!(who(&table, 0, "a/b", &[]), 2);
        table.remove(&filter("a/+"), one.user);
        assert_eq!(table.changed(0), []);
        table.remove(&filter("a/+"), other.user);
        assert_eq!(table.changed(0), [filter("a/+")]);
        assert_eq!(table.wanted(0, &filter("a/+")), None);
        assert_eq!(who(&table, 0, "a/b", &[]), 0);
    }

    #[test]
    fn each_copy_is_for_those_by_whose_subscription_it_comes() {
        let (mut table, taken) = (Table::new(None, true), Arc::default());
        for text in ["a/+", "a/#", "b"] {
            add(&mut table, text, &taken);
        }
        let id = |text: &str| table.wanted(0, &filter(text)).unwrap().identifier;
        assert_eq!(who(&table, 0, "a/b", &[id("a/+")]), 1);
        assert_eq!(who(&table, 0, "a/b", &[id("a/+"), id("a/#")]), 2);
        // One that the broker has from another life of the nucleus.
        assert_eq!(who(&table, 0, "a/b", &[id("b")]), 0);
        assert_eq!(identifier(&filter("a/+")), identifier(&filter("a/+")));
    }

    #[test]
    fn without_identifiers_filters_that_overlap_have_connections_of_their_own() {
        let (mut table, taken) = (Table::new(None, false), Arc::default());
        let places =
            ["a/+", "a/#", "b", "+/b"].map(|text| add(&mut table, text, &taken).connection);
        assert_eq!(places, [0, 1, 0, 2]);
        assert_eq!([0, 1, 2].map(|connection| who(&table, connection, "a/b", &[])), [1, 1, 1]);
    }

    #[test]
    fn a_broker_without_identifiers_parts_what_overlaps() {
        let (mut table, taken) = (Table::new(None, true), Arc::default());
        for text in ["a/#", "a/+", "b"] {
            assert_eq!(add(&mut table, text, &taken).connection, 0);
        }
        let _seen = table.changed(0);
        table.begin(0, false, false);
        let mut own = table.changed(0);
        own.sort();
        assert_eq!(own, [filter("a/#"), filter("b")]);
        assert_eq!((table.connections(), table.changed(1)), (2, vec![filter("a/+")]));
    }

    #[test]
    fn when_a_connection_is_full_there_is_a_further_one() {
        let (mut table, taken) = (Table::new(Some(2), true), Arc::default());
        let places: Vec<_> =
            ["a", "b", "c", "a"].iter().map(|text| add(&mut table, text, &taken)).collect();
        let connections: Vec<_> = places.iter().map(|added| added.connection).collect();
        assert_eq!(connections, [0, 0, 1, 0]);
        assert!(places[2].is_new && !places[3].is_new);
        // What becomes free is used.
        table.remove(&filter("b"), places[1].user);
        assert_eq!(add(&mut table, "d", &taken).connection, 0);
        assert!(table.is_used(1));
        table.remove(&filter("c"), places[2].user);
        assert!(!table.is_used(1));
    }

    #[test]
    fn a_shared_subscription_takes_the_topics_of_its_filter() {
        let (mut table, taken) = (Table::new(None, true), Arc::default());
        add(&mut table, "$share/group/a/+", &taken);
        assert_eq!(who(&table, 0, "a/b", &[]), 1);
    }
}
