//! The port: connections with TLS, within limits, each served by a task until the server stops.

use super::Web;
use super::auth::Peer;
use super::patient::Patient;
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

/// Most connections at a time; others wait to be accepted.
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
    pub fn serve(self, tls: ServerConfig, web: Arc<Web>, tasks: &Tasks) {
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        drop(tasks.spawn(accept(self.socket, acceptor, web, tasks.clone())));
    }
}

async fn accept(socket: TcpListener, acceptor: TlsAcceptor, web: Arc<Web>, tasks: Tasks) {
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
        let (acceptor, web, stop) = (acceptor.clone(), Arc::clone(&web), tasks.clone());
        drop(tasks.spawn(async move {
            let _place = place;
            if let Err(error) = connection(stream, acceptor, web, stop).await {
                tracing::debug!(error, "a connection ended");
            }
        }));
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    web: Arc<Web>,
    tasks: Tasks,
) -> Result<(), String> {
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream = tokio::select! {
        stream = timeout(HANDSHAKE, acceptor.accept(stream)) => stream,
        () = tasks.stopped() => return Ok(()),
    };
    let stream = stream.map_err(|_| "the handshake took too long")?;
    let stream = stream.map_err(|error| error.to_string())?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|shown| shown.first());
    let peer = shown.map(|der| Peer(der.as_ref().into()));
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
