//! The labels of classes: integers or texts.

use super::attributes::Node;
use super::values::{Data, Value};
use crate::backend::{LoadError, RunError};
use std::sync::Arc;

/// What the classes are called.
#[derive(Clone, Debug)]
pub(super) enum Labels {
    /// By number.
    Ints(Vec<i64>),
    /// By name.
    Texts(Vec<Arc<str>>),
}

impl Labels {
    /// Those that a node has: texts where there are any.
    pub(super) fn of(node: &Node<'_>, ints: &str) -> Result<Self, LoadError> {
        let texts = node.texts("classlabels_strings")?;
        let labels = match texts.is_empty() {
            true => Self::Ints(node.ints(ints).to_vec()),
            false => Self::Texts(texts),
        };
        if labels.len() == 0 {
            return Err(node.invalid("it has no labels of classes"));
        }
        Ok(labels)
    }

    /// How many classes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ints(all) => all.len(),
            Self::Texts(all) => all.len(),
        }
    }

    /// The label of each row, whose classes are these.
    pub(super) fn value(&self, classes: &[usize]) -> Result<Value, RunError> {
        let places = classes.iter().copied();
        let labels = match self {
            Self::Ints(all) => {
                Data::Int(places.filter_map(|place| all.get(place).copied()).collect())
            }
            Self::Texts(all) => {
                Data::Text(places.filter_map(|place| all.get(place).cloned()).collect())
            }
        };
        Value::new(vec![classes.len()], labels)
    }
}

/// The first of the greatest; the first of all where none is.
pub(super) fn first_greatest(scores: &[f32]) -> usize {
    let mut best = 0;
    for (place, score) in scores.iter().enumerate() {
        if scores.get(best).is_some_and(|most| score > most) {
            best = place;
        }
    }
    best
}
