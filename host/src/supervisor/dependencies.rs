//! What a component waits for before it runs, and cannot run without: its hard dependencies.

use super::ComponentStatus;
use futures_util::future::select_all;
use gg_model::ComponentName;
use tokio::sync::watch;

/// A component's hard dependencies, as far as they are on this device.
#[derive(Debug, Default)]
pub(super) struct Dependencies(Vec<Dependency>);

#[derive(Debug)]
struct Dependency {
    name: ComponentName,
    status: watch::Receiver<ComponentStatus>,
    /// It is not on this device any more.
    gone: bool,
    /// How often it had been started when the component itself was.
    started: u64,
}

impl Dependencies {
    pub(super) fn new(
        them: impl IntoIterator<Item = (ComponentName, watch::Receiver<ComponentStatus>)>,
    ) -> Self {
        let one = |(name, status)| Dependency { name, status, gone: false, started: 0 };
        Self(them.into_iter().map(one).collect())
    }

    /// The first that is not up.
    pub(super) fn missing(&self) -> Option<&ComponentName> {
        let ready = |one: &&Dependency| !one.gone && one.status.borrow().state.is_ready();
        self.0.iter().find(|one| !ready(one)).map(|one| &one.name)
    }

    /// Remember how they stand, as the component itself is started.
    pub(super) fn remember(&mut self) {
        for one in &mut self.0 {
            one.started = one.status.borrow().starts;
        }
    }

    /// The first that is not up, or not what it was when the component itself was started.
    pub(super) fn lost(&self) -> Option<&ComponentName> {
        let again = |one: &&Dependency| one.status.borrow().starts != one.started;
        self.missing().or_else(|| self.0.iter().find(again).map(|one| &one.name))
    }

    /// Wait until one of them stands differently, or is gone.
    pub(super) async fn changed(&mut self) {
        let mut present: Vec<&mut Dependency> = self.0.iter_mut().filter(|one| !one.gone).collect();
        if present.is_empty() {
            std::future::pending::<()>().await;
        }
        let changes = present.iter_mut().map(|one| Box::pin(one.status.changed()));
        let (change, index, others) = select_all(changes).await;
        drop(others);
        if change.is_err() {
            present[index].gone = true;
        }
    }
}
