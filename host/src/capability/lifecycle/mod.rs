//! What a component reports of itself, and what it may ask of the others' life. The supervisor
//! decides what follows.

pub(crate) mod ipc;
mod state;
#[cfg(test)]
mod tests;
mod updates;
pub mod wit;

pub use state::LifecycleState;
pub use updates::{Notice, Notices, Updates};

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use gg_model::{ComponentName, ComponentVersion};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the supervisor.
pub const QUEUE: usize = 256;

/// A state that a component can report (Greengrass IPC, UpdateState).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReportedState {
    /// It cannot do its work.
    Errored,
    /// It is up.
    Running,
}

/// What can be done with a component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// Halt it where it is.
    Pause,
    /// Stop it and start it again.
    Restart {
        /// It is done when the component is up again, or over.
        wait: bool,
    },
    /// Let it go on that was paused.
    Resume,
    /// Stop it.
    Stop {
        /// It is done when the component has stopped.
        wait: bool,
    },
}

impl Act {
    fn operation(self) -> Operation {
        match self {
            Self::Pause => Operation::PauseComponent,
            Self::Restart { .. } => Operation::RestartComponent,
            Self::Resume => Operation::ResumeComponent,
            Self::Stop { .. } => Operation::StopComponent,
        }
    }
}

/// What is known of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// Its name.
    pub name: ComponentName,
    /// Its version.
    pub version: ComponentVersion,
    /// Where it stands.
    pub state: LifecycleState,
    /// Its configuration.
    pub configuration: Value,
    /// Whether it is halted.
    pub paused: bool,
    /// How it ended last.
    pub last_exit: Option<LastExit>,
}

/// How a component ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LastExit {
    /// With which code.
    pub code: Option<i32>,
    /// Why, for people.
    pub reason: Option<String>,
}

/// What components ask of the supervisor.
#[derive(Debug)]
pub enum Request {
    /// Do something with a component. Answered when it is under way, or done if so asked.
    Act {
        /// What.
        act: Act,
        /// With which component.
        component: ComponentName,
        /// Whether it will be done, or was.
        answer: oneshot::Sender<Result<()>>,
    },
    /// Tell what is known of all components, or of one.
    Describe {
        /// Of which one; of all when `None`.
        component: Option<ComponentName>,
        /// What is known.
        answer: oneshot::Sender<Vec<Details>>,
    },
    /// A component reports its state.
    UpdateState {
        /// Which component.
        component: ComponentName,
        /// The state.
        state: ReportedState,
    },
}

/// Carries requests to the supervisor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LifecycleControl {
    requests: mpsc::Sender<Request>,
    updates: Updates,
}

impl LifecycleControl {
    /// The capability, and the end that the supervisor reads.
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests, updates: Updates::default() }, receiver)
    }

    /// Who is told of deployments.
    pub fn updates(&self) -> &Updates {
        &self.updates
    }

    /// Report the caller's own state.
    ///
    /// # Errors
    /// Unauthorized; too many requests wait already.
    pub fn update_state(&self, caller: &Caller, state: ReportedState) -> Result<()> {
        caller.authorize(Operation::UpdateState, caller.name().as_ref())?;
        self.send(Request::UpdateState { component: caller.name().clone(), state })
    }

    /// Do something with a component; done when it is under way, unless the act says more.
    ///
    /// # Errors
    /// Unauthorized; no such component; it cannot be done with this one, or was done in vain.
    pub async fn act(&self, caller: &Caller, act: Act, component: &str) -> Result<()> {
        caller.authorize(act.operation(), component)?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Act { act, component: named(component)?, answer })?;
        answered.await.map_err(|_| ends())?
    }

    /// What is known of all components.
    ///
    /// # Errors
    /// Unauthorized.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Details>> {
        caller.authorize(Operation::ListComponents, "*")?;
        self.describe(None).await
    }

    /// What is known of a component.
    ///
    /// # Errors
    /// Unauthorized; no such component.
    pub async fn details(&self, caller: &Caller, component: &str) -> Result<Details> {
        caller.authorize(Operation::GetComponentDetails, component)?;
        let name = named(component)?;
        self.describe(Some(name.clone())).await?.pop().ok_or_else(|| no_such_component(&name))
    }

    async fn describe(&self, component: Option<ComponentName>) -> Result<Vec<Details>> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Describe { component, answer })?;
        answered.await.map_err(|_| ends())
    }

    fn send(&self, request: Request) -> Result<()> {
        self.requests
            .try_send(request)
            .map_err(|_| Error::unavailable("too many lifecycle requests wait to be served"))
    }
}

/// The failure of those who name a component that is not there.
pub fn no_such_component(name: &ComponentName) -> Error {
    Error::not_found(format!("{name} is not on this device"))
}

fn named(component: &str) -> Result<ComponentName> {
    component.parse().map_err(|error| Error::invalid(format!("{error}")))
}

fn ends() -> Error {
    Error::unavailable("the nucleus ends")
}
