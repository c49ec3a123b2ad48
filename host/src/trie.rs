//! Who subscribed to what: a tree of topic levels, for local topics as for those of the cloud. Finding the subscribers of a topic costs
//! by the length of the topic and the number of matches, not by the number of subscriptions.

use gg_model::{Topic, TopicFilter};
use std::collections::HashMap;

/// Values filed under topic filters. A filter may hold several.
#[derive(Debug)]
pub(crate) struct Trie<V> {
    root: Node<V>,
}

#[derive(Debug)]
struct Node<V> {
    literal: HashMap<Box<str>, Self>,
    /// The branch of `+`.
    plus: Option<Box<Self>>,
    /// Filters that end here.
    here: Vec<(u64, V)>,
    /// Filters that end here with `#`.
    below: Vec<(u64, V)>,
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { literal: HashMap::new(), plus: None, here: Vec::new(), below: Vec::new() }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<V> Trie<V> {
    /// File a value under a filter. `id` names it for [`Trie::remove`].
    pub(crate) fn insert(&mut self, filter: &TopicFilter, id: u64, value: V) {
        let mut node = &mut self.root;
        for level in filter.levels() {
            match level {
                "#" => return node.below.push((id, value)),
                "+" => node = node.plus.get_or_insert_default(),
                // Looked up first: a level that is there needs no copy of its name.
                level if node.literal.contains_key(level) => {
                    let Some(next) = node.literal.get_mut(level) else { return };
                    node = next;
                }
                level => node = node.literal.entry(level.into()).or_default(),
            }
        }
        node.here.push((id, value));
    }

    /// Take a value out again, and every branch that holds nothing any more.
    pub(crate) fn remove(&mut self, filter: &TopicFilter, id: u64) {
        let levels: Vec<&str> = filter.levels().collect();
        self.root.remove(&levels, id);
    }

    /// Call `found` with every value whose filter matches the topic.
    pub(crate) fn matches<'a>(&'a self, topic: &Topic, found: &mut impl FnMut(&'a V)) {
        let text = topic.as_ref();
        // MQTT 5.0, 4.7.2: a leading wildcard does not match a topic that begins with `$`.
        let wild = !text.starts_with('$');
        self.root.matches(Some(text), wild, found);
    }
}

impl<V> Node<V> {
    fn matches<'a>(&'a self, rest: Option<&str>, wild: bool, found: &mut impl FnMut(&'a V)) {
        if wild {
            self.below.iter().for_each(|(_, value)| found(value));
        }
        let Some(rest) = rest else {
            self.here.iter().for_each(|(_, value)| found(value));
            return;
        };
        let (level, rest) = match rest.split_once('/') {
            Some((level, rest)) => (level, Some(rest)),
            None => (rest, None),
        };
        if wild && let Some(plus) = &self.plus {
            plus.matches(rest, true, found);
        }
        if let Some(next) = self.literal.get(level) {
            next.matches(rest, true, found);
        }
    }

    fn remove(&mut self, levels: &[&str], id: u64) {
        match levels.split_first() {
            None => self.here.retain(|(other, _)| *other != id),
            Some((&"#", _)) => self.below.retain(|(other, _)| *other != id),
            Some((&"+", rest)) => {
                if let Some(plus) = &mut self.plus {
                    plus.remove(rest, id);
                    if plus.is_empty() {
                        self.plus = None;
                    }
                }
            }
            Some((level, rest)) => {
                if let Some(next) = self.literal.get_mut(*level) {
                    next.remove(rest, id);
                    if next.is_empty() {
                        self.literal.remove(*level);
                    }
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.literal.is_empty()
            && self.plus.is_none()
            && self.here.is_empty()
            && self.below.is_empty()
    }
}
