//! Local deployments, as components may ask for them. The queue of deployments carries them out.

pub(crate) mod ipc;
#[cfg(test)]
mod tests;

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use crate::store::{DeploymentRow, Store};
use gg_model::ComponentName;
use serde_json::Value;
use std::collections::BTreeMap;
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
    /// Tell how a deployment gets on, until it is over or nobody listens.
    Follow {
        /// Its identity.
        id: String,
        /// Who listens.
        events: mpsc::Sender<Event>,
    },
    /// Say what a deployment would do.
    Plan {
        /// A local deployment request, as JSON.
        document: Value,
        /// What it would do.
        answer: oneshot::Sender<Result<Vec<Planned>>>,
    },
    /// Ask for a deployment.
    Submit {
        /// A local deployment request, as JSON.
        document: Value,
        /// Its identity, once it is kept.
        answer: oneshot::Sender<Result<String>>,
    },
}

/// How a deployment gets on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It is over.
    Ended(DeploymentRow),
    /// What was begun last with each component, in a word.
    Progress(BTreeMap<ComponentName, String>),
}

/// What a deployment would do with a component.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// Which component.
    pub component: ComponentName,
    /// What, in a word.
    pub step: String,
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

    /// What a deployment would do.
    ///
    /// # Errors
    /// Unauthorized; a request that is none, or cannot be fulfilled; nothing is deployed here.
    pub async fn plan(&self, caller: &Caller, document: Value) -> Result<Vec<Planned>> {
        caller.authorize(Operation::PlanLocalDeployment, "*")?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Plan { document, answer })?;
        answered.await.map_err(|_| ends())?
    }

    /// Hear how a deployment gets on, up to its end.
    ///
    /// # Errors
    /// Unauthorized; no such deployment.
    pub async fn follow(&self, caller: &Caller, id: &str) -> Result<mpsc::Receiver<Event>> {
        caller.authorize(Operation::SubscribeToLocalDeploymentStatus, id)?;
        let _there = self.find(id).await?;
        let (events, heard) = mpsc::channel(1);
        self.send(Request::Follow { id: id.to_owned(), events })?;
        Ok(heard)
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
