//! What a component reports of itself. The supervisor decides what follows.

#[cfg(test)]
mod tests;
pub mod wit;

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use gg_model::ComponentName;
use tokio::sync::mpsc;

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

/// What components ask of the supervisor.
#[derive(Debug)]
pub enum Request {
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
}

impl LifecycleControl {
    /// The capability, and the end that the supervisor reads.
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests }, receiver)
    }

    /// Report the caller's own state.
    ///
    /// # Errors
    /// Unauthorized; too many requests wait already.
    pub fn update_state(&self, caller: &Caller, state: ReportedState) -> Result<()> {
        caller.authorize(Operation::UpdateState, caller.name().as_ref())?;
        let request = Request::UpdateState { component: caller.name().clone(), state };
        self.requests
            .try_send(request)
            .map_err(|_| Error::unavailable("too many lifecycle requests wait to be served"))
    }
}
