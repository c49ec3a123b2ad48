//! Names of components, models and things.

mod pattern;

pub use pattern::NamePattern;

use crate::text::{checked_text, excerpt};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most characters in a component's or a thing's name.
pub const MAX_NAME_LENGTH: usize = 128;

/// The name of a component: letters, digits, `-`, `_` and `.`, 1 to 128 of them (Greengrass
/// developer guide, recipe reference, `ComponentName`).
///
/// A name of dots alone is refused although the pattern of the recipe reference lets it through:
/// names become folder names, and `..` would leave the folder it belongs in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentName(Arc<str>);

impl ComponentName {
    /// The names of the core software as a component: that of the Java nucleus, and that of nucleus
    /// lite.
    pub(crate) const NUCLEUS: [&str; 2] = ["aws.greengrass.Nucleus", "aws.greengrass.NucleusLite"];

    /// The core software of a device.
    pub fn nucleus() -> Self {
        let [name, _] = Self::NUCLEUS;
        Self(name.into())
    }

    /// One of the names that are written down here.
    pub fn of_core(name: &'static str) -> Self {
        Self(name.into())
    }

    /// Whether it is a name of the core software.
    pub fn is_nucleus(&self) -> bool {
        Self::NUCLEUS.contains(&&*self.0)
    }
}

impl ModelName {
    /// What a model is called that a component brings itself and that has no name.
    pub fn of_guest() -> Self {
        Self("of-the-component".into())
    }
}

/// The name of a thing, and so of a core device: letters, digits, `:`, `_` and `-`, 1 to 128 of
/// them (AWS IoT API reference, `CreateThing`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ThingName(Arc<str>);

/// The name of a machine-learning model on a device, which a component declares: as a component's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(Arc<str>);

checked_text!(ComponentName, NameError, |text| {
    check("component", text, "-_.")?;
    if text.bytes().all(|byte| byte == b'.') {
        return Err(NameError::Dots { name: text.into() });
    }
    Ok(())
});
checked_text!(ModelName, NameError, |text| check("model", text, "-_."));
checked_text!(ThingName, NameError, |text| check("thing", text, ":_-"));

impl ComponentName {
    /// The name that a person on the command line has among components, as in Greengrass:
    /// `greengrass-cli#user-1000`. No text is read as such a name, so that no component has it.
    pub fn of_operator(who: &str) -> Self {
        Self(format!("greengrass-cli#{who}").into())
    }
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no text.
    #[error("the {noun} name is empty; give it 1 to {MAX_NAME_LENGTH} characters")]
    Empty {
        /// `component`, `model` or `thing`.
        noun: &'static str,
    },
    /// There is too much text.
    #[error("the {noun} name `{name}` has {length} bytes; at most {MAX_NAME_LENGTH} are allowed")]
    TooLong {
        /// `component`, `model` or `thing`.
        noun: &'static str,
        /// Where the name begins.
        name: String,
        /// How long it is.
        length: usize,
    },
    /// A character that no name may hold.
    #[error(
        "the {noun} name `{name}` contains {character:?}; use letters, digits and any of `{allowed}`"
    )]
    Character {
        /// `component`, `model` or `thing`.
        noun: &'static str,
        /// The name.
        name: String,
        /// The first character that is not allowed.
        character: char,
        /// The characters allowed beside letters and digits.
        allowed: &'static str,
    },
    /// Nothing but dots.
    #[error("the component name `{name}` is dots alone; add a letter or a digit")]
    Dots {
        /// The name.
        name: String,
    },
}

fn check(noun: &'static str, text: &str, allowed: &'static str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { noun });
    }
    if text.len() > MAX_NAME_LENGTH {
        return Err(NameError::TooLong { noun, name: excerpt(text), length: text.len() });
    }
    let wrong = |c: &char| !c.is_ascii_alphanumeric() && !allowed.contains(*c);
    match text.chars().find(wrong) {
        Some(character) => {
            Err(NameError::Character { noun, name: excerpt(text), character, allowed })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
