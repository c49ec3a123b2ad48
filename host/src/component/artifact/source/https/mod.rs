//! Files of web servers. What is here of one is continued where the server still has the same file
//! (`Range`, `If-Range`); a redirect is followed; a proxy is used where one is set.

#[cfg(test)]
mod tests;

use super::download::{
    MOST_REDIRECTS, continues, continuing, is_redirect, lost, next, number, validator,
};
use super::{ArtifactSource, Asked, Download, Evidence};
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Part};
use crate::network::Target;
use futures_util::future::BoxFuture;
use gg_trust::signature::{MAX_SIGNATURE_BYTES, SUFFIXES};
use http::{HeaderMap, StatusCode, Uri, header};
use std::time::Duration;

/// Downloads files.
#[derive(Clone, Debug)]
pub struct Https {
    download: Download,
}

impl Https {
    /// Download with this.
    pub fn new(download: Download) -> Self {
        Self { download }
    }

    async fn download(
        &self,
        from: &str,
        pinned: bool,
        part: &mut Part<'_>,
    ) -> Result<(), ArtifactError> {
        let invalid = || ArtifactError::Uri { uri: shown(from), reason: "it is not a URI" };
        let mut uri: Uri = from.parse().map_err(|_| invalid())?;
        for _ in 0..=MOST_REDIRECTS {
            check_target(from, &uri, pinned)?;
            let mut headers = HeaderMap::new();
            continuing(from, part, &header::IF_RANGE, &mut headers)?;
            let mut answer = self.download.ask(from, &uri, &headers).await?;
            match answer.status() {
                StatusCode::OK => {
                    part.restart(validator(answer.headers())).await?;
                    return self.download.receive(from, &mut answer, part).await;
                }
                StatusCode::PARTIAL_CONTENT if continues(answer.headers(), part) => {
                    return self.download.receive(from, &mut answer, part).await;
                }
                // Another piece than was asked for, or one that the file does not have.
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
                    if part.length() > 0 =>
                {
                    part.restart(None).await?;
                }
                status if is_redirect(status) => {
                    uri = next(&uri, answer.headers()).ok_or_else(|| ArtifactError::Uri {
                        uri: shown(from),
                        reason: "the server redirects to what is not a URI",
                    })?;
                }
                status => return Err(refused(from, status, answer.headers())),
            }
        }
        Err(ArtifactError::Redirects { uri: shown(from) })
    }

    /// The signatures that lie beside a file: under its URI with their endings.
    async fn beside(&self, uri: &str) -> Result<Evidence, ArtifactError> {
        let mut found = Vec::new();
        // A link that is signed is good for its own file alone.
        if !uri.contains(['?', '#']) {
            for ending in SUFFIXES {
                found.extend(self.small(&format!("{uri}{ending}"), MAX_SIGNATURE_BYTES).await?);
            }
        }
        Ok(Evidence::beside(found))
    }

    /// A file that is held in memory. `None`: there is none that may be had, or it is too long.
    pub(super) async fn small(
        &self,
        from: &str,
        most: usize,
    ) -> Result<Option<Vec<u8>>, ArtifactError> {
        let invalid = || ArtifactError::Uri { uri: shown(from), reason: "it is not a URI" };
        let mut uri: Uri = from.parse().map_err(|_| invalid())?;
        for _ in 0..=MOST_REDIRECTS {
            check_target(from, &uri, true)?;
            let mut answer = self.download.ask(from, &uri, &HeaderMap::new()).await?;
            match answer.status() {
                StatusCode::OK => {
                    let whole = answer.all(most).await.map_err(|fault| lost(from, fault))?;
                    return Ok(whole.map(|whole| whole.to_vec()));
                }
                status if is_redirect(status) => {
                    uri = next(&uri, answer.headers()).ok_or_else(invalid)?;
                }
                StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::GONE => return Ok(None),
                status => return Err(refused(from, status, answer.headers())),
            }
        }
        Err(ArtifactError::Redirects { uri: shown(from) })
    }
}

impl ArtifactSource for Https {
    fn serves(&self, scheme: &str) -> bool {
        scheme == "https" || scheme == "http"
    }

    fn bring<'a>(
        &'a self,
        asked: Asked<'a>,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>> {
        Box::pin(self.download(asked.uri, asked.pinned, part))
    }

    fn evidence<'a>(
        &'a self,
        asked: Asked<'a>,
        _file: gg_trust::Digest,
    ) -> BoxFuture<'a, Result<Evidence, ArtifactError>> {
        Box::pin(self.beside(asked.uri))
    }
}

/// Where a URI leads. Only what is checked afterwards may come from another machine.
fn check_target(from: &str, uri: &Uri, pinned: bool) -> Result<(), ArtifactError> {
    let target = Target::of(uri).ok_or_else(|| ArtifactError::Uri {
        uri: shown(from),
        reason: "it leads to what is not http: or https:, or holds a password",
    })?;
    if !pinned && !target.is_this_machine() {
        return Err(ArtifactError::NoDigest { uri: shown(from) });
    }
    Ok(())
}

fn refused(from: &str, status: StatusCode, headers: &HeaderMap) -> ArtifactError {
    let again_after = number(headers, &header::RETRY_AFTER).map(Duration::from_secs);
    ArtifactError::Refused { uri: shown(from), status: status.as_u16(), again_after }
}
