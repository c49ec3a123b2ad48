//! Where a registry keeps the signatures of what it holds, and what they are found by.
//!
//! cosign has two places: an image under a tag made of the digest, a layer for each signature (up
//! to version 2: sigstore/cosign, specs/SIGNATURE_SPEC.md), and bundles that refer to what is
//! signed (OCI distribution specification, "Referrers API"; a tag where the registry has no such
//! API).

use crate::bundle;
use crate::digest::Digest;
use crate::error::FormatError;
use crate::json;
use crate::signature::Signature;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a layer is called that is a payload of simple signing.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The annotation of such a layer that holds its signature.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// Most signatures of one artifact that are looked at.
pub const MAX_SIGNATURES: usize = 16;

/// The tag under which cosign keeps signatures up to version 2: `sha256-….sig`.
pub fn signature_tag(digest: &Digest) -> String {
    format!("{}.sig", referrers_tag(digest))
}

/// The tag that lists what refers to a manifest, where the registry has no API for it (OCI
/// distribution specification, "Referrers Tag Schema"): `sha256-…`.
pub fn referrers_tag(digest: &Digest) -> String {
    format!("sha256-{}", digest.digits())
}

/// A layer that holds a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The digest of the layer, by which it is fetched.
    pub digest: Digest,
    /// How many bytes it says that it has.
    pub size: u64,
    /// The signature, where the layer is only what is signed.
    annotation: Option<String>,
}

impl Layer {
    /// The signature, from what the layer holds.
    ///
    /// # Errors
    /// It is none, or the layer is not the one that was asked for.
    pub fn signature(&self, bytes: &[u8]) -> Result<Signature, FormatError> {
        if Digest::of(bytes) != self.digest {
            return Err(FormatError::Digests { what: "the layer with the signature" });
        }
        match &self.annotation {
            Some(annotation) => Signature::of_layer(bytes, annotation),
            None => Signature::read(bytes),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Descriptor>,
}

/// The manifests that refer to something, from an index of them. cosign 3 gives them a wrong
/// `artifactType` there, so what they are is seen by their layers. At most [`MAX_SIGNATURES`], the
/// last first.
///
/// # Errors
/// It is no index.
pub fn referrers(index: &[u8]) -> Result<Vec<Digest>, FormatError> {
    let index: Index = json::read("the list of signatures", index)?;
    let digests = index.manifests.iter().filter_map(|manifest| manifest.digest.parse().ok());
    let all: Vec<Digest> = digests.collect();
    Ok(all.into_iter().rev().take(MAX_SIGNATURES).collect())
}

/// The layers of a manifest that hold signatures, of either kind.
///
/// # Errors
/// It is no manifest.
pub fn layers(manifest: &[u8]) -> Result<Vec<Layer>, FormatError> {
    let manifest: Manifest = json::read("the manifest of signatures", manifest)?;
    let layers = manifest.layers.into_iter().filter_map(|layer| {
        let annotation = match &*layer.media_type {
            SIMPLE_SIGNING => Some(layer.annotations.unwrap_or_default().remove(SIGNATURE)?),
            bundle::MEDIA_TYPE => None,
            _ => return None,
        };
        Some(Layer { digest: layer.digest.parse().ok()?, size: layer.size, annotation })
    });
    Ok(layers.take(MAX_SIGNATURES).collect())
}
