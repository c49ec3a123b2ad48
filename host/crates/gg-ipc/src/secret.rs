//! Values that are not to be seen in logs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that [`Debug`](fmt::Debug) does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Keep a value secret.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, where it is needed.
    pub fn reveal(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
