//! What a device can be known by even while the cloud is out of reach: a key that it has and nobody
//! else, which answers challenges.

use crate::hexadecimal::hexadecimal;
use crate::random;
use ring::hmac;
use std::fmt;
use std::io;
use zeroize::Zeroizing;

/// Bytes of a challenge for a key in a file.
const CHALLENGE: usize = 32;

/// A key that the device has and nobody else.
pub trait DeviceKey: fmt::Debug + Send + Sync {
    /// Tells it from others, and says nothing else of it.
    fn id(&self) -> String;

    /// Something to be asked.
    ///
    /// # Errors
    /// There is nothing random, or the key is out of reach.
    fn challenge(&self) -> io::Result<Vec<u8>>;

    /// What only this key can answer, and always does.
    ///
    /// # Errors
    /// The key is out of reach, or the challenge is none for it.
    fn answer(&self, challenge: &[u8]) -> io::Result<Zeroizing<Vec<u8>>>;
}

/// A key whose bytes are here: the device's private key (DER), or one that was made for this.
pub struct FileKey(hmac::Key);

impl FileKey {
    /// A key of these bytes. Another encoding of the same key is another key here.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey")
    }
}

impl DeviceKey for FileKey {
    fn id(&self) -> String {
        let tag = hmac::sign(&self.0, b"gg-host id");
        hexadecimal(&tag.as_ref()[..8])
    }

    fn challenge(&self) -> io::Result<Vec<u8>> {
        Ok(random::bytes::<CHALLENGE>()?.to_vec())
    }

    fn answer(&self, challenge: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"gg-host answer");
        context.update(challenge);
        Ok(Zeroizing::new(context.sign().as_ref().to_vec()))
    }
}
