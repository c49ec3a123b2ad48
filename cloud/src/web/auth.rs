//! Who asks: the claim of a request, held against the key that it names.

use super::body;
use super::fault::Fault;
use super::sigv4::chunked::Chain;
use super::sigv4::{Claim, Encoding, Query, SignatureError, SigningKey};
use crate::artifacts::Digest;
use crate::registry::{AccessKey, Caller, Registry, keys};
use axum::body::Body;
use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;

/// Most bytes in the body of a request that is not to S3.
const LARGEST_BODY: usize = 1024 * 1024;

/// What a body must be, for services that read it piece by piece (S3 API reference,
/// `x-amz-content-sha256`).
#[derive(Clone, Debug)]
pub enum Integrity {
    /// In pieces, which are signed where there is a chain.
    Chunked(Option<Chain>),
    /// What has this SHA-256, as hexadecimal digits.
    Digest(String),
    /// Anything: TLS is enough to who sends it.
    Unsigned,
}

/// A request whose body is read and signed as a whole.
pub(super) async fn whole(
    registry: &Registry,
    head: &Parts,
    query: &Query,
    claim: &Claim,
    body: Incoming,
) -> Result<(Caller, Body), Fault> {
    let key = match key(registry, claim).await? {
        Ok(key) => key,
        Err(error) => {
            body::discard(body).await;
            return Err(error.into());
        }
    };
    let body = body::read(Body::new(body), LARGEST_BODY).await.map_err(|error| {
        let status = match error {
            body::BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Fault::new(status, "RequestEntityTooLargeException", error.to_string())
    })?;
    let payload = Digest::of(&body).to_string();
    claim.verify(head, query, Encoding::Twice, &payload, key.secret.reveal())?;
    Ok((Caller::of(&key, &registry.place), Body::from(body)))
}

/// A request to S3, whose body is for the service to read.
pub(super) async fn streamed(
    registry: &Registry,
    head: &Parts,
    query: &Query,
    claim: &Claim,
) -> Result<(Caller, Integrity), Fault> {
    let key = key(registry, claim).await?;
    let checked = key.and_then(|key| {
        let payload = match head.headers.get("x-amz-content-sha256") {
            Some(value) => value.to_str().unwrap_or_default(),
            None if claim.is_link() => "UNSIGNED-PAYLOAD",
            None => {
                let missing = "the header x-amz-content-sha256 is missing".to_owned();
                return Err(SignatureError::Malformed(missing));
            }
        };
        claim.verify(head, query, Encoding::AsSent, payload, key.secret.reveal())?;
        let chain = || Chain::new(claim, SigningKey::new(key.secret.reveal(), &claim.scope));
        let integrity = match payload {
            "UNSIGNED-PAYLOAD" => Integrity::Unsigned,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Integrity::Chunked(None),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                Integrity::Chunked(Some(chain()))
            }
            digest if digest.len() == 64 => Integrity::Digest(digest.to_owned()),
            other => return Err(SignatureError::Unsupported(format!("{other:?}"))),
        };
        Ok((Caller::of(&key, &registry.place), integrity))
    });
    checked.map_err(|error| Fault::of_signature_in_s3(&error))
}

/// The key that a claim names, if the claim is of today and for here.
async fn key(
    registry: &Registry,
    claim: &Claim,
) -> Result<Result<AccessKey, SignatureError>, Fault> {
    if let Err(error) = claim.check(registry.clock.now(), &registry.place.region) {
        return Ok(Err(error));
    }
    let id = claim.key_id.clone();
    let found = registry.read(move |rows| Ok(keys::find(rows, &id)?)).await;
    let found = found.map_err(|refusal| {
        let code = "InternalServerException";
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, code, refusal.message)
    })?;
    Ok(found.ok_or_else(|| SignatureError::UnknownKey(claim.key_id.chars().take(128).collect())))
}
