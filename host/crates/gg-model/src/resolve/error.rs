//! Why there is no answer, in words that lead back to the deployments that caused it.

use super::{Dependent, Want};
use crate::deployment::DeploymentGroup;
use crate::name::ComponentName;
use crate::version::{ComponentVersion, VersionRequirement};
use std::fmt;

/// Why a device's components cannot be resolved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ResolveError {
    /// No version satisfies everyone.
    #[error("no version of {component} will do: {}{}", Listed(reasons), Known(versions))]
    Conflict {
        /// The component.
        component: ComponentName,
        /// Who requires what of it, and why.
        reasons: Vec<Reason>,
        /// The versions that there are.
        versions: Vec<ComponentVersion>,
    },
    /// The host stands in for a component in a version that is not what others need.
    #[error("this host has {component} {version} and no other: {}", Listed(reasons))]
    Provided {
        /// The component.
        component: ComponentName,
        /// Its version.
        version: ComponentVersion,
        /// Who requires another, and why.
        reasons: Vec<Reason>,
    },
    /// Components need each other in a circle.
    #[error("components need each other in a circle, so none can start first: {}", Circle(circle))]
    Circular {
        /// The components, each needing the next, and the last the first.
        circle: Vec<ComponentName>,
    },
    /// There are too many components.
    #[error("more than {} components are needed", super::MAX_COMPONENTS)]
    TooMany,
    /// The search took too long.
    #[error(
        "the versions of {component} and what it needs cannot be resolved in reasonable time; require narrower ranges"
    )]
    TooHard {
        /// The component that was searched for last.
        component: ComponentName,
    },
}

/// A requirement, and why whoever has it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The requirement.
    pub want: Want,
    /// Why its dependent is there: who requires that, and so on up to a group.
    pub because: Vec<(ComponentName, Want)>,
}

/// `com.b 1.0.0 needs ^2.0.0 [because group thinggroup/x wants com.b 1.0.0]`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        wants(f, &self.want.by, None, &self.want.requirement)?;
        for (index, (component, want)) in self.because.iter().take(MOST_NAMED).enumerate() {
            f.write_str(if index == 0 { " [because " } else { ", because " })?;
            wants(f, &want.by, Some(component), &want.requirement)?;
        }
        f.write_str(match self.because.len() {
            0 => "",
            1..=MOST_NAMED => "]",
            _ => ", and so on]",
        })
    }
}

fn wants(
    f: &mut fmt::Formatter<'_>,
    by: &Dependent,
    component: Option<&ComponentName>,
    requirement: &VersionRequirement,
) -> fmt::Result {
    match by {
        Dependent::Group(DeploymentGroup::Local) => f.write_str("a local deployment wants ")?,
        Dependent::Group(group) => write!(f, "group {group} wants ")?,
        Dependent::Component(name, version) => write!(f, "{name} {version} needs ")?,
    }
    if let Some(component) = component {
        write!(f, "{component} ")?;
    }
    write!(f, "{requirement}")
}

/// How many things a message names before it says how many more there are.
const MOST_NAMED: usize = 10;

struct Listed<'a>(&'a [Reason]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.0, "; ")
    }
}

struct Known<'a>(&'a [ComponentVersion]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "; there is none at all" } else { "; there are " })?;
        list(f, self.0, ", ")
    }
}

struct Circle<'a>(&'a [ComponentName]);

impl fmt::Display for Circle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > MOST_NAMED {
            return list(f, self.0, ", which needs ");
        }
        let again = self.0.iter().chain(self.0.first());
        for (index, name) in again.enumerate() {
            let needs = ["", " needs ", ", which needs "][index.min(2)];
            write!(f, "{needs}{name}")?;
        }
        Ok(())
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    for (index, item) in items.iter().take(MOST_NAMED).enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { between })?;
    }
    match items.len().saturating_sub(MOST_NAMED) {
        0 => Ok(()),
        more => write!(f, "{between}{more} more"),
    }
}
