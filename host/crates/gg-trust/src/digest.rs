//! SHA-256, and how OCI, recipes and policies write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gg_model::shape::excerpt;
use std::fmt;
use std::str::FromStr;

/// How many bytes it has.
const LENGTH: usize = 32;

/// The SHA-256 of some bytes. Its text is that of OCI: `sha256:` and 64 digits in lower case
/// (OCI image specification, descriptor.md, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; LENGTH]);

/// A text is no SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no SHA-256; write `sha256:` and 64 hexadecimal digits in lower case")]
pub struct DigestError {
    /// Where the text begins.
    pub text: String,
}

impl Digest {
    /// The digest of all these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; LENGTH];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
        Self(digest)
    }

    /// One that was computed elsewhere.
    pub const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// As base64 has it, with which recipes and Sigstore's bundles write digests; `None` if it is
    /// no SHA-256.
    pub fn from_base64(text: &str) -> Option<Self> {
        // Longer texts are not worth reading.
        let bytes = (text.len() <= 64).then(|| STANDARD.decode(text).ok()).flatten()?;
        bytes.try_into().ok().map(Self)
    }

    /// The same in base64.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Its digits alone, as in-toto has it.
    pub fn from_digits(digits: &str) -> Option<Self> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != LENGTH || !rest.is_empty() {
            return None;
        }
        let mut digest = [0; LENGTH];
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(Self(digest))
    }

    /// The same without what it begins with.
    pub fn digits(&self) -> String {
        self.to_string().split_off("sha256:".len())
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix("sha256:");
        digits.and_then(Self::from_digits).ok_or_else(|| DigestError { text: excerpt(text) })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn texts_of_a_digest_say_the_same() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(digest));
        assert_eq!(Digest::from_base64(&digest.to_base64()), Some(digest));
        assert_eq!(Digest::from_digits(&digest.digits()), Some(digest));
    }

    #[test]
    fn what_is_no_sha_256_is_refused() {
        let (short, upper) = (&EMPTY[..70], EMPTY.to_uppercase());
        let long = format!("{EMPTY}0");
        for wrong in ["", "sha256:", &EMPTY[7..], short, &upper, &long, "sha512:00"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
        assert_eq!(Digest::from_base64("AAAA"), None);
        assert_eq!(Digest::from_base64(&"A".repeat(1 << 20)), None);
    }
}
