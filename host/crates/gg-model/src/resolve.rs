//! Which version of which component a device is to have: from the root components of its groups
//! and the recipes at hand to exact versions of them and of all that they need.
//!
//! Recipes are not fetched here. Where none at hand will do, the answer says which component is
//! missing; the caller finds a recipe for it, or learns that there is none, and asks again.
//!
//! The rules are those of the Java nucleus: what runs stays if it satisfies everyone, else the
//! highest version that does is taken; when a requirement comes up later that the choice does not
//! satisfy, it is made anew, and what only the old choice needed is dropped. Where that ends with
//! nothing left to choose, other versions of those in between are tried; that search gives up
//! sooner than it would have to, but what it finds holds.

mod circle;
mod error;
mod graph;
mod search;

pub use error::{Reason, ResolveError};

use crate::deployment::DeploymentGroup;
use crate::name::ComponentName;
use crate::recipe::Recipe;
use crate::version::{ComponentVersion, VersionRequirement};
use std::collections::BTreeMap;
use std::fmt;

/// Most components that are resolved together.
pub const MAX_COMPONENTS: usize = 1000;

/// The root components of a device's groups.
pub type Roots = BTreeMap<DeploymentGroup, BTreeMap<ComponentName, VersionRequirement>>;

/// What one version of a component needs.
pub type Needs = BTreeMap<ComponentName, VersionRequirement>;

/// What is known of a component's versions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Those whose recipes are at hand.
    pub versions: BTreeMap<ComponentVersion, Needs>,
    /// Whether no more are to be had for what is required of it now.
    pub exhausted: bool,
}

/// What is to be resolved.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The root components.
    pub roots: &'a Roots,
    /// The recipes at hand.
    pub known: &'a BTreeMap<ComponentName, Known>,
    /// The versions that the device has now.
    pub running: &'a BTreeMap<ComponentName, ComponentVersion>,
    /// The components that the host itself stands in for. They are not in the answer. A component
    /// that needs one must be content with its version; a group that has one among its roots gets
    /// it in this version, whatever it asks for, since it can mean only its configuration.
    pub provided: &'a BTreeMap<ComponentName, ComponentVersion>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Every requirement is satisfied by these.
    Resolved(BTreeMap<ComponentName, ComponentVersion>),
    /// None of the recipes at hand will do for this component. Add one that satisfies all that is
    /// required, or mark the component as exhausted, and ask again.
    Missing {
        /// The component.
        component: ComponentName,
        /// What is required of it, and by whom.
        wants: Vec<Want>,
    },
}

/// One requirement of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Want {
    /// Who requires it.
    pub by: Dependent,
    /// What is required.
    pub requirement: VersionRequirement,
}

/// Who requires a component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependent {
    /// A group of which it is a root component.
    Group(DeploymentGroup),
    /// A version of another component.
    Component(ComponentName, ComponentVersion),
}

/// The name alone, as the cloud is told it.
impl fmt::Display for Dependent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => group.fmt(f),
            Self::Component(name, _) => name.fmt(f),
        }
    }
}

impl Known {
    /// Add the version that a recipe describes.
    pub fn add(&mut self, recipe: &Recipe) {
        let needs = recipe.dependencies.iter();
        let needs = needs.map(|(name, needed)| (name.clone(), needed.version_requirement.clone()));
        self.versions.insert(recipe.version.clone(), needs.collect());
    }
}

/// Find versions that satisfy everyone.
///
/// It ends on every input, and the same question has the same answer.
pub fn resolve(question: &Question<'_>) -> Result<Answer, ResolveError> {
    search::Search::new(question).run()
}

#[cfg(test)]
mod tests;
