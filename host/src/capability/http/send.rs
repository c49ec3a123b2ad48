//! One request over a connection of its own, to an address that the grants allow.

use super::AllowedHosts;
use crate::network::tls;
use http::uri::Scheme;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// How long each stage may take unless the guest says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a request goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Target {
    /// Name or address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    tls: bool,
}

impl Target {
    pub(super) fn of(uri: &http::Uri) -> Result<Self, Error> {
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

type Connection = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Send a request; the response comes with the connection, which must be polled for its body.
pub(super) async fn send(
    hosts: &AllowedHosts,
    target: &Target,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Result<(http::Response<WasiBody>, Connection), Error> {
    let connecting = connect(hosts, target);
    let stream = timeout(options.connect_timeout.unwrap_or(PATIENCE), connecting)
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().handshake(TokioIo::new(stream)).await?;
    // The line of the request names the path alone; the host is in its header.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;

    let mut connection: Connection = Box::pin(async move { connection.await.map_err(Error::from) });
    let first_byte = options.first_byte_timeout.unwrap_or(PATIENCE);
    let mut sending = Box::pin(timeout(first_byte, sender.send_request(request)));
    let response = tokio::select! {
        biased;
        response = &mut sending => response,
        ended = &mut connection => {
            ended?;
            connection = Box::pin(std::future::ready(Ok(())));
            sending.await
        }
    };
    let response = response.map_err(|_| Error::ConnectionReadTimeout)??;
    let patience = options.between_bytes_timeout.unwrap_or(PATIENCE);
    Ok((response.map(|body| PatientBody::new(body, patience).boxed_unsync()), connection))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(hosts: &AllowedHosts, target: &Target) -> Result<Box<dyn Stream>, Error> {
    let unknown =
        |_| Error::DnsError { rcode: Some("name not resolved".to_owned()), info_code: None };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(unknown)?
        .collect();
    let mut last = Error::DestinationNotFound;
    for address in addresses {
        if !hosts.allows_resolved(&target.host, address) {
            last = Error::DestinationIpProhibited;
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) if target.tls => return secure(target, stream).await,
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => last = Error::Connect(error),
        }
    }
    Err(last)
}

async fn secure(target: &Target, stream: TcpStream) -> Result<Box<dyn Stream>, Error> {
    let config = tls::public().map_err(|error| Error::Tls(io::Error::other(error)))?;
    let name = ServerName::try_from(target.host.clone())
        .map_err(|error| Error::Tls(io::Error::other(error)))?;
    let connector = tokio_rustls::TlsConnector::from(config);
    Ok(Box::new(connector.connect(name, stream).await.map_err(Error::Tls)?))
}

/// A response's body that gives up when nothing comes for too long.
struct PatientBody {
    body: Incoming,
    patience: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl PatientBody {
    fn new(body: Incoming, patience: Duration) -> Self {
        Self { body, patience, alarm: Box::pin(tokio::time::sleep(patience)) }
    }
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let patience = self.patience;
                self.alarm.as_mut().reset(Instant::now() + patience);
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => {
                ready!(self.alarm.as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
