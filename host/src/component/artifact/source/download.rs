//! What all downloads over HTTP have in common: what is here of a file is continued, the rest comes
//! within the [`Bandwidth`], and redirects are read.

use super::Bandwidth;
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Part};
use crate::network::{Answer, Client, NetworkFault};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper::body::Bytes;

/// So many redirects are followed.
pub(super) const MOST_REDIRECTS: usize = 5;

/// Brings bytes from web servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Download {
    client: Client,
    bandwidth: Bandwidth,
}

impl Download {
    /// By this client, no faster than this.
    pub fn new(client: Client, bandwidth: Bandwidth) -> Self {
        Self { client, bandwidth }
    }

    /// Ask a server for what the artifact `from` takes.
    pub(super) async fn ask(
        &self,
        from: &str,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Answer, ArtifactError> {
        let answer = self.client.send(Method::GET, uri, headers, Bytes::new()).await;
        answer.map_err(|fault| lost(from, fault))
    }

    /// Take the body of an answer in.
    pub(super) async fn receive(
        &self,
        from: &str,
        answer: &mut Answer,
        part: &mut Part<'_>,
    ) -> Result<(), ArtifactError> {
        if let Some(length) = number(answer.headers(), &header::CONTENT_LENGTH) {
            part.expect(part.length().saturating_add(length)).await?;
        }
        while let Some(piece) = answer.piece().await.map_err(|fault| lost(from, fault))? {
            part.append(&piece).await?;
            self.bandwidth.take(piece.len()).await;
        }
        Ok(())
    }
}

pub(super) fn lost(from: &str, fault: NetworkFault) -> ArtifactError {
    ArtifactError::Network { uri: shown(from), fault }
}

/// Ask for what is missing of a file that is still the one that a validator says; by this header.
pub(super) fn continuing(
    from: &str,
    part: &Part<'_>,
    condition: &header::HeaderName,
    headers: &mut HeaderMap,
) -> Result<(), ArtifactError> {
    let Some(validator) = part.validator() else { return Ok(()) };
    let validator = HeaderValue::try_from(validator).map_err(|_| ArtifactError::Uri {
        uri: shown(from),
        reason: "what its server calls it cannot be sent back",
    })?;
    headers.insert(header::RANGE, rest(part));
    headers.insert(condition, validator);
    Ok(())
}

/// What is missing of a file, as a range.
pub(super) fn rest(part: &Part<'_>) -> HeaderValue {
    let range = format!("bytes={}-", part.length());
    HeaderValue::try_from(range).unwrap_or_else(|_| HeaderValue::from_static("bytes=0-"))
}

/// What a server calls this state of a file: a strong entity tag, or when it changed.
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let strong = text(header::ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text(header::LAST_MODIFIED)).map(str::to_owned)
}

/// Whether an answer begins where what is here ends.
pub(super) fn continues(headers: &HeaderMap, part: &Part<'_>) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start =
        range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    part.length() > 0 && start == Some(part.length())
}

pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads.
pub(super) fn next(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
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

pub(super) fn number(headers: &HeaderMap, name: &header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
