//! A place inside a document, made while walking down and kept only for a message.

use crate::text::{Excerpt, excerpt};
use std::fmt;

/// The way from the document's root to one of its values; each step points to the one before.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    before: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The document itself, under a name such as `accessControl`, or under none.
    pub const fn root(name: &'a str) -> Self {
        Path { before: None, step: Step::Root(name) }
    }

    /// The member of this name of the object at this place.
    pub const fn key(&'a self, key: &'a str) -> Self {
        Path { before: Some(self), step: Step::Key(key) }
    }

    /// The element of this number of the list at this place.
    pub const fn index(&'a self, index: usize) -> Self {
        Path { before: Some(self), step: Step::Index(index) }
    }

    /// The same, to be kept.
    pub fn keep(&self) -> KeyPath {
        let mut path = self.before.map_or_else(KeyPath::default, Self::keep);
        match self.step {
            Step::Root(name) => path.root = name.into(),
            Step::Key(key) if key.len() <= LONGEST_KEPT => {
                path.steps.push(KeyStep::Key(key.into()));
            }
            Step::Key(key) => path.steps.push(KeyStep::Key(excerpt(key))),
            Step::Index(index) => path.steps.push(KeyStep::Index(index)),
        }
        path
    }
}

/// Longer keys are cut.
const LONGEST_KEPT: usize = 256;

/// Where in a document a value is: the keys and indices that lead to it, written like
/// `Manifests[0].Platform["architecture.detail"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath {
    root: String,
    steps: Vec<KeyStep>,
}

/// One step on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyStep {
    Key(String),
    Index(usize),
}

impl KeyPath {
    pub(super) fn steps(&self) -> &[KeyStep] {
        &self.steps
    }
}

/// The unnamed root is `the document`.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.root.is_empty() && self.steps.is_empty() {
            return f.write_str("the document");
        }
        f.write_str(&self.root)?;
        let plain = |key: &str| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        let mut first = self.root.is_empty();
        for step in &self.steps {
            match step {
                KeyStep::Index(index) => write!(f, "[{index}]")?,
                KeyStep::Key(key) if plain(key) && first => write!(f, "{}", Excerpt(key))?,
                KeyStep::Key(key) if plain(key) => write!(f, ".{}", Excerpt(key))?,
                KeyStep::Key(key) => write!(f, "[\"{}\"]", Excerpt(key))?,
            }
            first = false;
        }
        Ok(())
    }
}
