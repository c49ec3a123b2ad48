//! Keeps components as desired: one task each ([`worker`]), which asks the pure [`machine`] what
//! to do next.

pub mod machine;
pub mod order;
mod worker;

use crate::capability::caller::Caller;
use crate::capability::lifecycle::ReportedState;
use crate::capability::pubsub::PubSub;
use crate::component::InstalledComponent;
use crate::logs::LogSink;
use crate::runtime::unsupported::Unsupported;
use crate::runtime::{Activity, Exit, Failure, Prepared, Runtime};
use crate::tasks::Tasks;
use gg_model::{ComponentName, RuntimeKind};
use machine::LifecycleState;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Requests that wait for one component's worker.
const QUEUE: usize = 16;

/// Everything that can be asked of a component.
#[derive(Debug)]
pub enum Command {
    /// It says how it stands.
    Report(ReportedState),
    /// Run another version in its place, losing no message on the way.
    Replace {
        /// What to run, ready to start.
        prepared: Box<dyn Prepared>,
        /// How long the one before may take to end.
        deadline: Duration,
    },
    /// Start it; answered when it is up, or over.
    Start(oneshot::Sender<LifecycleState>),
    /// Stop it; answered when it is over.
    Stop {
        /// How long it may take.
        deadline: Duration,
        /// Told at the end.
        stopped: oneshot::Sender<()>,
    },
}

/// How a component stands, for others to see.
#[derive(Clone, Debug)]
pub struct ComponentStatus {
    /// Its state.
    pub state: LifecycleState,
    /// How it ended last.
    pub exit: Option<Exit>,
    /// Its work, while it runs and waits to be called.
    pub activity: Option<Activity>,
}

/// How a supervised component is treated.
#[derive(Clone, Copy, Debug)]
pub struct Treatment {
    /// Errors in a row after which it is broken.
    pub most_errors: u32,
}

/// What executes each kind of component.
#[derive(Clone, Debug)]
pub struct Runtimes {
    /// The sandbox.
    pub wasm: Arc<dyn Runtime>,
}

impl Runtimes {
    fn of(&self, component: &InstalledComponent) -> Arc<dyn Runtime> {
        match component.runtime {
            RuntimeKind::Wasm => Arc::clone(&self.wasm),
            RuntimeKind::Docker | RuntimeKind::Process => Arc::new(Unsupported),
        }
    }
}

#[derive(Clone, Debug)]
struct Supervised {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<ComponentStatus>,
}

/// The components of this device. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Supervisor {
    components: Arc<Mutex<BTreeMap<ComponentName, Supervised>>>,
    runtimes: Runtimes,
    tasks: Tasks,
    pubsub: PubSub,
}

impl Supervisor {
    /// No component yet.
    pub fn new(runtimes: Runtimes, tasks: Tasks, pubsub: PubSub) -> Self {
        Self { components: Arc::default(), runtimes, tasks, pubsub }
    }

    /// Make a component ready to start: nothing that runs is touched.
    ///
    /// # Errors
    /// It cannot run, and why.
    pub async fn prepare(
        &self,
        component: &Arc<InstalledComponent>,
        log: &LogSink,
    ) -> Result<Box<dyn Prepared>, Failure> {
        self.runtimes.of(component).prepare(component, log).await
    }

    /// Take a component in; it is installed and does not run yet.
    pub fn install(
        &self,
        caller: Caller,
        prepared: Box<dyn Prepared>,
        log: LogSink,
        treatment: Treatment,
    ) {
        let (commands, receiver) = mpsc::channel(QUEUE);
        let name = caller.name().clone();
        let (worker, status) =
            worker::Worker::new(caller, prepared, log, treatment, self.pubsub.clone());
        self.tasks.spawn(worker.run(receiver));
        self.lock().insert(name, Supervised { commands, status });
    }

    /// Start a component and wait until it is up, or over.
    pub async fn start(&self, name: &ComponentName) -> Option<LifecycleState> {
        let (up, state) = oneshot::channel();
        self.find(name)?.commands.send(Command::Start(up)).await.ok()?;
        state.await.ok()
    }

    /// Run another version of a component.
    pub async fn replace(
        &self,
        name: &ComponentName,
        prepared: Box<dyn Prepared>,
        deadline: Duration,
    ) {
        if let Some(component) = self.find(name) {
            let _gone = component.commands.send(Command::Replace { prepared, deadline }).await;
        }
    }

    /// Ask a component to stop, and wait until it has.
    pub async fn stop(&self, name: &ComponentName, deadline: Duration) {
        let Some(component) = self.find(name) else { return };
        let (stopped, ended) = oneshot::channel();
        if component.commands.send(Command::Stop { deadline, stopped }).await.is_ok() {
            let _gone = ended.await;
        }
        self.lock().remove(name);
    }

    /// Ask every component to stop, all at once, and wait until they have.
    pub async fn stop_all(&self, deadline: Duration) {
        let mut stopping = Vec::new();
        let components: Vec<Supervised> = self.lock().values().cloned().collect();
        for component in components {
            let (stopped, ended) = oneshot::channel();
            if component.commands.send(Command::Stop { deadline, stopped }).await.is_ok() {
                stopping.push(ended);
            }
        }
        for ended in stopping {
            let _gone = ended.await;
        }
    }

    /// Let go of all components: nothing can be asked of them any more, and what still runs ends.
    pub fn close(&self) {
        self.lock().clear();
    }

    /// How a component stands, now and from now on.
    pub fn status(&self, name: &ComponentName) -> Option<watch::Receiver<ComponentStatus>> {
        Some(self.find(name)?.status)
    }

    /// Pass on what a component reports of itself.
    pub async fn report(&self, name: &ComponentName, state: ReportedState) {
        if let Some(component) = self.find(name) {
            let _gone = component.commands.send(Command::Report(state)).await;
        }
    }

    fn find(&self, name: &ComponentName) -> Option<Supervised> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ComponentName, Supervised>> {
        self.components.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
