//! What a key in a token answers where the device is to be known by it: one of RSA signs the challenge
//! (PKCS#1 v1.5, which holds nothing random), and one of an elliptic curve agrees with a point that is
//! the challenge (ECDH, NIST SP 800-56A).

use super::key::{TokenKey, prepared};
use super::{Found, TokenError};
use crate::cloud::DeviceKey;
use crate::random;
use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use ring::agreement::{self, Algorithm, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use rustls::{SignatureAlgorithm, SignatureScheme};
use std::io;
use zeroize::Zeroizing;

/// Bytes of a challenge for a key of RSA.
const CHALLENGE: usize = 32;

impl TokenKey {
    /// Its curve and the bytes of a coordinate; `None`: it is of RSA.
    fn curve(&self) -> Option<(&'static Algorithm, u64)> {
        match (self.algorithm, self.schemes.first()) {
            (SignatureAlgorithm::RSA, _) => None,
            (_, Some(SignatureScheme::ECDSA_NISTP384_SHA384)) => Some((&agreement::ECDH_P384, 48)),
            _ => Some((&agreement::ECDH_P256, 32)),
        }
    }
}

impl DeviceKey for TokenKey {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn challenge(&self) -> io::Result<Vec<u8>> {
        let Some((curve, _)) = self.curve() else {
            return Ok(random::bytes::<CHALLENGE>()?.to_vec());
        };
        // Whose private half is gone at once.
        let point = EphemeralPrivateKey::generate(curve, &SystemRandom::new());
        let point = point.and_then(|key| key.compute_public_key());
        point.map(|point| point.as_ref().to_vec()).map_err(|_| io::Error::other("no point"))
    }

    fn answer(&self, challenge: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let answer = self.object.with(ObjectClass::PRIVATE_KEY, |found| match self.curve() {
            None => {
                let (mechanism, data) = prepared(SignatureScheme::RSA_PKCS1_SHA256, challenge);
                let signed = found.session.sign(&mechanism, found.object, &data);
                signed.map_err(|error| found.failed(&error))
            }
            Some((_, length)) => {
                agreed(found, challenge, length).map_err(|error| TokenError::Key {
                    token: found.label.clone(),
                    uri: self.object.uri.to_string(),
                    reason: format!(
                        "it does not agree with another ({error}); see whether it may (CKA_DERIVE)"
                    ),
                })
            }
        });
        answer.map(Zeroizing::new).map_err(io::Error::other)
    }
}

/// What the key and a point make together.
fn agreed(found: &Found<'_>, point: &[u8], length: u64) -> Result<Vec<u8>, Error> {
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point));
    // It is for this session, and to be seen.
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::ValueLen(length.into()),
    ];
    let made = found.session.derive_key(&mechanism, found.object, &template)?;
    let value = found.session.get_attributes(made, &[AttributeType::Value]);
    found.session.destroy_object(made)?;
    match value?.pop() {
        Some(Attribute::Value(value)) => Ok(value),
        _ => Err(Error::InvalidValue),
    }
}
