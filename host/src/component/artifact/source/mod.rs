//! Where the bytes of artifacts come from.

mod file;
mod greengrass;
pub mod https;

pub use file::Files;
pub use greengrass::Greengrass;
pub use https::Https;

use super::{ArtifactError, Part};
use futures_util::future::BoxFuture;
use std::fmt;

/// Which file is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The URI in the recipe.
    pub uri: &'a str,
    /// Whether the recipe says what the file must be, and that will be checked.
    pub pinned: bool,
    /// The ARN of the version that it belongs to, if that came from the cloud.
    pub version: Option<&'a str>,
}

/// Brings the bytes of artifacts whose URIs begin in some way.
pub trait ArtifactSource: fmt::Debug + Send + Sync {
    /// Whether it serves a scheme, which is given in lower case.
    fn serves(&self, scheme: &str) -> bool;

    /// Bring what is missing of a file, in one attempt; what it has added is where the next one
    /// goes on.
    ///
    /// # Errors
    /// The file is not there as a whole.
    fn bring<'a>(
        &'a self,
        asked: Asked<'a>,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>>;
}
