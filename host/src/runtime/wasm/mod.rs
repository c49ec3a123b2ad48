//! The sandbox: WASI components on wasmtime.
//!
//! [`engine`] loads and links, [`guest`] makes an instance with its grants and limits, [`service`]
//! and [`handler`] run one, [`report`] explains a crash.

#[doc(hidden)]
pub mod bench;
mod cache;
mod clocks;
pub mod engine;
mod epoch;
mod guest;
mod handler;
mod hold;
pub mod imports;
pub mod inspect;
mod limiter;
mod linker;
pub mod load;
mod meter;
mod report;
mod service;
mod stdio;
#[cfg(test)]
mod tests;

pub use engine::{EngineConfig, WasmEngine};

use super::{Activity, BoxFuture, Exit, Failure, Prepared, Running, Runtime, Status};
use crate::capability::Capabilities;
use crate::capability::caller::Caller;
use crate::capability::logging::Logging;
use crate::clock::Clock;
use crate::component::InstalledComponent;
use crate::logs::{Level, LogSink};
use crate::tasks::Tasks;
use engine::{Entry, Loaded};
use gg_model::RuntimeKind;
use guest::{Guest, Surroundings};
use hold::WasmHold;
use meter::Meter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime::component::Instance;

/// Compiling longer than this is worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Executes wasm components. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WasmRuntime {
    engine: Arc<WasmEngine>,
    tasks: Tasks,
    capabilities: Capabilities,
    clock: Clock,
    core_dumps: Option<PathBuf>,
}

impl WasmRuntime {
    /// A runtime on an engine; crashes leave a core dump in the folder, if one is given and the
    /// engine keeps them.
    pub fn new(
        engine: Arc<WasmEngine>,
        tasks: Tasks,
        capabilities: Capabilities,
        clock: Clock,
        core_dumps: Option<PathBuf>,
    ) -> Self {
        Self { engine, tasks, capabilities, clock, core_dumps }
    }

    async fn load(
        &self,
        component: &Arc<InstalledComponent>,
        log: &LogSink,
    ) -> Result<Arc<Loaded>, Failure> {
        let compiling = Arc::new(AtomicBool::new(false));
        let (engine, path, flag) =
            (Arc::clone(&self.engine), component.artifact.clone(), Arc::clone(&compiling));
        let begin = Instant::now();
        let mut loading = self.tasks.spawn_blocking(move || engine.load(&path, &flag));
        let loaded = tokio::select! {
            loaded = &mut loading => loaded,
            () = tokio::time::sleep(PATIENCE) => {
                let told = compiling.load(Ordering::Relaxed);
                if told {
                    let file = component.artifact.display();
                    log.host(Level::Info, format!("compiling {file}; the next start will not have to"));
                }
                let loaded = loading.await;
                if told {
                    log.host(Level::Info, format!("compiled in {:.1} s", begin.elapsed().as_secs_f64()));
                }
                loaded
            }
        };
        loaded.unwrap_or_else(|error| Err(Failure::to_start(format!("loading it failed: {error}"))))
    }

    /// Load a component and put everything its instances need beside it.
    async fn instances(
        &self,
        component: &Arc<InstalledComponent>,
        log: &LogSink,
    ) -> Result<Instances, Failure> {
        let loaded = self.load(component, log).await?;
        if matches!(loaded.entry, Entry::Handler(_)) && component.sandbox.subscriptions.is_empty() {
            return Err(Failure::to_start(format!(
                "{} is a handler, and its configuration names nothing to subscribe to; add a list of \
                 topic filters as `subscriptions`, or for a run --config 'subscriptions=[\"my/topic\"]'",
                component.name
            )));
        }
        Ok(Instances {
            engine: Arc::clone(&self.engine),
            loaded,
            surroundings: Surroundings {
                capabilities: self.capabilities.clone(),
                clock: self.clock.clone(),
                component: Arc::clone(component),
                logging: Logging::new(log.clone()),
            },
            meter: Meter::new(),
            core_dumps: self.core_dumps.clone(),
        })
    }
}

impl Runtime for WasmRuntime {
    fn prepare<'a>(
        &'a self,
        component: &'a Arc<InstalledComponent>,
        log: &'a LogSink,
    ) -> BoxFuture<'a, Result<Box<dyn Prepared>, Failure>> {
        Box::pin(async move {
            let instances = self.instances(component, log).await?;
            Ok(Box::new(Ready { instances, tasks: self.tasks.clone() }) as Box<dyn Prepared>)
        })
    }
}

/// Makes the instances of one component. Cheap to clone.
#[derive(Clone)]
struct Instances {
    engine: Arc<WasmEngine>,
    loaded: Arc<Loaded>,
    surroundings: Surroundings,
    meter: Meter,
    core_dumps: Option<PathBuf>,
}

impl Instances {
    async fn make(&self, caller: &Caller) -> Result<(Store<Guest>, Instance), Failure> {
        let limit = self.surroundings.component.limits.start_deadline;
        let mut store = self
            .surroundings
            .store(&self.engine.engine, caller, &self.meter)
            .map_err(Failure::to_start)?;
        store.data_mut().deadline = Some((Instant::now() + limit, "start-deadline"));
        let made = tokio::time::timeout(limit, self.loaded.pre.instantiate_async(&mut store)).await;
        store.data_mut().deadline = None;
        match made {
            Ok(Ok(instance)) => Ok((store, instance)),
            Ok(Err(error)) => Err(self.failure(&error, &mut store, "the start of an instance")),
            Err(_) => {
                store.data_mut().limiter.note("start-deadline", None);
                let error = wasmtime::Error::msg("it did not start in time");
                Err(self.failure(&error, &mut store, "the start of an instance"))
            }
        }
    }

    fn failure(&self, error: &wasmtime::Error, store: &mut Store<Guest>, export: &str) -> Failure {
        report::failure(error, store, export, self.core_dumps.as_deref())
    }
}

/// A wasm component that is compiled and linked.
struct Ready {
    instances: Instances,
    tasks: Tasks,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready")
            .field("component", &self.instances.surroundings.component.name)
            .finish()
    }
}

impl Prepared for Ready {
    fn runtime(&self) -> RuntimeKind {
        RuntimeKind::Wasm
    }

    fn waits_for_messages(&self) -> bool {
        matches!(self.instances.loaded.entry, Entry::Handler(_))
    }

    fn hands_over(&self) -> bool {
        true
    }

    fn last_lines(&self) -> Vec<String> {
        self.instances.surroundings.logging.sink().recent()
    }

    fn start(&self, caller: Caller) -> Running {
        let kill = CancellationToken::new();
        let (sender, status) = watch::channel(Status::Starting);
        let activity = match &self.instances.loaded.entry {
            Entry::Handler(indices) => {
                Some(self.start_handler(indices.clone(), caller, sender, kill.clone()))
            }
            _ => {
                self.start_service(caller, sender, kill.clone());
                None
            }
        };
        let hold = Arc::new(WasmHold(self.instances.meter.clone()));
        Running { kill, status, activity, hold }
    }
}

impl Ready {
    fn start_service(
        &self,
        caller: Caller,
        status: watch::Sender<Status>,
        kill: CancellationToken,
    ) {
        let instances = self.instances.clone();
        let run = async move {
            let exit = tokio::select! {
                exit = service::run(&instances, caller, &status) => exit,
                () = kill.cancelled() => Exit::Killed,
            };
            instances.surroundings.logging.sink().flush();
            status.send_replace(Status::Exited(exit));
        };
        self.tasks.spawn_guest(self.instances.meter.count(&self.instances.engine.ticker, run));
    }

    fn start_handler(
        &self,
        indices: crate::bindings::exports::gg::host::message_handler::GuestIndices,
        caller: Caller,
        status: watch::Sender<Status>,
        kill: CancellationToken,
    ) -> Activity {
        let inbox = Arc::new(handler::Inbox::default());
        let seen = Arc::clone(&inbox);
        let instances = self.instances.clone();
        let run = async move {
            let exit = tokio::select! {
                exit = handler::run(&instances, &indices, caller, &status, &inbox) => exit,
                () = kill.cancelled() => Exit::Killed,
            };
            instances.surroundings.logging.sink().flush();
            status.send_replace(Status::Exited(exit));
        };
        self.tasks.spawn_guest(self.instances.meter.count(&self.instances.engine.ticker, run));
        Activity::new(move || seen.work())
    }
}
