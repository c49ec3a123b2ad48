//! Private keys: made, read, written, and signed with.

mod sealed;

use crate::error::KeyError;
use crate::key::{KeyKind, PublicKey};
use crate::pem;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use std::fmt;
use zeroize::Zeroizing;

/// What the line at the top of a private key says (RFC 7468, section 10).
const PLAIN: &str = "PRIVATE KEY";

/// The same of one that cosign has encrypted, now and in earlier versions.
const ENCRYPTED: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const ENCRYPTED_BEFORE: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// What stands before the 32 bytes of a private key of Ed25519 (RFC 8410, section 7).
const ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A private key. It is not shown, and what it was read from is wiped.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
    /// PKCS#8 (RFC 5208).
    der: Zeroizing<Vec<u8>>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Make a new key of ECDSA on P-256, as `cosign generate-key-pair` does.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        Self::from_der(Zeroizing::new(made.map_err(|_| KeyError::Random)?.as_ref().to_vec()))
    }

    /// Make a new key of Ed25519.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate_ed25519() -> Result<Self, KeyError> {
        let mut der = Zeroizing::new([ED25519, [0; 16], [0; 16]].concat());
        let secret = der.get_mut(ED25519.len()..).unwrap_or_default();
        SystemRandom::new().fill(secret).map_err(|_| KeyError::Random)?;
        Self::from_der(der)
    }

    /// Read a key from PEM: PKCS#8 as OpenSSL writes it, or cosign's own format, for which it takes
    /// the password. That is tried for some tenths of a second, with some 64 MB.
    ///
    /// # Errors
    /// It is no such key, or the password is not its.
    pub fn from_pem(text: &str, password: Option<&[u8]>) -> Result<Self, KeyError> {
        let block = pem::read(text)?;
        match block.label {
            PLAIN => Self::from_der(block.bytes),
            ENCRYPTED | ENCRYPTED_BEFORE => {
                let password = password.ok_or(KeyError::NoPassword)?;
                Self::from_der(sealed::open(&block.bytes, password)?)
            }
            _ => Err(KeyError::Label { expected: "a private key", label: PLAIN }),
        }
    }

    fn from_der(der: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let ecdsa = || {
            let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
            EcdsaKeyPair::from_pkcs8(algorithm, &der, &random).map(Pair::Ecdsa)
        };
        // Without its public key, as OpenSSL and Go leave it.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Pair::Ed25519);
        let rsa = || RsaKeyPair::from_pkcs8(&der).map(|pair| Pair::Rsa(Box::new(pair)));
        let pair = ecdsa().or_else(|_| ed25519()).or_else(|_| rsa()).map_err(|_| KeyError::Kind)?;
        let public = match &pair {
            Pair::Ecdsa(pair) => PublicKey::new(KeyKind::EcdsaP256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => PublicKey::new(KeyKind::Ed25519, pair.public_key().as_ref()),
            Pair::Rsa(pair) => PublicKey::new(KeyKind::Rsa, pair.public_key().as_ref()),
        };
        // Sizes and exponents that would be refused when it is verified.
        PublicKey::from_pem(&public.to_pem())?;
        Ok(Self { pair, public, der })
    }

    /// The key by which others verify.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key in PEM, for whoever keeps the file safe otherwise.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::write(PLAIN, &self.der)
    }

    /// The key in PEM, encrypted as cosign does it.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn to_encrypted_pem(&self, password: &[u8]) -> Result<String, KeyError> {
        let sealed = sealed::seal(&self.der, password)?;
        Ok(pem::write(ENCRYPTED, sealed.as_bytes()).as_str().to_owned())
    }

    /// Sign these bytes, by the one algorithm that keys of this kind have.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::Random)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map_err(|_| KeyError::Random)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {:?})", self.public)
    }
}

#[cfg(test)]
mod tests;
