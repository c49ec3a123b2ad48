//! The nucleus itself, for those who look after it: what is measured, and how much is logged. Not in
//! Greengrass.

pub(crate) mod ipc;
#[cfg(test)]
mod tests;

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use crate::logs::Level;
use crate::metrics::Figures;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the nucleus.
const QUEUE: usize = 32;

/// What is asked of the nucleus.
#[derive(Debug)]
pub enum Request {
    /// Tell the level from which on logs are kept.
    LogLevel {
        /// What it is to be from now on, if it is to change.
        change: Option<Level>,
        /// What it is now.
        answer: oneshot::Sender<Level>,
    },
    /// Look at everything that is measured.
    Metrics {
        /// It.
        answer: oneshot::Sender<Figures>,
    },
}

/// Carries requests to the nucleus. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HostControl {
    requests: mpsc::Sender<Request>,
}

impl HostControl {
    /// The capability, and the end that the nucleus reads.
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests }, receiver)
    }

    /// The level from which on logs are kept.
    ///
    /// # Errors
    /// Unauthorized; the nucleus does not answer.
    pub async fn log_level(&self, caller: &Caller) -> Result<Level> {
        caller.authorize(Operation::GetLogLevel, "*")?;
        self.ask(|answer| Request::LogLevel { change: None, answer }).await
    }

    /// Change the level from which on logs are kept, until the nucleus ends.
    ///
    /// # Errors
    /// As of [`HostControl::log_level`].
    pub async fn set_log_level(&self, caller: &Caller, level: Level) -> Result<()> {
        caller.authorize(Operation::SetLogLevel, "*")?;
        self.ask(|answer| Request::LogLevel { change: Some(level), answer }).await.map(drop)
    }

    /// Everything that is measured.
    ///
    /// # Errors
    /// As of [`HostControl::log_level`].
    pub async fn metrics(&self, caller: &Caller) -> Result<Figures> {
        caller.authorize(Operation::GetMetrics, "*")?;
        self.ask(|answer| Request::Metrics { answer }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let silent = || Error::unavailable("the nucleus does not answer that now");
        self.requests.try_send(request(answer)).map_err(|_| silent())?;
        answered.await.map_err(|_| silent())
    }
}
