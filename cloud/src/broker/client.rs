//! A client that is connected: whose certificate it has, and what it may do now.

use super::rules::{self, Rights};
use super::{Broker, Edition, inbound};
use crate::allowance::Allowance;
use crate::registry::connections::Reason;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A connection. The library asks it what the client may do (`judge`), and tells it what the client
/// does (`events`).
pub(super) struct Client {
    me: Weak<Self>,
    pub(super) broker: Broker,
    certificate: Arc<[u8]>,
    peer: SocketAddr,
    /// Ends the connection.
    pub(super) line: CancellationToken,
    /// Is cancelled once the library is done with the connection.
    pub(super) gone: CancellationToken,
    /// What the client said of itself when it connected.
    pub(super) said: OnceLock<Said>,
    /// Since when, and with which thing's certificate.
    pub(super) began: OnceLock<(crate::clock::Time, Option<String>)>,
    /// Why this server ended the connection, if it did.
    why: OnceLock<Reason>,
    /// What it may do, and as of which rules.
    rights: Mutex<Option<(Edition, Option<Arc<Rights>>)>>,
    /// What it may still send in this second.
    messages: Mutex<Allowance>,
    was_refused: AtomicBool,
}

/// What a client says when it connects.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) name: String,
    /// Whether it speaks MQTT 3.1.1, which has no words for a refusal.
    pub(super) is_old: bool,
    pub(super) will: Option<String>,
    /// What policies can ask of how it connected (`iot:ConnectAttributes`).
    pub(super) how: Vec<&'static str>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("peer", &self.peer).field("said", &self.said).finish()
    }
}

impl Client {
    pub(super) fn new(broker: Broker, peer: SocketAddr, certificate: Arc<[u8]>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            certificate,
            peer,
            line: CancellationToken::new(),
            gone: CancellationToken::new(),
            said: OnceLock::new(),
            began: OnceLock::new(),
            why: OnceLock::new(),
            rights: Mutex::default(),
            messages: Mutex::new(Allowance::full(broker.messages_per_second(), Instant::now())),
            was_refused: AtomicBool::new(false),
            broker,
        })
    }

    /// Itself, for those who keep it.
    pub(super) fn me(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    /// Where it is.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What its certificate is known by.
    pub(super) fn fingerprint(&self) -> String {
        super::fingerprint(&self.certificate)
    }

    /// The name it connected by; empty before.
    pub(super) fn name(&self) -> &str {
        self.said.get().map_or("", |said| &said.name)
    }

    /// Whether it speaks MQTT 3.1.1.
    pub(super) fn is_old(&self) -> bool {
        self.said.get().is_some_and(|said| said.is_old)
    }

    /// What it may do now; `None`: not even be connected.
    pub(super) async fn rights(&self) -> Option<Arc<Rights>> {
        // Rights that are read after this are not older than it.
        let edition = self.broker.edition();
        let known = self.rights.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, rights)) = known.filter(|(known, _)| *known == edition) {
            return rights;
        }
        let (certificate, source) = (self.certificate.clone(), self.peer.ip());
        let registry = self.broker.registry().clone();
        let found = self
            .broker
            .registry()
            .read(move |rows| rules::of(rows, &registry, &certificate, source))
            .await;
        // Where the state fails, nothing is allowed.
        let found = found.ok()?.map(Arc::new);
        *self.rights.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((edition, found.clone()));
        found
    }

    /// Its rights, if it may be connected.
    pub(super) async fn rights_to_stay(&self) -> Option<Arc<Rights>> {
        let said = self.said.get()?;
        self.rights().await.filter(|rights| rights.connect(&said.name, &said.how))
    }

    /// Whether it may publish.
    pub(super) async fn may_publish(&self, topic: &str, retain: bool) -> bool {
        let is_open = !topic.starts_with('$') || inbound::is_request(topic);
        let rights = self.rights().await;
        is_open && rights.is_some_and(|rights| rights.publish(self.name(), topic, retain))
    }

    /// Whether it may subscribe. Who shares a subscription may if it may alone.
    pub(super) async fn may_subscribe(&self, filter: &str) -> bool {
        let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
        let filter = shared.map_or(filter, |(_, filter)| filter);
        self.rights().await.is_some_and(|rights| rights.subscribe(self.name(), filter))
    }

    /// Have it wait if it sends too fast: nothing more is read from it meanwhile, so nothing is lost.
    pub(super) async fn pace(&self) {
        // Filters of a session that goes on are not sent.
        if self.began.get().is_none() {
            return;
        }
        let take = || {
            let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
            messages.take(Instant::now())
        };
        while let Err(early) = take() {
            tokio::select! {
                () = tokio::time::sleep(early) => {}
                () = self.line.cancelled() => return,
            }
        }
    }

    /// End the connection, as if it had broken.
    pub(super) fn hang_up(&self, why: Reason) {
        let _is_known = self.why.set(why);
        self.line.cancel();
    }

    /// Another client connected by its name.
    pub(super) fn is_replaced(&self) {
        let _is_known = self.why.set(Reason::DuplicateClientid);
    }

    /// Why the connection ended.
    pub(super) fn ended(&self, by_client: bool) -> Reason {
        let otherwise = match by_client {
            true => Reason::ClientInitiatedDisconnect,
            false => Reason::ConnectionLost,
        };
        self.why.get().copied().unwrap_or(otherwise)
    }

    /// Say in the log what is refused: the first time for all to see.
    pub(super) fn refused(&self, action: &str, what: &str) {
        let (client, peer) = (self.name(), self.peer);
        if self.was_refused.swap(true, Ordering::Relaxed) {
            tracing::debug!(client, %peer, action, what, "refused");
        } else {
            let certificate = self.fingerprint();
            tracing::info!(client, %peer, certificate, action, what, "a client was refused");
        }
    }
}
