//! What is judged: whose it is, where it came from, and its bytes.

use crate::digest::Digest;
use gg_model::ComponentName;
use gg_model::recipe::ArtifactUri;
use gg_model::version::ComponentVersion;
use std::fmt;

/// Most bytes that a signature is looked for on by themselves: they are read whole. What is larger
/// takes a recipe that is signed and has its digest.
pub const MAX_SIGNED_BYTES: usize = 256 * 1024 * 1024;

/// A part of a component.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Whose it is.
    pub component: &'a ComponentName,
    /// Of which version.
    pub version: &'a ComponentVersion,
    /// Which part of it.
    pub part: Part<'a>,
    /// Where it came from.
    pub source: Source,
}

/// Which part of a component.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// Its recipe.
    Recipe,
    /// A file or an image, by the URI in the recipe.
    Artifact(&'a ArtifactUri),
}

/// Where something comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A deployment that was made on the device: its recipes, and files that it brought or names.
    Local,
    /// The cloud that the device belongs to: recipes, and artifacts in its stores (`s3`,
    /// `greengrass`).
    Cloud,
    /// A registry of OCI: images, and other artifacts.
    Oci,
    /// Any other server (`https`).
    Web,
}

impl Source {
    /// By the words of a policy.
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("local", Self::Local), ("cloud", Self::Cloud), ("oci", Self::Oci), ("web", Self::Web)];

    /// Where an artifact comes from that a recipe names so.
    pub fn of(uri: &ArtifactUri) -> Self {
        match uri {
            ArtifactUri::File { .. } => Self::Local,
            ArtifactUri::S3 { .. } | ArtifactUri::Greengrass { .. } => Self::Cloud,
            ArtifactUri::Docker { .. } | ArtifactUri::Oci { .. } => Self::Oci,
            ArtifactUri::Http { .. } | ArtifactUri::Other { .. } => Self::Web,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Cloud => "cloud",
            Self::Oci => "oci",
            Self::Web => "web",
        })
    }
}

/// The bytes of what is judged, or what is known of them.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    digest: Digest,
    bytes: Option<&'a [u8]>,
}

impl<'a> Content<'a> {
    /// A recipe, or a file as it was downloaded.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { digest: Digest::of(bytes), bytes: Some(bytes) }
    }

    /// What a registry holds, known by the digest of its manifest; or a file that is too large to
    /// be read whole, by its own.
    pub const fn known_by(digest: Digest) -> Self {
        Self { digest, bytes: None }
    }

    /// Its digest.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(crate) fn bytes(&self) -> Option<&'a [u8]> {
        self.bytes.filter(|bytes| bytes.len() <= MAX_SIGNED_BYTES)
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({})", self.digest)
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.component, self.version)?;
        match self.part {
            Part::Recipe => f.write_str("its recipe"),
            Part::Artifact(uri) => write!(f, "its artifact {uri}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_come_from_where_their_uris_say() {
        for (uri, source) in [
            ("file:a.wasm", Source::Local),
            ("s3://bucket/a.wasm", Source::Cloud),
            ("greengrass:id/a.wasm", Source::Cloud),
            ("docker:registry/a", Source::Oci),
            ("OCI://registry/a:1", Source::Oci),
            ("https://example.com/a.wasm", Source::Web),
            ("a.wasm", Source::Web),
        ] {
            assert_eq!(Source::of(&uri.parse().unwrap()), source, "{uri}");
        }
    }

    #[test]
    fn bytes_that_are_too_many_are_known_by_their_digest_alone() {
        let bytes = vec![0; MAX_SIGNED_BYTES + 1];
        assert_eq!(Content::of(&bytes).bytes(), None);
        assert!(Content::of(&bytes[1..]).bytes().is_some());
    }
}
