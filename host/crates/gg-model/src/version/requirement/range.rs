//! One alternative of a requirement: comparisons with versions that must all hold.

use semver::{BuildMetadata, Prerelease, Version};
use std::cmp::Ordering;

/// Comparisons that must all hold; none at all is any version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Range(Vec<Comparison>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Comparison {
    operator: Operator,
    version: Version,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Tilde,
    Caret,
}

/// A version of which the last parts may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Partial {
    Any,
    Major(u64),
    Minor(u64, u64),
    Full(Version),
}

impl Range {
    pub(super) fn exactly(version: Version) -> Self {
        let mut range = Self::default();
        range.push(Operator::Equal, version);
        range
    }

    /// Whether all comparisons hold by precedence.
    pub(super) fn holds(&self, version: &Version) -> bool {
        self.0.iter().all(|comparison| comparison.holds(version))
    }

    /// Whether it takes pre-releases that it does not name.
    pub(super) fn is_open_to_pre_releases(&self) -> bool {
        self.0.len() <= 1
    }

    /// Whether it names a pre-release of the same three numbers.
    pub(super) fn names_pre_release_of(&self, version: &Version) -> bool {
        let numbers = |version: &Version| (version.major, version.minor, version.patch);
        self.0.iter().any(|comparison| {
            !comparison.version.pre.is_empty() && numbers(&comparison.version) == numbers(version)
        })
    }

    /// Add what an operator with a partial version means.
    pub(super) fn add(&mut self, operator: Operator, partial: Partial) {
        use Operator::{Caret, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Tilde};
        let (lower, next) = (partial.lower(), partial.next());
        match (operator, partial) {
            (Greater | Less, Partial::Any) => self.push_below(Version::new(0, 0, 0)),
            (_, Partial::Any) => {}
            (Equal | Less | LessOrEqual | Greater | GreaterOrEqual, Partial::Full(version)) => {
                self.push(operator, version);
            }
            (GreaterOrEqual, _) => self.push(GreaterOrEqual, lower),
            (Greater, _) => self.push(GreaterOrEqual, next),
            (Less, _) => self.push_below(lower),
            (LessOrEqual, _) => self.push_below(next),
            (Equal, _) => self.push_between(lower, next),
            (Tilde, partial) => self.push_between(lower, partial.next_of_tilde()),
            (Caret, partial) => self.push_between(lower, partial.next_of_caret()),
        }
    }

    fn push(&mut self, operator: Operator, version: Version) {
        self.0.push(Comparison { operator, version });
    }

    /// Everything before a version, its own pre-releases left out.
    fn push_below(&mut self, mut version: Version) {
        version.pre = Prerelease::new("0").unwrap_or_default();
        self.push(Operator::Less, version);
    }

    fn push_between(&mut self, lower: Version, next: Version) {
        self.push(Operator::GreaterOrEqual, lower);
        self.push_below(next);
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
            // The others are taken apart before they get here.
            Operator::Equal | Operator::Tilde | Operator::Caret => order == Ordering::Equal,
        }
    }
}

impl Partial {
    /// The first version that begins so.
    fn lower(&self) -> Version {
        match self {
            Self::Any => Version::new(0, 0, 0),
            Self::Major(major) => Version::new(*major, 0, 0),
            Self::Minor(major, minor) => Version::new(*major, *minor, 0),
            Self::Full(version) => Version { build: BuildMetadata::EMPTY, ..version.clone() },
        }
    }

    /// The first version after all that begin so.
    fn next(&self) -> Version {
        match self {
            Self::Any => Version::new(u64::MAX, 0, 0),
            Self::Major(major) => Version::new(major.saturating_add(1), 0, 0),
            Self::Minor(major, minor) => Version::new(*major, minor.saturating_add(1), 0),
            Self::Full(Version { major, minor, patch, .. }) => {
                Version::new(*major, *minor, patch.saturating_add(1))
            }
        }
    }

    /// The first version that `~` no longer takes: the next minor, or major where that is all.
    fn next_of_tilde(&self) -> Version {
        match self {
            Self::Full(version) => Self::Minor(version.major, version.minor).next(),
            partial => partial.next(),
        }
    }

    /// The first version that `^` no longer takes: where the first number that is not 0 is another.
    fn next_of_caret(&self) -> Version {
        match self {
            Self::Full(Version { major: 0, minor: 0, .. }) | Self::Minor(0, _) => self.next(),
            Self::Full(Version { major: 0, minor, .. }) => Self::Minor(0, *minor).next(),
            Self::Full(Version { major, .. }) | Self::Minor(major, _) => Self::Major(*major).next(),
            partial => partial.next(),
        }
    }
}
