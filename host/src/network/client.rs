//! Requests to web servers, each over a connection of its own.

use super::exchange::{Answer, exchange};
use super::{NetworkFault, ProxySettings, Target, connect};
use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

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

/// Asks web servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    /// How TLS is spoken to the server, and to a proxy before it.
    tls: [Arc<ClientConfig>; 2],
    proxies: ProxySettings,
    patience: Patience,
}

impl Client {
    /// One with these settings: how TLS is spoken to servers, and to a proxy before them.
    pub fn new(tls: [Arc<ClientConfig>; 2], proxies: ProxySettings, patience: Patience) -> Self {
        Self { tls, proxies, patience }
    }

    /// Send a request with headers of its own; gives the beginning of the answer. A redirect is an
    /// answer like any other.
    ///
    /// # Errors
    /// The server cannot be reached, or this is no URI of one.
    pub async fn send(
        &self,
        method: Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, NetworkFault> {
        let invalid = || NetworkFault::NoServer;
        let target = Target::of(uri).ok_or_else(invalid)?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, uri.authority().map_or("", |authority| authority.as_str()))
            .header(header::USER_AGENT, concat!("gg-host/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CONNECTION, "close");
        if let Some(all) = request.headers_mut() {
            all.extend(headers.clone());
        }
        let request = request.body(Full::new(body)).map_err(|_| invalid())?;
        let [server, proxy] = &self.tls;
        let patience = &self.patience;
        let stream = connect(&target, &self.proxies, [server, proxy], patience.connect).await?;
        exchange(stream, &target, request, patience).await
    }
}
