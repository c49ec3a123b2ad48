//! Why a registry does not give an artifact.

use super::login::LoginError;
use super::manifest::ManifestError;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Why a registry does not give an artifact.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// What it says of the artifact gives no file.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest is longer than any may be.
    #[error("its manifest is longer than {} MiB", super::manifest::LARGEST >> 20)]
    TooLong,
    /// The manifest is another than the one that is named.
    #[error("the registry gives another manifest than the one with the digest in the URI")]
    OtherManifest,
    /// It asks for something that is not known here.
    #[error("{registry} asks for a kind of authentication that is not served here")]
    Challenge {
        /// Which registry.
        registry: String,
    },
    /// It sends to no server that gives tokens.
    #[error("{registry} sends to {realm:?} for a token, which is no server of https:")]
    Realm {
        /// Which registry.
        registry: String,
        /// Where to.
        realm: String,
    },
    /// No token.
    #[error("{realm} gives no token for {registry}: {reason}{}", advice(*.status, .registry, *.known))]
    Token {
        /// Who.
        realm: String,
        /// For which registry.
        registry: String,
        /// Why.
        reason: String,
        /// The status of HTTP.
        status: u16,
        /// Whether a name and a password were shown.
        known: bool,
    },
    /// The file with names and passwords is of no use.
    #[error("artifacts.dockerConfig, {path}: {error}")]
    Login {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: LoginError,
    },
    /// The file with names and passwords cannot be read.
    #[error("artifacts.dockerConfig, {path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It says no.
    #[error("{registry} answers {status}{}", advice(*.status, .registry, *.known))]
    Refused {
        /// Which registry.
        registry: String,
        /// The status of HTTP.
        status: u16,
        /// Whether a name and a password were shown.
        known: bool,
        /// When it may be asked again.
        again_after: Option<Duration>,
    },
}

fn advice(status: u16, registry: &str, known: bool) -> String {
    match (status, known) {
        (401 | 403, false) => format!(
            "; does {registry} give it to everybody? If not, name a file as docker login writes it: \
             artifacts.dockerConfig in the configuration of aws.greengrass.Nucleus"
        ),
        (401 | 403, true) => {
            "; whom the file of artifacts.dockerConfig names may not have it".to_owned()
        }
        (404, _) => "; it has no such repository, tag or digest".to_owned(),
        _ => String::new(),
    }
}

impl RegistryError {
    /// Greengrass's code for it (`DeploymentErrorCode`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Manifest(_) | Self::TooLong | Self::OtherManifest => "ARTIFACT_DOWNLOAD_ERROR",
            Self::Challenge { .. } | Self::Realm { .. } => "HTTP_REQUEST_ERROR",
            Self::Login { .. } | Self::File { .. } => {
                "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD"
            }
            Self::Token { status, .. } | Self::Refused { status, .. } => match status {
                401 | 403 => "ACCESS_DENIED",
                404 | 410 => "RESOURCE_NOT_FOUND",
                429 => "THROTTLING_ERROR",
                500..=599 => "SERVER_ERROR",
                _ => "HTTP_REQUEST_ERROR",
            },
        }
    }

    /// Whether it may go well another time.
    pub fn passes(&self) -> bool {
        match self {
            Self::Token { status, .. } | Self::Refused { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500..=599)
            }
            _ => false,
        }
    }

    /// How long the registry asks to be left alone.
    pub fn again_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { again_after, .. } => *again_after,
            _ => None,
        }
    }
}
