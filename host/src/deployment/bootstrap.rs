//! The step `bootstrap`: what a new version does to the device before the device becomes what the
//! deployment asks for. It may ask for a restart by its code (Greengrass developer guide, recipe
//! reference: 100 of the nucleus, 101 of the device); after it the deployment goes on where it was.

use super::execute::Broken;
use super::plan::Set;
use crate::component::InstalledComponent;
use gg_model::ComponentName;
use gg_model::recipe::{Step, StepName};

/// What has to start again before a deployment can go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Restart {
    /// The nucleus.
    Nucleus,
    /// The device.
    Device,
}

/// How the steps of a deployment have ended.
#[derive(Debug)]
pub(super) enum Bootstrapped {
    /// All have been carried out.
    Done,
    /// One has failed.
    Failed(Broken),
    /// One asks for a restart before the next.
    Restart(Restart),
}

/// Why they are carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Why {
    /// A deployment brings what is new.
    Deployment,
    /// One has failed, and what was before comes back: only steps with `BootstrapOnRollback`.
    Rollback,
}

/// Whether a set has any such step.
pub(super) fn is_there(set: &Set) -> bool {
    set.values().any(|component| step(component).is_some())
}

/// PURE: those of a set's components, in the order in which they start, whose step is to be carried
/// out: they are new, or come in another version or with another step (Java nucleus,
/// BootstrapManager).
pub(super) fn needed<'n>(
    before: &Set,
    wanted: &Set,
    order: impl Iterator<Item = &'n ComponentName>,
    why: Why,
) -> Vec<ComponentName> {
    let is_due = |name: &ComponentName| {
        let wanted = wanted.get(name)?;
        let step = step(wanted)?;
        let same = before.get(name).is_some_and(|before| {
            before.version == wanted.version && self::step(before) == Some(step)
        });
        Some(!same && (why == Why::Deployment || step.bootstrap_on_rollback))
    };
    order.filter(|name| is_due(name) == Some(true)).cloned().collect()
}

/// What the code of a step asks for; `None`: it has failed.
pub(super) fn asked_for(code: i32) -> Option<Option<Restart>> {
    match code {
        0 => Some(None),
        100 => Some(Some(Restart::Nucleus)),
        101 => Some(Some(Restart::Device)),
        _ => None,
    }
}

fn step(component: &InstalledComponent) -> Option<&Step> {
    component.lifecycle.steps.get(&StepName::Bootstrap).map(|step| &**step)
}
