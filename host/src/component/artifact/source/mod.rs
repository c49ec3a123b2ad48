//! Where the bytes of artifacts come from.

mod file;
pub mod https;

pub use file::Files;
pub use https::Https;

use super::{ArtifactError, Part};
use futures_util::future::BoxFuture;
use std::fmt;

/// Brings the bytes of artifacts whose URIs begin in some way.
pub trait ArtifactSource: fmt::Debug + Send + Sync {
    /// Whether it serves a scheme, which is given in lower case.
    fn serves(&self, scheme: &str) -> bool;

    /// Bring what is missing of a file, in one attempt; what it has added is where the next one
    /// goes on. `pinned`: the recipe says what the file must be, and that will be checked.
    ///
    /// # Errors
    /// The file is not there as a whole.
    fn bring<'a>(
        &'a self,
        uri: &'a str,
        pinned: bool,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>>;
}
