//! A place inside a document, made while walking down and written out only for a message.

use crate::text::Excerpt;
use std::fmt;

/// The way from the document's root to one of its values; each step points to the one before.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    before: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The document itself, under a name such as `accessControl`, or under none.
    pub(crate) const fn root(name: &'a str) -> Self {
        Path { before: None, step: Step::Root(name) }
    }

    pub(crate) const fn key(&'a self, key: &'a str) -> Self {
        Path { before: Some(self), step: Step::Key(key) }
    }

    pub(crate) const fn index(&'a self, index: usize) -> Self {
        Path { before: Some(self), step: Step::Index(index) }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            before.write(f)?;
        }
        let first = self.before.is_none_or(|before| matches!(before.step, Step::Root("")));
        let plain = |key: &str| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        match self.step {
            Step::Root(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) if plain(key) && first => write!(f, "{}", Excerpt(key)),
            Step::Key(key) if plain(key) => write!(f, ".{}", Excerpt(key)),
            Step::Key(key) => write!(f, "[\"{}\"]", Excerpt(key)),
        }
    }
}

/// `Manifests[0].Platform["architecture.detail"]`; the unnamed root is `the document`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Root("") => f.write_str("the document"),
            _ => self.write(f),
        }
    }
}
