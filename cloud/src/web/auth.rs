//! Who asks: the claim of a request, held against the key that it names.

use super::body;
use super::fault::Fault;
use super::session;
use super::sigv4::chunked::Chain;
use super::sigv4::{Claim, Encoding, Query, SignatureError, SigningKey};
use crate::artifacts::Digest;
use crate::registry::{AccessKey, Caller, Refusal, Registry, Secret, identify, keys, sessions};
use axum::body::Body;
use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use std::sync::Arc;

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

/// The certificate that the other side of a connection showed and has the key to, in DER.
#[derive(Clone, Debug)]
pub(super) struct Peer(pub(super) Arc<[u8]>);

/// Who has a key.
struct Holder {
    caller: Caller,
    secret: Secret,
    /// Whether what is asked may be asked with it.
    may: bool,
}

impl Holder {
    /// The caller, once the signature holds.
    fn admit(self, code: &'static str) -> Result<Caller, Fault> {
        match self.may {
            true => Ok(self.caller),
            false => {
                let message = format!("{} may not do this", self.caller.arn);
                Err(Fault::new(StatusCode::FORBIDDEN, code, message))
            }
        }
    }
}

/// A request whose body is read and signed as a whole.
pub(super) async fn whole(
    registry: &Registry,
    head: &Parts,
    query: &Query,
    claim: &Claim,
    body: Incoming,
) -> Result<(Caller, Body), Fault> {
    let holder = match holder(registry, head, claim).await? {
        Ok(holder) => holder,
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
    claim.verify(head, query, Encoding::Twice, &payload, holder.secret.reveal())?;
    Ok((holder.admit("AccessDeniedException")?, Body::from(body)))
}

/// A request to S3, whose body is for the service to read.
pub(super) async fn streamed(
    registry: &Registry,
    head: &Parts,
    query: &Query,
    claim: &Claim,
) -> Result<(Caller, Integrity), Fault> {
    let holder = holder(registry, head, claim).await?;
    let checked = holder.and_then(|holder| {
        let secret = holder.secret.reveal();
        let payload = match head.headers.get("x-amz-content-sha256") {
            Some(value) => value.to_str().unwrap_or_default(),
            None if claim.is_link() => "UNSIGNED-PAYLOAD",
            None => {
                let missing = "the header x-amz-content-sha256 is missing".to_owned();
                return Err(SignatureError::Malformed(missing));
            }
        };
        claim.verify(head, query, Encoding::AsSent, payload, secret)?;
        let chain = || Chain::new(claim, SigningKey::new(secret, &claim.scope));
        let integrity = match payload {
            "UNSIGNED-PAYLOAD" => Integrity::Unsigned,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Integrity::Chunked(None),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                Integrity::Chunked(Some(chain()))
            }
            digest if digest.len() == 64 => Integrity::Digest(digest.to_owned()),
            other => return Err(SignatureError::Unsupported(format!("{other:?}"))),
        };
        Ok((holder, integrity))
    });
    let (holder, integrity) = checked.map_err(|error| Fault::of_signature_in_s3(&error))?;
    Ok((holder.admit("AccessDenied")?, integrity))
}

/// Who has the key that a claim names, if the claim is of today and for here.
async fn holder(
    registry: &Registry,
    head: &Parts,
    claim: &Claim,
) -> Result<Result<Holder, SignatureError>, Fault> {
    let now = registry.clock.now();
    if let Err(error) = claim.check(now, &registry.place.region) {
        return Ok(Err(error));
    }
    let (id, place) = (claim.key_id.clone(), registry.place.clone());
    if !sessions::is_temporary(&id) {
        let found = registry.read(move |rows| Ok(keys::find(rows, &id)?)).await.map_err(failed)?;
        let unknown = || SignatureError::UnknownKey(claim.key_id.chars().take(128).collect());
        let caller = |key: &AccessKey| Caller::of(key, &place);
        let holder =
            found.map(|key| Holder { caller: caller(&key), secret: key.secret, may: true });
        return Ok(holder.ok_or_else(unknown));
    }
    let token = claim.token.clone().unwrap_or_default();
    let opened = registry.read(move |rows| Ok(sessions::open(rows, &id, &token, now)?)).await;
    let may = session::may(&claim.scope.service, head);
    Ok(opened.map_err(failed)?.ok_or(SignatureError::Token).map(|(session, secret)| Holder {
        caller: Caller::of_session(&session, &place),
        secret,
        may,
    }))
}

/// A device, by the certificate that it showed when it connected.
pub(super) async fn device(registry: &Registry, peer: &Peer) -> Result<Caller, Fault> {
    let (peer, now) = (peer.clone(), registry.clock.now());
    let found = registry.read(move |rows| identify(rows, &peer.0)).await.map_err(failed)?;
    let forbidden = |what: &str| Fault::new(StatusCode::FORBIDDEN, "AccessDeniedException", what);
    match found {
        Some(identity) if identity.certificate.holds(now) => {
            Ok(Caller::of_device(identity, &registry.place))
        }
        Some(_) => Err(forbidden("the certificate is not active, or does not hold now")),
        None => Err(forbidden("the certificate is not registered here")),
    }
}

fn failed(refusal: Refusal) -> Fault {
    let code = "InternalServerException";
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, code, refusal.message)
}
