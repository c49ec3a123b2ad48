//! A signature, in whichever form it came, and whether a key made it over some content.

use crate::claim::{Annotations, Claim};
use crate::digest::Digest;
use crate::error::{FormatError, KeyError};
use crate::key::{KeyId, PublicKey};
use crate::private::PrivateKey;
use crate::subject::{Content, Subject};
use crate::{bundle, dsse, simple_signing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// What is added to a file's name for the file with its signature, as it is looked for: Sigstore's
/// bundle, cosign's of earlier versions, the signature alone.
pub const SUFFIXES: [&str; 3] = [".sigstore.json", ".bundle", ".sig"];

/// Most bytes of a file with a signature.
pub const MAX_SIGNATURE_BYTES: usize = crate::json::MOST_BYTES;

/// Most bytes of a signature itself: RSA of 4096 bits has 512.
const MOST_BYTES: usize = 1024;

/// A signature, read and not yet believed.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    pub(crate) form: Form,
    pub(crate) bytes: Vec<u8>,
    pub(crate) hint: Option<KeyId>,
    pub(crate) log_entries: usize,
}

/// What the signature is over.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// The content itself, of which the digest may be said beside.
    Content { said: Option<Digest> },
    /// A payload of cosign that names the content's digest.
    SimpleSigning { payload: Vec<u8> },
    /// A statement of in-toto that does.
    Statement { payload: Vec<u8> },
}

/// Why a key's signature is not one on this content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The key did not sign this.
    #[error("the key did not sign this, or it or the signature was changed")]
    NotSigned,
    /// It is over the bytes themselves, and these are not at hand.
    #[error("the signature is over bytes, of which only the digest is known")]
    NoBytes,
    /// It holds, and is over something else.
    #[error("the signature is for {0}")]
    OtherContent(Digest),
    /// It holds, and is for another component or version.
    #[error("the signature is for `{0}` alone")]
    OtherSubject(String),
    /// It holds, and what is signed is nothing that is known here.
    #[error(transparent)]
    Unreadable(FormatError),
}

impl Signature {
    /// Read what cosign writes to a file: a Sigstore bundle (0.1 to 0.3), cosign's own bundle of
    /// earlier versions, or the signature alone in base64. What a transparency log says in
    /// a bundle is counted and not verified: trust comes from the key.
    ///
    /// # Errors
    /// It is none of these. Its signature is not looked at yet.
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            return bundle::read(bytes);
        }
        let bytes = decode("the signature", str::from_utf8(bytes).unwrap_or_default().trim())?;
        Ok(Self { form: Form::Content { said: None }, bytes, hint: None, log_entries: 0 })
    }

    /// What `cosign sign` of versions 1 and 2 leaves in a registry: the payload, which is a layer,
    /// and the signature from the layer's annotation.
    ///
    /// # Errors
    /// The annotation is no signature, or the payload is too large.
    pub fn of_layer(payload: &[u8], annotation: &str) -> Result<Self, FormatError> {
        if payload.len() > crate::json::MOST_BYTES {
            let (what, length) = ("the signed payload", payload.len());
            return Err(FormatError::TooLong { what, length, most: crate::json::MOST_BYTES });
        }
        let bytes = decode("the annotation with the signature", annotation)?;
        let form = Form::SimpleSigning { payload: payload.into() };
        Ok(Self { form, bytes, hint: None, log_entries: 0 })
    }

    /// Sign a file or a recipe, as `cosign sign-blob` does.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn on_file(content: &[u8], key: &PrivateKey) -> Result<Self, KeyError> {
        Ok(Self {
            form: Form::Content { said: Some(Digest::of(content)) },
            bytes: key.sign(content)?,
            hint: Some(key.public().id()),
            log_entries: 0,
        })
    }

    /// Sign what a registry holds, by the digest of its manifest, as `cosign sign` does from
    /// version 3 on; or a large file by its digest.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn on_digest(
        digest: &Digest,
        annotations: &Annotations,
        key: &PrivateKey,
    ) -> Result<Self, KeyError> {
        let payload = dsse::statement(digest, annotations).into_bytes();
        Ok(Self {
            bytes: key.sign(&dsse::signed_bytes(&payload))?,
            form: Form::Statement { payload },
            hint: Some(key.public().id()),
            log_entries: 0,
        })
    }

    /// The signature as a Sigstore bundle 0.3. Of what came from a layer, it is one of the payload.
    pub fn to_bundle(&self) -> String {
        bundle::write(self)
    }

    /// The signature alone in base64, as `cosign verify-blob --signature` takes it.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// Which key it says that it is by.
    pub fn hint(&self) -> Option<KeyId> {
        self.hint
    }

    /// How many entries of a transparency log come with it, of which none is verified.
    pub fn log_entries(&self) -> usize {
        self.log_entries
    }

    /// Whether this key made it over this content, whoever's that is.
    ///
    /// # Errors
    /// It did not.
    pub fn verify(&self, key: &PublicKey, content: &Content<'_>) -> Result<(), Flaw> {
        self.check(key, None, content)
    }

    /// The same, for this subject where it says for which.
    pub(crate) fn check(
        &self,
        key: &PublicKey,
        subject: Option<&Subject<'_>>,
        content: &Content<'_>,
    ) -> Result<(), Flaw> {
        let claim = self.claim(key, content)?;
        if claim.digest != *content.digest() {
            return Err(Flaw::OtherContent(claim.digest));
        }
        match subject.and_then(|subject| claim.annotations.other_than(subject)) {
            Some(other) => Err(Flaw::OtherSubject(other)),
            None => Ok(()),
        }
    }

    /// What the signature says, if this key made it. What is signed is read after that, never
    /// before.
    fn claim(&self, key: &PublicKey, content: &Content<'_>) -> Result<Claim, Flaw> {
        let signed = |message: &[u8]| match key.verifies(message, &self.bytes) {
            true => Ok(()),
            false => Err(Flaw::NotSigned),
        };
        match &self.form {
            Form::Content { said } => {
                signed(content.bytes().ok_or(Flaw::NoBytes)?)?;
                let digest = said.unwrap_or(*content.digest());
                Ok(Claim { digest, annotations: Annotations::default() })
            }
            Form::SimpleSigning { payload } => {
                signed(payload)?;
                simple_signing::claim(payload).map_err(Flaw::Unreadable)
            }
            Form::Statement { payload } => {
                signed(&dsse::signed_bytes(payload))?;
                dsse::claim(payload, content.digest()).map_err(Flaw::Unreadable)
            }
        }
    }
}

/// Bytes from base64 that are no longer than signatures are.
pub(crate) fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, FormatError> {
    if text.len() > 2 * MOST_BYTES {
        return Err(FormatError::TooLong { what, length: text.len(), most: 2 * MOST_BYTES });
    }
    let bytes = STANDARD.decode(text).map_err(|_| FormatError::Base64 { what })?;
    if bytes.is_empty() { Err(FormatError::Base64 { what }) } else { Ok(bytes) }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Content { .. } => "bytes",
            Form::SimpleSigning { .. } => "a payload of cosign",
            Form::Statement { .. } => "a statement",
        };
        write!(f, "Signature(over {form}, hint {:?})", self.hint)
    }
}

#[cfg(test)]
mod tests;
