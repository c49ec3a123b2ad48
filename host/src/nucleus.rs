//! Builds every part, starts them in order and drains them in reverse: the only place that knows
//! how the parts fit together.

use crate::capability::Capabilities;
use crate::capability::caller::Caller;
use crate::capability::configuration::Configuration;
use crate::capability::keyvalue::KeyValue;
use crate::capability::lifecycle::{LifecycleControl, Request};
use crate::capability::pubsub::PubSub;
use crate::clock::Clock;
use crate::component::InstalledComponent;
use crate::deployment::execute::{DeployError, execute};
use crate::deployment::parts::Parts;
use crate::deployment::{Deployment, DesiredComponent};
use crate::logs::{self, Level, LogSink, Record};
use crate::runtime::wasm::{EngineConfig, WasmEngine, WasmRuntime};
use crate::supervisor::{ComponentStatus, Runtimes, Supervisor, Treatment};
use crate::tasks::Tasks;
use anyhow::Context as _;
use gg_model::{AccessPolicy, ComponentName, ComponentVersion, Limits, ThingName};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What a nucleus is started with.
#[derive(Clone, Debug)]
pub struct NucleusConfig {
    /// The core device's name.
    pub thing: ThingName,
    /// The engine's settings.
    pub engine: EngineConfig,
    /// Threads for guests; one for each processor when `None`.
    pub guest_threads: Option<NonZeroUsize>,
    /// Log records below this level are not kept.
    pub least_level: Level,
    /// How components are treated that fail.
    pub treatment: Treatment,
    /// Where crashes leave core dumps, if anywhere.
    pub core_dumps: Option<PathBuf>,
    /// The time of day.
    pub clock: Clock,
}

/// The running whole.
#[derive(Debug)]
pub struct Nucleus {
    parts: Parts,
    /// The operator as a caller.
    operator: Caller,
    running: BTreeMap<ComponentName, ComponentVersion>,
    tasks: Tasks,
}

impl Nucleus {
    /// Start, with no component. Gives what the components will say beside it.
    ///
    /// # Errors
    /// The engine or a thread cannot be started.
    pub fn start(config: NucleusConfig) -> anyhow::Result<(Self, mpsc::Receiver<Record>)> {
        let (records, said) = mpsc::channel(logs::QUEUE);
        let tasks = Tasks::new(config.guest_threads).context("cannot start the guests' threads")?;
        let (lifecycle, requests) = LifecycleControl::new();
        let pubsub = PubSub::default();
        let capabilities = Capabilities {
            configuration: Configuration::new(config.clock.clone()),
            keyvalue: KeyValue::default(),
            lifecycle,
            pubsub: pubsub.clone(),
        };
        let engine =
            Arc::new(WasmEngine::new(&config.engine).context("cannot start the wasm engine")?);
        let wasm = WasmRuntime::new(
            engine,
            tasks.clone(),
            capabilities.clone(),
            config.clock.clone(),
            config.core_dumps,
        );
        let supervisor = Supervisor::new(Runtimes { wasm: Arc::new(wasm) }, tasks.clone(), pubsub);
        let operator = operator(&config.thing)?;
        tasks.spawn(pass_on(requests, supervisor.clone(), operator.stop().clone()));
        let parts = Parts {
            supervisor,
            capabilities,
            clock: config.clock,
            least_level: config.least_level,
            records,
            thing: config.thing,
            treatment: config.treatment,
        };
        Ok((Self { parts, operator, running: BTreeMap::new(), tasks }, said))
    }

    /// Make the components of a deployment run.
    ///
    /// # Errors
    /// Before anything running was touched.
    pub async fn deploy(&mut self, deployment: &Deployment) -> Result<(), DeployError> {
        execute(&self.parts, &self.running, deployment).await?;
        self.running = deployment
            .components
            .iter()
            .map(|desired| (desired.component.name.clone(), desired.component.version.clone()))
            .collect();
        Ok(())
    }

    /// Run a component anew from its files, in place of the instance that runs.
    ///
    /// # Errors
    /// The new one cannot run; the old one goes on.
    pub async fn reload(
        &self,
        desired: &DesiredComponent,
        deadline: Duration,
    ) -> Result<(), DeployError> {
        let component = &desired.component;
        let supervisor = &self.parts.supervisor;
        let prepared =
            supervisor.prepare(component, &self.parts.log(component)).await.map_err(|failure| {
                DeployError::Prepare { component: component.name.clone(), failure }
            })?;
        supervisor.replace(&component.name, prepared, deadline).await;
        Ok(())
    }

    /// How a component stands, now and from now on.
    pub fn status(&self, name: &ComponentName) -> Option<watch::Receiver<ComponentStatus>> {
        self.parts.supervisor.status(name)
    }

    /// The local topics, for the operator's own use.
    pub fn pubsub(&self) -> &PubSub {
        &self.parts.capabilities.pubsub
    }

    /// The operator as a caller, who may publish and subscribe to everything until the end.
    pub fn operator(&self) -> &Caller {
        &self.operator
    }

    /// What the host says about a component goes here.
    pub fn log(&self, component: &InstalledComponent) -> LogSink {
        self.parts.log(component)
    }

    /// Spawns the operator's tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Where records go.
    pub fn records(&self) -> mpsc::Sender<Record> {
        self.parts.records.clone()
    }

    /// Stop all components, each within the deadline, and end.
    pub async fn drain(self, deadline: Duration) {
        let Self { parts, operator, tasks, .. } = self;
        parts.supervisor.stop_all(deadline).await;
        operator.ask_to_stop();
        // The workers end when nobody can ask them any more.
        parts.supervisor.close();
        tasks.finish().await;
    }
}

fn operator(thing: &ThingName) -> anyhow::Result<Caller> {
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*")?;
    let limits = Limits { subscriptions: 1000, ..Limits::default() };
    Ok(Caller::new("gg-host".parse()?, ComponentVersion::ZERO, thing.clone(), policy, limits))
}

/// Carry what components report to the supervisor.
async fn pass_on(
    mut requests: mpsc::Receiver<Request>,
    supervisor: Supervisor,
    stop: CancellationToken,
) {
    loop {
        let request = tokio::select! {
            request = requests.recv() => request,
            () = stop.cancelled() => return,
        };
        match request {
            Some(Request::UpdateState { component, state }) => {
                supervisor.report(&component, state).await;
            }
            None => return,
        }
    }
}
