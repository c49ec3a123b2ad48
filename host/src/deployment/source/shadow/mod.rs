//! Deployments to the device alone: its shadow `AWSManagedGreengrassV2Deployment` asks for the one that
//! there is, and is told how it gets on.

mod message;

use super::cloud::{Cloud, Source, serve};
use crate::cloud::LinkSubscription;
use crate::store::{DeploymentRow, StoreError};
use crate::tasks::Tasks;
use gg_model::ThingName;
use message::{Shadow, Topics, Wish};
use std::sync::Arc;
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
        let this = Arc::new(Self { cloud, topics: Topics::of(thing) });
        let (teller, telling) = (Arc::clone(&this), stop.clone());
        drop(tasks.spawn(async move { telling.run_until_cancelled(teller.tell()).await }));
        drop(tasks.spawn(async move { stop.run_until_cancelled(serve(&*this)).await }));
    }

    async fn tell(&self) {
        let message = |row: &DeploymentRow, status: &str, detail: &_| {
            let arn = asked_by(row)?;
            Some((self.topics.update(), message::update(arn, status, detail)))
        };
        self.cloud.tell(message::status, message).await;
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
}

/// The ARN of the deployment that the shadow asked for.
fn asked_by(row: &DeploymentRow) -> Option<&str> {
    row.source.strip_prefix("shadow/")
}
