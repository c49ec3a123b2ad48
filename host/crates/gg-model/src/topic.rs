//! Topics and topic filters by the rules of MQTT 5.0 section 4.7.
//!
//! Levels are parted by `/` and may be empty: `/a`, `a/` and `a//b` have two, two and three levels.
//! Local topics follow the same rules as those of the cloud. This module knows nothing of AWS IoT
//! Core's own limits (256 bytes, seven slashes), nor of shared subscriptions: `$share/…` is a
//! filter like any other here.

use crate::text::{checked_text, excerpt};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most bytes in a topic or a filter.
pub const MAX_TOPIC_BYTES: usize = 1024;

/// Most levels in a topic or a filter.
pub const MAX_TOPIC_LEVELS: usize = 64;

/// A topic: what a message is published to. It has no wildcards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(Arc<str>);

/// A topic filter: what a subscriber names. `+` stands for one level, `#` as the last level for
/// its parent and all that follows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicFilter(Arc<str>);

checked_text!(Topic, TopicError, check_topic);
checked_text!(TopicFilter, TopicError, check_filter);

/// Why a text is not a topic or not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// There is no text.
    #[error("the topic is empty; give it 1 to {MAX_TOPIC_BYTES} bytes")]
    Empty,
    /// There is too much text.
    #[error("the topic `{topic}` has {length} bytes; at most {MAX_TOPIC_BYTES} are allowed")]
    TooLong {
        /// Where the topic begins.
        topic: String,
        /// How long it is.
        length: usize,
    },
    /// There are too many levels.
    #[error("the topic `{topic}` has {levels} levels; at most {MAX_TOPIC_LEVELS} are allowed")]
    TooManyLevels {
        /// The topic.
        topic: String,
        /// How many levels it has.
        levels: usize,
    },
    /// It holds the character U+0000.
    #[error("the topic `{topic}` contains the character U+0000; remove it")]
    Nul {
        /// The topic.
        topic: String,
    },
    /// A topic holds a wildcard.
    #[error("the topic `{topic}` contains the wildcard `{wildcard}`; a message goes to one topic")]
    Wildcard {
        /// The topic.
        topic: String,
        /// The first wildcard in it.
        wildcard: char,
    },
    /// A filter has `+` beside other characters of a level.
    #[error("the topic filter `{filter}` has `+` inside a level; `+` must be a whole level")]
    PlusInsideLevel {
        /// The filter.
        filter: String,
    },
    /// A filter has `#` elsewhere than as its last level.
    #[error("the topic filter `{filter}` has `#` inside; `#` must be the whole last level")]
    HashInside {
        /// The filter.
        filter: String,
    },
}

impl Topic {
    /// The levels, from the left; there is at least one.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl TopicFilter {
    /// The levels, from the left; there is at least one.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether it can match more than one topic.
    pub fn has_wildcard(&self) -> bool {
        self.levels().any(|level| level == "+" || level == "#")
    }

    /// Whether a message published to `topic` is for this filter. A filter that begins with a
    /// wildcard matches no topic that begins with `$` (MQTT 5.0 section 4.7.2).
    pub fn matches(&self, topic: &Topic) -> bool {
        if topic.0.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.levels();
        for wanted in self.levels() {
            match (wanted, levels.next()) {
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

impl TopicFilter {
    /// Whether there are topics that both match.
    pub fn overlaps(&self, other: &Self) -> bool {
        fn overlap<'a>(
            mut one: impl Iterator<Item = &'a str>,
            mut other: impl Iterator<Item = &'a str>,
        ) -> bool {
            loop {
                match (one.next(), other.next()) {
                    (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
                    (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
                    (Some(level), Some(same)) if level == same => {}
                    _ => return false,
                }
            }
        }
        // A leading wildcard matches no topic that begins with `$`.
        let (wild, own) = (['+', '#'], '$');
        let parted = |one: &Self, other: &Self| one.0.starts_with(wild) && other.0.starts_with(own);
        !parted(self, other) && !parted(other, self) && overlap(self.levels(), other.levels())
    }
}

/// Every topic is a filter for itself alone.
impl From<Topic> for TopicFilter {
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

fn check_topic(text: &str) -> Result<(), TopicError> {
    check_both(text)?;
    match text.chars().find(|c| matches!(c, '+' | '#')) {
        Some(wildcard) => Err(TopicError::Wildcard { topic: excerpt(text), wildcard }),
        None => Ok(()),
    }
}

fn check_filter(text: &str) -> Result<(), TopicError> {
    check_both(text)?;
    let mut levels = text.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err(TopicError::HashInside { filter: excerpt(text) });
        }
        if level.contains('+') && level != "+" {
            return Err(TopicError::PlusInsideLevel { filter: excerpt(text) });
        }
    }
    Ok(())
}

fn check_both(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAX_TOPIC_BYTES {
        return Err(TopicError::TooLong { topic: excerpt(text), length: text.len() });
    }
    if text.contains('\0') {
        return Err(TopicError::Nul { topic: excerpt(text) });
    }
    let levels = text.split('/').count();
    if levels > MAX_TOPIC_LEVELS {
        return Err(TopicError::TooManyLevels { topic: excerpt(text), levels });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
