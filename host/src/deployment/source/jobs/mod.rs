//! Deployments to thing groups: each is a job of AWS IoT, which says when there is one, gives its
//! document, and wants to hear how it gets on.
//!
//! Nothing is remembered here. Whenever the link comes up, and whenever the cloud says that a job
//! waits, the next is asked for; the store knows those that are known already, and what their jobs
//! were told last.

mod message;

use super::cloud::{Cloud, Source, start};
use crate::cloud::LinkSubscription;
use crate::deployment::outcome::Detail;
use crate::store::{DeploymentRow, DeploymentState, StoreError};
use crate::tasks::Tasks;
use gg_model::ThingName;
use message::{Execution, Next, Notice, Topics};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Takes deployments from jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    cloud: Cloud,
    topics: Topics,
}

/// What came.
#[derive(Debug)]
pub(in crate::deployment::source) enum Came {
    Notice(Notice),
    Next(Execution),
}

impl Jobs {
    /// Take deployments, and tell their jobs how they get on, until asked to stop.
    pub(crate) fn start(cloud: Cloud, thing: &ThingName, tasks: &Tasks, stop: CancellationToken) {
        start(Self { cloud, topics: Topics::of(thing) }, tasks, stop);
    }
}

impl Source for Jobs {
    type Came = Came;

    fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    async fn subscribe(&self, came: &mpsc::Sender<Came>) -> Option<[LinkSubscription; 2]> {
        let notice = |payload: &[u8]| {
            serde_json::from_slice(payload).map(|notice| Some(Came::Notice(notice)))
        };
        let next = |payload: &[u8]| {
            serde_json::from_slice(payload).map(|Next { execution }| execution.map(Came::Next))
        };
        let noticed = self.cloud.listen(self.topics.notify(), came, notice).await?;
        let accepted = format!("{}/accepted", self.topics.get_next());
        Some([noticed, self.cloud.listen(accepted, came, next).await?])
    }

    /// Ask for the next job.
    async fn ask(&self) {
        let wanted = json!({"includeJobDocument": true}).to_string();
        self.cloud.publish(self.topics.get_next(), wanted).await;
    }

    async fn take(&self, came: Came) -> Result<(), StoreError> {
        match came {
            Came::Notice(notice) => {
                let rows = self.cloud.queue.list().await?;
                for row in rows.iter().filter(|row| !row.state.has_ended()) {
                    // What is not there any more is not wanted any more.
                    if job(row).is_some_and(|job| !notice.names(job)) {
                        self.cloud.call_off(row).await?;
                    }
                }
                if notice.has_queued() {
                    self.ask().await;
                }
                Ok(())
            }
            Came::Next(Execution { job_id, execution_number, job_document }) => {
                let source = format!("job/{job_id}/{execution_number}");
                self.cloud.enqueue(source, &job_id, job_document.to_string()).await
            }
        }
    }

    fn status(state: DeploymentState) -> Option<&'static str> {
        message::status(state)
    }

    fn message(
        &self,
        row: &DeploymentRow,
        status: &str,
        detail: &Detail,
    ) -> Option<(String, Value)> {
        Some((self.topics.update(job(row)?), message::update(status, detail)))
    }
}

/// The job that asked for a deployment.
fn job(row: &DeploymentRow) -> Option<&str> {
    row.source.strip_prefix("job/")?.rsplit_once('/').map(|(job, _)| job)
}
