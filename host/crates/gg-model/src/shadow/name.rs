//! Which shadow is meant.

use crate::name::ThingName;
use crate::text::{checked_text, excerpt};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Most characters in a shadow's name.
const MAX_LENGTH: usize = 64;

/// The name of a shadow: letters, digits, `$`, `:`, `_` and `-`, 1 to 64 of them (AWS IoT API
/// reference, `GetThingShadow`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShadowName(Arc<str>);

checked_text!(ShadowName, ShadowNameError, check);

fn check(text: &str) -> Result<(), ShadowNameError> {
    let wrong = |c: &char| !c.is_ascii_alphanumeric() && !"$:_-".contains(*c);
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err(ShadowNameError::Length { name: excerpt(text), length: text.len() });
    }
    match text.chars().find(wrong) {
        Some(character) => Err(ShadowNameError::Character { name: excerpt(text), character }),
        None => Ok(()),
    }
}

/// Why a text is no name of a shadow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShadowNameError {
    /// There is none, or too much of it.
    #[error("the shadow name `{name}` has {length} bytes; give it 1 to {MAX_LENGTH}")]
    Length {
        /// Where the name begins.
        name: String,
        /// How long it is.
        length: usize,
    },
    /// A character that no name may hold.
    #[error(
        "the shadow name `{name}` contains {character:?}; use letters, digits and any of `$:_-`"
    )]
    Character {
        /// The name.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
}

/// A shadow of a thing: its classic one, or one with a name. Shown as the beginning of its topics,
/// which is the resource of policies too: `$aws/things/T/shadow`, `$aws/things/T/shadow/name/N`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShadowId {
    /// The thing.
    pub thing: ThingName,
    /// The shadow's name; the classic one has none.
    pub name: Option<ShadowName>,
}

impl fmt::Display for ShadowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$aws/things/{}/shadow", self.thing)?;
        match &self.name {
            Some(name) => write!(f, "/name/{name}"),
            None => Ok(()),
        }
    }
}
