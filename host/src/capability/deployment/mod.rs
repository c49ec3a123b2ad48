//! Local deployments, as components may ask for them. The queue of deployments carries them out.

pub(crate) mod ipc;
#[cfg(test)]
mod tests;

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use crate::store::{DeploymentRow, Store};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the queue of deployments.
pub const QUEUE: usize = 32;

/// What components ask of the queue of deployments.
#[derive(Debug)]
pub enum Request {
    /// Call a deployment off.
    Cancel {
        /// Its identity.
        id: String,
        /// Whether it could be.
        answer: oneshot::Sender<Result<bool>>,
    },
    /// Ask for a deployment.
    Submit {
        /// A local deployment request, as JSON.
        document: Value,
        /// Its identity, once it is kept.
        answer: oneshot::Sender<Result<String>>,
    },
}

/// The device's local deployments. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalDeployments {
    requests: mpsc::Sender<Request>,
    /// Where they are kept; nowhere in a run.
    store: Option<Store>,
}

impl LocalDeployments {
    /// The capability, and the end that the queue of deployments reads.
    pub fn new(store: Option<Store>) -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests, store }, receiver)
    }

    /// Ask for a deployment; gives its identity, once it is kept.
    ///
    /// # Errors
    /// Unauthorized; a request that is none; nothing is deployed here.
    pub async fn create(&self, caller: &Caller, document: Value) -> Result<String> {
        caller.authorize(Operation::CreateLocalDeployment, "*")?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Submit { document, answer })?;
        answered.await.map_err(|_| ends())?
    }

    /// Call a deployment off; `false`: it is over already.
    ///
    /// # Errors
    /// Unauthorized; no such deployment.
    pub async fn cancel(&self, caller: &Caller, id: &str) -> Result<bool> {
        caller.authorize(Operation::CancelLocalDeployment, "*")?;
        let _there = self.find(id).await?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Cancel { id: id.to_owned(), answer })?;
        answered.await.map_err(|_| ends())?
    }

    /// How a deployment stands.
    ///
    /// # Errors
    /// Unauthorized; no such deployment.
    pub async fn status(&self, caller: &Caller, id: &str) -> Result<DeploymentRow> {
        caller.authorize(Operation::GetLocalDeploymentStatus, id)?;
        self.find(id).await
    }

    /// All that are remembered, the newest first.
    ///
    /// # Errors
    /// Unauthorized; the store cannot be read.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<DeploymentRow>> {
        caller.authorize(Operation::ListLocalDeployments, "*")?;
        self.rows().await
    }

    async fn find(&self, id: &str) -> Result<DeploymentRow> {
        let rows = self.rows().await?;
        rows.into_iter().find(|row| row.id == id).ok_or_else(|| match is_uuid(id) {
            true => Error::not_found(format!("no deployment {id} is remembered")),
            false => Error::invalid("the identity of a deployment is a UUID"),
        })
    }

    async fn rows(&self) -> Result<Vec<DeploymentRow>> {
        match &self.store {
            None => Ok(Vec::new()),
            Some(store) => store.deployments().await.map_err(|error| {
                Error::unavailable(format!("the deployments cannot be read: {error}"))
            }),
        }
    }

    fn send(&self, request: Request) -> Result<()> {
        self.requests.try_send(request).map_err(|error| {
            Error::unavailable(match error {
                mpsc::error::TrySendError::Closed(_) => "nothing is deployed here",
                mpsc::error::TrySendError::Full(_) => "too many deployments are asked for",
            })
        })
    }
}

/// `8-4-4-4-12` hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, '-').collect();
    let lengths = parts.iter().map(|part| part.len());
    lengths.eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn ends() -> Error {
    Error::unavailable("the nucleus ends")
}
