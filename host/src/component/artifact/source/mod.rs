//! Where the bytes of artifacts come from.

mod bandwidth;
mod download;
mod file;
mod greengrass;
pub mod https;
pub mod oci;
mod s3;

pub use bandwidth::Bandwidth;
pub use download::Download;
pub use file::Files;
pub use greengrass::Greengrass;
pub use https::Https;
pub use oci::Registries;
pub use s3::Objects;

use super::{ArtifactError, Part};
use futures_util::future::{BoxFuture, ready};
use gg_trust::oci::MAX_SIGNATURES;
use gg_trust::{FormatError, Signature};
use std::fmt;

/// Which file is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The URI in the recipe.
    pub uri: &'a str,
    /// Whether it is known what the file must be, by a digest or by a signature, and that will be
    /// checked.
    pub pinned: bool,
    /// The ARN of the version that it belongs to, if that came from the cloud.
    pub version: Option<&'a str>,
}

/// What is kept of signatures where a file comes from.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What they are on, where that is not the file itself: the manifest in a registry, which says
    /// what the file is. Whoever gives it has checked that it says so.
    pub manifest: Option<gg_trust::Digest>,
    /// The signatures, also what cannot be read as one; at most [`MAX_SIGNATURES`].
    pub signatures: Vec<Result<Signature, FormatError>>,
}

impl Evidence {
    /// Files with signatures on the file itself.
    pub(super) fn beside(files: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let signatures = files.into_iter().take(MAX_SIGNATURES);
        Self { manifest: None, signatures: signatures.map(|file| Signature::read(&file)).collect() }
    }
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

    /// The signatures that are kept beside a file that was brought, in one attempt; `file`: its
    /// digest. Of an image (`docker:`), which a registry has, `file` is the digest of its manifest.
    ///
    /// # Errors
    /// It cannot be told whether there are any.
    fn evidence<'a>(
        &'a self,
        _asked: Asked<'a>,
        _file: gg_trust::Digest,
    ) -> BoxFuture<'a, Result<Evidence, ArtifactError>> {
        Box::pin(ready(Ok(Evidence::default())))
    }
}
