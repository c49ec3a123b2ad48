//! The door for components outside the sandbox: Greengrass IPC over a socket in the root folder, as
//! the AWS IoT Device SDKs speak it.
//!
//! [`socket`] is where components find it. [`admission`] says who comes in and how much each gets.
//! A [`connection`] reads what a component sends ([`input`]) and has each call answered
//! ([`dispatch`] knows who does so, [`answer`] how); a [`call`] that others follow on goes on in a task of its own,
//! and all of a connection write in turn ([`outlet`]). [`cut`] is why a connection is closed.
//! [`operators`] lets people in, whose command line is a [`client`].
//!
//! A component harms only itself: what it sends is read no faster than it is served, nothing waits
//! for it outside of the queues that its limits bound, and one that does not read is let go.

mod admission;
mod answer;
mod call;
pub mod client;
mod connection;
mod cut;
mod dispatch;
mod input;
pub mod operators;
mod outlet;
pub mod socket;
#[cfg(test)]
mod tests;

use crate::capability::Capabilities;
use crate::clock::Clock;
use crate::runtime::token::Tokens;
use crate::tasks::Tasks;
use admission::Admission;
use connection::Connection;
use cut::Tally;
use socket::Socket;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The pause after a connection could not be accepted, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To show a token.
    pub handshake: Duration,
    /// To send a large frame, once it is its turn.
    pub frame: Duration,
    /// To read something of what is there for them.
    pub reading: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { handshake: secs(10), frame: secs(60), reading: secs(60) }
    }
}

/// Serves components. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Server {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capabilities: Capabilities,
    tokens: Tokens,
    tasks: Tasks,
    clock: Clock,
    patience: Patience,
    admission: Admission,
    tally: Tally,
}

impl Server {
    /// A server of these capabilities, for components that show one of these tokens.
    pub fn new(
        capabilities: Capabilities,
        tokens: Tokens,
        tasks: Tasks,
        clock: Clock,
        patience: Patience,
    ) -> Self {
        let inner = Inner {
            capabilities,
            tokens,
            tasks,
            clock,
            patience,
            admission: Admission::default(),
            tally: Tally::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// How many connections were closed for which reason, those aside that ended well.
    pub fn cuts(&self) -> BTreeMap<&'static str, u64> {
        self.inner.tally.read()
    }

    /// Serve a socket until asked to stop; then the socket goes, and every connection ends.
    pub fn serve(&self, socket: Socket, stop: CancellationToken) {
        let this = self.clone();
        self.inner.tasks.spawn(async move {
            tokio::select! {
                () = this.accept(&socket, &stop) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    async fn accept(&self, socket: &Socket, stop: &CancellationToken) {
        loop {
            let accepted = socket.listener().accept().await;
            let connection = accepted
                .and_then(|(stream, _)| Connection::new(Arc::clone(&self.inner), stream, stop));
            match connection {
                Ok(connection) => {
                    let newcomer = self.inner.admission.newcomer();
                    self.inner.tasks.spawn(connection.serve(newcomer));
                }
                Err(error) => {
                    tracing::warn!(%error, "a component could not be connected");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
