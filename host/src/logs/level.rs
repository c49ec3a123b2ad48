//! How much a record matters, and which way it came.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much a record matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The finest detail.
    Trace,
    /// Of use while looking for a fault.
    Debug,
    /// Something an operator wants to know.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// A word that is no level.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no level; use trace, debug, info, warn or error")]
pub struct LevelError(String);

impl Level {
    const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(word: &str) -> Result<Self, LevelError> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(word))
            .ok_or_else(|| LevelError(word.chars().take(20).collect()))
    }
}

/// The level below which records are not kept, which can change at any time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LeastLevel(Arc<AtomicU8>);

impl LeastLevel {
    /// Whether records of this level are kept.
    pub fn keeps(&self, level: Level) -> bool {
        level as u8 >= self.0.load(Ordering::Relaxed)
    }

    /// Keep records of this level and above from now on.
    pub fn set(&self, least: Level) {
        self.0.store(least as u8, Ordering::Relaxed);
    }
}

impl From<Level> for LeastLevel {
    fn from(least: Level) -> Self {
        Self(Arc::new(AtomicU8::new(least as u8)))
    }
}

/// Which way a record came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The host speaks about the component.
    Host,
    /// A logging interface.
    Log,
    /// A message that somebody asked to see; its topic is a field.
    Message,
    /// A line of standard error.
    Stderr,
    /// A line of standard output.
    Stdout,
}

impl Source {
    /// All there are.
    pub(super) const ALL: [Self; 5] =
        [Self::Host, Self::Log, Self::Message, Self::Stderr, Self::Stdout];

    /// The word for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Log => "log",
            Self::Message => "message",
            Self::Stderr => "stderr",
            Self::Stdout => "stdout",
        }
    }
}
