//! The link on trial: what the operator wants to know of it before, or while, it does not work. Each
//! step is one that a connection takes, by the same code, and says what helps if it fails.

use super::connection::{self, Connection, is_closed};
use super::fault::{self, LinkFault};
use super::publication::{Publication, Qos};
use super::remedy::{another_client, of_topic, remedy};
use super::settings::LinkSettings;
use super::wire::read::read;
use super::wire::{Packet, PacketId, Reason, write};
use crate::tasks::Tasks;
use bytes::BytesMut;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

pub use super::identity::Place;
pub use super::validity::Validity;

/// What is wrong, and what helps.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{what}; {remedy}")]
pub struct Complaint {
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub remedy: String,
}

impl Complaint {
    fn of(fault: impl Into<LinkFault>, settings: &LinkSettings) -> Self {
        let fault = fault.into();
        Self { remedy: remedy(&fault, settings), what: fault.to_string() }
    }
}

/// A certificate of the device, or one that it trusts.
#[derive(Debug)]
pub struct Paper {
    /// The key in `system` that names its file.
    pub key: &'static str,
    /// Where it is.
    pub place: Place,
    /// What it says; the first is the device's own, where it is the device's.
    pub says: Result<Vec<Validity>, Complaint>,
}

/// The certificates of the identity. Blocks.
pub fn papers(settings: &LinkSettings) -> Vec<Paper> {
    let Some(identity) = &settings.identity else { return Vec::new() };
    let papers = identity.certificates().map(|(key, place, found)| Paper {
        key,
        says: match found {
            Ok(found) => {
                let read: Option<Vec<_>> = found.iter().map(|der| Validity::of(der)).collect();
                read.ok_or_else(|| Complaint {
                    what: format!("{place} holds what is no certificate of X.509"),
                    remedy: "replace the file by the certificate that was made for the device"
                        .into(),
                })
            }
            Err(error) => Err(Complaint::of(error, settings)),
        },
        place,
    });
    papers.collect()
}

/// Where the device's key is, if the device has one.
pub fn key(settings: &LinkSettings) -> Option<&Place> {
    settings.identity.as_ref()?.key()
}

/// Whether the parts of the identity can be used together. Blocks.
///
/// # Errors
/// Why not.
pub fn fit(settings: &LinkSettings) -> Result<(), Complaint> {
    let Some(identity) = &settings.identity else { return Ok(()) };
    identity.load().map(drop).map_err(|error| Complaint::of(error, settings))
}

/// Whether the broker's port is reached, through the proxy where one is to be used.
///
/// # Errors
/// Why not.
pub async fn reach(settings: &LinkSettings) -> Result<(), Complaint> {
    let reached = async { connection::dial(settings, &connection::proxy_tls(settings)?).await };
    reached.await.map(drop).map_err(|fault| Complaint::of(fault, settings))
}

/// Whether the broker is whom its name says. Gives what its certificate says, and which TLS is
/// spoken; `None`: none is to be.
///
/// # Errors
/// Why not.
pub async fn secure(
    settings: &LinkSettings,
    tasks: &Tasks,
) -> Result<Option<(Validity, String)>, Complaint> {
    let secured = connection::by_identity(settings, tasks, |settings| async move {
        let Some(identity) = &settings.identity else { return Ok(None) };
        let [broker, proxy] = identity.load()?;
        let stream = connection::dial(&settings, &proxy).await?;
        let stream = connection::secure(&settings, stream, &broker).await?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        let says = certificate.and_then(|der| Validity::of(der));
        let version = session.protocol_version().map(|version| format!("{version:?}"));
        Ok(says.map(|says| (says, version.unwrap_or_default())))
    });
    secured.await.map_err(|fault| Complaint::of(fault, settings))
}

/// The name by which a device tries what it may do, beside that by which it is connected: one that
/// those who may use `THING*` may use.
pub fn beside(settings: &LinkSettings) -> String {
    format!("{}#doctor", settings.thing)
}

/// A connection on trial.
pub struct Trial<'a> {
    settings: &'a LinkSettings,
    client: &'a str,
    connection: Connection,
    last: PacketId,
    /// Whether the broker has not ended it.
    open: bool,
}

impl<'a> Trial<'a> {
    /// Connect as this client.
    ///
    /// # Errors
    /// Why not.
    pub async fn enter(
        settings: &'a LinkSettings,
        client: &'a str,
        tasks: &Tasks,
    ) -> Result<Self, Complaint> {
        match connection::open(settings, client, tasks).await {
            Ok(connection) => Ok(Self { settings, client, connection, last: 0, open: true }),
            Err(fault) => Err(Complaint::of(fault, settings)),
        }
    }

    /// Whether the broker takes an empty message of this topic.
    ///
    /// # Errors
    /// It refuses, or is gone.
    pub async fn publish(&mut self, topic: &str) -> Result<(), Complaint> {
        let id = self.next();
        let publication = Publication::new(topic, "", Qos::AtLeastOnce);
        let version = self.settings.version;
        let client = self.client;
        let refused = |reason: &str| Complaint {
            what: format!("the broker refuses what {client} publishes to {topic}: {reason}"),
            remedy: of_topic("Publish", topic),
        };
        let asked = |out: &mut BytesMut| {
            write::publish(out, version, &publication, Some(id), false);
        };
        match self.ask(asked, id).await {
            Ok(reason) if reason.is_failure() => Err(refused(&reason.to_string())),
            Ok(_) => Ok(()),
            // As it is before MQTT 5, and with AWS IoT.
            Err(fault @ (LinkFault::Closed | LinkFault::Ended { .. })) => {
                Err(refused(&fault.to_string()))
            }
            Err(fault) => Err(Complaint::of(fault, self.settings)),
        }
    }

    /// Whether the broker grants a subscription, which is ended at once.
    ///
    /// # Errors
    /// It refuses, or is gone.
    pub async fn subscribe(&mut self, filter: &str) -> Result<(), Complaint> {
        let (id, version) = (self.next(), self.settings.version);
        let asked = |out: &mut BytesMut| {
            write::subscribe(out, version, id, filter, Qos::AtLeastOnce, None);
        };
        let refused = |what: String| Complaint { what, remedy: of_topic("Subscribe", filter) };
        match self.ask(asked, id).await {
            Ok(reason) if reason.is_failure() => Err(refused(fault::of_suback(&reason, filter))),
            Ok(_) => {
                let id = self.next();
                let ended = self.ask(|out| write::unsubscribe(out, version, id, filter), id).await;
                ended.map(drop).map_err(|fault| Complaint::of(fault, self.settings))
            }
            Err(fault @ (LinkFault::Closed | LinkFault::Ended { .. })) => {
                Err(refused(format!("the broker refuses to subscribe to {filter}: {fault}")))
            }
            Err(fault) => Err(Complaint::of(fault, self.settings)),
        }
    }

    /// Whether the connection holds for so long.
    ///
    /// # Errors
    /// It is ended, as it is when another client uses the same name.
    pub async fn hold(mut self, time: Duration) -> Result<(), Complaint> {
        let ended = async {
            loop {
                if let Err(fault) = self.packet().await {
                    return fault;
                }
            }
        };
        match timeout(time, ended).await {
            // It has asked for nothing that could be refused. Not every broker, and none before MQTT 5,
            // says why.
            Ok(LinkFault::Closed) => Err(Complaint {
                what: format!(
                    "the broker soon closes the connection of {}, as it does when another client uses \
                     this thing name",
                    self.client
                ),
                remedy: another_client(self.client),
            }),
            Ok(fault) => Err(Complaint::of(fault, self.settings)),
            Err(_) => {
                self.leave().await;
                Ok(())
            }
        }
    }

    /// Whether more can be asked.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Say goodbye.
    pub async fn leave(mut self) {
        let mut out = BytesMut::new();
        write::disconnect(&mut out);
        let goodbye = async {
            self.connection.stream.write_all(&out).await?;
            self.connection.stream.shutdown().await
        };
        // The broker sees the end either way.
        let _late = timeout(Duration::from_secs(1), goodbye).await;
    }

    fn next(&mut self) -> PacketId {
        self.last += 1;
        self.last
    }

    /// Send, and wait for the answer with this identifier.
    async fn ask(
        &mut self,
        write: impl FnOnce(&mut BytesMut),
        wanted: PacketId,
    ) -> Result<Reason, LinkFault> {
        let mut out = BytesMut::new();
        write(&mut out);
        let patience = self.settings.operation_timeout;
        let answered = async {
            self.connection.stream.write_all(&out).await?;
            self.connection.stream.flush().await?;
            loop {
                match self.packet().await? {
                    Packet::PubAck(id, reason) | Packet::SubAck(id, reason) if id == wanted => {
                        return Ok(reason);
                    }
                    Packet::UnsubAck(id) if id == wanted => return Ok(Reason::default()),
                    // What is not acknowledged comes again to whom it is for.
                    _ => {}
                }
            }
        };
        let answer = timeout(patience, answered).await;
        let answer = answer.unwrap_or(Err(LinkFault::Silent("in time")));
        self.open = answer.is_ok();
        answer
    }

    async fn packet(&mut self) -> Result<Packet, LinkFault> {
        let Connection { stream, input, .. } = &mut self.connection;
        loop {
            let most = self.settings.packet_bytes() as usize;
            match read(input, self.settings.version, most)? {
                Some(Packet::Disconnect(reason)) => {
                    return Err(LinkFault::Ended { client: self.client.to_owned(), reason });
                }
                Some(packet) => return Ok(packet),
                None if is_closed(stream.read_buf(input).await)? => return Err(LinkFault::Closed),
                None => {}
            }
        }
    }
}

impl std::fmt::Debug for Trial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").field("client", &self.client).finish_non_exhaustive()
    }
}
