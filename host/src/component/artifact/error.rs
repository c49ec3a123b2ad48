//! Why a component's files cannot be had, in sentences and in Greengrass's codes.

use super::Digest;
use super::source::oci::RegistryError;
use super::unpack::UnpackError;
use crate::cloud::data_plane::DataPlaneError;
use crate::cloud::s3::S3Error;
use crate::network::NetworkFault;
use gg_trust::Refusal;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Why an artifact is not there, or not ready. URIs in it are without their queries.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The recipe names a digest that this host cannot make.
    #[error("{uri}: its digest is made by {algorithm:?}; the host knows SHA-256")]
    Algorithm {
        /// Of what.
        uri: String,
        /// The recipe's word.
        algorithm: String,
    },
    /// Two artifacts would have one place.
    #[error("{path}: two artifacts of the recipe would be this; give one another name")]
    Clash {
        /// Which place.
        path: PathBuf,
    },
    /// Too little would be left of the disk.
    #[error("{path}: its disk must keep 20 MiB free, and there is no more room; free some space")]
    DiskFull {
        /// A place on the disk.
        path: PathBuf,
    },
    /// The cloud does not say where it is.
    #[error("{uri}: {error}")]
    Cloud {
        /// Which.
        uri: String,
        /// Why.
        error: DataPlaneError,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What a source gives is not what the recipe says.
    #[error(
        "{uri}: what was downloaded has the SHA-256 digest {found}, and the recipe says {wanted}; \
         it was changed after the recipe was made"
    )]
    Mismatch {
        /// What.
        uri: String,
        /// What came.
        found: Digest,
        /// What the recipe says.
        wanted: Digest,
    },
    /// A file that was put here is not what the recipe says.
    #[error(
        "{path}: it has the SHA-256 digest {found}, and the recipe says {wanted}; it was put here \
         by a local deployment: deploy the right file, or a recipe without a digest"
    )]
    MismatchHere {
        /// Which.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// What the recipe says.
        wanted: Digest,
    },
    /// Only the cloud could say where it is.
    #[error(
        "{uri}: this needs the link to the cloud, which this host does not have; put the file \
         into the folder of a local deployment (--artifact-dir DIR) as DIR/NAME/VERSION/{file}"
    )]
    NeedsCloud {
        /// Which.
        uri: String,
        /// Its file.
        file: String,
    },
    /// A server was not reached, or was lost.
    #[error("{uri}: {fault}")]
    Network {
        /// What was asked for.
        uri: String,
        /// What happened.
        fault: NetworkFault,
    },
    /// It would be downloaded, and the recipe does not say what it must be.
    #[error(
        "{uri}: what is downloaded must have a Digest and the Algorithm SHA-256 in the recipe, so \
         that it can be checked"
    )]
    NoDigest {
        /// What.
        uri: String,
    },
    /// The cloud has it for components alone that it gave.
    #[error(
        "{uri}: the recipe did not come from the cloud, which alone could say where this is; put the \
         file into the folder of a local deployment (--artifact-dir)"
    )]
    NotOfTheCloud {
        /// Which.
        uri: String,
    },
    /// The digest in the recipe is none.
    #[error("{uri}: its Digest {text:?} is not a SHA-256 in base64")]
    NotADigest {
        /// Of what.
        uri: String,
        /// The recipe's word.
        text: String,
    },
    /// The files cannot be given to their user.
    #[error("{path}: its permissions cannot be set: {error}")]
    Permission {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// One redirect leads to the next.
    #[error("{uri}: the server redirects more than 5 times")]
    Redirects {
        /// What was asked for.
        uri: String,
    },
    /// A server said no.
    #[error("{uri}: the server answers {status}")]
    Refused {
        /// What was asked for.
        uri: String,
        /// The status of HTTP.
        status: u16,
        /// When it may be asked again.
        again_after: Option<Duration>,
    },
    /// A registry does not give it.
    #[error("{uri}: {error}")]
    Registry {
        /// Which.
        uri: String,
        /// Why.
        error: RegistryError,
    },
    /// S3 does not give it.
    #[error("{uri}: {error}")]
    S3 {
        /// Which.
        uri: String,
        /// Why.
        error: S3Error,
    },
    /// Nobody brings files of this scheme.
    #[error(
        "{uri}: artifacts come from file:, http:, https:, s3:, oci:, greengrass: and docker:; put others \
         into the folder of a local deployment (--artifact-dir)"
    )]
    Scheme {
        /// Which.
        uri: String,
    },
    /// The component store has grown to its limit.
    #[error(
        "{path}: the component store would hold more than {most} bytes; raise \
         componentStoreMaxSizeBytes, or remove components"
    )]
    StoreFull {
        /// The store.
        path: PathBuf,
        /// Its limit.
        most: u64,
    },
    /// A file is longer than any may be.
    #[error("{uri}: it is longer than {most} bytes, the most that an artifact may be")]
    TooLarge {
        /// Which.
        uri: String,
        /// The limit.
        most: u64,
    },
    /// The trust policy does not let it be used.
    #[error(transparent)]
    Untrusted(Box<Refusal>),
    /// An archive cannot be unpacked.
    #[error("{path}: {error}")]
    Unpack {
        /// Which.
        path: PathBuf,
        /// Why.
        error: UnpackError,
    },
    /// The URI is none that a file could come from.
    #[error("{uri}: {reason}")]
    Uri {
        /// Which.
        uri: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl ArtifactError {
    /// Greengrass's code for it (`DeploymentErrorCode`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "HASHING_ALGORITHM_UNAVAILABLE",
            Self::Cloud { error: DataPlaneError::NotFound(_), .. } => "RESOURCE_NOT_FOUND",
            Self::Cloud { error: DataPlaneError::Unreached(_), .. } => "NETWORK_ERROR",
            Self::Cloud { .. } => "GET_GREENGRASS_ARTIFACT_ERROR",
            Self::DiskFull { .. } | Self::StoreFull { .. } => "DISK_SPACE_CRITICAL",
            Self::Io { error, .. } => io_code(error, "IO_ERROR"),
            Self::Mismatch { .. } | Self::MismatchHere { .. } => "ARTIFACT_CHECKSUM_MISMATCH",
            Self::NeedsCloud { .. } | Self::NotOfTheCloud { .. } => {
                "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD"
            }
            Self::Network { fault: NetworkFault::Tls { .. }, .. } => "TLS_HANDSHAKE_FAILURE",
            Self::Network { .. } => "NETWORK_ERROR",
            Self::NoDigest { .. } => "RECIPE_MISSING_ARTIFACT_HASH_ALGORITHM",
            Self::NotADigest { .. } => "RECIPE_PARSE_ERROR",
            Self::Permission { .. } => "SET_PERMISSION_ERROR",
            Self::Redirects { .. } => "HTTP_REQUEST_ERROR",
            Self::Refused { status, .. } => match status {
                401 | 403 => "ACCESS_DENIED",
                404 | 410 => "RESOURCE_NOT_FOUND",
                429 => "THROTTLING_ERROR",
                500..=599 => "SERVER_ERROR",
                _ => "HTTP_REQUEST_ERROR",
            },
            Self::Registry { error, .. } => error.code(),
            Self::S3 { error, .. } => error.code(),
            Self::Scheme { .. } => "UNSUPPORTED_ARTIFACT_SCHEME",
            Self::TooLarge { .. } => "ARTIFACT_DOWNLOAD_ERROR",
            Self::Untrusted(_) => "ARTIFACT_NOT_TRUSTED",
            Self::Unpack { error: UnpackError::Io { error, .. }, .. } => {
                io_code(error, "IO_UNZIP_ERROR")
            }
            Self::Unpack { .. } => "IO_UNZIP_ERROR",
            Self::Clash { .. } | Self::Uri { .. } => "ARTIFACT_URI_NOT_VALID",
        }
    }

    /// Whether it may go well another time.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Network { fault: NetworkFault::Proxy { status, .. }, .. }
            | Self::Refused { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500..=599)
            }
            Self::Network { .. } | Self::Cloud { error: DataPlaneError::Unreached(_), .. } => true,
            Self::Registry { error, .. } => error.passes(),
            Self::S3 { error, .. } => error.passes(),
            _ => false,
        }
    }

    /// How long a server asks to be left alone.
    pub(super) fn again_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { again_after, .. } => *again_after,
            Self::Registry { error, .. } => error.again_after(),
            Self::S3 { error, .. } => error.again_after(),
            _ => None,
        }
    }

    /// Whether what is here of the file is in the way rather than a beginning.
    pub(super) fn is_about_room(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::StoreFull { .. } | Self::TooLarge { .. })
            || self.code() == "DISK_SPACE_CRITICAL"
    }
}

fn io_code(error: &io::Error, otherwise: &'static str) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "DISK_SPACE_CRITICAL",
        _ => otherwise,
    }
}
