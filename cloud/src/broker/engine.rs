//! The library that speaks MQTT, with its limits.

use super::client::Client;
use super::line::Line;
use crate::state::outbox::Message;
use gg_model::TopicFilter;
use mqtt5::QoS;
use mqtt5::broker::BrokerConfig;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{
    DynamicStorage, FileBackend, QueueLimits, QueuedMessage, StorageBackend as _,
};
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::packet::publish::PublishPacket;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio_rustls::server::TlsStream;

/// Most bytes in a packet (AWS IoT endpoints and quotas, as all that are not explained).
const LARGEST_PACKET: usize = 128 * 1024;

/// The longest that a session is kept for a client that is away.
const SESSION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Most subscriptions of a client.
const MOST_SUBSCRIPTIONS: usize = 50;

/// Most messages that a client sends before it is told that the first is there.
const MOST_INCOMING: u16 = 100;

/// Most messages that a client is sent before it says that it has the first.
const MOST_OUTGOING: u16 = 16;

/// Most messages that wait in memory for a client that is connected; more wait on disk.
const MOST_WAITING: usize = 100;

/// Most that waits on disk for a client. The oldest goes first.
const QUEUE: QueueLimits = QueueLimits { max_messages: 1000, max_bytes: 8 * 1024 * 1024 };

/// How many seconds an answer to one client waits for it.
const ANSWER: u32 = 5 * 60;

/// Most messages that are retained.
const MOST_RETAINED: usize = 5000;

/// What is counted of clients and of what they publish and receive.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// Clients that are connected.
    pub connected: usize,
    /// Connections so far.
    pub connections: u64,
    /// Messages that clients published.
    pub received: u64,
    /// Messages that clients were sent.
    pub sent: u64,
    /// Bytes of what they published.
    pub bytes_received: u64,
    /// Bytes of what they were sent.
    pub bytes_sent: u64,
}

/// The library's parts.
pub(super) struct Engine {
    settings: BrokerConfig,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    stop: broadcast::Sender<()>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// With the sessions and retained messages of a folder.
    pub(super) async fn open(folder: &Path) -> mqtt5::Result<Self> {
        let files = FileBackend::with_queue_limits(folder, QUEUE).await?;
        let storage = Arc::new(DynamicStorage::File(files));
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_retained_limits(MOST_RETAINED, LARGEST_PACKET);
        router.recover_sessions(u32::try_from(SESSION.as_secs()).unwrap_or(u32::MAX)).await?;
        router.initialize().await?;
        // How many connect, and how fast they send, is bounded elsewhere: here too much is dropped.
        let limits = ResourceLimits {
            max_connections: usize::MAX,
            max_connections_per_ip: usize::MAX,
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            max_connection_rate: u32::MAX,
            ..ResourceLimits::default()
        };
        Ok(Self {
            settings: settings(),
            router: Arc::new(router),
            storage,
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(limits)),
            stop: broadcast::channel(1).0,
        })
    }

    /// Serve a connection until it ends. What the client may do, and what becomes of what it
    /// publishes, it is asked itself.
    pub(super) async fn serve(
        &self,
        stream: TlsStream<TcpStream>,
        client: Arc<Client>,
    ) -> mqtt5::Result<()> {
        let mut settings = self.settings.clone();
        settings.event_handler = Some(Arc::<Client>::clone(&client));
        ClientHandler::new(
            Line::new(stream, client.line.clone()).transport(),
            client.peer(),
            Arc::new(settings),
            Arc::clone(&self.router),
            client,
            Some(Arc::clone(&self.storage)),
            Arc::clone(&self.stats),
            Arc::clone(&self.monitor),
            self.stop.subscribe(),
        )
        .run()
        .await
    }

    /// Give a message to all who subscribed to its topic.
    pub(super) async fn publish(&self, message: Message) {
        let payload = message.payload.0;
        let packet = PublishPacket::new(message.topic, payload, QoS::AtLeastOnce);
        self.router.route_message(&packet, None).await;
    }

    /// Give a message to one client alone, if it subscribed to the topic. It waits in the client's queue,
    /// as what cannot be sent at once does, and not for long.
    pub(super) async fn tell(&self, client: &str, topic: String, payload: String) {
        let matches = |filter: &str| {
            let filter = filter.parse::<TopicFilter>();
            filter.is_ok_and(|filter| topic.parse().is_ok_and(|topic| filter.matches(&topic)))
        };
        let session = self.storage.get_session(client).await.ok().flatten();
        let subscribed = session.into_iter().flat_map(|session| session.subscriptions);
        let granted = subscribed.filter(|(filter, _)| matches(filter)).map(|(_, one)| one.qos);
        let Some(granted) = granted.max_by_key(|qos| *qos as u8) else {
            return tracing::debug!(client, topic, "an answer is not wanted");
        };
        let qos = if granted == QoS::AtMostOnce { granted } else { QoS::AtLeastOnce };
        let packet = PublishPacket::new(topic, payload.into_bytes(), qos);
        let packet = packet.with_message_expiry_interval(ANSWER);
        let queue = self.storage.queue_handle(client);
        let _pushed = queue.push(QueuedMessage::new(packet, client.to_owned(), qos, None));
        queue.notify();
    }

    /// What a client subscribed to, with its session.
    pub(super) async fn subscriptions(&self, client: &str) -> Vec<String> {
        let session = self.storage.get_session(client).await.ok().flatten();
        session.map_or_else(Vec::new, |session| session.subscriptions.into_keys().collect())
    }

    /// Forget what waits for a client.
    pub(super) async fn forget_waiting(&self, client: &str) {
        self.storage.queue_handle(client).clear(None);
        if let Err(error) = self.storage.remove_all_inflight_messages(client).await {
            tracing::warn!(client, %error, "what was sent to a client cannot be forgotten");
        }
    }

    /// Hand to the system what is not yet in files, so that it outlives the process.
    pub(super) async fn flush(&self) {
        if let DynamicStorage::File(files) = self.storage.as_ref() {
            files.flush_queue_writes().await;
        }
    }

    /// Forget sessions and messages whose time is over.
    pub(super) async fn tidy(&self, messages_too: bool) {
        self.router.sweep_sessions().await;
        if messages_too && let Err(error) = self.storage.cleanup_expired().await {
            tracing::warn!(%error, "messages whose time is over cannot be removed");
        }
    }

    /// What was counted.
    pub(super) fn figures(&self) -> Figures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let stats = &self.stats;
        Figures {
            connected: stats.clients_connected.load(Ordering::Relaxed),
            connections: of(&stats.clients_total),
            received: of(&stats.publish_received),
            sent: of(&stats.publish_sent),
            bytes_received: of(&stats.bytes_received),
            bytes_sent: of(&stats.bytes_sent),
        }
    }

    /// End all connections.
    pub(super) fn stop(&self) {
        let _nobody_is_connected = self.stop.send(());
    }
}

fn settings() -> BrokerConfig {
    let mut settings = BrokerConfig::default()
        .with_max_packet_size(LARGEST_PACKET)
        .with_session_expiry(SESSION)
        .with_maximum_qos(1)
        .with_max_subscriptions_per_client(MOST_SUBSCRIPTIONS)
        .with_client_channel_capacity(MOST_WAITING)
        .with_max_outbound_inflight(MOST_OUTGOING);
    settings.server_receive_maximum = Some(MOST_INCOMING);
    settings.topic_alias_maximum = 8;
    settings.sys_topics_enabled = false;
    settings
}
