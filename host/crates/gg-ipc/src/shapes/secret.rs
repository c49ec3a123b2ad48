//! Secrets.

use crate::blob::Blob;
use crate::macros::or_empty;
use crate::secret::Secret;

shapes! {
    /// Ask for a secret.
    pub struct GetSecretValueRequest {
        /// Its name or ARN.
        pub secret_id: String,
        /// Which version; absent, the stage decides.
        pub version_id: Option<String>,
        /// The stage of the version; absent, `AWSCURRENT`.
        pub version_stage: Option<String>,
        /// Whether to ask the cloud first.
        pub refresh: Option<bool>,
    }

    /// A secret.
    pub struct GetSecretValueResponse {
        /// Its ARN.
        pub secret_id: String,
        /// Its version.
        pub version_id: String,
        /// The stages of this version.
        #[serde(default, deserialize_with = "or_empty")]
        pub version_stage: Vec<String>,
        /// Its value.
        pub secret_value: SecretValue,
    }
}

unions! {
    /// The value of a secret.
    pub enum SecretValue {
        /// Text.
        SecretString(Secret<String>) = "secretString",
        /// Bytes.
        SecretBinary(Secret<Blob>) = "secretBinary",
    }
}
