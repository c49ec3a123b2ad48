//! Which versions will do: ranges as npm has them, which recipes are written in.

use super::ComponentVersion;
use crate::text::excerpt;
use semver::{Prerelease, Version};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most characters in a requirement.
pub const MAX_REQUIREMENT_LENGTH: usize = 1024;

/// A range of versions: `>=1.0.0 <2.0.0`, `^1.2`, `~1.2.3`, `1.x`, `1.0.0 - 2.0.0`, `1.0.0 || 2.0.0`,
/// `*` (Greengrass developer guide, recipe reference, `VersionRequirement`; npm's node-semver).
///
/// A pre-release is in a range only if the range names a pre-release of the same major, minor and
/// patch number, as npm has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionRequirement {
    text: String,
    /// One of these must hold, and of it every comparison.
    any: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Why a text is not a range of versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// There is too much text.
    #[error(
        "the version requirement has {length} bytes; at most {MAX_REQUIREMENT_LENGTH} are allowed"
    )]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// A part of it is no version and no comparison.
    #[error(
        "the version requirement `{requirement}` is not a range such as `>=1.0.0 <2.0.0` or `^1.2`: \
         `{part}` {reason}"
    )]
    Syntax {
        /// The requirement.
        requirement: String,
        /// The part.
        part: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl VersionRequirement {
    /// Any version that is not a pre-release.
    pub fn any() -> Self {
        Self { text: "*".into(), any: vec![Vec::new()] }
    }

    /// This version and no other.
    pub fn exactly(version: &ComponentVersion) -> Self {
        let comparison =
            Comparison { operator: Operator::Equal, version: version.as_semver().clone() };
        Self { text: version.to_string(), any: vec![vec![comparison]] }
    }

    /// Whether a version will do.
    pub fn matches(&self, version: &ComponentVersion) -> bool {
        let version = version.as_semver();
        self.any.iter().any(|all| {
            all.iter().all(|comparison| comparison.holds(version)) && allows_pre(all, version)
        })
    }
}

fn allows_pre(all: &[Comparison], version: &Version) -> bool {
    let numbers = |version: &Version| (version.major, version.minor, version.patch);
    let named = |comparison: &Comparison| {
        !comparison.version.pre.is_empty() && numbers(&comparison.version) == numbers(version)
    };
    version.pre.is_empty() || all.iter().any(named)
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
        }
    }
}

impl FromStr for VersionRequirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        if text.len() > MAX_REQUIREMENT_LENGTH {
            return Err(RequirementError::TooLong { length: text.len() });
        }
        let syntax = |(part, reason): (&str, &'static str)| RequirementError::Syntax {
            requirement: excerpt(text),
            part: excerpt(part),
            reason,
        };
        let any = text.split("||").map(|range| read(range).map_err(syntax));
        Ok(Self { text: text.trim().into(), any: any.collect::<Result<_, _>>()? })
    }
}

type Fault<'t> = (&'t str, &'static str);

/// One alternative.
fn read(range: &str) -> Result<Vec<Comparison>, Fault<'_>> {
    let mut all = Vec::new();
    if let Some((from, to)) = range.split_once(" - ") {
        let (from, to) = (Partial::parse(from.trim())?, Partial::parse(to.trim())?);
        all.extend(from.at_least());
        all.extend(to.at_most());
        return Ok(all);
    }
    let mut words = range.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let version = word.trim_start_matches(['<', '>', '=', '^', '~']);
        let operator = &word[..word.len() - version.len()];
        // `>= 1.0.0` is one comparison in two words.
        let version = match version {
            "" => words.next().ok_or((word, "compares with nothing"))?,
            version => version,
        };
        let partial = Partial::parse(version)?;
        match operator {
            "" | "=" => all.extend(partial.within()),
            ">" => all.push(partial.above()),
            ">=" => all.extend(partial.at_least()),
            "<" => all.push(partial.below()),
            "<=" => all.extend(partial.at_most()),
            "^" => all.extend(partial.caret()),
            "~" | "~>" => all.extend(partial.tilde()),
            _ => return Err((word, "begins with an operator that does not exist")),
        }
    }
    Ok(all)
}

/// A version of which the end may be left out: `1`, `1.2`, `1.x`.
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: Prerelease,
}

impl Partial {
    fn parse(text: &str) -> Result<Self, Fault<'_>> {
        let plain = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (plain, _build) = plain.split_once('+').unwrap_or((plain, ""));
        let (numbers, pre) = plain.split_once('-').unwrap_or((plain, ""));
        let mut parts = [None; 3];
        let mut open = false;
        for (index, part) in numbers.split('.').enumerate() {
            let place = parts.get_mut(index).ok_or((text, "has more than three numbers"))?;
            if matches!(part, "x" | "X" | "*") {
                open = true;
                continue;
            }
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let number = part.parse().ok().filter(|_| digits);
            let number: u64 = number.ok_or((text, "is not a version"))?;
            if number > super::MAX_VERSION_NUMBER {
                return Err((text, "has a number above 999999"));
            }
            // What follows an `x` is open too.
            *place = (!open).then_some(number);
        }
        let pre = Prerelease::new(pre).map_err(|_| (text, "has a pre-release that is none"))?;
        let [major, minor, patch] = parts;
        if patch.is_none() && !pre.is_empty() {
            return Err((text, "is a pre-release of no version"));
        }
        Ok(Self { major, minor, patch, pre })
    }

    /// The lowest version that it stands for.
    fn lowest(&self) -> Version {
        let part = |part: Option<u64>| part.unwrap_or_default();
        Version {
            pre: self.pre.clone(),
            ..Version::new(part(self.major), part(self.minor), part(self.patch))
        }
    }

    /// The lowest version above all that it stands for; none where that is all.
    fn next(&self) -> Option<Version> {
        Some(match (self.major?, self.minor, self.patch) {
            (major, None, _) => Version::new(major + 1, 0, 0),
            (major, Some(minor), None) => Version::new(major, minor + 1, 0),
            (major, Some(minor), Some(patch)) => Version::new(major, minor, patch + 1),
        })
    }

    fn is_whole(&self) -> bool {
        self.patch.is_some()
    }

    fn at_least(&self) -> Option<Comparison> {
        self.major?;
        Some(Comparison { operator: Operator::GreaterOrEqual, version: self.lowest() })
    }

    fn at_most(&self) -> Option<Comparison> {
        match self.is_whole() {
            true => Some(Comparison { operator: Operator::LessOrEqual, version: self.lowest() }),
            false => Some(before(self.next()?)),
        }
    }

    /// Above all that it stands for; nothing is above everything.
    fn above(&self) -> Comparison {
        match (self.is_whole(), self.next()) {
            (true, _) => Comparison { operator: Operator::Greater, version: self.lowest() },
            (false, Some(next)) => Comparison { operator: Operator::GreaterOrEqual, version: next },
            (false, None) => before(lowest_of_all()),
        }
    }

    /// Below all that it stands for; nothing is below everything.
    fn below(&self) -> Comparison {
        match self.major {
            None => before(lowest_of_all()),
            Some(_) if self.is_whole() => {
                Comparison { operator: Operator::Less, version: self.lowest() }
            }
            Some(_) => before(self.lowest()),
        }
    }

    fn within(&self) -> Vec<Comparison> {
        if self.is_whole() {
            return vec![Comparison { operator: Operator::Equal, version: self.lowest() }];
        }
        self.at_least().into_iter().chain(self.next().map(before)).collect()
    }

    /// As far as the first number that is not 0.
    fn caret(&self) -> Vec<Comparison> {
        let end = match (self.major, self.minor, self.patch) {
            (None, ..) => None,
            (Some(0), Some(0), Some(patch)) => Some(Version::new(0, 0, patch + 1)),
            (Some(0), Some(minor), _) => Some(Version::new(0, minor + 1, 0)),
            (Some(major), ..) => Some(Version::new(major + 1, 0, 0)),
        };
        self.at_least().into_iter().chain(end.map(before)).collect()
    }

    /// As far as the minor number, or the major where there is no other.
    fn tilde(&self) -> Vec<Comparison> {
        let end = match (self.major, self.minor) {
            (None, _) => None,
            (Some(major), None) => Some(Version::new(major + 1, 0, 0)),
            (Some(major), Some(minor)) => Some(Version::new(major, minor + 1, 0)),
        };
        self.at_least().into_iter().chain(end.map(before)).collect()
    }
}

/// Below a version and its pre-releases.
fn before(version: Version) -> Comparison {
    let lowest_pre = Prerelease::new("0").unwrap_or(Prerelease::EMPTY);
    Comparison { operator: Operator::Less, version: Version { pre: lowest_pre, ..version } }
}

fn lowest_of_all() -> Version {
    Version::new(0, 0, 0)
}

impl TryFrom<String> for VersionRequirement {
    type Error = RequirementError;

    fn try_from(text: String) -> Result<Self, RequirementError> {
        text.parse()
    }
}

impl From<VersionRequirement> for String {
    fn from(requirement: VersionRequirement) -> Self {
        requirement.text
    }
}

impl fmt::Display for VersionRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.text.is_empty() { "*" } else { &self.text })
    }
}

impl fmt::Debug for VersionRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionRequirement({self})")
    }
}

#[cfg(test)]
mod tests;
