//! Connections to other machines: through a proxy where one is to be used ([`proxy`]), encrypted
//! where that is asked for ([`tls`]). [`Client`] asks web servers, and [`server`] is a small one.

mod client;
mod connect;
mod exchange;
mod percent;
pub mod proxy;
pub mod server;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;

pub use client::{Client, Patience};
pub use connect::{Stream, Target, connect, reach, secure};
pub use exchange::Answer;
pub(crate) use percent::{encoded, encoded_path};
pub use proxy::{Proxy, ProxySettings};

use std::io;
use thiserror::Error;

/// What went wrong between this host and a server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetworkFault {
    /// No connection.
    #[error("cannot connect to {host}: {error}")]
    Connect {
        /// To whom.
        host: String,
        /// Why.
        error: io::Error,
    },
    /// The connection ended, or what came over it was not what is spoken there.
    #[error("lost {host}: {reason}")]
    Lost {
        /// Whom.
        host: String,
        /// How.
        reason: String,
    },
    /// The URI leads to none.
    #[error("it is no URI of http: or https:, or holds a password")]
    NoServer,
    /// The proxy did not connect.
    #[error("the proxy {proxy} answers {status} and does not connect to {host}")]
    Proxy {
        /// Which proxy.
        proxy: String,
        /// Its status of HTTP; 407 wants other credentials.
        status: u16,
        /// To whom.
        host: String,
    },
    /// Nothing came for too long.
    #[error("{host} is silent")]
    Silent {
        /// Who.
        host: String,
    },
    /// The other side is not whom the name says, or speaks no TLS.
    #[error("no secure connection to {host}: {error}")]
    Tls {
        /// To whom.
        host: String,
        /// Why.
        error: io::Error,
    },
}
