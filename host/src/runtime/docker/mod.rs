//! Containers, through the API of an engine: Docker, or Podman, which speaks the same.
//!
//! The step `run` (or `startup`, which means the same here) is an image and the arguments of its
//! program: `run: "busybox:1.36 sh -c 'echo hi'"`. Other steps are not carried out. The image is one
//! that the engine has, or comes from an archive among the artifacts ([`image`]), or is pulled.
//!
//! A container is given its work folder, its artifacts to read, the socket of the native door and
//! what its configuration grants under `sandbox`; folders of its own have the same paths inside as
//! outside. It gains no privileges, has no capabilities of Linux unless its step says
//! `RequiresPrivilege`, and no network unless it is granted some. **Where a network is granted, it is
//! the whole network**: the engine does not tell hosts apart, and neither does this runtime. A grant
//! of `localhost` is one of this machine's own network, where credentials of AWS are had. Paths are
//! the engine's, which must therefore be on this machine and see the same files.
//!
//! It runs as the user of its image, or of `runWith.posixUser` where that is numbers. A user other
//! than the nucleus's gets the work folder for its own.
//!
//! A container lives on when its nucleus is killed, and the next one takes it over if nothing about
//! it has changed ([`adopt`]); what it printed meanwhile is lost. One that is not taken over is
//! removed.

mod adopt;
mod archive;
mod container;
mod door;
mod engine;
mod folder;
mod hold;
mod image;
mod launch;
mod life;
mod output;
mod pull;
pub mod reference;
#[cfg(test)]
mod tests;

use super::token::Tokens;
use super::{BoxFuture, Failure, Prepared, Running, Runtime, Status};
use crate::capability::caller::Caller;
use crate::component::InstalledComponent;
use crate::hexadecimal::hexadecimal;
use crate::logs::{Level, LogSink, presentable};
use crate::tasks::Tasks;
use door::Door;
use engine::{Engine, NoEngine, explain};
use gg_model::recipe::{Step, StepName};
use gg_model::{ComponentName, RuntimeKind, ThingName};
use hold::ContainerHold;
use image::Image;
use reference::{Reference, ReferenceError};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The container engine of this machine: its version, and where it listens.
///
/// # Errors
/// None can be used; what helps stands behind a semicolon.
pub async fn survey() -> Result<String, String> {
    let found = async { engine::connect(engine::places(None)?).await };
    let engine = found.await.map_err(|error| error.to_string())?;
    let version = engine.api.version().await.map_err(|error| explain(&error))?;
    let version = version.version.unwrap_or_else(|| "without a version".to_owned());
    Ok(format!("{} at {}", presentable(&version, 100), engine.socket.display()))
}

/// What the runtime needs to know of its nucleus.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// The root folder. Containers are told apart by it: each root has its own.
    pub root: PathBuf,
    /// The core device's name.
    pub thing: ThingName,
    /// Where the engine listens; `None`: where `DOCKER_HOST` says, or in the usual places.
    pub socket: Option<PathBuf>,
    /// Variables of every component, for example the region.
    pub environment: Vec<(String, String)>,
    /// Where components that may have credentials of AWS ask for them: on this machine, and so only
    /// from a container that has its network.
    pub credentials: Option<String>,
    /// Where the native door learns who shows which token.
    pub tokens: Tokens,
}

/// Executes containers. Cheap to clone. The engine is asked only once there is a component for it.
#[derive(Clone, Debug)]
pub struct DockerRuntime {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: DockerConfig,
    /// Stands for the root folder in names and labels.
    owner: String,
    door: Door,
    tasks: Tasks,
    /// Components that were started once: what runs of them now is no longer taken over.
    known: Mutex<BTreeSet<ComponentName>>,
}

impl DockerRuntime {
    /// A runtime; nothing is touched yet.
    pub fn new(config: DockerConfig, tasks: Tasks) -> Self {
        let root = config.root.canonicalize().unwrap_or_else(|_| config.root.clone());
        let owner = hexadecimal(&Sha256::digest(root.as_os_str().as_encoded_bytes())[..4]);
        let door = Door::new(root);
        let known = Mutex::default();
        Self { shared: Arc::new(Shared { config, owner, door, tasks, known }) }
    }

    /// Remove what an earlier nucleus left behind, but for the running containers of these
    /// components, which may be taken over when they start. Without an engine there is nothing to
    /// remove. Says how many were.
    pub async fn sweep(&self, keep: &BTreeSet<ComponentName>) -> usize {
        if !self.shared.door.was_open() {
            return 0;
        }
        let engine = match self.shared.engine().await {
            Ok(engine) => engine,
            Err(error) => {
                tracing::debug!(%error, "no containers to remove");
                return 0;
            }
        };
        match adopt::sweep(&engine, &self.shared.owner, keep).await {
            Ok(removed) => removed,
            Err(error) => {
                let error = explain(&error);
                tracing::warn!(error, "containers of an earlier run cannot be removed");
                0
            }
        }
    }

    async fn ready(
        &self,
        component: &Arc<InstalledComponent>,
        log: &LogSink,
    ) -> Result<Ready, Failure> {
        let (step, reference, arguments) = command(component)?;
        let engine =
            self.shared.engine().await.map_err(|error| Failure::to_start(error.to_string()))?;
        let image = image::obtain(&engine, component, &reference, &self.shared.tasks, log).await?;
        for (name, other) in &component.lifecycle.steps {
            if **other != step {
                log.host(
                    Level::Warn,
                    format!("its step `{name}` is not carried out: a container has but one step"),
                );
            }
        }
        if component.run_as.is_some() && container::user(component, &step).is_none() {
            log.host(
                Level::Warn,
                "runs as the user of its image: runWith.posixUser of a container is numbers, as in \
                 1000:1000",
            );
        }
        Ok(Ready {
            shared: Arc::clone(&self.shared),
            component: Arc::clone(component),
            log: log.clone(),
            engine,
            image,
            step,
            arguments,
        })
    }
}

impl Shared {
    async fn engine(&self) -> Result<Engine, NoEngine> {
        engine::connect(engine::places(self.config.socket.as_deref())?).await
    }

    /// Whether this is the first start of a component.
    fn is_first_start(&self, component: &ComponentName) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(component.clone())
    }
}

impl Runtime for DockerRuntime {
    fn prepare<'a>(
        &'a self,
        component: &'a Arc<InstalledComponent>,
        log: &'a LogSink,
    ) -> BoxFuture<'a, Result<Box<dyn Prepared>, Failure>> {
        Box::pin(
            async move { Ok(Box::new(self.ready(component, log).await?) as Box<dyn Prepared>) },
        )
    }
}

/// What a component runs: its step, the image in it and the arguments.
fn command(component: &InstalledComponent) -> Result<(Step, Reference, Vec<String>), Failure> {
    let steps = &component.lifecycle.steps;
    let Some((name, step)) = [StepName::Run, StepName::Startup]
        .into_iter()
        .find_map(|name| Some((name, steps.get(&name)?)))
    else {
        return Err(Failure::to_start(format!(
            "the manifest of {} for this machine has no step `run`; write an image and its \
             arguments there, for example `run: \"busybox:1.36 date\"`",
            component.name
        )));
    };
    let wrong = |what: String| {
        Failure::to_start(format!("the step `{name}` of {}: {what}", component.name))
    };
    let mut words =
        shell_words::split(&step.script).map_err(|error| wrong(error.to_string()))?.into_iter();
    let image =
        words.next().ok_or_else(|| wrong("it is empty; it begins with an image".to_owned()))?;
    let reference = image.parse().map_err(|error: ReferenceError| wrong(error.to_string()))?;
    Ok((Step::clone(step), reference, words.collect()))
}

/// A component whose image the engine has. Cheap to clone.
#[derive(Clone, Debug)]
struct Ready {
    shared: Arc<Shared>,
    component: Arc<InstalledComponent>,
    log: LogSink,
    engine: Engine,
    image: Image,
    step: Step,
    arguments: Vec<String>,
}

impl Prepared for Ready {
    fn runtime(&self) -> RuntimeKind {
        RuntimeKind::Docker
    }

    fn last_lines(&self) -> Vec<String> {
        self.log.recent()
    }

    fn start(&self, caller: Caller) -> Running {
        let kill = CancellationToken::new();
        let (sender, status) = watch::channel(Status::Starting);
        let (ready, killed) = (self.clone(), kill.clone());
        let hold = ContainerHold::new(self.engine.clone());
        let held = hold.clone();
        self.shared.tasks.spawn(async move {
            let exit = life::live(&ready, &caller, &held, &sender, &killed).await;
            ready.log.flush();
            sender.send_replace(Status::Exited(exit));
        });
        Running { kill, status, activity: None, hold: Arc::new(hold) }
    }
}
