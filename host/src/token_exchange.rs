//! Where programs with an SDK of AWS ask for credentials: over HTTP, on this machine alone. What is
//! answered, `capability/credentials` says.

use crate::capability::credentials::{TokenExchange, door};
use crate::network::server::{self, Answers};
use crate::runtime::token::Tokens;
use crate::tasks::Tasks;
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// An address at which is listened.
#[derive(Debug)]
pub struct Exchange {
    listener: TcpListener,
    port: u16,
    uri: String,
}

impl Exchange {
    /// Listen at this port, or at any that is free.
    ///
    /// # Errors
    /// It is taken.
    pub async fn bind(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, uri: format!("http://localhost:{port}{}", door::PATH) })
    }

    /// The port, which others find as `activePort` in the configuration.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What SDKs are told: `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Answer until asked to stop.
    pub(crate) fn serve(
        self,
        exchange: TokenExchange,
        tokens: Tokens,
        tasks: &Tasks,
        stop: CancellationToken,
    ) {
        server::serve(self.listener, Asked { exchange, tokens }, tasks, stop);
    }
}

#[derive(Clone)]
struct Asked {
    exchange: TokenExchange,
    tokens: Tokens,
}

impl Answers for Asked {
    /// A little longer than the cloud has, so that its silence can be told.
    const PATIENCE: Duration = Duration::from_secs(door::PATIENCE.as_secs() + 5);

    async fn answer(&self, _: IpAddr, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let token = request.headers().get(header::AUTHORIZATION);
        let token = token.and_then(|value| value.to_str().ok());
        let caller = token.and_then(|token| self.tokens.caller(token));
        door::answer(&self.exchange, caller, request).await
    }
}
