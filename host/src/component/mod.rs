//! What is installed on this device: a recipe made concrete ([`InstalledComponent`]), the files it
//! comes from ([`library`]), and how they get there ([`artifact`]).

pub mod artifact;
pub mod library;
pub(crate) mod signatures;

use crate::capability::caller::Operation;
use crate::capability::inference::Model;
use gg_model::recipe::{Artifact, Lifecycle};
use gg_model::{
    AccessPolicy, ComponentName, ComponentVersion, Limits, PosixUser, RuntimeKind, Sandbox,
};
use std::path::PathBuf;
use std::sync::Arc;

/// A component with everything its runtime needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct InstalledComponent {
    /// Its name.
    pub name: ComponentName,
    /// Its version.
    pub version: ComponentVersion,
    /// What runs it.
    pub runtime: RuntimeKind,
    /// What is run: a wasm file. Of other runtimes, nothing.
    pub artifact: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its steps, recipe variables replaced.
    pub lifecycle: Lifecycle,
    /// Its artifacts, as the recipe has them.
    pub files: Vec<Artifact>,
    /// The folder of its artifacts.
    pub artifacts: PathBuf,
    /// Images its artifacts name, for containers: what follows `docker:` in their URIs.
    pub images: Vec<String>,
    /// Files of images among its artifacts, for containers.
    pub archives: Vec<PathBuf>,
    /// The folder of its unpacked archives.
    pub unarchived: PathBuf,
    /// Its own folder.
    pub work: PathBuf,
    /// The user its processes run as, where the deployment or the device says.
    pub run_as: Option<PosixUser>,
    /// What a process or a container may use of the machine.
    pub resources: Resources,
    /// What it is granted of the machine.
    pub sandbox: Sandbox,
    /// Machine-learning models that it brings, for whoever is granted them.
    pub models: Vec<Model>,
    /// How much a wasm component may use.
    pub limits: Limits,
    /// What it may ask of the host.
    pub policy: Arc<AccessPolicy>,
    /// Components that must be up before it.
    pub dependencies: Vec<ComponentName>,
}

impl InstalledComponent {
    /// Whether it is nothing but models: others that need it go on when those are replaced.
    pub fn is_models_alone(&self) -> bool {
        !self.models.is_empty() && self.lifecycle.steps.is_empty()
    }

    /// Whether it may have credentials of AWS, and is told where to ask for them.
    pub fn may_have_credentials(&self) -> bool {
        let get = Operation::GetCredentials;
        self.policy.allows(get.service(), get.name(), "*", get.style())
    }
}

/// `runWith.systemResourceLimits`, or the device's default of it; no limit where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resources {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processor cores.
    pub cpus: Option<f64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}
