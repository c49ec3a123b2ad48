//! Artifacts in registries of OCI: `oci://REGISTRY/REPOSITORY:TAG` and `…@sha256:DIGEST` (OCI
//! distribution specification, "Pull"). The manifest says which blob is the file, and the blob is what its
//! digest says; so what is here of one is continued whoever sends it.
//!
//! Signatures are where cosign keeps them: under a tag made of the manifest's digest, or in manifests
//! that refer to it.

pub mod challenge;
mod error;
pub mod login;
pub mod manifest;
mod session;
#[cfg(test)]
mod tests;

pub use error::RegistryError;

use super::download::{continues, rest};
use super::{ArtifactSource, Asked, Download, Evidence};
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Digest, Part};
use crate::hexadecimal::hexadecimal;
use crate::network::Target;
use crate::tasks::Tasks;
use futures_util::future::BoxFuture;
use gg_model::NucleusSettings;
use gg_model::recipe::{ArtifactUri, OciReference};
use gg_trust::oci::{self, MAX_SIGNATURES};
use gg_trust::signature::MAX_SIGNATURE_BYTES;
use http::{HeaderMap, StatusCode, header};
use manifest::Layer;
use session::Session;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// So often a blob is asked for in one attempt: as a rest, and as a whole.
const MOST_REQUESTS: usize = 2;

/// Downloads artifacts from registries.
#[derive(Debug)]
pub struct Registries {
    download: Download,
    tasks: Tasks,
    settings: watch::Receiver<Arc<NucleusSettings>>,
}

impl Registries {
    /// Download with this; names and passwords are where settings say.
    pub fn new(
        download: Download,
        tasks: Tasks,
        settings: watch::Receiver<Arc<NucleusSettings>>,
    ) -> Self {
        Self { download, tasks, settings }
    }

    fn session<'a>(&'a self, from: &'a str, reference: &'a OciReference) -> Session<'a> {
        let config = self.settings.borrow().artifacts.docker_config.as_ref().map(PathBuf::from);
        Session::new((&self.download, &self.tasks), (from, reference), config)
    }

    async fn bring_file(&self, asked: Asked<'_>, part: &mut Part<'_>) -> Result<(), ArtifactError> {
        let from = asked.uri;
        let reference = opened(from)?;
        let near = session::origin(&reference).parse().ok().as_ref().and_then(Target::of);
        let near = near.is_some_and(|target| target.is_this_machine());
        // A digest in the URI says as well what the file must be.
        if !asked.pinned && !near && reference.digest().is_none() {
            return Err(ArtifactError::NoDigest { uri: shown(from) });
        }
        let mut session = self.session(from, &reference);
        let manifest = session.manifest(reference.manifest()).await?;
        let layer = manifest::choose(&manifest, reference.title());
        let layer = layer.map_err(|error| session.failed(error.into()))?;
        blob(&mut session, &layer, part).await?;
        part.flush().await?;
        let (found, wanted) = (part.digest()?, Digest::from(layer.digest));
        if found != wanted {
            return Err(ArtifactError::Mismatch { uri: shown(from), found, wanted });
        }
        Ok(())
    }

    /// The signatures that are on the manifest that says what a file is.
    async fn of_file(&self, from: &str, file: gg_trust::Digest) -> Result<Evidence, ArtifactError> {
        let reference = opened(from)?;
        let mut session = self.session(from, &reference);
        let manifest = session.manifest(reference.manifest()).await?;
        let layer = manifest::choose(&manifest, reference.title());
        let layer = layer.map_err(|error| session.failed(error.into()))?;
        if format!("sha256:{}", hexadecimal(&layer.digest)) != file.to_string() {
            // A tag has another manifest by now, which says nothing of the file that is here.
            return Ok(Evidence::default());
        }
        let digest = gg_trust::Digest::of(&manifest);
        signatures(&mut session, digest).await
    }

    /// The signatures that are on an image.
    async fn of_image(
        &self,
        (from, image): (&str, &str),
        manifest: gg_trust::Digest,
    ) -> Result<Evidence, ArtifactError> {
        let reference = OciReference::of_image(image).map_err(|_| ArtifactError::Uri {
            uri: shown(from),
            reason: "it names no image of a registry",
        })?;
        signatures(&mut self.session(from, &reference), manifest).await
    }
}

/// The signatures that are on a manifest.
async fn signatures(
    session: &mut Session<'_>,
    digest: gg_trust::Digest,
) -> Result<Evidence, ArtifactError> {
    let mut signatures = Vec::new();
    for holder in holders(session, &digest).await? {
        let layers = match oci::layers(&holder) {
            Ok(layers) => layers,
            Err(error) => {
                signatures.push(Err(error));
                continue;
            }
        };
        for layer in layers {
            if signatures.len() >= MAX_SIGNATURES {
                break;
            }
            let blob = small(session, &format!("blobs/{}", layer.digest)).await?;
            signatures.extend(blob.map(|blob| layer.signature(&blob)));
        }
    }
    signatures.truncate(MAX_SIGNATURES);
    Ok(Evidence { manifest: Some(digest), signatures })
}

impl ArtifactSource for Registries {
    fn serves(&self, scheme: &str) -> bool {
        scheme == "oci"
    }

    fn bring<'a>(
        &'a self,
        asked: Asked<'a>,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>> {
        Box::pin(self.bring_file(asked, part))
    }

    fn evidence<'a>(
        &'a self,
        asked: Asked<'a>,
        file: gg_trust::Digest,
    ) -> BoxFuture<'a, Result<Evidence, ArtifactError>> {
        Box::pin(async move {
            match asked.uri.parse() {
                Ok(ArtifactUri::Docker { image }) => self.of_image((asked.uri, &image), file).await,
                _ => self.of_file(asked.uri, file).await,
            }
        })
    }
}

fn opened(from: &str) -> Result<OciReference, ArtifactError> {
    match from.parse() {
        Ok(ArtifactUri::Oci { reference }) => Ok(reference),
        _ => Err(ArtifactError::Uri {
            uri: shown(from),
            reason: "it names no artifact of a registry",
        }),
    }
}

/// Bring what is missing of a layer.
async fn blob(
    session: &mut Session<'_>,
    layer: &Layer,
    part: &mut Part<'_>,
) -> Result<(), ArtifactError> {
    let digest = format!("sha256:{}", hexadecimal(&layer.digest));
    if part.validator() != Some(&digest) || part.length() > layer.size {
        part.restart(Some(digest.clone())).await?;
    }
    if part.length() > 0 && part.length() == layer.size {
        return Ok(());
    }
    for _ in 0..MOST_REQUESTS {
        let mut headers = HeaderMap::new();
        if part.length() > 0 {
            headers.insert(header::RANGE, rest(part));
        }
        let mut answer = session.get(&format!("blobs/{digest}"), &headers).await?;
        match answer.status() {
            StatusCode::OK => {
                if part.length() > 0 {
                    part.restart(Some(digest)).await?;
                }
                return session.download.receive(session.from, &mut answer, part).await;
            }
            StatusCode::PARTIAL_CONTENT if continues(answer.headers(), part) => {
                return session.download.receive(session.from, &mut answer, part).await;
            }
            // Another piece than was asked for.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
                if part.length() > 0 =>
            {
                part.restart(Some(digest.clone())).await?;
            }
            _ => return Err(session.refused(&answer)),
        }
    }
    Err(ArtifactError::Redirects { uri: shown(session.from) })
}

/// The manifests that hold signatures on a manifest.
async fn holders(
    session: &mut Session<'_>,
    digest: &gg_trust::Digest,
) -> Result<Vec<Vec<u8>>, ArtifactError> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    found.extend(small(session, &format!("manifests/{}", oci::signature_tag(digest))).await?);
    // A registry without the API keeps the same list under a tag.
    let list = match small(session, &format!("referrers/{digest}")).await? {
        Some(list) => Some(list),
        None => small(session, &format!("manifests/{}", oci::referrers_tag(digest))).await?,
    };
    let referring = list.map(|list| oci::referrers(&list).unwrap_or_default());
    for digest in referring.unwrap_or_default() {
        found.extend(small(session, &format!("manifests/{digest}")).await?);
    }
    Ok(found)
}

/// Something that is held in memory. `None`: there is none that may be had, or it is too long.
async fn small(session: &mut Session<'_>, what: &str) -> Result<Option<Vec<u8>>, ArtifactError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, http::HeaderValue::from_static(manifest::ACCEPTED));
    let mut answer = session.get(what, &headers).await?;
    match answer.status() {
        StatusCode::OK => session.whole(&mut answer, MAX_SIGNATURE_BYTES).await,
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => {
            Ok(None)
        }
        _ => Err(session.refused(&answer)),
    }
}
