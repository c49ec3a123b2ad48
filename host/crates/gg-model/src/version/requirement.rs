//! Which versions of a component will do: ranges as npm writes them.

mod parse;
mod range;

use super::ComponentVersion;
use crate::text::excerpt;
use range::Range;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Most bytes in a requirement.
pub const MAX_REQUIREMENT_LENGTH: usize = 1024;

/// Which versions of a component will do (Greengrass developer guide, recipe reference,
/// `VersionRequirement`): `>=1.0.0 <2.0.0`, `^1.2`, `~1.2.3`, `1.x`, `1.2 - 1.4`, `1.0.0 || 2.0.0`.
///
/// A space is "and", `||` is "or", a version alone means that version, one with parts left out or
/// with `x` or `*` for them any that begins so; `*` and no text at all mean any version. Build
/// metadata does not count.
///
/// Pre-releases follow the Java nucleus: one comparison alone, `*` too, takes them by their
/// precedence, so that `>=1.0.0` takes `1.1.0-rc.1`. Several together, and so `^`, `~`, `1.x` and
/// `1 - 2`, take one only if they name a pre-release of the same three numbers: `^1.0.0-rc.1` takes
/// `1.0.0-rc.2` and not `1.1.0-rc.1`. (In npm the second rule is the only one.)
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionRequirement {
    /// As written, but for spaces.
    text: Arc<str>,
    /// One of them must match.
    alternatives: Arc<[Range]>,
}

/// Why a text is not a version requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// There is too much text.
    #[error(
        "the version requirement `{requirement}` has {length} bytes; at most {MAX_REQUIREMENT_LENGTH} are allowed"
    )]
    TooLong {
        /// Where the requirement begins.
        requirement: String,
        /// How long it is.
        length: usize,
    },
    /// It is not a range of versions.
    #[error("the version requirement `{requirement}` is not a range such as `^1.2.0`: {reason}")]
    Syntax {
        /// The requirement.
        requirement: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl VersionRequirement {
    /// `*`: any version.
    pub fn any() -> Self {
        Self { text: "*".into(), alternatives: [Range::default()].into() }
    }

    /// Whether a version will do.
    ///
    /// ```
    /// let requirement: gg_model::VersionRequirement = ">=1.2 <2".parse()?;
    /// assert!(requirement.matches(&"1.3.0".parse()?));
    /// assert!(!requirement.matches(&"2.0.0".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matches(&self, version: &ComponentVersion) -> bool {
        Self::all_match([self], version)
    }

    /// Whether a version will do for all of several requirements. Where one of them names a
    /// pre-release of the same three numbers, the others need not: whoever asks for exactly
    /// `1.1.0-rc.1` gets it beside others that ask for `^1.0.0`.
    pub fn all_match<'a>(
        requirements: impl IntoIterator<Item = &'a Self>,
        version: &ComponentVersion,
    ) -> bool {
        let version = version.as_semver();
        let (mut each_allows, mut one_names) = (true, false);
        for requirement in requirements {
            let (mut holds, mut allows) = (false, false);
            for range in requirement.alternatives.iter().filter(|range| range.holds(version)) {
                holds = true;
                allows |= range.is_open_to_pre_releases();
                one_names |= range.names_pre_release_of(version);
            }
            if !holds {
                return false;
            }
            each_allows &= allows;
        }
        version.pre.is_empty() || each_allows || one_names
    }

    /// The text as it was written, but for spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Exactly this version.
impl From<&ComponentVersion> for VersionRequirement {
    fn from(version: &ComponentVersion) -> Self {
        let range = Range::exactly(version.as_semver().clone());
        Self { text: version.to_string().into(), alternatives: [range].into() }
    }
}

impl FromStr for VersionRequirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        if text.len() > MAX_REQUIREMENT_LENGTH {
            return Err(RequirementError::TooLong {
                requirement: excerpt(text),
                length: text.len(),
            });
        }
        let alternatives = parse::alternatives(text)
            .map_err(|reason| RequirementError::Syntax { requirement: excerpt(text), reason })?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = if words.is_empty() { "*".into() } else { words.join(" ") };
        Ok(Self { text: text.into(), alternatives: alternatives.into() })
    }
}

impl TryFrom<String> for VersionRequirement {
    type Error = RequirementError;

    fn try_from(text: String) -> Result<Self, RequirementError> {
        text.parse()
    }
}

impl From<VersionRequirement> for String {
    fn from(requirement: VersionRequirement) -> Self {
        requirement.as_str().into()
    }
}

impl fmt::Display for VersionRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VersionRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionRequirement({})", self.text)
    }
}

#[cfg(test)]
mod tests;
