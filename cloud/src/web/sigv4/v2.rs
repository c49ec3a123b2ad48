//! Signature Version 2 in a query, as boto3 makes links to objects of S3 (S3 developer guide, "Signing
//! and authenticating REST requests").

use super::SignatureError;
use super::query::Query;
use crate::clock::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use ring::hmac;

/// Parameters that name a part of a resource or change the answer, which are signed.
const SIGNED: [&str; 16] = [
    "acl",
    "delete",
    "location",
    "partNumber",
    "policy",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versions",
];

/// The access key's id, until when it holds, and the signature.
pub(super) fn read(query: &Query) -> Result<(String, Time, String), SignatureError> {
    let expires = query
        .one("Expires")?
        .parse()
        .map(Time::from_seconds)
        .map_err(|_| SignatureError::Malformed("Expires is no number of seconds".to_owned()))?;
    let key_id = query.one("AWSAccessKeyId")?.to_owned();
    Ok((key_id, expires, query.one("Signature")?.to_owned()))
}

/// Whether the signature is the one that the secret makes.
pub(super) fn verify(
    head: &Parts,
    query: &Query,
    secret: &str,
    signature: &str,
) -> Result<bool, SignatureError> {
    let text = string_to_sign(head, query)?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let signature = STANDARD.decode(signature).unwrap_or_default();
    Ok(hmac::verify(&key, text.as_bytes(), &signature).is_ok())
}

fn string_to_sign(head: &Parts, query: &Query) -> Result<String, SignatureError> {
    let header = |name: &str| -> Result<&str, SignatureError> {
        let value = head.headers.get(name).map(|value| value.to_str());
        value
            .transpose()
            .map(Option::unwrap_or_default)
            .map_err(|_| SignatureError::Malformed(format!("the header {name} is no text")))
    };
    let (md5, content_type) = (header("content-md5")?, header("content-type")?);
    let expires = query.get("Expires").unwrap_or_default();
    let mut text = format!("{}\n{md5}\n{content_type}\n{expires}\n", head.method);
    let mut names: Vec<&str> = head
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-"))
        .collect();
    names.sort_unstable();
    for name in names {
        let values: Vec<&str> = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or_default().trim())
            .collect();
        text.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    text.push_str(head.uri.path());
    let mut parts: Vec<String> = query
        .iter()
        .filter(|(name, _)| SIGNED.contains(name))
        .map(|(name, value)| match value {
            "" => name.to_owned(),
            value => format!("{name}={value}"),
        })
        .collect();
    parts.sort_unstable();
    if !parts.is_empty() {
        text.push('?');
        text.push_str(&parts.join("&"));
    }
    Ok(text)
}
