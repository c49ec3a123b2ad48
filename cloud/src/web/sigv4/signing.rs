//! The arithmetic of signatures, and links that are signed here.

use super::claim::Scope;
use super::query::encode;
use crate::clock::Time;
use crate::hexadecimal::{bytes, hexadecimal};
use ring::digest::{SHA256, digest};
use ring::hmac;
use std::fmt;
use zeroize::Zeroizing;

/// What signs for one day, region and service.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// That of a secret.
    pub fn new(secret: &str, scope: &Scope) -> Self {
        let first = Zeroizing::new(format!("AWS4{secret}"));
        let parts = [&scope.day, &scope.region, &scope.service, "aws4_request"];
        Self(parts.iter().fold(hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes()), |key, part| {
            let next = hmac::sign(&key, part.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, next.as_ref())
        }))
    }

    /// The signature of a text, in hexadecimal digits.
    pub fn sign(&self, text: &str) -> String {
        hexadecimal(hmac::sign(&self.0, text.as_bytes()).as_ref())
    }

    /// Whether this is the signature; how long that takes says nothing of it.
    pub fn verify(&self, text: &str, signature: &str) -> bool {
        bytes(signature)
            .is_some_and(|signature| hmac::verify(&self.0, text.as_bytes(), &signature).is_ok())
    }
}

/// What is signed of a canonical request.
pub(super) fn string_to_sign(at: Time, scope: &Scope, canonical: &str) -> String {
    let canonical = hexadecimal(digest(&SHA256, canonical.as_bytes()).as_ref());
    format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{canonical}", at.basic())
}

/// A link to read something with, for a while.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Host and port.
    pub host: &'a str,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The region.
    pub region: &'a str,
    /// The access key's id.
    pub key_id: &'a str,
    /// From when on it holds.
    pub at: Time,
    /// For how many seconds.
    pub expires: u64,
}

/// The link to an object of S3, signed (S3 API reference, "Authenticating requests: using query
/// parameters").
pub fn presign(link: Link<'_>, secret: &str) -> String {
    let Link { host, path, region, key_id, at, expires } = link;
    let date = at.basic();
    let day = date.get(..8).unwrap_or_default().to_owned();
    let scope = Scope { day, region: region.to_owned(), service: "s3".to_owned() };
    let credential = encode(format!("{key_id}/{scope}").as_bytes());
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}\
         &X-Amz-Expires={expires}&X-Amz-SignedHeaders=host"
    );
    let canonical = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let signature = SigningKey::new(secret, &scope).sign(&string_to_sign(at, &scope, &canonical));
    format!("https://{host}{path}?{query}&X-Amz-Signature={signature}")
}
