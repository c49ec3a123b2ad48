//! A connection to a server: through a proxy where one is to be used, encrypted where the target says
//! so.

use super::NetworkFault;
use super::proxy::{Proxy, ProxySettings, is_this_machine};
use http::uri::Scheme;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest answer of a proxy.
const LONGEST_ANSWER: usize = 8 << 10;

/// Bytes to and from a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where a connection goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is spoken to by TLS.
    pub tls: bool,
}

impl Target {
    /// `None`: a URI that is not one of HTTP, or that holds credentials.
    pub fn of(uri: &http::Uri) -> Option<Self> {
        let scheme = uri.scheme()?;
        let tls = *scheme == Scheme::HTTPS;
        let authority = uri.authority()?;
        if !tls && *scheme != Scheme::HTTP || authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        (!host.is_empty()).then(|| Self { host: host.to_ascii_lowercase(), port, tls })
    }

    /// Whether it means this machine.
    pub fn is_this_machine(&self) -> bool {
        is_this_machine(&self.host)
    }

    /// Host and port as one text.
    fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Connect; each address of the server, and each step after, may take so long. How TLS is spoken may
/// be another thing for the server than for a proxy.
///
/// # Errors
/// No connection, or not to whom the name says.
pub async fn connect(
    target: &Target,
    proxies: &ProxySettings,
    [tls, proxy_tls]: [&Arc<ClientConfig>; 2],
    patience: Duration,
) -> Result<Box<dyn Stream>, NetworkFault> {
    let stream = reach(target, proxies, proxy_tls, patience).await?;
    match target.tls {
        true => Ok(Box::new(secure(&target.host, stream, tls, patience).await?)),
        false => Ok(stream),
    }
}

/// Connect, and say nothing yet to the server itself.
///
/// # Errors
/// No connection.
pub async fn reach(
    target: &Target,
    proxies: &ProxySettings,
    proxy_tls: &Arc<ClientConfig>,
    patience: Duration,
) -> Result<Box<dyn Stream>, NetworkFault> {
    let Some(proxy) = proxies.to(&target.host, target.port, target.tls) else {
        return dial(&target.host, target.port, patience).await;
    };
    let mut stream = dial(&proxy.host, proxy.port, patience).await?;
    if proxy.tls {
        stream = Box::new(secure(&proxy.host, stream, proxy_tls, patience).await?);
    }
    let passed = timeout(patience, pass(proxy, target, &mut stream)).await;
    passed.map_err(|_| NetworkFault::Silent { host: proxy.to_string() })??;
    Ok(stream)
}

async fn dial(host: &str, port: u16, patience: Duration) -> Result<Box<dyn Stream>, NetworkFault> {
    let failed = |error| NetworkFault::Connect { host: host.to_owned(), error };
    let found = timeout(patience, tokio::net::lookup_host((host, port))).await;
    let addresses = found.map_err(|_| NetworkFault::Silent { host: host.to_owned() })?;
    let mut last = io::Error::other("its name has no address");
    for address in addresses.map_err(failed)? {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // What is written waits for nothing to follow it.
                stream.set_nodelay(true).map_err(failed)?;
                return Ok(Box::new(stream));
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed(last))
}

/// Speak TLS over a connection.
///
/// # Errors
/// The other side is not whom the name says, or does not speak it.
pub async fn secure(
    host: &str,
    stream: Box<dyn Stream>,
    tls: &Arc<ClientConfig>,
    patience: Duration,
) -> Result<TlsStream<Box<dyn Stream>>, NetworkFault> {
    let failed = |error| NetworkFault::Tls { host: host.to_owned(), error };
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| failed(io::Error::other(error)))?;
    let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    let connected = timeout(patience, connecting).await;
    connected.map_err(|_| NetworkFault::Silent { host: host.to_owned() })?.map_err(failed)
}

/// Have a proxy connect to a server.
async fn pass(
    proxy: &Proxy,
    target: &Target,
    stream: &mut Box<dyn Stream>,
) -> Result<(), NetworkFault> {
    let lost = |error: io::Error| NetworkFault::Connect { host: proxy.to_string(), error };
    let authority = target.authority();
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    // A byte at a time: what comes after the answer is the server's.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == LONGEST_ANSWER {
            return Err(lost(io::Error::other("its answer does not end")));
        }
        answer.push(stream.read_u8().await.map_err(lost)?);
    }
    match status(&answer) {
        Some(200..=299) => Ok(()),
        Some(status) => {
            Err(NetworkFault::Proxy { proxy: proxy.to_string(), status, host: target.host.clone() })
        }
        None => Err(lost(io::Error::other("it does not speak HTTP"))),
    }
}

/// The status in the first line of an answer.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
    str::from_utf8(line.get(..3)?).ok()?.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_where_its_uri_says() {
        let target = |uri: &str| Target::of(&uri.parse().unwrap());
        let found = target("https://Example.com/x").unwrap();
        assert_eq!((found.host.as_str(), found.port, found.tls), ("example.com", 443, true));
        let found = target("http://[::1]:81/").unwrap();
        assert_eq!((found.host.as_str(), found.port, found.tls), ("::1", 81, false));
        assert_eq!(found.authority(), "[::1]:81");
        for other in ["ftp://example.com/", "/only/a/path", "http://me@example.com/"] {
            assert!(target(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_status_of_an_answer_is_read() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for other in ["", "HTTP/2 200", "HTTP/1.1 20", "HTTP/1.1 abc", "HTTP/1.1 999", "SSH-2.0"] {
            assert_eq!(status(other.as_bytes()), None, "{other}");
        }
    }
}
