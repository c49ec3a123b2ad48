//! Web servers: files of them, and what is sent to one ([`Https::post`]). What is here of one is continued where the server still has the same file
//! (`Range`, `If-Range`); a redirect is followed; a proxy is used where one is set.

mod exchange;
#[cfg(test)]
mod tests;

use super::ArtifactSource;
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Part};
use crate::network::{NetworkFault, ProxySettings, Stream, Target, connect};
use exchange::{Answer, exchange};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{Empty, Full};
use hyper::body::Bytes;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// So many redirects are followed.
const MOST_REDIRECTS: usize = 5;

/// How long each stage of a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To connect to an address, to a server behind a proxy, or securely.
    pub connect: Duration,
    /// Until the answer begins.
    pub answer: Duration,
    /// Between pieces of the answer.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let (connect, silence) = (Duration::from_secs(20), Duration::from_secs(30));
        Self { connect, answer: silence, silence }
    }
}

/// Downloads files.
#[derive(Clone, Debug)]
pub struct Https {
    tls: Arc<ClientConfig>,
    proxies: ProxySettings,
    patience: Patience,
}

impl Https {
    /// Download with these settings.
    pub fn new(tls: Arc<ClientConfig>, proxies: ProxySettings, patience: Patience) -> Self {
        Self { tls, proxies, patience }
    }

    /// Send something, and give the status of the answer, whose body nobody reads. A redirect is an
    /// answer like any other.
    ///
    /// # Errors
    /// The server cannot be reached, or this is no URI of one.
    pub async fn post(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, ArtifactError> {
        let shown = || shown(&uri.to_string());
        let failed = |fault| ArtifactError::Network { uri: shown(), fault };
        let invalid = || ArtifactError::Uri {
            uri: shown(),
            reason: "it is no URI of http: or https:, or holds a password",
        };
        let target = Target::of(uri).ok_or_else(invalid)?;
        let mut request = request(http::Method::POST, uri);
        if let Some(all) = request.headers_mut() {
            all.extend(headers.clone());
        }
        let request = request.body(Full::new(body)).map_err(|_| invalid())?;
        let stream = self.connect(&target).await;
        let answer = exchange(stream.map_err(failed)?, &target, request, &self.patience).await;
        Ok(answer.map_err(failed)?.status())
    }

    async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>, NetworkFault> {
        connect(target, &self.proxies, [&self.tls, &self.tls], self.patience.connect).await
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
            let target = target(from, &uri, pinned)?;
            let mut answer = self.ask(from, &uri, &target, part).await?;
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

    /// Ask for what is missing of a file.
    async fn ask(
        &self,
        from: &str,
        uri: &Uri,
        target: &Target,
        part: &Part<'_>,
    ) -> Result<Answer, ArtifactError> {
        let failed = |fault| ArtifactError::Network { uri: shown(from), fault };
        let invalid = |_| ArtifactError::Uri { uri: shown(from), reason: "it is not a URI" };
        let mut request = request(http::Method::GET, uri);
        if let Some(validator) = part.validator() {
            request = request
                .header(header::RANGE, format!("bytes={}-", part.length()))
                .header(header::IF_RANGE, validator);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(invalid)?;
        let stream = self.connect(target).await.map_err(failed)?;
        exchange(stream, target, request, &self.patience).await.map_err(failed)
    }
}

impl ArtifactSource for Https {
    fn serves(&self, scheme: &str) -> bool {
        scheme == "https" || scheme == "http"
    }

    fn bring<'a>(
        &'a self,
        uri: &'a str,
        pinned: bool,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>> {
        Box::pin(self.download(uri, pinned, part))
    }
}

/// The beginning of a request, over a connection of its own.
fn request(method: http::Method, uri: &Uri) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(header::USER_AGENT, concat!("gg-host/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
}

/// Where a URI leads. Only what is checked afterwards may come from another machine.
fn target(from: &str, uri: &Uri, pinned: bool) -> Result<Target, ArtifactError> {
    let target = Target::of(uri).ok_or_else(|| ArtifactError::Uri {
        uri: shown(from),
        reason: "it leads to what is not http: or https:, or holds a password",
    })?;
    if !pinned && !target.is_this_machine() {
        return Err(ArtifactError::NoDigest { uri: shown(from) });
    }
    Ok(target)
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
