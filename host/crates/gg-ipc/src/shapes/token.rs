//! Tokens of components, and passwords for people.

use crate::secret::Secret;
use crate::timestamp::Timestamp;

shapes! {
    /// Ask whether the token that another component shows holds.
    pub struct ValidateAuthorizationTokenRequest {
        /// The token.
        pub token: Secret<String>,
    }

    /// Whether it holds.
    pub struct ValidateAuthorizationTokenResponse {
        /// Always true; one that does not hold is an error.
        pub is_valid: bool,
    }

    /// Ask for a password for the local debug console.
    pub struct CreateDebugPasswordRequest {}

    /// A password for the local debug console.
    pub struct CreateDebugPasswordResponse {
        /// The password.
        pub password: Secret<String>,
        /// The user's name.
        pub username: String,
        /// Until when it holds.
        pub password_expiration: Timestamp,
        /// The fingerprint of the console's certificate.
        #[serde(rename = "certificateSHA256Hash")]
        pub certificate_sha256_hash: Option<String>,
        /// Its older fingerprint.
        #[serde(rename = "certificateSHA1Hash")]
        pub certificate_sha1_hash: Option<String>,
    }
}
