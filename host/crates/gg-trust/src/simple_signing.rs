//! The payload by which cosign signed what a registry holds up to version 2, and does when told to
//! (sigstore/cosign, specs/SIGNATURE_SPEC.md; containers/image, docs/containers-signature.5.md).

use crate::claim::{Annotations, Claim};
use crate::error::FormatError;
use crate::json;
use gg_model::shape::excerpt;
use serde::Deserialize;

/// What a payload calls itself.
const KIND: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Option<Annotations>,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(rename = "type")]
    kind: String,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What a payload claims whose signature holds. For which registry it was signed
/// (`docker-reference`) is of no concern: images are copied from one to another.
pub(crate) fn claim(payload: &[u8]) -> Result<Claim, FormatError> {
    const WHAT: &str = "the signed payload";
    let payload: Payload = json::read(WHAT, payload)?;
    if payload.critical.kind != KIND {
        let found = excerpt(&payload.critical.kind);
        return Err(FormatError::Kind { what: WHAT, found, known: KIND });
    }
    let digest = payload.critical.image.digest.parse();
    let digest = digest.map_err(|_| FormatError::Digests { what: WHAT })?;
    Ok(Claim { digest, annotations: payload.optional.unwrap_or_default() })
}
