//! Envelopes of DSSE, and the statement of in-toto in them by which cosign signs what a registry
//! holds (`cosign sign`, from version 3 on).

use crate::claim::Claim;
use crate::digest::Digest;
use crate::error::FormatError;
use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gg_model::shape::excerpt;
use serde::{Deserialize, Serialize};

/// What a statement calls itself (in-toto attestation, spec/v1/statement.md); both versions are
/// read.
const STATEMENTS: [&str; 2] =
    ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

/// The type of payload that is a statement.
const PAYLOAD: &str = "application/vnd.in-toto+json";

/// What a statement says of its subjects: that they are signed. All else is an attestation, which
/// may say that a subject is vulnerable, and trusts nobody.
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

/// Most subjects of a statement.
const MOST_SUBJECTS: usize = 64;

/// An envelope (DSSE, envelope.md). Bundles hold one signature, though DSSE has several.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
    #[serde(default)]
    annotations: Option<crate::claim::Annotations>,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

impl Envelope {
    /// An envelope around what is signed.
    pub(crate) fn new(payload: &[u8], signature: &[u8]) -> Self {
        let signature = EnvelopeSignature { sig: STANDARD.encode(signature) };
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD.into(),
            signatures: vec![signature],
        }
    }

    /// The payload and the signature, each as bytes.
    pub(crate) fn open(&self) -> Result<(Vec<u8>, Vec<u8>), FormatError> {
        const WHAT: &str = "the envelope in the bundle";
        if self.payload_type != PAYLOAD {
            let found = excerpt(&self.payload_type);
            return Err(FormatError::Kind { what: WHAT, found, known: PAYLOAD });
        }
        let [signature] = &*self.signatures else {
            return Err(FormatError::Count { what: WHAT, count: self.signatures.len() });
        };
        let decode =
            |what, text: &str| STANDARD.decode(text).map_err(|_| FormatError::Base64 { what });
        let payload = decode("the payload of the envelope", &self.payload)?;
        Ok((payload, decode("the signature in the envelope", &signature.sig)?))
    }
}

/// The bytes that are signed for a payload (DSSE, protocol.md, "PAE").
pub(crate) fn signed_bytes(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD} {} ", PAYLOAD.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// The statement that cosign makes for something with this digest.
pub(crate) fn statement(digest: &Digest, annotations: &crate::claim::Annotations) -> String {
    json::write(&serde_json::json!({
        "_type": STATEMENTS[0],
        "subject": [{"digest": {"sha256": digest.digits()}, "annotations": annotations}],
        "predicateType": PREDICATE,
        "predicate": {},
    }))
}

/// What a payload claims whose signature holds, of something with this digest.
pub(crate) fn claim(payload: &[u8], digest: &Digest) -> Result<Claim, FormatError> {
    const WHAT: &str = "the signed statement";
    let statement: Statement = json::read(WHAT, payload)?;
    if !STATEMENTS.contains(&&*statement.kind) {
        let found = excerpt(&statement.kind);
        return Err(FormatError::Kind { what: WHAT, found, known: STATEMENTS[0] });
    }
    if statement.predicate_type != PREDICATE {
        let found = excerpt(&statement.predicate_type);
        return Err(FormatError::Kind { what: WHAT, found, known: PREDICATE });
    }
    if statement.subject.is_empty() || statement.subject.len() > MOST_SUBJECTS {
        return Err(FormatError::Digests { what: WHAT });
    }
    let mut first = None;
    for subject in statement.subject {
        let named = Digest::from_digits(&subject.digest.sha256);
        let named = named.ok_or(FormatError::Digests { what: WHAT })?;
        let claim = Claim { digest: named, annotations: subject.annotations.unwrap_or_default() };
        if named == *digest {
            return Ok(claim);
        }
        first.get_or_insert(claim);
    }
    first.ok_or(FormatError::Digests { what: WHAT })
}
