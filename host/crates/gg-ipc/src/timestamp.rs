//! Times inside JSON: seconds since 1970 with a fraction.

use serde::{Deserialize, Serialize};

/// A time. It is always written with a decimal point: the lite nucleus takes no integer. It is
/// finite, since JSON has no other numbers.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(f64);

impl Timestamp {
    /// A time in milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis as f64 / 1000.0)
    }

    /// Milliseconds since 1970, to the nearest one; what is out of range becomes the end of it.
    pub fn as_millis(self) -> i64 {
        (self.0 * 1000.0).round() as i64
    }

    /// Seconds since 1970.
    pub fn as_seconds(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
