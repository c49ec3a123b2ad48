//! Files of web servers. What is here of one is continued where the server still has the same file
//! (`Range`, `If-Range`); a redirect is followed; a proxy is used where one is set.

#[cfg(test)]
mod tests;

use super::{ArtifactSource, Asked, Evidence};
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Part};
use crate::network::{Answer, Client, NetworkFault, Target};
use futures_util::future::BoxFuture;
use gg_trust::signature::{MAX_SIGNATURE_BYTES, SUFFIXES};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper::body::Bytes;
use std::time::Duration;

/// So many redirects are followed.
const MOST_REDIRECTS: usize = 5;

/// Downloads files.
#[derive(Clone, Debug)]
pub struct Https {
    client: Client,
}

impl Https {
    /// Download with this.
    pub fn new(client: Client) -> Self {
        Self { client }
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
            let mut answer = self.ask(from, &uri, part).await?;
            match answer.status() {
                StatusCode::OK => {
                    part.restart(validator(answer.headers())).await?;
                    return receive(from, &mut answer, part).await;
                }
                StatusCode::PARTIAL_CONTENT if continues(answer.headers(), part) => {
                    return receive(from, &mut answer, part).await;
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
            let failed = |fault| ArtifactError::Network { uri: shown(from), fault };
            let answer = self.client.send(Method::GET, &uri, &HeaderMap::new(), Bytes::new()).await;
            let mut answer = answer.map_err(failed)?;
            match answer.status() {
                StatusCode::OK => {
                    let whole = answer.all(most).await.map_err(failed)?;
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

    /// Ask for what is missing of a file.
    async fn ask(&self, from: &str, uri: &Uri, part: &Part<'_>) -> Result<Answer, ArtifactError> {
        let mut headers = HeaderMap::new();
        if let Some(validator) = part.validator() {
            let no_header = |_| ArtifactError::Uri {
                uri: shown(from),
                reason: "what its server calls it cannot be sent back",
            };
            let range = format!("bytes={}-", part.length());
            headers.insert(header::RANGE, HeaderValue::try_from(range).map_err(no_header)?);
            let validator = HeaderValue::try_from(validator).map_err(no_header)?;
            headers.insert(header::IF_RANGE, validator);
        }
        let answer = self.client.send(Method::GET, uri, &headers, Bytes::new()).await;
        answer.map_err(|fault| ArtifactError::Network { uri: shown(from), fault })
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

/// Take the body of an answer in.
async fn receive(
    from: &str,
    answer: &mut Answer,
    part: &mut Part<'_>,
) -> Result<(), ArtifactError> {
    if let Some(length) = number(answer.headers(), &header::CONTENT_LENGTH) {
        part.expect(part.length().saturating_add(length)).await?;
    }
    let failed = |fault: NetworkFault| ArtifactError::Network { uri: shown(from), fault };
    while let Some(piece) = answer.piece().await.map_err(failed)? {
        part.append(&piece).await?;
    }
    Ok(())
}

/// What a server calls this state of a file: a strong entity tag, or when it changed.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let strong = text(header::ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text(header::LAST_MODIFIED)).map(str::to_owned)
}

/// Whether an answer begins where what is here ends.
fn continues(headers: &HeaderMap, part: &Part<'_>) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start =
        range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    part.length() > 0 && start == Some(part.length())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads.
fn next(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let location = location.split('#').next().unwrap_or_default();
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let path = from.path();
    let absolute = if location.split(['/', '?']).next().is_some_and(|first| first.contains(':')) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') || location.is_empty() {
        format!("{scheme}://{authority}{path}{location}")
    } else {
        let folder = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
        format!("{scheme}://{authority}{folder}{location}")
    };
    absolute.parse().ok()
}

fn refused(from: &str, status: StatusCode, headers: &HeaderMap) -> ArtifactError {
    let again_after = number(headers, &header::RETRY_AFTER).map(Duration::from_secs);
    ArtifactError::Refused { uri: shown(from), status: status.as_u16(), again_after }
}

fn number(headers: &HeaderMap, name: &header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
