//! Deployments to the device alone: its shadow `AWSManagedGreengrassV2Deployment` asks for the one that
//! there is, and is told how it gets on.

mod message;

use super::cloud::{Cloud, Source, start};
use crate::cloud::LinkSubscription;
use crate::deployment::outcome::Detail;
use crate::store::{DeploymentRow, DeploymentState, StoreError};
use crate::tasks::Tasks;
use gg_model::ThingName;
use message::{Shadow, Topics, Wish};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Takes deployments from the shadow.
#[derive(Debug)]
pub(crate) struct OfShadow {
    cloud: Cloud,
    topics: Topics,
}

impl OfShadow {
    /// Take deployments, and tell the shadow how they get on, until asked to stop.
    pub(crate) fn start(cloud: Cloud, thing: &ThingName, tasks: &Tasks, stop: CancellationToken) {
        start(Self { cloud, topics: Topics::of(thing) }, tasks, stop);
    }
}

impl Source for OfShadow {
    type Came = Wish;

    fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    async fn subscribe(&self, came: &mpsc::Sender<Wish>) -> Option<[LinkSubscription; 2]> {
        let read = |payload: &[u8]| serde_json::from_slice(payload).map(Shadow::wish);
        let got = format!("{}/accepted", self.topics.get());
        let updated = format!("{}/accepted", self.topics.update());
        let got = self.cloud.listen(got, came, read).await?;
        Some([got, self.cloud.listen(updated, came, read).await?])
    }

    async fn ask(&self) {
        self.cloud.publish(self.topics.get(), String::new()).await;
    }

    async fn take(&self, wish: Wish) -> Result<(), StoreError> {
        match wish {
            Wish::Deploy { arn, document } => {
                self.cloud.enqueue(format!("shadow/{arn}"), &arn, document).await
            }
            Wish::CallOff(arn) => {
                let rows = self.cloud.queue.list().await?;
                match rows.iter().find(|row| asked_by(row) == Some(&arn)) {
                    Some(row) if !row.state.has_ended() => self.cloud.call_off(row).await,
                    _ => Ok(()),
                }
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
        Some((self.topics.update(), message::update(asked_by(row)?, status, detail)))
    }
}

/// The ARN of the deployment that the shadow asked for.
fn asked_by(row: &DeploymentRow) -> Option<&str> {
    row.source.strip_prefix("shadow/")
}
