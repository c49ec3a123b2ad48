//! Objects of S3: `s3://BUCKET/KEY`, as the device's role. What is here of one is continued where it is
//! still the same (`Range`, `If-Match`).

#[cfg(test)]
mod tests;

use super::download::{continues, continuing, lost, validator};
use super::{ArtifactSource, Asked, Download, Evidence};
use crate::cloud::s3::{S3, S3Error, Signed};
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Part};
use crate::network::{Answer, Target};
use futures_util::future::BoxFuture;
use gg_model::recipe::ArtifactUri;
use gg_trust::signature::{MAX_SIGNATURE_BYTES, SUFFIXES};
use http::{StatusCode, Uri, header};

/// Most bytes of what S3 says of a refusal.
const LARGEST: usize = 16 << 10;

/// So often an object is asked for in one attempt: as a rest, as a whole, and once more by what the first
/// answers have taught.
const MOST_REQUESTS: usize = 4;

/// Downloads objects.
#[derive(Debug)]
pub struct Objects {
    s3: Option<(S3, Download)>,
}

impl Objects {
    /// Ask S3 for them; `None`: the device has no role to do so.
    pub fn new(s3: Option<(S3, Download)>) -> Self {
        Self { s3 }
    }

    /// Whom to ask, and for which object of which bucket.
    fn opened(&self, from: &str) -> Result<(Object<'_>, String), ArtifactError> {
        let failed = |error: S3Error| ArtifactError::S3 { uri: shown(from), error };
        let Ok(ArtifactUri::S3 { bucket, key }) = from.parse() else {
            return Err(failed(S3Error::NoObject));
        };
        let (s3, download) = self.s3.as_ref().ok_or_else(|| failed(S3Error::NoRole))?;
        Ok((Object { s3, download, bucket, learnt: false }, key))
    }

    async fn download(&self, asked: Asked<'_>, part: &mut Part<'_>) -> Result<(), ArtifactError> {
        let from = asked.uri;
        let (mut object, key) = self.opened(from)?;
        let download = object.download;
        for _ in 0..MOST_REQUESTS {
            let mut request = object.request(from, &key).await?;
            check_pinned(asked, &request.uri)?;
            continuing(from, part, &header::IF_MATCH, &mut request.headers)?;
            let mut answer = download.ask(from, &request.uri, &request.headers).await?;
            match answer.status() {
                StatusCode::OK => {
                    let tag = validator(answer.headers()).filter(|tag| tag.starts_with('"'));
                    part.restart(tag).await?;
                    return download.receive(from, &mut answer, part).await;
                }
                StatusCode::PARTIAL_CONTENT if continues(answer.headers(), part) => {
                    return download.receive(from, &mut answer, part).await;
                }
                // Another object than was begun, or another piece than was asked for.
                StatusCode::PARTIAL_CONTENT
                | StatusCode::RANGE_NOT_SATISFIABLE
                | StatusCode::PRECONDITION_FAILED
                    if part.length() > 0 =>
                {
                    part.restart(None).await?;
                }
                _ => object.refused(from, &mut answer).await?,
            }
        }
        Err(ArtifactError::Redirects { uri: shown(from) })
    }

    /// The signatures that lie beside an object: under its key with their endings.
    async fn beside(&self, from: &str) -> Result<Evidence, ArtifactError> {
        if self.s3.is_none() {
            // It was put here by hand, and there is nobody to ask.
            return Ok(Evidence::default());
        }
        let (mut object, key) = self.opened(from)?;
        let mut found = Vec::new();
        for ending in SUFFIXES {
            let key = format!("{key}{ending}");
            for _ in 0..MOST_REQUESTS {
                let request = object.request(from, &key).await?;
                let asked = object.download.ask(from, &request.uri, &request.headers);
                let mut answer = asked.await?;
                match answer.status() {
                    StatusCode::OK => {
                        let whole = answer.all(MAX_SIGNATURE_BYTES).await;
                        let whole = whole.map_err(|fault| lost(from, fault))?;
                        found.extend(whole.map(|whole| whole.to_vec()));
                        break;
                    }
                    // Who may not list a bucket is not told that there is none.
                    StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => break,
                    _ => object.refused(from, &mut answer).await?,
                }
            }
        }
        Ok(Evidence::beside(found))
    }
}

impl ArtifactSource for Objects {
    fn serves(&self, scheme: &str) -> bool {
        scheme == "s3"
    }

    fn bring<'a>(
        &'a self,
        asked: Asked<'a>,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>> {
        Box::pin(self.download(asked, part))
    }

    fn evidence<'a>(
        &'a self,
        asked: Asked<'a>,
        _file: gg_trust::Digest,
    ) -> BoxFuture<'a, Result<Evidence, ArtifactError>> {
        Box::pin(self.beside(asked.uri))
    }
}

/// Asking for objects of one bucket.
struct Object<'a> {
    s3: &'a S3,
    download: &'a Download,
    bucket: String,
    /// Whether a refusal has taught something.
    learnt: bool,
}

impl Object<'_> {
    async fn request(&self, from: &str, key: &str) -> Result<Signed, ArtifactError> {
        let request = self.s3.get(&self.bucket, key).await;
        request.map_err(|error| ArtifactError::S3 { uri: shown(from), error })
    }

    /// Learn from a refusal, once.
    ///
    /// # Errors
    /// The same would be answered again.
    async fn refused(&mut self, from: &str, answer: &mut Answer) -> Result<(), ArtifactError> {
        let text = answer.all(LARGEST).await.ok().flatten().unwrap_or_default();
        let again = self.s3.learn(&self.bucket, answer.headers(), &text);
        if again && !std::mem::replace(&mut self.learnt, true) {
            return Ok(());
        }
        let error = self.s3.refused(&self.bucket, answer.status(), answer.headers(), &text);
        Err(ArtifactError::S3 { uri: shown(from), error })
    }
}

/// Only what is checked afterwards may come from another machine.
fn check_pinned(asked: Asked<'_>, uri: &Uri) -> Result<(), ArtifactError> {
    let is_near = Target::of(uri).is_some_and(|target| target.is_this_machine());
    if asked.pinned || is_near {
        return Ok(());
    }
    Err(ArtifactError::NoDigest { uri: shown(asked.uri) })
}
