//! What secrets are sealed with: AES-256 in GCM (NIST SP 800-38D), with keys that stand in a file of
//! their own beside the certificate authority's. Whoever has the state alone has no secret.
//!
//! Keys have numbers, of which the highest seals and all open, so that one can be added. What is sealed
//! belongs to one version of one secret, and opens nowhere else.

use crate::hexadecimal::{bytes, hexadecimal};
use crate::private_file;
use crate::registry::keys::Secret as Text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};
use zeroize::Zeroizing;

/// The keys.
pub struct Vault(BTreeMap<u32, LessSafeKey>);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The file: keys as hexadecimal digits, by their numbers.
#[derive(Deserialize, Serialize)]
struct Kept {
    keys: BTreeMap<u32, Text>,
}

/// Bytes that only a vault with their key opens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Sealed {
    /// The number of the key.
    key: u32,
    /// The nonce, and what it was sealed with, in base64.
    sealed: String,
}

impl Vault {
    /// That of a file, which is made with one key if it is not there. Blocks.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(file: &Path) -> io::Result<Self> {
        let wrong = |what: &str| {
            let message = format!("{} holds no keys: {what}", file.display());
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        let text = match fs::read_to_string(file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(file)?,
            Err(error) => return Err(error),
        };
        // What is wrong with it is said without what stands in it.
        let kept: Kept =
            serde_json::from_str(&text).map_err(|_| wrong("it is written otherwise"))?;
        let mut keys = BTreeMap::new();
        for (number, digits) in kept.keys {
            let key = bytes(digits.reveal()).map(Zeroizing::new);
            let key = key.and_then(|key| UnboundKey::new(&AES_256_GCM, &key).ok());
            let key = key.ok_or_else(|| wrong("a key is not of 64 hexadecimal digits"))?;
            keys.insert(number, LessSafeKey::new(key));
        }
        match keys.is_empty() {
            true => Err(wrong("there is none")),
            false => Ok(Self(keys)),
        }
    }

    /// Seal bytes that belong to something.
    ///
    /// # Errors
    /// The kernel gives no random bytes, or it is too much.
    pub(super) fn seal(&self, plain: &[u8], of: &str) -> io::Result<Sealed> {
        let failed = || io::Error::other("a secret cannot be sealed");
        let (number, key) = self.0.last_key_value().ok_or_else(failed)?;
        let nonce = crate::random::bytes::<NONCE_LEN>()?;
        let mut text = plain.to_vec();
        let aad = Aad::from(of.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| failed())?;
        let sealed = STANDARD_NO_PAD.encode([&nonce[..], &text].concat());
        Ok(Sealed { key: *number, sealed })
    }

    /// Open what was sealed; `None`: its key is not here, or it belongs to something else.
    pub(super) fn unseal(&self, sealed: &Sealed, of: &str) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.0.get(&sealed.key)?;
        let bytes = STANDARD_NO_PAD.decode(&sealed.sealed).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut text = Zeroizing::new(text.to_vec());
        let length = key.open_in_place(nonce, Aad::from(of.as_bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

/// Make the file.
fn make(file: &Path) -> io::Result<Zeroizing<String>> {
    let key = Zeroizing::new(crate::random::bytes::<32>()?);
    let keys = BTreeMap::from([(1, Text::from(hexadecimal(&key[..])))]);
    let text = Zeroizing::new(serde_json::to_string(&Kept { keys }).map_err(io::Error::other)?);
    private_file::write(file, text.as_bytes())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_sealed_opens_where_it_belongs_and_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        let vault = Vault::open(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = vault.seal(b"hunter2", "a").unwrap();
        let row = serde_json::to_string(&sealed).unwrap();
        assert!(!row.contains("hunter2") && !row.contains(&STANDARD_NO_PAD.encode("hunter2")));
        assert_ne!(sealed.sealed, vault.seal(b"hunter2", "a").unwrap().sealed);

        // The same file, and one to which a key was added.
        let again = Vault::open(&file).unwrap();
        assert_eq!(again.unseal(&sealed, "a").unwrap().as_slice(), b"hunter2");
        assert!(again.unseal(&sealed, "b").is_none());
        let text = fs::read_to_string(&file).unwrap();
        let more = text.replace("{\"1\":", &format!("{{\"2\":\"{}\",\"1\":", "ab".repeat(32)));
        fs::write(&file, more).unwrap();
        let rotated = Vault::open(&file).unwrap();
        assert_eq!(rotated.unseal(&sealed, "a").unwrap().as_slice(), b"hunter2");
        let newer = rotated.seal(b"", "a").unwrap();
        assert_eq!((newer.key, rotated.unseal(&newer, "a").unwrap().len()), (2, 0));
        assert!(vault.unseal(&newer, "a").is_none());

        let mut damaged = sealed.clone();
        damaged
            .sealed
            .replace_range(20..21, if &damaged.sealed[20..21] == "A" { "B" } else { "A" });
        assert!(vault.unseal(&damaged, "a").is_none());
        for short in ["", "AAAA", "!"] {
            assert!(vault.unseal(&Sealed { key: 1, sealed: short.to_owned() }, "a").is_none());
        }
    }

    #[test]
    fn a_file_that_holds_something_else_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        for wrong in
            ["", "{}", "{\"keys\":{}}", "{\"keys\":{\"1\":\"abcd\"}}", "{\"keys\":{\"1\":7}}"]
        {
            fs::write(&file, wrong).unwrap();
            let error = Vault::open(&file).unwrap_err().to_string();
            assert!(error.contains("holds no keys"), "{error}");
            assert!(!error.contains("abcd"));
            assert_eq!(fs::read_to_string(&file).unwrap(), wrong);
        }
    }
}
