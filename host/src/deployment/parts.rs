//! The parts of the host that a deployment works with.

use super::DesiredComponent;
use crate::capability::Capabilities;
use crate::capability::caller::Caller;
use crate::clock::Clock;
use crate::component::InstalledComponent;
use crate::logs::{LeastLevel, LogSink, Record};
use crate::metrics::Registry;
use crate::runtime::Prepared;
use crate::supervisor::{Successor, Supervisor, Treatment};
use gg_model::ThingName;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use tokio::sync::mpsc;

/// What carries a deployment out.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Keeps the components.
    pub(crate) supervisor: Supervisor,
    pub(crate) capabilities: Capabilities,
    pub(crate) clock: Clock,
    /// Counts what components do.
    pub(crate) counters: Registry,
    pub(crate) least_level: LeastLevel,
    pub(crate) records: mpsc::Sender<Record>,
    pub(crate) thing: ThingName,
    pub(crate) treatment: Treatment,
}

impl Parts {
    /// Where a component's records go.
    pub(crate) fn log(&self, component: &InstalledComponent) -> LogSink {
        LogSink::counted(
            component.name.clone(),
            self.least_level.clone(),
            &component.limits,
            self.clock.clone(),
            self.records.clone(),
            self.counters.of(&component.name),
        )
    }

    /// Make the folder of a component's own.
    pub(crate) fn make_work_folder(&self, desired: &DesiredComponent) {
        let name = &desired.component.name;
        if let Err(error) =
            DirBuilder::new().recursive(true).mode(0o700).create(&desired.component.work)
        {
            tracing::warn!(component = %name, %error, "its work folder cannot be made");
        }
    }

    /// A component as the capabilities know it.
    pub(crate) fn caller(&self, desired: &DesiredComponent) -> Caller {
        let component = &desired.component;
        Caller::new(
            component.name.clone(),
            component.version.clone(),
            self.thing.clone(),
            component.policy.clone(),
            component.limits,
        )
    }

    /// Hand a component to the supervisor.
    pub(crate) fn install(
        &self,
        desired: &DesiredComponent,
        prepared: Box<dyn Prepared>,
        install: bool,
    ) {
        let successor = Successor { caller: self.caller(desired), prepared, install };
        self.supervisor.install(successor, self.log(&desired.component), self.treatment);
    }
}
