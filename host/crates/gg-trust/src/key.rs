//! Public keys: read from PEM, named by their digest, and asked whether they made a signature.
//!
//! What a signature or a bundle says of algorithms is of no concern: the key decides, and for each
//! kind of key there is one algorithm.

use crate::der::{self, BIT_STRING, INTEGER, SEQUENCE};
use crate::digest::Digest;
use crate::error::KeyError;
use crate::pem;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use std::fmt;

/// What the line at the top of a public key says (RFC 7468, section 13).
const LABEL: &str = "PUBLIC KEY";

/// The algorithm identifiers with which keys begin (RFC 5480, RFC 8410, RFC 3279).
const EC_P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// 65537, the exponent that all tools take.
const EXPONENT: &[u8] = &[1, 0, 1];

/// How many bytes the modulus of a key of RSA may have: 2048 to 4096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// What a key is, and so how it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256, signatures in DER; what cosign makes.
    EcdsaP256,
    /// Ed25519 over the bytes themselves (RFC 8032). Not Ed25519ph, by which cosign signs images from
    /// version 3 on, and files when it tells a transparency log.
    Ed25519,
    /// RSA with SHA-256 and the padding of PKCS#1 1.5.
    Rsa,
}

/// The name of a key: the SHA-256 of its SubjectPublicKeyInfo. cosign hints at keys by the same
/// digest, in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(crate) Digest);

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    id: KeyId,
    /// As `ring` takes it: the point, or the structure of PKCS#1.
    key: Box<[u8]>,
}

impl PublicKey {
    /// Read a key from PEM, as cosign and OpenSSL write it.
    ///
    /// # Errors
    /// It is none of the kinds that are used here, or not written as DER has it: a key must have
    /// one name.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = pem::read(text)?;
        if block.label != LABEL {
            return Err(KeyError::Label { expected: "a public key", label: LABEL });
        }
        Self::from_der(&block.bytes).ok_or(KeyError::Kind)
    }

    /// Read a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    pub(crate) fn from_der(bytes: &[u8]) -> Option<Self> {
        let mut content = der::read(SEQUENCE, &mut &bytes[..])?;
        let kinds =
            [(EC_P256, KeyKind::EcdsaP256), (ED25519, KeyKind::Ed25519), (RSA, KeyKind::Rsa)];
        let (kind, rest) = kinds
            .into_iter()
            .find_map(|(begin, kind)| Some((kind, content.strip_prefix(begin)?)))?;
        content = rest;
        let key = der::read(BIT_STRING, &mut content)?.strip_prefix(&[0])?;
        let right = match kind {
            KeyKind::EcdsaP256 => key.len() == 65 && key.starts_with(&[4]),
            KeyKind::Ed25519 => key.len() == 32,
            KeyKind::Rsa => is_rsa(key),
        };
        // What is written back is the same only if nothing was added, and all lengths are right.
        let new = Self::new(kind, key);
        (right && new.to_der() == bytes).then_some(new)
    }

    /// From the key as `ring` has it.
    pub(crate) fn new(kind: KeyKind, key: &[u8]) -> Self {
        let id = KeyId(Digest::of(&spki(kind, key)));
        Self { kind, id, key: key.into() }
    }

    /// What it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Its text, as cosign and OpenSSL read it.
    pub fn to_pem(&self) -> String {
        pem::write(LABEL, &self.to_der()).as_str().to_owned()
    }

    fn to_der(&self) -> Vec<u8> {
        spki(self.kind, &self.key)
    }

    /// Whether this key signed exactly these bytes.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match self.kind {
            KeyKind::EcdsaP256 => &signature::ECDSA_P256_SHA256_ASN1,
            KeyKind::Ed25519 => &signature::ED25519,
            KeyKind::Rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).is_ok()
    }
}

/// Whether these bytes are an RSAPublicKey (RFC 8017, appendix A.1.1) of a size that is allowed.
fn is_rsa(key: &[u8]) -> bool {
    let numbers = |key: &mut &[u8]| {
        let mut content = der::read(SEQUENCE, key)?;
        let modulus = der::read(INTEGER, &mut content)?.strip_prefix(&[0])?;
        let full = modulus.first()? > &0x7f && MODULUS.contains(&modulus.len());
        let exponent = der::read(INTEGER, &mut content)? == EXPONENT;
        Some(full && exponent && content.is_empty())
    };
    let mut rest = key;
    numbers(&mut rest).unwrap_or(false) && rest.is_empty()
}

fn spki(kind: KeyKind, key: &[u8]) -> Vec<u8> {
    let algorithm = match kind {
        KeyKind::EcdsaP256 => EC_P256,
        KeyKind::Ed25519 => ED25519,
        KeyKind::Rsa => RSA,
    };
    let key = der::write(BIT_STRING, &[&[0], key].concat());
    der::write(SEQUENCE, &[algorithm, &key].concat())
}

impl KeyId {
    /// What cosign hints with; `None` if the hint is something else.
    pub fn from_hint(hint: &str) -> Option<Self> {
        Digest::from_base64(hint).map(Self)
    }

    /// The hint of this key.
    pub fn to_hint(&self) -> String {
        self.0.to_base64()
    }
}

impl std::str::FromStr for KeyId {
    type Err = crate::digest::DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} {})", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests;
