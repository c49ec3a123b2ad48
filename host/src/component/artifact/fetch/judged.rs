//! Whether a file that is here may be used, before it has its name and is unpacked.

use super::{Fetch, Wanted};
use crate::component::artifact::source::{Asked, Evidence};
use crate::component::artifact::{ArtifactError, Digest};
use crate::component::signatures::beside;
use crate::trust::Judge;
use gg_model::recipe::ArtifactUri;
use gg_trust::signature::MAX_SIGNATURE_BYTES;
use gg_trust::subject::MAX_SIGNED_BYTES;
use gg_trust::{Content, FormatError, Refusal, Signature, Source};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

impl Fetch<'_> {
    /// Ask the judge, if there is one. `path`: where the file lies; `source`: where it came from.
    pub(super) async fn judge(
        &self,
        wanted: &Wanted<'_>,
        (path, source): (&Path, Source),
        digest: Digest,
    ) -> Result<(), ArtifactError> {
        let Some(judge) = self.judge else { return Ok(()) };
        let (uri, digest) = (&wanted.artifact.uri, gg_trust::Digest::from(digest));
        if !judge.asks(uri, source) {
            let content = Content::known_by(digest);
            return judge.artifact((uri, source), None, &content, &[]).map_err(untrusted);
        }
        let own = path.to_owned();
        if wanted.is_signature
            && self.fetcher.blocking(path, move || Ok(is_signature(&own))).await?
        {
            return Ok(());
        }
        // What was put here, or belongs to the version, and then what its source has.
        let named = self.folders.artifacts.join(wanted.file);
        let here = self.fetcher.blocking(&named.clone(), move || beside(&named)).await?;
        let here = here.into_iter().map(|(_, bytes)| Signature::read(&bytes)).collect::<Vec<_>>();
        if !here.is_empty()
            && self.with((judge, source), wanted, path, (digest, None), here).await?.is_ok()
        {
            return Ok(());
        }
        // What was put here by hand has nothing to do with what its URI leads to.
        let is_put = source == Source::Local && !matches!(uri, ArtifactUri::File { .. });
        let evidence = match self.fetcher.source(wanted) {
            Ok(found) if !is_put => {
                self.evidence(found, (self.asked(wanted), wanted.file), digest).await?
            }
            _ => Evidence::default(),
        };
        let Evidence { manifest, signatures } = evidence;
        let judged =
            self.with((judge, source), wanted, path, (digest, manifest), signatures).await?;
        judged.map_err(untrusted)
    }

    /// Ask the judge of an image, if there is one: it must say what it is. Its signatures are where its
    /// registry keeps them.
    pub(super) async fn judge_image(&self, uri: &ArtifactUri) -> Result<(), ArtifactError> {
        let (Some(judge), ArtifactUri::Docker { image }) = (self.judge, uri) else { return Ok(()) };
        let named = uri.to_string();
        let digest = image.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok());
        let Some(digest) = digest else {
            if !judge.holds(uri) {
                return Ok(());
            }
            let reason = "the trust policy takes images by their digests: docker:IMAGE@sha256:…";
            return Err(ArtifactError::Uri { uri: named, reason });
        };
        let registries = self.fetcher.sources.iter().find(|source| source.serves("oci"));
        let evidence = match registries.filter(|_| judge.asks(uri, Source::Oci)) {
            Some(source) => {
                let asked = Asked { uri: &named, pinned: true, version: None };
                self.evidence(source.as_ref(), (asked, image), digest).await?
            }
            None => Evidence::default(),
        };
        let (content, subject) = (Content::known_by(digest), (uri, Source::Oci));
        judge.artifact(subject, None, &content, &evidence.signatures).map_err(untrusted)
    }

    /// Judge it by these signatures.
    async fn with(
        &self,
        (judge, source): (&Judge, Source),
        wanted: &Wanted<'_>,
        path: &Path,
        (digest, manifest): (gg_trust::Digest, Option<gg_trust::Digest>),
        signatures: Vec<Result<Signature, FormatError>>,
    ) -> Result<Result<(), Refusal>, ArtifactError> {
        let (judge, uri, own) = (judge.clone(), wanted.artifact.uri.clone(), path.to_owned());
        let judged = move || {
            if let Some(manifest) = manifest {
                let content = Content::known_by(manifest);
                return Ok(judge.artifact((&uri, source), Some(&digest), &content, &signatures));
            }
            let bytes = read(&own)?;
            let content = match bytes.as_deref().map(Content::of) {
                Some(content) if *content.digest() == digest => content,
                Some(_) => return Err(io::Error::other("somebody else has written to it")),
                None => Content::known_by(digest),
            };
            Ok(judge.artifact((&uri, source), None, &content, &signatures))
        };
        self.fetcher.blocking(path, judged).await
    }
}

fn untrusted(refusal: Refusal) -> ArtifactError {
    ArtifactError::Untrusted(Box::new(refusal))
}

/// A file, unless it is too large to be signed by its bytes.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > MAX_SIGNED_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIGNED_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn is_signature(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(MAX_SIGNATURE_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.is_ok() && Signature::read(&bytes).is_ok()
}
