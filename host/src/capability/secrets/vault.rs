//! How secrets are kept: sealed, in memory as on disk, until somebody may see one.
//!
//! ```text
//! key of the device ──answer to a challenge──▶ HKDF ──▶ wraps the data key (a row of the store)
//! data key ──▶ seals each value, together with what it is the value of
//! ```
//!
//! Both are AES-256-GCM. What a value belongs to (the secret, the version, its labels) is sealed
//! with it as associated data, so that no row can be changed, or take the place of another.
//!
//! A device's key may be one that never leaves its module, where it can sign and agree, and nothing
//! else. So nothing is encrypted to it: it is asked for an *answer* that nobody else can give and
//! that is the same each time ([`DeviceKey`]). A module's RSA key signs the challenge (PKCS#1 v1.5,
//! which holds nothing random), and its key of an elliptic curve agrees with a point that is the
//! challenge (ECDH); its signatures would do only if they were made as RFC 6979 has it, which a
//! module does not promise. A key in a file is a secret of its own ([`FileKey`]).

use crate::cloud::DeviceKey;
use crate::random;
use crate::store::SecretKeyRow;
use gg_model::{SecretHead, SecretValue};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use std::fmt;
use std::io;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a key.
const KEY: usize = 32;

/// What keys are derived for.
const PURPOSE: &[u8] = b"gg-host secrets 1";

/// What was sealed was not sealed so, or by another key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("it was changed since it was sealed, or sealed with another key")]
pub struct Tampered;

/// What a value is sealed with: as bytes, of which no two are alike.
fn about(head: &SecretHead) -> Vec<u8> {
    let fixed = [head.key(), &head.name, &head.version];
    let parts = fixed.into_iter().chain(head.stages.iter().map(String::as_str));
    let mut bytes = PURPOSE.to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// The data key.
pub struct Vault {
    raw: Zeroizing<[u8; KEY]>,
    key: LessSafeKey,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// One with a new key.
    ///
    /// # Errors
    /// There is nothing random.
    pub fn new() -> io::Result<Self> {
        Self::with(drawn()?)
    }

    fn with(raw: Zeroizing<[u8; KEY]>) -> io::Result<Self> {
        Ok(Self { key: sealing(&*raw)?, raw })
    }

    /// Its key, for the store, so that only the device can open it.
    ///
    /// # Errors
    /// The device's key is out of reach, or there is nothing random.
    pub fn wrap(&self, device: &dyn DeviceKey) -> io::Result<SecretKeyRow> {
        let (by, challenge) = (device.id(), device.challenge()?);
        let wrapping = wrapping(device, &challenge)?;
        let sealed = seal(&wrapping, by.as_bytes(), &*self.raw)?;
        Ok(SecretKeyRow { by, challenge, sealed })
    }

    /// The one whose key was wrapped.
    ///
    /// # Errors
    /// It was wrapped by another key, or was changed; or this one is out of reach.
    pub fn unwrap(device: &dyn DeviceKey, row: &SecretKeyRow) -> io::Result<Self> {
        let wrapping = wrapping(device, &row.challenge)?;
        let opened = open(&wrapping, row.by.as_bytes(), &row.sealed).map_err(io::Error::other)?;
        let raw = <[u8; KEY]>::try_from(opened.as_slice()).map_err(io::Error::other)?;
        Self::with(Zeroizing::new(raw))
    }

    /// Seal a value.
    ///
    /// # Errors
    /// There is nothing random.
    pub fn seal(&self, head: &SecretHead, value: &SecretValue) -> io::Result<Vec<u8>> {
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + value.as_bytes().len()));
        plain.push(match value {
            SecretValue::Bytes(_) => 0,
            SecretValue::Text(_) => 1,
        });
        plain.extend_from_slice(value.as_bytes());
        seal(&self.key, &about(head), &plain)
    }

    /// The value that was sealed.
    ///
    /// # Errors
    /// It was not sealed so.
    pub fn open(&self, head: &SecretHead, sealed: &[u8]) -> Result<SecretValue, Tampered> {
        let opened = open(&self.key, &about(head), sealed)?;
        let (kind, value) = opened.split_first().ok_or(Tampered)?;
        match kind {
            0 => Ok(SecretValue::Bytes(Zeroizing::new(value.to_vec()))),
            _ => {
                let text = str::from_utf8(value).map_err(|_| Tampered)?;
                Ok(SecretValue::Text(Zeroizing::new(text.to_owned())))
            }
        }
    }
}

/// The key that a data key is wrapped with.
fn wrapping(device: &dyn DeviceKey, challenge: &[u8]) -> io::Result<LessSafeKey> {
    let answer = device.answer(challenge)?;
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, challenge).extract(&answer);
    let mut key = Zeroizing::new([0; KEY]);
    let expanded = extracted.expand(&[PURPOSE], hkdf::HKDF_SHA256);
    expanded.and_then(|expanded| expanded.fill(&mut *key)).map_err(unspecified)?;
    sealing(&*key)
}

fn sealing(key: &[u8]) -> io::Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(unspecified)
}

/// The nonce, which is random, then what is sealed, then the tag.
fn seal(key: &LessSafeKey, about: &[u8], plain: &[u8]) -> io::Result<Vec<u8>> {
    let nonce = drawn::<NONCE_LEN>()?;
    // So that the plain text is moved nowhere.
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&*nonce);
    sealed.extend_from_slice(plain);
    let (nonce, rest) = (Nonce::assume_unique_for_key(*nonce), &mut sealed[NONCE_LEN..]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(about), rest);
    sealed.extend_from_slice(tag.map_err(unspecified)?.as_ref());
    Ok(sealed)
}

fn open(key: &LessSafeKey, about: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Tampered> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Tampered)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Tampered)?;
    let mut opened = Zeroizing::new(rest.to_vec());
    let length =
        key.open_in_place(nonce, Aad::from(about), &mut opened).map_err(|_| Tampered)?.len();
    opened.truncate(length);
    Ok(opened)
}

fn drawn<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    random::fill(&mut *bytes)?;
    Ok(bytes)
}

/// The library says no more.
fn unspecified(_: ring::error::Unspecified) -> io::Error {
    io::Error::other("the library of cryptography fails")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::FileKey;

    fn head() -> SecretHead {
        SecretHead {
            name: "a".to_owned(),
            arn: Some("arn:a".to_owned()),
            version: "1".to_owned(),
            stages: vec!["AWSCURRENT".to_owned()],
        }
    }

    fn text(text: &str) -> SecretValue {
        SecretValue::Text(text.to_owned().into())
    }

    #[test]
    fn what_was_changed_or_moved_is_not_opened() {
        let vault = Vault::new().unwrap();
        let sealed = vault.seal(&head(), &text("hunter2")).unwrap();
        assert_eq!(vault.open(&head(), &sealed), Ok(text("hunter2")));
        assert!(!sealed.windows(7).any(|part| part == b"hunter2"));
        let again = vault.seal(&head(), &text("hunter2")).unwrap();
        assert_ne!(again, sealed, "two that are alike do not look so");
        for other in [
            SecretHead { stages: Vec::new(), ..head() },
            SecretHead { stages: vec!["AWSPREVIOUS".to_owned()], ..head() },
            SecretHead { arn: Some("arn:b".to_owned()), ..head() },
            SecretHead { arn: None, ..head() },
            SecretHead { name: "b".to_owned(), ..head() },
            SecretHead { version: "2".to_owned(), ..head() },
            SecretHead { arn: Some("arn:".to_owned()), name: "aa".to_owned(), ..head() },
        ] {
            assert_eq!(vault.open(&other, &sealed), Err(Tampered), "{other:?}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(vault.open(&head(), &changed), Err(Tampered), "{place}");
            assert_eq!(vault.open(&head(), &sealed[..place]), Err(Tampered), "{place}");
        }
        assert_eq!(Vault::new().unwrap().open(&head(), &sealed), Err(Tampered));
        let bytes = SecretValue::Bytes(vec![0, 255].into());
        let sealed = vault.seal(&head(), &bytes).unwrap();
        assert_eq!(vault.open(&head(), &sealed), Ok(bytes));
    }

    #[test]
    fn the_data_key_is_opened_by_the_devices_key_and_by_no_other() {
        let (vault, device) = (Vault::new().unwrap(), FileKey::new(b"a key"));
        let row = vault.wrap(&device).unwrap();
        let sealed = vault.seal(&head(), &text("x")).unwrap();
        let unwrapped = Vault::unwrap(&FileKey::new(b"a key"), &row).unwrap();
        assert_eq!(unwrapped.open(&head(), &sealed), Ok(text("x")));
        assert!(Vault::unwrap(&FileKey::new(b"another"), &row).is_err());
        assert_ne!(FileKey::new(b"another").id(), device.id());
        // With another key of the device: the secrets stay as they are.
        let again = unwrapped.wrap(&FileKey::new(b"another")).unwrap();
        let rotated = Vault::unwrap(&FileKey::new(b"another"), &again).unwrap();
        assert_eq!(rotated.open(&head(), &sealed), Ok(text("x")));
        let changed = SecretKeyRow { by: "other".to_owned(), ..row.clone() };
        assert!(Vault::unwrap(&device, &changed).is_err());
        let mut changed = row.clone();
        changed.sealed[20] ^= 1;
        assert!(Vault::unwrap(&device, &changed).is_err());
    }

    #[test]
    fn keys_are_not_shown() {
        let shown = format!("{:?} {:?}", Vault::new().unwrap(), FileKey::new(b"a key"));
        assert_eq!(shown, "Vault FileKey");
    }
}
