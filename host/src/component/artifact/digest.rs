//! The SHA-256 of a file, as recipes write it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read};

/// With the padding at the end or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// SHA-256 of a file; its text is base64.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What a recipe says; `None` if it is no SHA-256 in base64.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Of what a file holds from here on.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_file(file: &mut impl Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        hash(file, &mut hasher)?;
        Ok(Self::of_hashed(&hasher))
    }

    /// Of bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of what was hashed up to now.
    pub(super) fn of_hashed(hasher: &Sha256) -> Self {
        Self(hasher.clone().finalize().into())
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Add what a file holds from here on, a piece at a time. Gives how much it was.
pub(super) fn hash(file: &mut impl Read, hasher: &mut Sha256) -> io::Result<u64> {
    let mut piece = vec![0; 64 << 10];
    let mut length = 0;
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(length),
            Ok(count) => {
                hasher.update(&piece[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl From<Digest> for gg_trust::Digest {
    fn from(digest: Digest) -> Self {
        Self::from_bytes(digest.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
