//! What deployments of the cloud have in common, however it asks for them: they are heard of over the
//! link, wait in the queue, and whoever asked hears how they get on.

use crate::clock::Clock;
use crate::cloud::{Deliver, Link, LinkState, LinkSubscription, Priority, Publication, Qos};
use crate::deployment::outcome::Detail;
use crate::deployment::queue::Queue;
use crate::store::{DeploymentRow, DeploymentState, Store, StoreError};
use crate::tasks::Tasks;
use gg_model::{DeploymentRequest, TopicFilter};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What comes from the cloud waits here; more is dropped, since it is asked for again anyway.
const WAITING: usize = 16;

/// How long after something went wrong it is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// The cloud as who asks for deployments. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    pub(crate) clock: Clock,
    pub(crate) link: Link,
    pub(crate) queue: Queue,
    pub(crate) store: Store,
}

/// A way in which the cloud asks for deployments. It remembers nothing: what there is to do is asked for
/// whenever the link comes up, and the store knows what is known already.
pub(super) trait Source: Send + Sync {
    /// What comes.
    type Came: Send + 'static;

    /// Whom it comes from.
    fn cloud(&self) -> &Cloud;

    /// Hear of what comes. `None`: that cannot be.
    fn subscribe(
        &self,
        came: &mpsc::Sender<Self::Came>,
    ) -> impl Future<Output = Option<[LinkSubscription; 2]>> + Send;

    /// Ask for what there is to do.
    fn ask(&self) -> impl Future<Output = ()> + Send;

    /// Do what is asked for.
    fn take(&self, came: Self::Came) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The word for how a deployment gets on, if it is told of that.
    fn status(state: DeploymentState) -> Option<&'static str>;

    /// The topic and the message that tell this of a deployment. `None`: somebody else asked for it.
    fn message(
        &self,
        row: &DeploymentRow,
        status: &str,
        detail: &Detail,
    ) -> Option<(String, Value)>;
}

/// Take deployments from a source, and tell it how they get on, until asked to stop.
pub(super) fn start(source: impl Source + 'static, tasks: &Tasks, stop: CancellationToken) {
    let source = Arc::new(source);
    let (teller, telling) = (Arc::clone(&source), stop.clone());
    drop(tasks.spawn(async move { telling.run_until_cancelled(tell(&*teller)).await }));
    drop(tasks.spawn(async move { stop.run_until_cancelled(serve(&*source)).await }));
}

/// Take what comes.
async fn serve(source: &impl Source) {
    let link = &source.cloud().link;
    let (came, mut coming) = mpsc::channel(WAITING);
    let mut state = link.watch();
    let (mut subscriptions, mut connections) = (None, 0);
    loop {
        let is_up = *state.borrow_and_update() == LinkState::Up;
        if is_up && subscriptions.is_none() {
            subscriptions = source.subscribe(&came).await;
        }
        let connected = link.counters().connections.total();
        // What was said while the link was down has gone by.
        if is_up && std::mem::replace(&mut connections, connected) != connected {
            source.ask().await;
        }
        let again = async {
            match is_up && subscriptions.is_none() {
                true => tokio::time::sleep(AGAIN).await,
                false => std::future::pending().await,
            }
        };
        let taken = tokio::select! {
            changed = state.changed() => if changed.is_err() { return } else { Ok(()) },
            () = again => { connections = 0; Ok(()) }
            Some(came) = coming.recv() => source.take(came).await,
        };
        if let Err(error) = taken {
            tracing::error!(%error, "what the cloud asks for cannot be kept");
        }
    }
}

impl Cloud {
    /// Hear of a topic what `read` makes of its messages. `None`: it cannot be subscribed to.
    pub(super) async fn listen<T: Send + 'static>(
        &self,
        topic: String,
        came: &mpsc::Sender<T>,
        read: impl Fn(&[u8]) -> serde_json::Result<Option<T>> + Send + Sync + 'static,
    ) -> Option<LinkSubscription> {
        let came = came.clone();
        let deliver: Deliver = Arc::new(move |publication| match read(&publication.payload) {
            Ok(Some(read)) => drop(came.try_send(read)),
            Ok(None) => {}
            Err(error) => {
                let topic = &publication.topic;
                tracing::warn!(topic, %error, "what the cloud says of deployments is not clear");
            }
        });
        let filter = topic.parse::<TopicFilter>().ok()?;
        match self.link.subscribe(&filter, Qos::AtLeastOnce, deliver).await {
            Ok(subscription) => Some(subscription),
            Err(error) => {
                tracing::warn!(topic, %error, "the cloud's deployments are not heard of");
                None
            }
        }
    }

    /// Have a message sent, before what components send. `false`: it is not even in the spool.
    pub(super) async fn publish(&self, topic: String, payload: String) -> bool {
        let publication = Publication::new(topic, payload, Qos::AtLeastOnce);
        let publication = Publication { priority: Priority::High, ..publication };
        match self.link.publish(publication).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the cloud cannot be told of deployments");
                false
            }
        }
    }

    /// Take a deployment into the queue, unless it is known. `source` is who asks; `otherwise` names it
    /// where its document does not.
    pub(super) async fn enqueue(
        &self,
        source: String,
        otherwise: &str,
        document: String,
    ) -> Result<(), StoreError> {
        let known = self.queue.list().await?;
        if let Some(known) = known.iter().find(|row| row.source == source) {
            // The cloud does not know how it ended: it lost what it was told, or will have it soon.
            if known.state.has_ended() {
                self.store.set_told(&known.id, "").await?;
                self.queue.has_changed();
            }
            return Ok(());
        }
        // What cannot be read is taken on as well, and fails with the reason.
        let (id, target) = match DeploymentRequest::parse(&document) {
            Ok(request) => (request.id().to_string(), request.group().to_string()),
            Err(_) => (otherwise.to_owned(), String::from("UNKNOWN")),
        };
        // It may be carried out again, under the identity of its deployment.
        let again = known.iter().any(|row| row.id == id);
        let id = if again { source.clone() } else { id };
        let now = self.clock.unix_millis();
        let row = DeploymentRow {
            id,
            target,
            document,
            state: DeploymentState::Queued,
            detail: String::from("{}"),
            created: now,
            updated: now,
            source,
            told: String::new(),
        };
        self.queue.submit(row).await?;
        Ok(())
    }

    /// Call a deployment off that the cloud does not want any more.
    pub(super) async fn call_off(&self, row: &DeploymentRow) -> Result<(), StoreError> {
        let called_off = self.queue.cancel(&row.id).await?;
        tracing::info!(deployment = row.id, called_off, "the cloud has called it off");
        Ok(())
    }
}

/// Tell whoever asked how each deployment gets on, when it has another state than was told last. It is
/// told once this is in the spool: from there it gets to the cloud.
async fn tell(source: &impl Source) {
    let queue = &source.cloud().queue;
    loop {
        let changed = queue.changed();
        match tell_all(source).await {
            Ok(true) => changed.await,
            Ok(false) => tokio::time::sleep(AGAIN).await,
            Err(error) => {
                tracing::error!(%error, "it cannot be read what the cloud is to be told");
                changed.await;
            }
        }
    }
}

async fn tell_all<S: Source>(source: &S) -> Result<bool, StoreError> {
    let Cloud { queue, store, .. } = source.cloud();
    for row in queue.list().await?.iter().rev() {
        let Some(status) = S::status(row.state).filter(|status| row.told != *status) else {
            continue;
        };
        let detail = Detail::from_json(&row.detail);
        let Some((topic, message)) = source.message(row, status, &detail) else { continue };
        if !source.cloud().publish(topic, message.to_string()).await {
            return Ok(false);
        }
        store.set_told(&row.id, status).await?;
    }
    Ok(true)
}
