//! Patterns of components' names.

use super::{ComponentName, NameError, check};
use crate::policy::glob::{Glob, Token};
use std::fmt;
use std::str::FromStr;

/// Some components' names: text in which `*` stands for any characters, also for none.
#[derive(Clone, PartialEq)]
pub struct NamePattern {
    text: Box<str>,
    glob: Glob,
}

impl NamePattern {
    /// Whether the name is among them. Case matters, as in names.
    pub fn covers(&self, name: &ComponentName) -> bool {
        self.glob.covers(name.as_str().as_bytes())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for NamePattern {
    type Err = NameError;

    /// At most [`MAX_NAME_LENGTH`](super::MAX_NAME_LENGTH) characters, those of names and `*`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        check("component", text, "-_.*")?;
        let token = |byte| if byte == b'*' { Token::Star } else { Token::Literal(byte) };
        let tokens: Vec<Token> = text.bytes().map(token).collect();
        Ok(Self { text: text.into(), glob: Glob::new(&tokens) })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamePattern({:?})", self.text)
    }
}
