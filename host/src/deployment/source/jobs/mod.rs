//! Deployments to thing groups: each is a job of AWS IoT, which says when there is one, gives its
//! document, and wants to hear how it gets on.
//!
//! Nothing is remembered here. Whenever the link comes up, and whenever the cloud says that a job
//! waits, the next is asked for; the store knows those that are known already, and what their jobs
//! were told last.

mod message;

use crate::clock::Clock;
use crate::cloud::{Deliver, Link, LinkState, LinkSubscription, Priority, Publication, Qos};
use crate::deployment::outcome::Detail;
use crate::deployment::queue::Queue;
use crate::store::{DeploymentRow, DeploymentState, Store, StoreError};
use crate::tasks::Tasks;
use gg_model::{DeploymentRequest, ThingName, TopicFilter};
use message::{Execution, Next, Notice, Topics};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What comes from the cloud waits here; more is dropped, since the next is asked for anyway.
const WAITING: usize = 16;

/// How long after something went wrong it is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Takes deployments from jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub(crate) clock: Clock,
    pub(crate) link: Link,
    pub(crate) queue: Queue,
    pub(crate) store: Store,
    pub(crate) thing: ThingName,
}

/// What came.
#[derive(Debug)]
enum Came {
    Notice(Notice),
    Next(Execution),
}

impl Jobs {
    /// Take deployments, and tell their jobs how they get on, until asked to stop.
    pub(crate) fn start(self, tasks: &Tasks, stop: CancellationToken) {
        let (this, telling, until) = (Arc::new(self), stop.clone(), stop);
        let teller = Arc::clone(&this);
        drop(tasks.spawn(async move { telling.run_until_cancelled(teller.tell()).await }));
        drop(tasks.spawn(async move { until.run_until_cancelled(this.serve()).await }));
    }

    async fn serve(&self) {
        let (came, mut coming) = mpsc::channel(WAITING);
        let mut link = self.link.watch();
        let (mut subscriptions, mut connections) = (None, 0);
        loop {
            let is_up = *link.borrow_and_update() == LinkState::Up;
            if is_up && subscriptions.is_none() {
                subscriptions = self.subscribe(&came).await;
            }
            let connected = self.link.counters().connections.total();
            // What was said while the link was down has gone by.
            if is_up && std::mem::replace(&mut connections, connected) != connected {
                self.ask().await;
            }
            let again = async {
                match is_up && subscriptions.is_none() {
                    true => tokio::time::sleep(AGAIN).await,
                    false => std::future::pending().await,
                }
            };
            let taken = tokio::select! {
                changed = link.changed() => if changed.is_err() { return } else { Ok(()) },
                () = again => { connections = 0; Ok(()) }
                Some(came) = coming.recv() => self.take(came).await,
            };
            if let Err(error) = taken {
                tracing::error!(%error, "a job of the cloud cannot be kept");
            }
        }
    }

    async fn subscribe(&self, came: &mpsc::Sender<Came>) -> Option<[LinkSubscription; 2]> {
        let topics = Topics::of(&self.thing);
        let notice =
            |payload: &[u8]| serde_json::from_slice(payload).map(|it| Some(Came::Notice(it)));
        let next = |payload: &[u8]| {
            serde_json::from_slice(payload).map(|Next { execution }| execution.map(Came::Next))
        };
        let noticed = self.listen(topics.notify(), came, notice).await?;
        let given = self.listen(format!("{}/accepted", topics.get_next()), came, next).await?;
        Some([noticed, given])
    }

    async fn listen(
        &self,
        topic: String,
        came: &mpsc::Sender<Came>,
        read: impl Fn(&[u8]) -> serde_json::Result<Option<Came>> + Send + Sync + 'static,
    ) -> Option<LinkSubscription> {
        let came = came.clone();
        let deliver: Deliver = Arc::new(move |publication| match read(&publication.payload) {
            Ok(Some(read)) => drop(came.try_send(read)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(topic = publication.topic, %error, "what the cloud says of jobs is not clear");
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

    /// Ask for the next job.
    async fn ask(&self) {
        let topic = Topics::of(&self.thing).get_next();
        let wanted = json!({"includeJobDocument": true}).to_string();
        self.publish(topic, wanted).await;
    }

    async fn publish(&self, topic: String, payload: String) -> bool {
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

    async fn take(&self, came: Came) -> Result<(), StoreError> {
        match came {
            Came::Notice(notice) => {
                for row in self.queue.list().await?.iter().filter(|row| !row.state.has_ended()) {
                    // What is not there any more is not wanted any more.
                    if job(row).is_some_and(|job| !notice.names(job)) {
                        let called_off = self.queue.cancel(&row.id).await?;
                        tracing::info!(
                            deployment = row.id,
                            called_off,
                            "the cloud has called it off"
                        );
                    }
                }
                if notice.has_queued() {
                    self.ask().await;
                }
            }
            Came::Next(execution) => self.enqueue(execution).await?,
        }
        Ok(())
    }

    async fn enqueue(&self, execution: Execution) -> Result<(), StoreError> {
        let source = format!("job/{}/{}", execution.job_id, execution.execution_number);
        let known = self.queue.list().await?;
        if let Some(known) = known.iter().find(|row| row.source == source) {
            // The cloud does not know how it ended: it lost what it was told, or will have it soon.
            if known.state.has_ended() {
                self.store.set_told(&known.id, "").await?;
                self.queue.has_changed();
            }
            return Ok(());
        }
        let document = execution.job_document.to_string();
        // What cannot be read is taken on as well, and fails with the reason.
        let (id, target) = match DeploymentRequest::parse(&document) {
            Ok(request) => (request.id().to_string(), request.group().to_string()),
            Err(_) => (execution.job_id.clone(), String::from("UNKNOWN")),
        };
        // A job may be carried out again, under the identity of its deployment.
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

    /// Tell each job how its deployment gets on, when it has another state than was told last. It is
    /// told once this is in the spool: from there it gets to the cloud.
    async fn tell(&self) {
        loop {
            let changed = self.queue.changed();
            match self.tell_all().await {
                Ok(true) => changed.await,
                Ok(false) => tokio::time::sleep(AGAIN).await,
                Err(error) => {
                    tracing::error!(%error, "it cannot be read what the cloud is to be told");
                    changed.await;
                }
            }
        }
    }

    async fn tell_all(&self) -> Result<bool, StoreError> {
        let topics = Topics::of(&self.thing);
        for row in self.queue.list().await?.iter().rev() {
            let Some(job) = job(row) else { continue };
            let Some(status) = message::status(row.state) else { continue };
            if row.told == status {
                continue;
            }
            let update = message::update(status, &Detail::from_json(&row.detail));
            if !self.publish(topics.update(job), update.to_string()).await {
                return Ok(false);
            }
            self.store.set_told(&row.id, status).await?;
        }
        Ok(true)
    }
}

/// The job that asked for a deployment.
fn job(row: &DeploymentRow) -> Option<&str> {
    row.source.strip_prefix("job/")?.rsplit_once('/').map(|(job, _)| job)
}
