//! What a container uses, and how it is halted: through the engine, which is asked only then.

use super::engine::{Engine, explain, refused_with};
use crate::metrics::Usage;
use crate::runtime::{BoxFuture, Hold, PauseError};
use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt as _;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A container that was started. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct ContainerHold {
    engine: Engine,
    /// Its number, once the engine has made it.
    id: Arc<OnceLock<String>>,
    paused: Arc<AtomicBool>,
}

impl ContainerHold {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, id: Arc::default(), paused: Arc::default() }
    }

    /// This is the container.
    pub(super) fn set(&self, id: &str) {
        let _once = self.id.set(id.to_owned());
    }

    /// Let it go on if it is halted, so that it can end.
    pub(super) async fn wake(&self) {
        if self.is_paused()
            && let Err(error) = self.set_paused(false).await
        {
            tracing::warn!(%error, "a container that is to end stays paused");
        }
    }

    async fn ask(&self) -> Option<ContainerStatsResponse> {
        let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
        let mut answers = pin!(self.engine.api.stats(self.id.get()?, Some(options)));
        answers.next().await?.ok()
    }
}

impl Hold for ContainerHold {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(async {
            let Some(stats) = self.ask().await else { return Usage::default() };
            let cpu = stats.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage);
            Usage {
                memory: stats.memory_stats.and_then(|memory| memory.usage),
                cpu: cpu.map(Duration::from_nanos),
                processes: stats.pids_stats.and_then(|pids| pids.current),
            }
        })
    }

    fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    fn set_paused(&self, paused: bool) -> BoxFuture<'_, Result<(), PauseError>> {
        Box::pin(async move {
            let id = self.id.get().ok_or(PauseError::NotRunning)?;
            let done = match paused {
                true => self.engine.api.pause_container(id).await,
                false => self.engine.api.unpause_container(id).await,
            };
            match done {
                Ok(()) => {}
                Err(error) if refused_with(&error) == Some(404) => {
                    return Err(PauseError::NotRunning);
                }
                Err(error) => return Err(PauseError::Failed(explain(&error))),
            }
            self.paused.store(paused, Ordering::SeqCst);
            Ok(())
        })
    }
}
