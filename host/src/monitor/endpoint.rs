//! Where Prometheus asks: `GET /metrics`, over HTTP.

use super::Monitor;
use crate::metrics::families;
use crate::metrics::prometheus::Exposition;
use crate::tasks::Tasks;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::io::TokioIo;

/// Connections at one time; others wait for one of them to end.
const MOST_CLIENTS: usize = 16;

/// How long a client has to ask, and after that to be answered.
const QUESTION: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(10);

/// Bytes and lines of a request.
const LONGEST_REQUEST: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// The pause after a client could not be accepted, as when no more files can be opened.
const PAUSE: Duration = Duration::from_millis(200);

/// Why nobody can ask.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// It cannot be listened at this address.
    #[error("cannot listen at {address} for Prometheus: {error}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// Other machines could ask, and nobody has said that they may.
    #[error(
        "other machines can reach {address}, and whoever asks there learns without a password what \
         runs here; listen at 127.0.0.1, or allow it with --metrics-allow-other-machines, or \
         allowOtherMachines in the nucleus's configuration"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
}

/// An address at which is listened.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

impl Endpoint {
    /// Listen at an address; one that other machines can reach must be allowed.
    ///
    /// # Errors
    /// It is not allowed, or taken.
    pub async fn bind(address: SocketAddr, other_machines: bool) -> Result<Self, EndpointError> {
        if !address.ip().to_canonical().is_loopback() && !other_machines {
            return Err(EndpointError::NotLoopback { address });
        }
        let failed = |error| EndpointError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answer until asked to stop.
    pub(crate) fn serve(self, monitor: Monitor, tasks: &Tasks, stop: CancellationToken) {
        let spawner = tasks.clone();
        drop(tasks.spawn(async move {
            tokio::select! {
                () = accept(self.listener, monitor, spawner, &stop) => {}
                () = stop.cancelled() => {}
            }
        }));
    }
}

async fn accept(listener: TcpListener, monitor: Monitor, tasks: Tasks, stop: &CancellationToken) {
    let clients = Arc::new(Semaphore::new(MOST_CLIENTS));
    while let Ok(place) = Arc::clone(&clients).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "who asks for metrics could not be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let (monitor, stop) = (monitor.clone(), stop.clone());
        drop(tasks.spawn(async move {
            let _place = place;
            tokio::select! {
                () = client(stream, &monitor) => {}
                () = stop.cancelled() => {}
            }
        }));
    }
}

/// Answer one client, once. What goes wrong with it is the client's to notice.
async fn client(stream: TcpStream, monitor: &Monitor) {
    let asked = CancellationToken::new();
    let service = service_fn(|request| {
        asked.cancel();
        answer(monitor, request)
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LONGEST_REQUEST)
        .max_headers(MOST_HEADERS)
        // Kept below, with a clock that is here already.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let too_late = async {
        tokio::select! {
            () = sleep(QUESTION) => {}
            () = asked.cancelled() => sleep(ANSWER).await,
        }
    };
    tokio::select! {
        _ended = connection => {}
        () = too_late => {}
    }
}

async fn answer<B>(
    monitor: &Monitor,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return Ok(plain(StatusCode::NOT_FOUND, "ask for /metrics\n"));
    }
    if request.method() != Method::GET {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "ask with GET\n");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        return Ok(refusal);
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::accepted(accept.unwrap_or_default());
    let text = exposition.write(&families(&monitor.look().await));
    let mut response = Response::new(Full::from(text));
    let content_type = HeaderValue::from_static(exposition.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}
