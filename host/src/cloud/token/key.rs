//! A private key in a token, as TLS uses it.
//!
//! What is signed is hashed here, and the token signs the hash: small ones know the mechanisms for
//! that (CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_ECDSA) and often no others.

use super::{Found, TokenError, TokenObject};
use crate::hexadecimal::hexadecimal;
use cryptoki::error::Error;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use rustls::sign::{Signer, SigningKey};
use rustls::{OtherError, SignatureAlgorithm, SignatureScheme};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::sync::Arc;

/// The curves, as a key's CKA_EC_PARAMS names them (RFC 5480, in DER).
const P256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22];

/// What precedes a hash in a signature of PKCS#1 (RFC 8017, 9.2, note 1).
const OF_SHA256: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const OF_SHA384: &[u8] =
    b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30";
const OF_SHA512: &[u8] =
    b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

/// The key.
#[derive(Debug)]
pub(in crate::cloud) struct TokenKey {
    pub(super) object: Arc<TokenObject>,
    pub(super) algorithm: SignatureAlgorithm,
    /// What it can sign with, what is best first.
    pub(super) schemes: Vec<SignatureScheme>,
    /// Tells it from others.
    pub(super) id: String,
}

impl TokenKey {
    /// The key that an object is.
    ///
    /// # Errors
    /// It is not there, or none that TLS uses.
    pub(in crate::cloud) fn find(object: TokenObject) -> Result<Self, TokenError> {
        let ((algorithm, schemes), id) = object.with(ObjectClass::PRIVATE_KEY, |found| {
            let unusable = |reason: &str| TokenError::Key {
                token: found.label.clone(),
                uri: object.uri.to_string(),
                reason: reason.to_owned(),
            };
            let use_of = match kind(found).map_err(|error| found.failed(&error))? {
                (KeyType::RSA, _) => (SignatureAlgorithm::RSA, rsa_schemes(found)),
                (KeyType::EC, curve) => {
                    let scheme = match &*curve {
                        P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
                        P384 => SignatureScheme::ECDSA_NISTP384_SHA384,
                        _ => return Err(unusable("its curve is neither P-256 nor P-384")),
                    };
                    (SignatureAlgorithm::ECDSA, vec![scheme])
                }
                _ => return Err(unusable("it is neither of RSA nor of an elliptic curve")),
            };
            Ok((use_of, id(found).map_err(|error| found.failed(&error))?))
        })?;
        Ok(Self { object: Arc::new(object), algorithm, schemes, id })
    }
}

impl SigningKey for TokenKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self.schemes.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(TokenSigner { object: Arc::clone(&self.object), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// The key and how it signs.
#[derive(Debug)]
struct TokenSigner {
    object: Arc<TokenObject>,
    scheme: SignatureScheme,
}

impl Signer for TokenSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signed = self.object.with(ObjectClass::PRIVATE_KEY, |found| {
            let (mechanism, data) = prepared(self.scheme, message);
            let signature = found.session.sign(&mechanism, found.object, &data);
            let signature = signature.map_err(|error| found.failed(&error))?;
            match mechanism {
                Mechanism::Ecdsa => {
                    in_der(&signature).ok_or_else(|| found.failed(&Error::InvalidValue))
                }
                _ => Ok(signature),
            }
        });
        signed.map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// The type of a key, and its curve if it has one.
fn kind(found: &Found<'_>) -> Result<(KeyType, Vec<u8>), Error> {
    let one = |attribute| {
        let attributes = found.session.get_attributes(found.object, &[attribute]);
        attributes?.pop().ok_or(Error::InvalidValue)
    };
    let Attribute::KeyType(kind) = one(AttributeType::KeyType)? else {
        return Err(Error::InvalidValue);
    };
    let curve = match kind {
        KeyType::EC => one(AttributeType::EcParams)?,
        _ => return Ok((kind, Vec::new())),
    };
    let Attribute::EcParams(curve) = curve else { return Err(Error::InvalidValue) };
    Ok((kind, curve))
}

/// What tells a key from others: its token's number, and its own in it.
fn id(found: &Found<'_>) -> Result<String, Error> {
    let serial = found.context.get_token_info(found.slot)?.serial_number().to_owned();
    let mut hash = Sha256::new_with_prefix(serial);
    hash.update([0]);
    for attribute in found.session.get_attributes(found.object, &[AttributeType::Id])? {
        if let Attribute::Id(id) = attribute {
            hash.update(id);
        }
    }
    Ok(hexadecimal(&hash.finalize()[..8]))
}

/// What a token can do with a key of RSA. TLS 1.3 takes PSS alone, which not all know.
fn rsa_schemes(found: &Found<'_>) -> Vec<SignatureScheme> {
    use SignatureScheme as S;
    let pss = [S::RSA_PSS_SHA256, S::RSA_PSS_SHA384, S::RSA_PSS_SHA512];
    let pkcs1 = [S::RSA_PKCS1_SHA256, S::RSA_PKCS1_SHA384, S::RSA_PKCS1_SHA512];
    let known = found.context.get_mechanism_list(found.slot);
    // One that does not say what it knows is tried with all.
    let knows_pss = known.map_or(true, |known| known.contains(&MechanismType::RSA_PKCS_PSS));
    let pss = pss.into_iter().filter(|_| knows_pss);
    pss.chain(pkcs1).collect()
}

/// How a message is signed, and what of it the token gets.
pub(super) fn prepared(scheme: SignatureScheme, message: &[u8]) -> (Mechanism<'static>, Vec<u8>) {
    use SignatureScheme as S;
    let (digest, head, hash_alg, mgf) = match scheme {
        S::RSA_PSS_SHA384 | S::RSA_PKCS1_SHA384 | S::ECDSA_NISTP384_SHA384 => (
            Sha384::digest(message).to_vec(),
            OF_SHA384,
            MechanismType::SHA384,
            PkcsMgfType::MGF1_SHA384,
        ),
        S::RSA_PSS_SHA512 | S::RSA_PKCS1_SHA512 => (
            Sha512::digest(message).to_vec(),
            OF_SHA512,
            MechanismType::SHA512,
            PkcsMgfType::MGF1_SHA512,
        ),
        _ => (
            Sha256::digest(message).to_vec(),
            OF_SHA256,
            MechanismType::SHA256,
            PkcsMgfType::MGF1_SHA256,
        ),
    };
    match scheme {
        S::RSA_PKCS1_SHA256 | S::RSA_PKCS1_SHA384 | S::RSA_PKCS1_SHA512 => {
            (Mechanism::RsaPkcs, [head, &digest].concat())
        }
        S::ECDSA_NISTP256_SHA256 | S::ECDSA_NISTP384_SHA384 => (Mechanism::Ecdsa, digest),
        _ => {
            // As long as the hash (RFC 8446, 4.2.3).
            let s_len = (digest.len() as u64).into();
            (Mechanism::RsaPkcsPss(PkcsPssParams { hash_alg, mgf, s_len }), digest)
        }
    }
}

/// A signature of ECDSA as TLS has it (RFC 3279, 2.2.3), from that of a token, which is two numbers
/// of the same length.
fn in_der(signature: &[u8]) -> Option<Vec<u8>> {
    let half = signature.len() / 2;
    // Longer numbers would take longer lengths; there is no such curve here.
    if !signature.len().is_multiple_of(2) || !(1..=48).contains(&half) {
        return None;
    }
    let (first, second) = signature.split_at(half);
    let body = [integer(first), integer(second)].concat();
    Some([&[0x30, body.len() as u8], &*body].concat())
}

/// A number in DER: without zeros before it, but for one that keeps it from being negative.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros.min(bytes.len() - 1)..];
    let sign: &[u8] = if bytes[0] & 0x80 == 0 { &[] } else { &[0] };
    [&[0x02, (sign.len() + bytes.len()) as u8], sign, bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_two_numbers_is_written_in_der() {
        assert_eq!(in_der(&[1, 2]), Some(vec![0x30, 6, 2, 1, 1, 2, 1, 2]));
        assert_eq!(in_der(&[0, 0x80, 0, 0]), Some(vec![0x30, 7, 2, 2, 0, 0x80, 2, 1, 0]));
        let longest = in_der(&[0xFF; 96]).unwrap();
        assert_eq!((longest.len(), longest[1]), (104, 102));
        for wrong in [0, 1, 3, 98] {
            assert_eq!(in_der(&vec![1; wrong]), None, "{wrong}");
        }
    }

    #[test]
    fn the_token_signs_a_hash() {
        let (mechanism, data) = prepared(SignatureScheme::RSA_PKCS1_SHA384, b"message");
        assert!(matches!(mechanism, Mechanism::RsaPkcs));
        assert_eq!(data.len(), OF_SHA384.len() + 48);
        let (mechanism, data) = prepared(SignatureScheme::ECDSA_NISTP256_SHA256, b"message");
        assert!(matches!(mechanism, Mechanism::Ecdsa));
        assert_eq!(data, Sha256::digest(b"message").to_vec());
        let (mechanism, data) = prepared(SignatureScheme::RSA_PSS_SHA512, b"message");
        let Mechanism::RsaPkcsPss(params) = mechanism else { panic!("{mechanism:?}") };
        assert_eq!((*params.s_len, data.len()), (64, 64));
    }
}
