//! From a document to running components: [`source`] reads it, [`plan`] decides, [`execute`] acts.

pub mod execute;
pub(crate) mod parts;
pub mod plan;
pub mod source;

use crate::component::InstalledComponent;
use gg_model::ConfigTree;
use std::sync::Arc;

/// A desired set of components with everything they need, complete and checked.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// In the order of the request.
    pub components: Vec<DesiredComponent>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct DesiredComponent {
    /// What to run.
    pub component: Arc<InstalledComponent>,
    /// Its configuration.
    pub configuration: ConfigTree,
}
