//! The version of a component, and which versions another needs of it.

mod requirement;

pub use requirement::{MAX_REQUIREMENT_LENGTH, RequirementError, VersionRequirement};

use crate::text::excerpt;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most characters in a version.
pub const MAX_VERSION_LENGTH: usize = 64;

/// The largest major, minor or patch number.
pub const MAX_VERSION_NUMBER: u64 = 999_999;

/// A version in the sense of Semantic Versioning 2.0.0, of at most 64 characters, with numbers of
/// at most 999999 (Greengrass developer guide, recipe reference, `ComponentVersion`).
///
/// Versions are ordered by precedence, and where that is equal by their build metadata.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentVersion(semver::Version);

/// Why a text is not a component's version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// There is too much text.
    #[error("the version `{version}` has {length} bytes; at most {MAX_VERSION_LENGTH} are allowed")]
    TooLong {
        /// Where the version begins.
        version: String,
        /// How long it is.
        length: usize,
    },
    /// It is not a semantic version.
    #[error("the version `{version}` is not a semantic version such as `1.0.0`: {reason}")]
    Syntax {
        /// The version.
        version: String,
        /// What the parser says.
        reason: String,
    },
    /// One of its numbers is too large.
    #[error(
        "the version `{version}` has the number {number}; at most {MAX_VERSION_NUMBER} is allowed"
    )]
    NumberTooLarge {
        /// The version.
        version: String,
        /// The number.
        number: u64,
    },
}

impl ComponentVersion {
    /// `0.0.0`: what a component is that was never given a version.
    pub const ZERO: Self = Self(semver::Version::new(0, 0, 0));

    /// The version as the `semver` crate has it, to be held against a requirement.
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for ComponentVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_VERSION_LENGTH {
            return Err(VersionError::TooLong { version: excerpt(text), length: text.len() });
        }
        let version = semver::Version::parse(text).map_err(|error| VersionError::Syntax {
            version: excerpt(text),
            reason: error.to_string(),
        })?;
        for number in [version.major, version.minor, version.patch] {
            if number > MAX_VERSION_NUMBER {
                return Err(VersionError::NumberTooLarge { version: excerpt(text), number });
            }
        }
        Ok(Self(version))
    }
}

impl TryFrom<String> for ComponentVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<ComponentVersion> for String {
    fn from(version: ComponentVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ComponentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ComponentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComponentVersion({})", self.0)
    }
}

#[cfg(test)]
mod tests;
