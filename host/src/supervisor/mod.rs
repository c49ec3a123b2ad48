//! Keeps components as desired: one task each ([`worker`]), which asks the pure [`machine`] what
//! to do next.

mod dependencies;
pub mod machine;
pub mod order;
mod worker;

pub use machine::Treatment;

use crate::capability::caller::Caller;
use crate::capability::lifecycle::ReportedState;
use crate::capability::pubsub::PubSub;
use crate::component::InstalledComponent;
use crate::logs::LogSink;
use crate::runtime::{Activity, Exit, Failure, Hold, PauseError, Prepared, Runtime};
use crate::tasks::Tasks;
use gg_model::{AccessPolicy, ComponentName, ComponentVersion, RuntimeKind};
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
    /// It needs these to be up.
    Depend(Vec<(ComponentName, watch::Receiver<ComponentStatus>)>),
    /// It says how it stands.
    Report(ReportedState),
    /// Run another version in its place, losing no message on the way where its runtime can.
    Replace {
        /// The other version.
        successor: Box<Successor>,
        /// How long the one before may take to end.
        deadline: Duration,
    },
    /// Start it; answered when it is up, or over.
    Start(oneshot::Sender<LifecycleState>),
    /// Stop it; answered when it is over.
    Stop {
        /// How long it may take.
        deadline: Duration,
        /// Whether it is removed from the device.
        uninstall: bool,
        /// Told at the end.
        stopped: oneshot::Sender<()>,
    },
}

/// A version of a component, ready to take its place.
#[derive(Debug)]
pub struct Successor {
    /// On whose behalf it runs.
    pub caller: Caller,
    /// What to run.
    pub prepared: Box<dyn Prepared>,
    /// Whether its step `install` is to be carried out.
    pub install: bool,
}

/// How a component stands, for others to see.
#[derive(Clone, Debug)]
pub struct ComponentStatus {
    /// Its version.
    pub version: ComponentVersion,
    /// What runs it.
    pub runtime: RuntimeKind,
    /// Its state.
    pub state: LifecycleState,
    /// How often it has been started.
    pub starts: u64,
    /// How often it failed.
    pub errors: u64,
    /// How it ended last.
    pub exit: Option<Exit>,
    /// What it had said last when it failed last.
    pub last_lines: Vec<String>,
    /// Its work, while it runs and waits to be called.
    pub activity: Option<Activity>,
    /// What it uses, while something of it runs.
    pub hold: Option<Arc<dyn Hold>>,
}

impl ComponentStatus {
    /// Whether it is halted.
    pub fn is_paused(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.is_paused())
    }
}

/// What executes each kind of component.
#[derive(Clone, Debug)]
pub struct Runtimes {
    /// Containers.
    pub docker: Arc<dyn Runtime>,
    /// Native processes.
    pub process: Arc<dyn Runtime>,
    /// The sandbox.
    pub wasm: Arc<dyn Runtime>,
}

impl Runtimes {
    fn of(&self, component: &InstalledComponent) -> Arc<dyn Runtime> {
        match component.runtime {
            RuntimeKind::Docker => Arc::clone(&self.docker),
            RuntimeKind::Process => Arc::clone(&self.process),
            RuntimeKind::Wasm => Arc::clone(&self.wasm),
        }
    }
}

#[derive(Clone, Debug)]
struct Supervised {
    /// The version that is here, or on its way.
    caller: Caller,
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
    /// Components have moved from one state to another so often.
    moves: watch::Sender<u64>,
}

impl Supervisor {
    /// No component yet.
    pub fn new(runtimes: Runtimes, tasks: Tasks, pubsub: PubSub) -> Self {
        let moves = watch::Sender::default();
        Self { components: Arc::default(), runtimes, tasks, pubsub, moves }
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

    /// Take a component in; it does not run yet.
    pub fn install(&self, successor: Successor, log: LogSink, treatment: Treatment) {
        let (commands, receiver) = mpsc::channel(QUEUE);
        let (name, caller) = (successor.caller.name().clone(), successor.caller.clone());
        let (worker, status) = {
            let (pubsub, moves) = (self.pubsub.clone(), self.moves.clone());
            worker::Worker::new(successor, log, treatment, pubsub, moves)
        };
        self.tasks.spawn(worker.run(receiver));
        self.lock().insert(name, Supervised { caller, commands, status });
    }

    /// Let a component run only while those it needs are up. Ones that are not here do not count.
    pub async fn depend(&self, name: &ComponentName, needed: &[ComponentName]) {
        let found =
            needed.iter().filter_map(|other| Some((other.clone(), self.find(other)?.status)));
        let found = found.collect();
        if let Some(component) = self.find(name) {
            let _gone = component.commands.send(Command::Depend(found)).await;
        }
    }

    /// Start a component and wait until it is up, or over.
    pub async fn start(&self, name: &ComponentName) -> Option<LifecycleState> {
        let (up, state) = oneshot::channel();
        self.find(name)?.commands.send(Command::Start(up)).await.ok()?;
        state.await.ok()
    }

    /// Run another version of a component.
    pub async fn replace(&self, name: &ComponentName, successor: Successor, deadline: Duration) {
        let caller = successor.caller.clone();
        let commands = match self.lock().get_mut(name) {
            None => return,
            Some(component) => {
                component.caller = caller;
                component.commands.clone()
            }
        };
        let successor = Box::new(successor);
        let _gone = commands.send(Command::Replace { successor, deadline }).await;
    }

    /// Change what a component may do, as it runs.
    pub fn set_policy(&self, name: &ComponentName, policy: &Arc<AccessPolicy>) {
        if let Some(component) = self.find(name) {
            component.caller.set_policy(Arc::clone(policy));
        }
    }

    /// Ask a component to stop, and wait until it has. It stays known.
    pub async fn stop(&self, name: &ComponentName, deadline: Duration) {
        self.end(name, deadline, false).await;
    }

    /// Halt a component that runs, or let it go on.
    ///
    /// # Errors
    /// It does not run, stands so already, or cannot be halted.
    pub async fn set_paused(&self, name: &ComponentName, paused: bool) -> Result<(), PauseError> {
        let component = self.find(name).ok_or(PauseError::NotRunning)?;
        let status = component.status.borrow().clone();
        let running = status.state == LifecycleState::Running;
        let hold = status.hold.filter(|_| running).ok_or(PauseError::NotRunning)?;
        match (hold.is_paused(), paused) {
            (true, true) => return Err(PauseError::Paused),
            (false, false) => return Err(PauseError::NotPaused),
            _ => {}
        }
        // Before it is, so that nobody expects anything of it meanwhile.
        component.caller.set_paused(true);
        let done = hold.set_paused(paused).await;
        component.caller.set_paused(hold.is_paused());
        done
    }

    /// Stop a component, carry out its step `uninstall`, and forget it.
    pub async fn remove(&self, name: &ComponentName, deadline: Duration) {
        self.end(name, deadline, true).await;
        self.lock().remove(name);
    }

    async fn end(&self, name: &ComponentName, deadline: Duration, uninstall: bool) {
        let Some(component) = self.find(name) else { return };
        let (stopped, ended) = oneshot::channel();
        if component.commands.send(Command::Stop { deadline, uninstall, stopped }).await.is_ok() {
            let _gone = ended.await;
        }
    }

    /// Ask every component to stop, all at once, and wait until they have.
    pub async fn stop_all(&self, deadline: Duration) {
        let mut stopping = Vec::new();
        let components: Vec<Supervised> = self.lock().values().cloned().collect();
        for component in components {
            let (stopped, ended) = oneshot::channel();
            if component
                .commands
                .send(Command::Stop { deadline, uninstall: false, stopped })
                .await
                .is_ok()
            {
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

    /// All components, and how they stand.
    pub fn statuses(&self) -> BTreeMap<ComponentName, ComponentStatus> {
        let components = self.lock();
        components
            .iter()
            .map(|(name, component)| (name.clone(), component.status.borrow().clone()))
            .collect()
    }

    /// Tells when components have moved from one state to another.
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.moves.subscribe()
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
