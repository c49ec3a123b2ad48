//! Where an artifact comes from.

use super::oci_reference::{OciReference, OciReferenceError};
use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;

/// Most bytes in an artifact's URI.
pub const MAX_URI_BYTES: usize = 4096;

/// Where an artifact comes from, by the scheme of its `URI` (Greengrass developer guide, recipe
/// reference, `Artifacts`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtifactUri {
    /// `s3://bucket/key`: an object in S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key; empty in recipes that were never published.
        key: String,
    },
    /// `greengrass:id/name`: a file that comes with a component of AWS.
    Greengrass {
        /// What follows the scheme.
        artifact: String,
    },
    /// `docker:image`: an image for containers.
    Docker {
        /// The image with registry, tag and digest, as far as they are given.
        image: String,
    },
    /// `file:path`: a file on this device. Greengrass does not know it.
    File {
        /// Its path; one that is relative is so to the recipe.
        path: String,
    },
    /// `https://…` or `http://…`: a file on a web server. Greengrass does not know it.
    Http {
        /// The whole URI.
        url: String,
    },
    /// `oci://registry/repository:tag`: an artifact in a registry. Greengrass does not know it.
    Oci {
        /// Which.
        reference: OciReference,
    },
    /// Anything else.
    Other {
        /// The whole URI.
        uri: String,
    },
}

/// Why a text is not an artifact's URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactUriError {
    /// There is no text.
    #[error("the URI is empty; write for example `s3://bucket/file.wasm`")]
    Empty,
    /// There is too much text.
    #[error("the URI `{uri}` has {length} bytes; at most {MAX_URI_BYTES} are allowed")]
    TooLong {
        /// Where the URI begins.
        uri: String,
        /// How long it is.
        length: usize,
    },
    /// It holds something that cannot be printed.
    #[error("the URI `{uri}` contains the control character {character:?}")]
    Control {
        /// The URI.
        uri: String,
        /// The first of them.
        character: char,
    },
    /// A file of another machine.
    #[error("the URI `{uri}` names a host; write `file:///folder/file` or `file:folder/file`")]
    FileHost {
        /// The URI.
        uri: String,
    },
    /// It says wrong what of a registry is meant.
    #[error("the URI `{uri}`: {error}")]
    Oci {
        /// The URI.
        uri: String,
        /// What is wrong.
        error: OciReferenceError,
    },
}

impl ArtifactUri {
    /// What it begins with, in lower case; empty where it has no scheme.
    pub fn scheme(&self) -> String {
        match self {
            Self::S3 { .. } => "s3".into(),
            Self::Greengrass { .. } => "greengrass".into(),
            Self::Docker { .. } => "docker".into(),
            Self::File { .. } => "file".into(),
            Self::Oci { .. } => "oci".into(),
            Self::Http { url: uri } | Self::Other { uri } => {
                uri.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase()
            }
        }
    }

    /// The name of the file that it becomes on the device; none for an image, and none where the
    /// URI does not end with a name that a file can have.
    pub fn file_name(&self) -> Option<&str> {
        let path = match self {
            Self::S3 { bucket, key } if key.is_empty() => bucket,
            Self::S3 { key, .. } => key,
            Self::Greengrass { artifact } => artifact,
            Self::Docker { .. } => return None,
            Self::Oci { reference } => reference.file_name(),
            Self::File { path } => path,
            Self::Http { url } => url.split(['?', '#']).next()?,
            Self::Other { uri } => uri.split_once(':').map_or(uri.as_str(), |(_, path)| path),
        };
        path.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | ".."))
    }
}

impl FromStr for ArtifactUri {
    type Err = ArtifactUriError;

    fn from_str(text: &str) -> Result<Self, ArtifactUriError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ArtifactUriError::Empty);
        }
        if text.len() > MAX_URI_BYTES {
            return Err(ArtifactUriError::TooLong { uri: excerpt(text), length: text.len() });
        }
        if let Some(character) = text.chars().find(|character| character.is_control()) {
            return Err(ArtifactUriError::Control { uri: excerpt(text), character });
        }
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        let authority = rest.strip_prefix("//");
        Ok(match (scheme.to_ascii_lowercase().as_str(), authority) {
            ("s3", Some(place)) => {
                let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
                Self::S3 { bucket: bucket.into(), key: key.into() }
            }
            ("greengrass", _) => Self::Greengrass { artifact: rest.into() },
            ("docker", _) => Self::Docker { image: rest.into() },
            ("file", None) => Self::File { path: rest.into() },
            ("file", Some(place)) => match place.strip_prefix("localhost").unwrap_or(place) {
                path if path.starts_with('/') => Self::File { path: path.into() },
                _ => return Err(ArtifactUriError::FileHost { uri: excerpt(text) }),
            },
            ("oci", Some(place)) => Self::Oci {
                reference: place
                    .parse()
                    .map_err(|error| ArtifactUriError::Oci { uri: excerpt(text), error })?,
            },
            ("http" | "https", Some(_)) => Self::Http { url: text.into() },
            _ => Self::Other { uri: text.into() },
        })
    }
}

impl fmt::Display for ArtifactUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, key } if key.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Greengrass { artifact } => write!(f, "greengrass:{artifact}"),
            Self::Docker { image } => write!(f, "docker:{image}"),
            Self::File { path } if path.starts_with("//") => write!(f, "file://{path}"),
            Self::File { path } => write!(f, "file:{path}"),
            Self::Http { url } => f.write_str(url),
            Self::Oci { reference } => write!(f, "oci://{reference}"),
            Self::Other { uri } => f.write_str(uri),
        }
    }
}

#[cfg(test)]
mod tests;
