//! The broker of MQTT, in this process: devices say who they are by certificates, may do what their
//! policies say, and speak to the control plane at topics that begin with `$aws/`.
//!
//! The protocol is a library's ([`mqtt5`]), which asks and tells a [`client::Client`] for each
//! connection: `judge` what it may do, `events` what becomes of it. `rules` is what the registry says
//! of those who connect, `inbound` what it takes from them, in transactions that many share (`turns`).
//! What it has to say is in the outbox, which `outgoing` publishes.

mod client;
mod clients;
mod engine;
mod events;
mod inbound;
mod judge;
mod line;
mod outgoing;
mod review;
mod rules;
#[cfg(test)]
mod tests;
mod turns;

pub use engine::Figures;
pub use inbound::is_request;

use crate::artifacts::Digest;
use crate::registry::{Registry, connections};
use anyhow::{Context as _, Result};
use client::Client;
use clients::Clients;
use engine::Engine;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;
use turns::Turns;

/// Most clients at a time.
const MOST_CLIENTS: usize = 16_000;

/// The longest that rules are remembered. Other processes change them, too, and do not tell.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What tells rules from those that were before: changes that this process made, and the time.
type Edition = (u64, u64);

/// Between looks for sessions whose time is over.
const TIDY: Duration = Duration::from_secs(60);

/// Every so many of them, messages are looked at, too.
const TIDY_MESSAGES: u32 = 10;

/// The broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    registry: Registry,
    engine: Engine,
    clients: Clients,
    turns: Turns,
    /// Counts changes to what clients may do.
    rules: watch::Receiver<u64>,
    began: Instant,
    messages_per_second: u32,
    places: Arc<Semaphore>,
    connections: TaskTracker,
}

impl Broker {
    /// With the sessions and retained messages of a folder. It publishes from now on. A client may send so
    /// many messages in a second; 0 is any number.
    ///
    /// # Errors
    /// The folder or the state cannot be used.
    pub async fn start(
        registry: Registry,
        folder: &Path,
        messages_per_second: u32,
    ) -> Result<Self> {
        let engine = Engine::open(folder).await;
        let engine =
            engine.with_context(|| format!("failed to use the folder {}", folder.display()))?;
        let now = registry.clock.now();
        registry.change(move |transaction| connections::end_all(transaction, now)).await?;
        let broker = Self(Arc::new(Parts {
            rules: registry.state.watch(rules::TABLES),
            began: Instant::now(),
            turns: Turns::new(registry.clone()),
            engine,
            clients: Clients::default(),
            messages_per_second,
            places: Arc::new(Semaphore::new(MOST_CLIENTS)),
            connections: TaskTracker::new(),
            registry,
        }));
        let tasks = &broker.registry().tasks;
        let ended = broker.clone().end();
        drop(tasks.spawn(outgoing::run(broker.clone(), ended)));
        drop(tasks.spawn(review::run(broker.clone())));
        drop(tasks.spawn(broker.clone().tidy()));
        Ok(broker)
    }

    /// Serve a client until its connection ends. An unknown certificate is not let speak.
    pub async fn serve(&self, stream: TlsStream<TcpStream>, certificate: Arc<[u8]>) {
        let Ok(_place) = Arc::clone(&self.0.places).try_acquire_owned() else {
            return tracing::warn!("a client is refused, since {MOST_CLIENTS} are connected");
        };
        let client = match stream.get_ref().0.peer_addr() {
            Ok(peer) => Client::new(self.clone(), peer, certificate),
            Err(error) => return tracing::debug!(%error, "a connection ended"),
        };
        if client.rights().await.is_none() {
            let (peer, certificate) = (client.peer(), client.fingerprint());
            tracing::info!(%peer, certificate, "a certificate is refused: it is not registered and active");
            return;
        }
        let served = self.0.engine.serve(stream, Arc::clone(&client));
        let _gone = client.gone.clone().drop_guard();
        if let Err(error) = self.0.connections.track_future(served).await {
            tracing::debug!(client = client.name(), %error, "a connection ended");
        }
        self.0.clients.remove(&client);
    }

    /// What was counted since the start.
    pub fn figures(&self) -> Figures {
        self.engine().figures()
    }

    /// Have all connections end once tasks are to stop, and wait for that.
    async fn end(self) {
        self.0.engine.stop();
        self.0.connections.close();
        self.0.connections.wait().await;
    }

    async fn tidy(self) {
        let tasks = self.registry().tasks.clone();
        let tidy = async {
            for round in 1_u32.. {
                tokio::time::sleep(TIDY).await;
                self.0.engine.tidy(round % TIDY_MESSAGES == 0).await;
            }
        };
        tokio::select! {
            () = tidy => {}
            () = tasks.stopped() => {}
        }
    }

    fn registry(&self) -> &Registry {
        &self.0.registry
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn messages_per_second(&self) -> u32 {
        self.0.messages_per_second
    }

    fn clients(&self) -> &Clients {
        &self.0.clients
    }

    fn turns(&self) -> &Turns {
        &self.0.turns
    }

    fn rules(&self) -> &watch::Receiver<u64> {
        &self.0.rules
    }

    fn edition(&self) -> Edition {
        let time = self.0.began.elapsed().as_secs() / REMEMBERED.as_secs();
        (*self.0.rules.borrow(), time)
    }
}

/// What a certificate is known by: its SHA-256 as hexadecimal digits.
fn fingerprint(certificate: &[u8]) -> String {
    Digest::of(certificate).to_string()
}
