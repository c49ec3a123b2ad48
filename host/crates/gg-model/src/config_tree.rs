//! A component's configuration: a tree of JSON values in which every leaf knows when it was
//! written.
//!
//! Objects are the containers of the tree; lists, scalars and null are leaves and are replaced as a
//! whole. Keys are found without regard to case, and keep the case of whoever wrote them first.
//! Times are milliseconds since the Unix epoch and come from the caller: this module has no clock.
//! Which keys a component may not write itself is the caller's business too.

mod measure;
mod merge;
mod node;
mod pointer;
mod reset;

pub use measure::{MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH, MAX_CONFIG_KEY_BYTES, MAX_CONFIG_NODES};
pub(crate) use pointer::check as check_pointer;

use measure::{Size, measure};
use node::{Branch, Node};
use serde_json::Value;

/// The time at which a recipe's defaults count as written: older than anything else.
pub const DEFAULTS_TIME: i64 = 1;

/// A configuration tree (Greengrass developer guide, "Update component configurations").
#[derive(Debug, Clone, Default)]
pub struct ConfigTree {
    root: Branch,
    /// No less than the tree's size, so that most writes need not count the whole tree.
    at_most: Size,
}

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The full key path of every leaf that has another value now, is new, or is gone.
    pub paths: Vec<Vec<String>>,
    /// The full key path of every leaf that kept its value and got a newer time.
    pub touched: Vec<Vec<String>>,
    /// Whether something at or below the path was written later than this write, and stayed. The
    /// rest has been written all the same.
    pub stale: bool,
}

/// One leaf of the tree, or an empty container.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigLeaf {
    /// Its full key path.
    pub path: Vec<String>,
    /// Its value; an empty object for an empty container.
    pub value: Value,
    /// When it was written; 0 for an empty container, which has no time.
    pub modified: i64,
}

/// Why a configuration is refused. Nothing has been written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Containers and lists are nested too deeply.
    #[error(
        "the configuration is nested more than {MAX_CONFIG_DEPTH} levels deep; make it flatter"
    )]
    TooDeep,
    /// There are too many values.
    #[error("the configuration has more than {MAX_CONFIG_NODES} values; make it smaller")]
    TooManyNodes,
    /// There is too much text.
    #[error(
        "the configuration takes more than {MAX_CONFIG_BYTES} bytes as a list of key paths and values; make it smaller"
    )]
    TooLarge,
    /// A key has too many bytes.
    #[error(
        "the configuration key `{key}` has {length} bytes; at most {MAX_CONFIG_KEY_BYTES} are allowed"
    )]
    KeyTooLong {
        /// Where the key begins.
        key: String,
        /// How long it is.
        length: usize,
    },
    /// The root was to become something else than an object.
    #[error("a whole configuration must be an object, not {came}; name the key in the key path")]
    RootNotObject {
        /// What it was to become.
        came: &'static str,
    },
    /// A text is not a JSON pointer.
    #[error("`{pointer}` is not a JSON pointer: {reason}")]
    Pointer {
        /// The text.
        pointer: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl ConfigTree {
    /// A tree of one JSON object, all written at one time.
    pub fn from_json(value: &Value, at: i64) -> Result<Self, ConfigError> {
        let mut tree = Self::default();
        tree.merge::<&str>(&[], value, at)?;
        Ok(tree)
    }

    /// The whole tree as a JSON object.
    pub fn to_json(&self) -> Value {
        self.root.to_json()
    }

    /// The value at a path; the empty path is the whole tree. A list's elements have no path.
    pub fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<Value> {
        match path {
            [] => Some(self.to_json()),
            path => self.root.find(path).map(Node::to_json),
        }
    }

    /// The path as its keys are written in the tree, if something is there.
    pub fn stored_path<S: AsRef<str>>(&self, path: &[S]) -> Option<Vec<String>> {
        self.root.stored_path(path)
    }

    /// When something was last written at or below a path; none if nothing is there, or nothing but
    /// empty containers.
    pub fn modified<S: AsRef<str>>(&self, path: &[S]) -> Option<i64> {
        match path {
            [] => self.root.newest(),
            path => self.root.find(path)?.newest(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Every leaf and every empty container, in the order of their keys: what has to be kept to
    /// build the same tree again, by a [`merge`](Self::merge) of each.
    pub fn leaves(&self) -> Vec<ConfigLeaf> {
        let mut leaves = Vec::new();
        self.root.leaves(&mut Vec::new(), &mut leaves);
        leaves
    }

    /// The leaf, or the empty container, at a path; none where there is a container that holds
    /// something, or nothing.
    pub fn leaf<S: AsRef<str>>(&self, path: &[S]) -> Option<ConfigLeaf> {
        let mut leaves = Vec::new();
        let stored = self.stored_path(path)?;
        match self.root.find(path)? {
            Node::Branch(branch) if !branch.is_empty() => {}
            node => node.leaves(&mut stored.clone(), &mut leaves),
        }
        leaves.pop()
    }

    /// The full key path of every leaf that another tree has not, or not with this value, and of
    /// every one that only the other has.
    pub fn differences(&self, other: &Self) -> Vec<Vec<String>> {
        let differs =
            |leaf: &ConfigLeaf, tree: &Self| tree.get(&leaf.path).as_ref() != Some(&leaf.value);
        let mut paths: Vec<Vec<String>> = Vec::new();
        paths.extend(
            self.leaves().into_iter().filter(|leaf| differs(leaf, other)).map(|leaf| leaf.path),
        );
        let gone = other.leaves().into_iter().filter(|leaf| self.stored_path(&leaf.path).is_none());
        paths.extend(gone.map(|leaf| leaf.path));
        paths
    }

    /// Merge a JSON value into the tree at a path, as `UpdateConfiguration` and a deployment's
    /// `MERGE` do: missing containers are made, objects are merged key by key, everything else is
    /// replaced, null is a value like any other. A leaf written later than `at` stays. An object
    /// that gives way to something else counts as written when its newest leaf was.
    pub fn merge<S: AsRef<str>>(
        &mut self,
        path: &[S],
        value: &Value,
        at: i64,
    ) -> Result<Changed, ConfigError> {
        let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let added = measure(&path, value)?;
        if path.is_empty() && !value.is_object() {
            return Err(ConfigError::RootNotObject { came: node::kind(value) });
        }
        self.write(added, |root| merge::merge(root, &path, value, at))
    }

    /// Fill in the defaults of a recipe: only keys that do not exist are written, at
    /// [`DEFAULTS_TIME`]; what exists stays, whatever it is. Null fills in nothing.
    pub fn fill_defaults(&mut self, defaults: &Value) -> Result<Changed, ConfigError> {
        let Value::Object(map) = defaults else {
            return match defaults {
                Value::Null => Ok(Changed::default()),
                other => Err(ConfigError::RootNotObject { came: node::kind(other) }),
            };
        };
        let added = measure(&[], defaults)?;
        self.write(added, |root| {
            let mut changed = Changed::default();
            merge::fill(root, map, &mut Vec::new(), &mut changed);
            changed
        })
    }

    /// What is left when everything that was filled in as a default is taken out.
    #[must_use]
    pub fn without_defaults(&self) -> Self {
        let mut told = Self::default();
        for leaf in self.leaves().iter().filter(|leaf| leaf.modified > DEFAULTS_TIME) {
            // It is no more than what is here, and so within the limits.
            let _kept = told.merge(&leaf.path, &leaf.value, leaf.modified);
        }
        told
    }

    /// Take out what a JSON pointer (RFC 6901) leads to, so that
    /// [`fill_defaults`](Self::fill_defaults) brings back the recipe's default; the empty pointer
    /// takes out all. A pointer to nothing, or into a list, does nothing.
    pub fn reset(&mut self, pointer: &str) -> Result<Changed, ConfigError> {
        let path = pointer::parse(pointer)?;
        Ok(reset::reset(&mut self.root, &path))
    }

    /// Do a write that adds at most `added`, unless the tree would become too large.
    fn write(
        &mut self,
        added: Size,
        change: impl Fn(&mut Branch) -> Changed,
    ) -> Result<Changed, ConfigError> {
        if self.at_most.plus(added).check().is_err() {
            self.at_most = self.root.size();
        }
        if self.at_most.plus(added).check().is_ok() {
            self.at_most = self.at_most.plus(added);
            return Ok(change(&mut self.root));
        }
        // It may still fit, since it may replace what is there: try on a copy.
        let mut copy = self.root.clone();
        let changed = change(&mut copy);
        let size = copy.size();
        size.check()?;
        (self.root, self.at_most) = (copy, size);
        Ok(changed)
    }
}

/// Trees are equal if their keys, values and times are.
impl PartialEq for ConfigTree {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

#[cfg(test)]
mod tests;
