//! What the control plane knows and does, in no protocol's words: a file or folder a noun, with
//! functions over a transaction that give a value or a [`Refusal`].

pub mod attributes;
pub mod buckets;
pub mod certificates;
pub mod components;
pub mod connections;
pub mod cores;
pub mod deployments;
pub mod endpoint;
pub mod enrolment;
pub mod groups;
pub mod identity;
pub mod jobs;
pub mod keys;
mod names;
pub mod objects;
pub mod page;
mod place;
pub mod policies;
pub mod principals;
pub mod provisioning;
pub mod references;
mod refusal;
pub mod reserved;
pub mod role_aliases;
pub mod secrets;
pub mod sessions;
pub mod shadows;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod thing_types;
pub mod things;
pub mod uploads;

pub use attributes::Attributes;
pub use identity::{Identity, identify};
pub use keys::{AccessKey, Caller, Secret};
pub use page::{Page, Paging};
pub use place::{Place, PlaceError};
pub use refusal::{Kind, Refusal, Resource};

use crate::artifacts::Artifacts;
use crate::clock::Clock;
use crate::pki::Authority;
use crate::state::{Rows, State, Transaction};
use crate::tasks::Tasks;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks for what nobody refers to.
const BETWEEN_TIDYING: Duration = Duration::from_secs(60);

/// Between two looks for jobs that time has come for.
const BETWEEN_STEPS: Duration = Duration::from_secs(1);

/// All of it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Rows.
    pub state: Arc<dyn State>,
    /// Files.
    pub artifacts: Artifacts,
    /// Whom devices trust, and who signs their certificates.
    pub authority: Arc<Authority>,
    /// What secrets are sealed with.
    pub vault: Arc<secrets::Vault>,
    /// Where this is.
    pub place: Place,
    /// The time.
    pub clock: Clock,
    /// What spawns.
    pub tasks: Tasks,
}

impl Registry {
    /// Look at the state, on a thread that may block.
    ///
    /// # Errors
    /// The work's, or the state's.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Rows) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let state = Arc::clone(&self.state);
        self.blocking(move || work(state.snapshot()?.as_ref())).await
    }

    /// Change the state, on a thread that may block. What is changed lasts if the work succeeds.
    ///
    /// # Errors
    /// The work's, or the state's.
    pub async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let state = Arc::clone(&self.state);
        self.blocking(move || state.change(work)).await
    }

    /// Remove now and then what nobody refers to and what is deleted for good, until the tasks are told to stop.
    pub async fn tidy(self) {
        loop {
            let (artifacts, place) = (self.artifacts.clone(), self.place.clone());
            let now = self.clock.now();
            let collect = move |rows: &mut dyn Transaction| {
                let more = secrets::expire(rows, &place, now)? | provisioning::expire(rows, now)?;
                Ok(references::collect(rows, &artifacts)? | more)
            };
            let more = self.change(collect).await.unwrap_or_default();
            let pause = if more { Duration::ZERO } else { BETWEEN_TIDYING };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.tasks.stopped() => return,
            }
        }
    }

    /// Go on with jobs as time goes by and as there are things to be told, until the tasks are told to stop.
    pub async fn go_on(self) {
        let mut to_be_told = self.state.watch(jobs::TO_BE_TOLD);
        loop {
            to_be_told.mark_unchanged();
            let now = self.clock.now();
            let step = move |tx: &mut dyn Transaction| {
                jobs::roll(tx, now)?;
                Ok(jobs::expire(tx, now)? | jobs::spread(tx, now)?)
            };
            let more = self.change(step).await.unwrap_or_default();
            let pause = if more { Duration::ZERO } else { BETWEEN_STEPS };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = to_be_told.changed() => {}
                () = self.tasks.stopped() => return,
            }
        }
    }

    /// Do work on a thread that may block. It is done even if nobody waits for it any more.
    ///
    /// # Errors
    /// The work's.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = self.tasks.spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(Refusal::internal(&error)))
    }
}
