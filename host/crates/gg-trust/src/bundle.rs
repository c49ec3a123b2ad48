//! Bundles: Sigstore's, versions 0.1 to 0.3 (sigstore/protobuf-specs, `sigstore_bundle.proto`, as
//! JSON), and the one that cosign had of its own up to version 2 (`LocalSignedPayload`).

use crate::digest::Digest;
use crate::dsse::Envelope;
use crate::error::FormatError;
use crate::json;
use crate::key::KeyId;
use crate::signature::{Form, Signature, decode};
use gg_model::shape::excerpt;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a bundle is called that is written here.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What others may be called (sigstore/sigstore-go, `getBundleVersion`).
const MEDIA_TYPES: [&str; 4] = [
    MEDIA_TYPE,
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/// The hash of all keys that are used here.
const SHA_256: &str = "SHA2_256";

const WHAT: &str = "the bundle";

/// Either bundle. What else is in it (certificates, timestamps) is of no use where keys are
/// trusted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: Option<String>,
    verification_material: Option<Material>,
    message_signature: Option<MessageSignature>,
    dsse_envelope: Option<Envelope>,
    base64_signature: Option<String>,
    #[serde(rename = "rekorBundle")]
    rekor_bundle: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Material {
    public_key: Option<PublicKeyHint>,
    tlog_entries: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PublicKeyHint {
    hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSignature {
    message_digest: Option<MessageDigest>,
    signature: String,
}

/// cosign 3 leaves it empty for keys of Ed25519.
#[derive(Serialize, Deserialize)]
struct MessageDigest {
    algorithm: Option<String>,
    digest: Option<String>,
}

pub(crate) fn read(bytes: &[u8]) -> Result<Signature, FormatError> {
    let bundle: Bundle = json::read(WHAT, bytes)?;
    if let (None, Some(signature)) = (&bundle.media_type, &bundle.base64_signature) {
        let log_entries = usize::from(bundle.rekor_bundle.is_some());
        let bytes = decode("the signature in the bundle", signature)?;
        return Ok(Signature {
            form: Form::Content { said: None },
            bytes,
            hint: None,
            log_entries,
        });
    }
    let media_type = bundle.media_type.unwrap_or_default();
    if !MEDIA_TYPES.contains(&&*media_type) {
        let found = excerpt(&media_type);
        return Err(FormatError::Kind { what: WHAT, found, known: MEDIA_TYPE });
    }
    let (form, bytes) = match (bundle.message_signature, bundle.dsse_envelope) {
        (Some(message), None) => {
            let bytes = decode("the signature in the bundle", &message.signature)?;
            (Form::Content { said: message.message_digest.map_or(Ok(None), said)? }, bytes)
        }
        (None, Some(envelope)) => {
            let (payload, bytes) = envelope.open()?;
            (Form::Statement { payload }, bytes)
        }
        (None, None) => return Err(FormatError::Count { what: WHAT, count: 0 }),
        (Some(_), Some(_)) => return Err(FormatError::Count { what: WHAT, count: 2 }),
    };
    let material = bundle.verification_material.unwrap_or_default();
    let hint = material.public_key.and_then(|key| KeyId::from_hint(&key.hint));
    let log_entries = material.tlog_entries.map_or(0, |entries| entries.len());
    Ok(Signature { form, bytes, hint, log_entries })
}

/// The digest that is said beside a signature, if there is one.
fn said(digest: MessageDigest) -> Result<Option<Digest>, FormatError> {
    let (algorithm, text) = match (digest.algorithm, digest.digest) {
        (None, None) => return Ok(None),
        (algorithm, text) => (algorithm.unwrap_or_default(), text.unwrap_or_default()),
    };
    if algorithm != SHA_256 {
        let (what, found) = ("the digest in the bundle", excerpt(&algorithm));
        return Err(FormatError::Kind { what, found, known: SHA_256 });
    }
    Digest::from_base64(&text).map(Some).ok_or(FormatError::Digests { what: WHAT })
}

pub(crate) fn write(signature: &Signature) -> String {
    let hint = signature.hint.map(|key| key.to_hint()).unwrap_or_default();
    let message = |said: Option<Digest>| {
        let digest = said.map(|said| json!({"algorithm": SHA_256, "digest": said.to_base64()}));
        json!({"messageDigest": digest, "signature": signature.to_base64()})
    };
    let (member, content) = match &signature.form {
        Form::Statement { payload } => {
            ("dsseEnvelope", json!(Envelope::new(payload, &signature.bytes)))
        }
        Form::SimpleSigning { payload } => ("messageSignature", message(Some(Digest::of(payload)))),
        Form::Content { said } => ("messageSignature", message(*said)),
    };
    json::write(&json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        member: content,
    }))
}
