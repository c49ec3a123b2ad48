//! A port: connections with TLS, within limits, each served by a task until the server stops. What is
//! spoken over one is settled with TLS (RFC 7301), so that HTTP and MQTT can share a port.

use super::Web;
use super::auth::Peer;
use super::patient::Patient;
use crate::broker::Broker;
use crate::tasks::Tasks;
use http::{Extensions, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Most connections of a port at a time, besides those of MQTT; others wait to be accepted.
const MOST_CONNECTIONS: usize = 4096;

/// The longest that a handshake of TLS takes.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The longest that the head of a request takes, and that a connection waits for the next one.
const HEAD: Duration = Duration::from_secs(60);

/// The longest that the other side takes nothing of an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most bytes in the head of a request.
const LARGEST_HEAD: usize = 64 * 1024;

/// Most headers in it.
const MOST_HEADERS: usize = 100;

/// After no connection could be accepted, since the system has no more of what it takes.
const PAUSE: Duration = Duration::from_millis(100);

/// HTTP's names in TLS; the second is AWS's, for those with certificates.
pub const HTTP: [&str; 2] = ["http/1.1", "x-amzn-http-ca"];

/// MQTT's names in TLS (AWS IoT developer guide, "Device communication protocols").
pub const MQTT: [&str; 2] = ["x-amzn-mqtt-ca", "mqtt"];

/// What is spoken where TLS says nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speaks {
    /// HTTP.
    Http,
    /// MQTT.
    Mqtt,
}

/// Who serves connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Servers {
    /// Those that speak HTTP.
    pub web: Arc<Web>,
    /// Those that speak MQTT.
    pub broker: Broker,
}

/// A port that nobody is served at yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Take the port; 0 is any that is free.
    ///
    /// # Errors
    /// It is taken, or not for this user.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { address: socket.local_addr()?, socket })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serve until the tasks are told to stop.
    pub fn serve(self, tls: ServerConfig, speaks: Speaks, servers: Servers, tasks: &Tasks) {
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        drop(tasks.spawn(accept(self.socket, acceptor, speaks, servers, tasks.clone())));
    }
}

async fn accept(
    socket: TcpListener,
    acceptor: TlsAcceptor,
    speaks: Speaks,
    servers: Servers,
    tasks: Tasks,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = tasks.stopped() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let (acceptor, servers, stop) = (acceptor.clone(), servers.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            let connection = async {
                let stream = tokio::select! {
                    stream = handshake(stream, &acceptor) => stream?,
                    () = stop.stopped() => return Ok(()),
                };
                match spoken(&stream, speaks) {
                    Speaks::Http => http(stream, servers.web, &stop).await,
                    Speaks::Mqtt => {
                        // The broker has places of its own.
                        drop(place);
                        mqtt(stream, &servers.broker).await
                    }
                }
            };
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended");
            }
        }));
    }
}

async fn handshake(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> Result<TlsStream<TcpStream>, String> {
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream = timeout(HANDSHAKE, acceptor.accept(stream)).await;
    stream.map_err(|_| "the handshake took too long")?.map_err(|error| error.to_string())
}

/// What was settled with TLS.
fn spoken(stream: &TlsStream<TcpStream>, otherwise: Speaks) -> Speaks {
    let chosen = stream.get_ref().1.alpn_protocol();
    let is_one_of = |names: &[&str]| names.iter().any(|name| Some(name.as_bytes()) == chosen);
    match (is_one_of(&HTTP), is_one_of(&MQTT)) {
        (true, _) => Speaks::Http,
        (_, true) => Speaks::Mqtt,
        _ => otherwise,
    }
}

/// The certificate that the other side showed.
fn peer(stream: &TlsStream<TcpStream>) -> Option<Peer> {
    Some(Peer(stream.get_ref().1.peer_certificates()?.first()?.as_ref().into()))
}

async fn mqtt(stream: TlsStream<TcpStream>, broker: &Broker) -> Result<(), String> {
    let Peer(certificate) = peer(&stream).ok_or("a client of MQTT has no certificate")?;
    broker.serve(stream, certificate).await;
    Ok(())
}

async fn http(stream: TlsStream<TcpStream>, web: Arc<Web>, tasks: &Tasks) -> Result<(), String> {
    let peer = peer(&stream);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let web = Arc::clone(&web);
        request.extensions_mut().extend(peer.clone().map(extension).unwrap_or_default());
        async move { Ok::<_, Infallible>(web.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, PATIENCE)), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(|error| error.to_string()),
        () = tasks.stopped() => {}
    }
    // The request that is being answered is, and no other.
    connection.as_mut().graceful_shutdown();
    connection.await.map_err(|error| error.to_string())
}

fn extension(peer: Peer) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(peer);
    extensions
}
