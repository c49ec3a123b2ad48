//! The link to the cloud: what is published waits in the [`spool`] until the broker has it, and what
//! is subscribed to comes to those who asked. One connection carries all of it; further ones are
//! made where one may not hold more subscriptions ([`table`]).
//!
//! ```text
//! publish ─▶ spool ─▶ session ─▶ broker        run: open, hold, wait, again
//! deliver ◀─ table ◀─ session ◀─ broker        session: while a connection holds
//! ```
//! The wire is our own ([`wire`]): the clients that there are bring their own connections, which know
//! nothing of our proxies, and their own queues, which are not on disk; what a queue holds, an
//! acknowledgement means and a lost connection costs has to be decided here.

pub(crate) mod backoff;
pub mod claim;
mod cloud_clock;
mod connection;
pub mod credentials;
pub mod data_plane;
mod device_key;
mod fault;
mod identity;
pub mod publication;
pub(crate) mod rate;
mod remedy;
mod run;
pub mod s3;
pub mod secrets;
mod session;
pub mod settings;
mod sign;
pub mod spool;
mod table;
mod token;
pub mod trial;
mod validity;
pub mod wire;

pub use cloud_clock::CloudClock;
pub use device_key::{DeviceKey, FileKey};
pub use identity::Identity;
pub(crate) use identity::check_pair;
pub use publication::{PayloadFormat, Priority, Publication, Qos};
pub use settings::LinkSettings;
pub use table::Deliver;

use crate::metrics::{Counter, LinkFigures};
use crate::tasks::Tasks;
use gg_model::TopicFilter;
use spool::{Spool, SpoolError};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use table::{Added, Grant, Table};
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The link of a device. Cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Shared>);

struct Shared {
    settings: LinkSettings,
    spool: Spool,
    table: Mutex<Table>,
    tasks: Tasks,
    stop: CancellationToken,
    started: Instant,
    /// How the first connection stands, over which is published.
    state: watch::Sender<LinkState>,
    counters: LinkCounters,
}

/// How the link stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LinkState {
    /// There is no connection; why, in a sentence for the operator, if one was tried.
    Down(Option<String>),
    /// There is one.
    Up,
}

/// What the link has done so far.
#[derive(Debug, Default)]
pub struct LinkCounters {
    /// Connections that were made.
    pub connections: Counter,
    /// Publications that the broker has taken.
    pub published: Counter,
    /// Publications that it has refused, which are lost.
    pub refused: Counter,
    /// Messages that came.
    pub received: Counter,
    /// Messages that came and that nobody took.
    pub unclaimed: Counter,
}

/// Why something is not published or subscribed to.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The broker would not take it.
    #[error("{0}")]
    Quota(String),
    /// The broker does not take it.
    #[error("{0}")]
    Refused(String),
    /// The broker has not said in time whether it grants a subscription.
    #[error("the broker does not answer in time")]
    Silent,
    /// It is not in the spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// A subscription of one user. Dropping it ends it.
pub struct LinkSubscription {
    link: Link,
    filter: TopicFilter,
    user: u64,
}

impl Link {
    /// Connect, and stay connected until asked to stop.
    pub fn start(
        settings: LinkSettings,
        spool: Spool,
        tasks: &Tasks,
        stop: CancellationToken,
    ) -> Self {
        let identifies = settings.version == gg_model::MqttVersion::V5;
        let table = Table::new(settings.quotas.subscriptions, identifies);
        let link = Self(Arc::new(Shared {
            settings,
            spool,
            table: Mutex::new(table),
            tasks: tasks.clone(),
            stop,
            started: Instant::now(),
            state: watch::Sender::new(LinkState::Down(None)),
            counters: LinkCounters::default(),
        }));
        run::start(&link.0, 0);
        link
    }

    /// Publish: the message is in the spool when this returns, and on disk if its QoS is 1.
    ///
    /// # Errors
    /// It is not, or the broker would not take it.
    pub async fn publish(&self, publication: impl Into<Arc<Publication>>) -> Result<(), LinkError> {
        let (publication, settings) = (publication.into(), &self.0.settings);
        if let Some(reason) = settings.quotas.refuse(&publication.topic) {
            return Err(LinkError::Quota(reason));
        }
        let (size, most) = (publication.payload.len(), settings.message_bytes);
        if size > most as usize {
            return Err(LinkError::Quota(format!(
                "the payload has {size} bytes, and {most} are allowed (mqtt.maxMessageSizeInBytes)"
            )));
        }
        Ok(self.0.spool.push(publication).await?)
    }

    /// Subscribe: done when the broker has granted it, or at once while there is no connection.
    ///
    /// # Errors
    /// The broker does not grant it, or would not.
    pub async fn subscribe(
        &self,
        filter: &TopicFilter,
        qos: Qos,
        deliver: Deliver,
    ) -> Result<LinkSubscription, LinkError> {
        if let Some(reason) = self.0.settings.quotas.refuse(filter.as_ref()) {
            return Err(LinkError::Quota(reason));
        }
        let Added { user, connection, is_new, mut grant } =
            self.0.table().add(filter, qos, deliver);
        let subscription = LinkSubscription { link: self.clone(), filter: filter.clone(), user };
        if is_new {
            run::start(&self.0, connection);
        }
        let mut state = self.0.state.subscribe();
        let granted = async {
            loop {
                match &*grant.borrow_and_update() {
                    Grant::Granted => return Ok(()),
                    Grant::Refused(reason) => {
                        let reason = fault::of_suback(reason, filter.as_ref());
                        return Err(LinkError::Refused(reason));
                    }
                    Grant::Asked if *state.borrow_and_update() != LinkState::Up => return Ok(()),
                    Grant::Asked => {}
                }
                tokio::select! {
                    Ok(()) = grant.changed() => {}
                    Ok(()) = state.changed() => {}
                    else => return Ok(()),
                }
            }
        };
        let granted = tokio::time::timeout(self.0.settings.operation_timeout, granted).await;
        granted.map_err(|_| LinkError::Silent)??;
        Ok(subscription)
    }

    /// Whether there is a connection at this moment.
    pub fn is_up(&self) -> bool {
        *self.0.state.borrow() == LinkState::Up
    }

    /// How it stands, now and from now on.
    pub fn watch(&self) -> watch::Receiver<LinkState> {
        self.0.state.subscribe()
    }

    /// A look at it.
    pub fn figures(&self) -> LinkFigures {
        let LinkCounters { connections, published: _, refused, received, unclaimed } =
            &self.0.counters;
        LinkFigures {
            up: self.is_up(),
            fault: match &*self.0.state.borrow() {
                LinkState::Down(fault) => fault.clone(),
                LinkState::Up => None,
            },
            connections: connections.total(),
            received: received.total(),
            unclaimed: unclaimed.total(),
            refused: refused.total(),
        }
    }

    /// What it has done so far.
    pub fn counters(&self) -> &LinkCounters {
        &self.0.counters
    }

    /// What waits to be sent.
    pub fn spool(&self) -> &Spool {
        &self.0.spool
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LinkSubscription {
    /// What was subscribed to.
    pub fn filter(&self) -> &TopicFilter {
        &self.filter
    }
}

impl Drop for LinkSubscription {
    fn drop(&mut self) {
        self.link.0.table().remove(&self.filter, self.user);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("host", &self.0.settings.host).finish_non_exhaustive()
    }
}

impl fmt::Debug for LinkSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSubscription").field("filter", &self.filter).finish_non_exhaustive()
    }
}
