//! What is installed on this device: a recipe made concrete.

use gg_model::{AccessPolicy, ComponentName, ComponentVersion, Limits, RuntimeKind, Sandbox};
use std::path::PathBuf;
use std::sync::Arc;

/// A component with everything its runtime needs to know.
#[derive(Clone, Debug)]
pub struct InstalledComponent {
    /// Its name.
    pub name: ComponentName,
    /// Its version.
    pub version: ComponentVersion,
    /// What runs it.
    pub runtime: RuntimeKind,
    /// What is run: a wasm file.
    pub artifact: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its own folder.
    pub work: PathBuf,
    /// What it is granted of the machine.
    pub sandbox: Sandbox,
    /// How much it may use.
    pub limits: Limits,
    /// What it may ask of the host.
    pub policy: Arc<AccessPolicy>,
    /// Components that must be up before it.
    pub dependencies: Vec<ComponentName>,
}
