//! How far the devices of a fleet are.

use anyhow::{Context as _, Result, bail};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// What becomes of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// It is connected, has subscribed, and knows that nothing is before it.
    Ready,
    /// It was told of a job.
    Notified,
    /// It has the job's document.
    Given,
    /// That it has done the job was acknowledged.
    Succeeded,
}

/// When each device came to each stage.
#[derive(Debug)]
pub(crate) struct Board {
    devices: usize,
    stages: [Mutex<Vec<Instant>>; 4],
    failure: Mutex<Option<String>>,
    changed: watch::Sender<()>,
}

impl Board {
    /// Of so many devices.
    pub(crate) fn new(devices: usize) -> Self {
        let changed = watch::channel(()).0;
        Self { devices, stages: Default::default(), failure: Mutex::default(), changed }
    }

    /// A device has come to a stage.
    pub(crate) fn mark(&self, stage: Stage) {
        let now = Instant::now();
        let count = {
            let mut times =
                self.stages[stage as usize].lock().unwrap_or_else(PoisonError::into_inner);
            times.push(now);
            times.len()
        };
        if count >= self.devices {
            self.changed.send_replace(());
        }
    }

    /// A device cannot go on.
    pub(crate) fn fail(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.changed.send_replace(());
    }

    /// Wait until all have come to a stage.
    pub(crate) async fn all(&self, stage: Stage) -> Result<()> {
        let mut changed = self.changed.subscribe();
        loop {
            let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(failure) = failure {
                bail!("{failure}");
            }
            if self.count(stage) >= self.devices {
                return Ok(());
            }
            changed.changed().await.context("devices")?;
        }
    }

    fn count(&self, stage: Stage) -> usize {
        self.stages[stage as usize].lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The seconds from a moment until so many percent had come to a stage; 0 is the first.
    pub(crate) fn seconds(&self, stage: Stage, from: Instant, percent: f64) -> f64 {
        let times = self.stages[stage as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let seconds: Vec<f64> =
            times.iter().map(|time| time.saturating_duration_since(from).as_secs_f64()).collect();
        crate::common::report::percentile(&seconds, percent)
    }
}
