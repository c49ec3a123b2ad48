//! Where Prometheus asks: `GET /metrics`, over HTTP. This machine need not say who asks; others
//! have to show a password, unless the operator lets them in without.

use super::Monitor;
use crate::capability::debug::DebugPasswords;
use crate::metrics::families;
use crate::metrics::prometheus::Exposition;
use crate::network::server::{self, Answers};
use crate::tasks::Tasks;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a client waits for its answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What is asked of machines that are not let in.
const REALM: &str = "Basic realm=\"gg-host\", charset=\"UTF-8\"";

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
        let guard = Guard { other_machines: self.other_machines, passwords };
        server::serve(self.listener, Asked { guard, monitor }, tasks, stop);
    }
}

/// What is asked, and who may ask it.
#[derive(Clone)]
struct Asked {
    guard: Guard,
    monitor: Monitor,
}

impl Answers for Asked {
    const PATIENCE: Duration = ANSWER;

    async fn answer(&self, from: IpAddr, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        answer(&self.monitor, self.guard.admits(from, request.headers()), request).await
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
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    };
    if !admitted {
        let words = "show the user `debug` and a password that CreateDebugPassword made\n";
        let mut refusal = plain(StatusCode::UNAUTHORIZED, words);
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(REALM));
        return refusal;
    }
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "ask for /metrics\n");
    }
    if request.method() != Method::GET {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "ask with GET\n");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        return refusal;
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::accepted(accept.unwrap_or_default());
    let text = exposition.write(&families(&monitor.look().await));
    let mut response = Response::new(Full::from(text));
    let content_type = HeaderValue::from_static(exposition.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
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
