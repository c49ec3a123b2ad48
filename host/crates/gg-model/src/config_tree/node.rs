//! The nodes of the tree. Their depth is limited when they are made, so walking them may recurse.

use super::measure::{Size, key_bytes, value_size};
use super::{ConfigLeaf, merge};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A container: entries by the lower-case form of their key. Most hold one or two, and a node of
/// the map has room for eleven, so that it holds them elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Branch(BTreeMap<String, Box<Entry>>);

/// A key as first written, and what it leads to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) node: Node,
}

/// A container or a leaf. A leaf's value is never an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Branch(Branch),
    Leaf { value: Value, at: i64 },
}

/// A key as it is compared; most are in lower case already.
fn lower_case(key: &str) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if key.bytes().all(is_lower) { key.into() } else { key.to_lowercase().into() }
}

impl Branch {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.0.get(&*lower_case(key)).map(|entry| &**entry)
    }

    pub(super) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.0.get_mut(&key.to_lowercase()).map(|entry| &mut **entry)
    }

    pub(super) fn insert(&mut self, key: &str, node: Node) {
        self.0.insert(key.to_lowercase(), Box::new(Entry { key: key.into(), node }));
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Entry> {
        self.0.remove(&key.to_lowercase()).map(|entry| *entry)
    }

    /// The node at a path of at least one key.
    pub(super) fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<&Node> {
        let (first, rest) = path.split_first()?;
        let node = &self.entry(first.as_ref())?.node;
        match (node, rest) {
            (node, []) => Some(node),
            (Node::Branch(branch), rest) => branch.find(rest),
            (Node::Leaf { .. }, _) => None,
        }
    }

    pub(super) fn stored_path<S: AsRef<str>>(&self, path: &[S]) -> Option<Vec<String>> {
        let mut stored = Vec::with_capacity(path.len().min(super::MAX_CONFIG_DEPTH));
        let mut branch = Some(self);
        for key in path {
            let entry = branch?.entry(key.as_ref())?;
            stored.push(entry.key.clone());
            branch = match &entry.node {
                Node::Branch(branch) => Some(branch),
                Node::Leaf { .. } => None,
            };
        }
        Some(stored)
    }

    pub(super) fn to_json(&self) -> Value {
        self.0.values().map(|entry| (entry.key.clone(), entry.node.to_json())).collect()
    }

    pub(super) fn newest(&self) -> Option<i64> {
        self.0.values().filter_map(|entry| entry.node.newest()).max()
    }

    pub(super) fn leaves(&self, path: &mut Vec<String>, leaves: &mut Vec<ConfigLeaf>) {
        for entry in self.0.values() {
            path.push(entry.key.clone());
            entry.node.leaves(path, leaves);
            path.pop();
        }
    }

    /// The path of every leaf, where `path` leads to this container.
    pub(super) fn paths(&self, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
        for entry in self.0.values() {
            path.push(entry.key.clone());
            entry.node.paths(path, paths);
            path.pop();
        }
    }

    pub(super) fn size(&self) -> Size {
        self.size_under(0)
    }

    fn size_under(&self, path: usize) -> Size {
        let mut size = Size::container(self.is_empty(), path);
        for entry in self.0.values() {
            let path = path.saturating_add(key_bytes(&entry.key));
            size = size.plus(match &entry.node {
                Node::Branch(branch) => branch.size_under(path),
                // Every leaf was within the limits when it came.
                Node::Leaf { value, .. } => value_size(value, 0, path).unwrap_or_default(),
            });
        }
        size
    }
}

impl Node {
    /// The tree of a JSON value, all of it written at one time. Keys that differ only in case are
    /// merged in their order.
    pub(super) fn new(value: &Value, at: i64) -> Self {
        let Value::Object(map) = value else {
            return Self::Leaf { value: value.clone(), at };
        };
        let mut branch = Branch::default();
        for (key, value) in map {
            match branch.entry_mut(key) {
                Some(entry) => merge::overlay_quietly(&mut entry.node, value, at),
                None => branch.insert(key, Self::new(value, at)),
            }
        }
        Self::Branch(branch)
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Branch(branch) => branch.to_json(),
            Self::Leaf { value, .. } => value.clone(),
        }
    }

    pub(super) fn newest(&self) -> Option<i64> {
        match self {
            Self::Branch(branch) => branch.newest(),
            Self::Leaf { at, .. } => Some(*at),
        }
    }

    pub(super) fn leaves(&self, path: &mut Vec<String>, leaves: &mut Vec<ConfigLeaf>) {
        match self {
            Self::Branch(branch) if !branch.is_empty() => branch.leaves(path, leaves),
            node => leaves.push(ConfigLeaf {
                path: path.clone(),
                value: node.to_json(),
                modified: node.newest().unwrap_or_default(),
            }),
        }
    }

    pub(super) fn paths(&self, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
        match self {
            Self::Branch(branch) => branch.paths(path, paths),
            Self::Leaf { .. } => paths.push(path.clone()),
        }
    }
}

/// What a value is, in words.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
