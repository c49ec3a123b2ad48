//! The files of a component: brought to its folders, checked and unpacked, before anything that
//! runs is touched. [`Fetcher`] does it; [`permission`] then gives the files to the user that the
//! component runs as.
//!
//! ```text
//! ARTIFACTS/FILE            whole and what the recipe says, or not there
//! ARTIFACTS/.new-FILE       what is here of it so far; survives a restart
//! ARTIFACTS/.from-FILE      where it was downloaded from; a file without was put here by hand
//! UNARCHIVED/ARCHIVE/…      whole, or not there; likewise .new-ARCHIVE and .from-ARCHIVE
//! ```
//! Where the bytes come from is the seam [`ArtifactSource`]; which versions are kept is the
//! library's affair.

mod digest;
mod error;
mod fetch;
mod location;
mod part;
pub mod permission;
mod room;
pub mod source;
#[cfg(test)]
mod testing;
pub mod unpack;

pub use digest::Digest;
pub use error::ArtifactError;
pub use fetch::{FetchSettings, Fetcher, Retry, Transfer};
pub use location::file_name;
pub use part::Part;
pub(crate) use room::KEPT_FREE;
pub use source::ArtifactSource;

use gg_model::recipe::{Artifact, Unarchive};
use location::is_image;
use std::path::PathBuf;
use unpack::Format;

/// Where the files of one version of a component are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folders {
    /// Those that its artifacts are: `{artifacts:path}`.
    pub artifacts: PathBuf,
    /// Those in archives, a folder for each: `{artifacts:decompressedPath}`.
    pub unarchived: PathBuf,
}

impl Folders {
    /// What an artifact is unpacked into, if it is.
    fn unpacked(&self, artifact: &Artifact) -> Option<PathBuf> {
        artifact.unarchived_folder().map(|folder| self.unarchived.join(folder))
    }
}

/// Whether something is here of each artifact; it was checked when it came.
pub fn are_here(artifacts: &[Artifact], folders: &Folders) -> bool {
    let file = |Artifact { uri, .. }: &Artifact| {
        is_image(uri) || uri.file_name().is_some_and(|name| folders.artifacts.join(name).exists())
    };
    let unpacked =
        |artifact: &Artifact| folders.unpacked(artifact).is_none_or(|path| path.exists());
    artifacts.iter().all(|artifact| file(artifact) && unpacked(artifact))
}

/// How an artifact is to be unpacked, if it is.
fn format(artifact: &Artifact) -> Option<Format> {
    match artifact.unarchive {
        Unarchive::None => None,
        Unarchive::Tar => Some(Format::Tar),
        Unarchive::Zip => Some(Format::Zip),
    }
}
