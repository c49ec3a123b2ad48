//! Where Prometheus asks: `GET /metrics`, over HTTP. This machine need not say who asks; others
//! have to show a password, unless the operator lets them in without.

use super::Monitor;
use crate::capability::debug::DebugPasswords;
use crate::metrics::families;
use crate::metrics::prometheus::Exposition;
use crate::tasks::Tasks;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
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

/// What is asked of machines that are not let in.
const REALM: &str = "Basic realm=\"gg-host\", charset=\"UTF-8\"";

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
}

/// An address at which is listened.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
    other_machines: bool,
}

/// Who is answered.
#[derive(Clone, Debug)]
struct Guard {
    /// Other machines need no password.
    other_machines: bool,
    passwords: DebugPasswords,
}

impl Endpoint {
    /// Listen at an address. Whether other machines may ask without a password is said here.
    ///
    /// # Errors
    /// It is taken.
    pub async fn bind(address: SocketAddr, other_machines: bool) -> Result<Self, EndpointError> {
        let failed = |error| EndpointError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, other_machines })
    }

    /// The address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answer until asked to stop.
    pub(crate) fn serve(
        self,
        monitor: Monitor,
        passwords: DebugPasswords,
        tasks: &Tasks,
        stop: CancellationToken,
    ) {
        let spawner = tasks.clone();
        let guard = Guard { other_machines: self.other_machines, passwords };
        drop(tasks.spawn(async move {
            tokio::select! {
                () = accept(self.listener, guard, monitor, spawner, &stop) => {}
                () = stop.cancelled() => {}
            }
        }));
    }
}

async fn accept(
    listener: TcpListener,
    guard: Guard,
    monitor: Monitor,
    tasks: Tasks,
    stop: &CancellationToken,
) {
    let clients = Arc::new(Semaphore::new(MOST_CLIENTS));
    while let Ok(place) = Arc::clone(&clients).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "who asks for metrics could not be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let (guard, monitor, stop) = (guard.clone(), monitor.clone(), stop.clone());
        drop(tasks.spawn(async move {
            let _place = place;
            tokio::select! {
                () = client(stream, peer.ip(), &guard, &monitor) => {}
                () = stop.cancelled() => {}
            }
        }));
    }
}

/// Answer one client, once. What goes wrong with it is the client's to notice.
async fn client(stream: TcpStream, peer: IpAddr, guard: &Guard, monitor: &Monitor) {
    let asked = CancellationToken::new();
    let service = service_fn(|request| {
        asked.cancel();
        answer(monitor, guard.admits(peer, request.headers()), request)
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

impl Guard {
    /// Whether a machine that shows this is answered.
    fn admits(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let shows_password = || {
            let (user, password) = credentials(headers.get(header::AUTHORIZATION)?)?;
            Some(self.passwords.hold(&user, &password))
        };
        self.other_machines
            || peer.to_canonical().is_loopback()
            || shows_password().unwrap_or_default()
    }
}

/// The user and the password of HTTP Basic (RFC 7617).
fn credentials(authorization: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("Basic"))?;
    Some((user.to_owned(), password.to_owned()))
}

async fn answer<B>(
    monitor: &Monitor,
    admitted: bool,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    };
    if !admitted {
        let words = "show the user `debug` and a password that CreateDebugPassword made\n";
        let mut refusal = plain(StatusCode::UNAUTHORIZED, words);
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(REALM));
        return Ok(refusal);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::caller::Operation;
    use crate::capability::testing::granted;
    use crate::clock::Clock;

    #[test]
    fn other_machines_show_a_password_unless_they_need_none() {
        let passwords = DebugPasswords::new(Clock::system());
        let a = granted("a", Operation::CreateDebugPassword, "*");
        let password = passwords.create(&a).unwrap().text;
        let guard = Guard { other_machines: false, passwords };
        let shows = |authorization: &str| {
            let value = HeaderValue::from_str(authorization).unwrap();
            HeaderMap::from_iter([(header::AUTHORIZATION, value)])
        };
        let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
        let right = basic(format!("debug:{password}"));
        let other: IpAddr = [192, 0, 2, 1].into();
        for wrong in [
            String::new(),
            "Basic".to_owned(),
            "Basic !".to_owned(),
            basic(password.clone()),
            basic(format!("root:{password}")),
            basic("debug:".to_owned()),
            right.replace("Basic", "Bearer"),
        ] {
            assert!(!guard.admits(other, &shows(&wrong)), "{wrong}");
        }
        assert!(!guard.admits(other, &HeaderMap::new()));
        assert!(guard.admits(other, &shows(&right)));
        assert!(guard.admits(other, &shows(&right.replace("Basic", "basic"))));
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(guard.admits(own.parse().unwrap(), &HeaderMap::new()), "{own}");
        }
        let open = Guard { other_machines: true, ..guard };
        assert!(open.admits(other, &HeaderMap::new()));
    }
}
