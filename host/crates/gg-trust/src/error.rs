//! Why bytes from outside are no key and no signature.

use crate::pem;

/// Why a text is not a key that is used here. Nothing of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is too much text.
    #[error("the key has {length} bytes; at most {most} are allowed", most = pem::LONGEST)]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// The text is not one block of PEM.
    #[error("the key is not PEM; it begins with `-----BEGIN` and ends with `-----END …-----`")]
    NotPem,
    /// The block is something else.
    #[error("this is not {expected}; the line at its top must say `{label}`")]
    Label {
        /// `a public key`, `a private key`.
        expected: &'static str,
        /// What it must say.
        label: &'static str,
    },
    /// The key is none of the three kinds, or is written in another way than by the standard.
    #[error(
        "the key is none of ECDSA on P-256, Ed25519 and RSA of 2048 to 4096 bits with the exponent \
         65537; `gg-host sign` and `cosign generate-key-pair` make such keys"
    )]
    Kind,
    /// The private key is encrypted.
    #[error("the private key is encrypted and there is no password; set COSIGN_PASSWORD")]
    NoPassword,
    /// It is encrypted, and the password is not the one, or it was changed.
    #[error("the private key cannot be decrypted: the password is wrong, or the file is damaged")]
    Password,
    /// It is encrypted in a way that cosign never has.
    #[error("the private key is encrypted in a way that cosign does not know")]
    Encryption,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// Why bytes are not a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// There are too many bytes.
    #[error("{what} has {length} bytes; at most {most} are allowed")]
    TooLong {
        /// What it was read as.
        what: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// It is no JSON, or not of the shape that it must have.
    #[error("{what} is not as it must be: {reason}")]
    Json {
        /// What it was read as.
        what: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A part of it is no base64 of the standard alphabet, with padding.
    #[error("{what} is not base64")]
    Base64 {
        /// Which part.
        what: &'static str,
    },
    /// It is of a kind that is not known here.
    #[error("{what} says that it is `{found}`; `{known}` is known")]
    Kind {
        /// What says so.
        what: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        known: &'static str,
    },
    /// It holds no signature, or several.
    #[error("{what} holds {count} signatures; it must be one")]
    Count {
        /// What it was read as.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// It names no digest, or too many.
    #[error("{what} names no SHA-256, or too many of them")]
    Digests {
        /// What it was read as.
        what: &'static str,
    },
}
