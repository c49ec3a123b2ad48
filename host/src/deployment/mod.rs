//! From a document to running components: `assemble` makes it complete, [`plan`] decides, [`execute`]
//! acts, and [`worker`] does so for one after the other. [`source`] is for components that are at
//! hand as files.

pub(crate) mod assemble;
pub mod bootstrap;
mod codes;
pub mod concrete;
mod device;
pub mod execute;
pub mod outcome;
pub mod own;
pub(crate) mod parts;
pub mod plan;
mod preview;
pub mod progress;
pub mod queue;
mod recipes;
pub mod source;
mod trusted;
mod versions;
pub mod worker;

use crate::capability::inference::Model;
use crate::component::InstalledComponent;
use gg_model::{ComponentName, ConfigTree};
use std::sync::Arc;

/// A desired set of components with everything they need, complete and checked.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// In the order of the request.
    pub components: Vec<DesiredComponent>,
    /// Models beside those that components bring.
    pub models: Vec<Model>,
}

impl Deployment {
    /// One of the components.
    pub(crate) fn find(&self, name: &ComponentName) -> Option<&DesiredComponent> {
        self.components.iter().find(|desired| desired.name() == name)
    }

    /// All models.
    pub(crate) fn models(&self) -> Vec<Model> {
        let brought = self.components.iter().flat_map(|desired| &desired.component.models);
        self.models.iter().chain(brought).cloned().collect()
    }

    /// The components by name.
    pub(crate) fn set(&self) -> plan::Set {
        let pair =
            |desired: &DesiredComponent| (desired.name().clone(), Arc::clone(&desired.component));
        self.components.iter().map(pair).collect()
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub struct DesiredComponent {
    /// What to run.
    pub component: Arc<InstalledComponent>,
    /// Its configuration.
    pub configuration: ConfigTree,
    /// Whether it is to have its step `install` when it comes new or changed.
    pub install: bool,
}

impl DesiredComponent {
    /// The component's name.
    pub fn name(&self) -> &ComponentName {
        &self.component.name
    }
}
