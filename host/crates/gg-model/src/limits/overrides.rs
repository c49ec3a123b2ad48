//! Limits that someone set, to be laid over the defaults.

use super::table::{ENTRIES, entry};
use super::value::LimitValue;
use super::{LimitError, Limits};
use crate::text::excerpt;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The limits that were set, by name, and no others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimitOverrides {
    values: BTreeMap<&'static str, LimitValue>,
}

impl LimitOverrides {
    /// Set one limit by its name; a second time replaces the first.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitError> {
        let entry = entry(name.trim())?;
        self.values.insert(entry.name, entry.parse(value)?);
        Ok(())
    }

    /// Set one limit from the text `NAME=VALUE`.
    pub fn set_pair(&mut self, pair: &str) -> Result<(), LimitError> {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| LimitError::NoValue { text: excerpt(pair) })?;
        self.set(name, value)
    }

    /// Take over every limit that `other` sets.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn write(&self, limits: &mut Limits) {
        for entry in ENTRIES {
            if let Some(value) = self.values.get(entry.name) {
                entry.write(limits, *value);
            }
        }
    }
}

/// One limit as `NAME=VALUE`.
impl FromStr for LimitOverrides {
    type Err = LimitError;

    fn from_str(pair: &str) -> Result<Self, LimitError> {
        let mut overrides = Self::default();
        overrides.set_pair(pair)?;
        Ok(overrides)
    }
}
