//! PURE: what to do so that what runs becomes what is desired.

use crate::component::InstalledComponent;
use gg_model::ComponentName;
use gg_model::recipe::StepName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Components by name.
pub(crate) type Set = BTreeMap<ComponentName, Arc<InstalledComponent>>;

/// One thing to do. The executor never chooses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// Stop it; it is not wanted any more.
    Stop,
    /// Change what it may do and its configuration while it runs.
    Reconfigure,
    /// Run it anew, as it is installed.
    Restart,
    /// Install it anew in place of what runs, and run it.
    Reinstall,
    /// Take it in, install it and run it.
    Install,
}

/// The steps from one set of components to another, in the order in which they are done: first what
/// goes, then what changes, then what is new. A component without one stays as it is.
pub fn plan(running: &Set, desired: &Set) -> Vec<(Step, ComponentName)> {
    let gone = running.keys().filter(|name| !desired.contains_key(*name));
    let mut steps: Vec<(Step, ComponentName)> =
        gone.map(|name| (Step::Stop, name.clone())).collect();
    for (name, wanted) in desired {
        let step = match running.get(name) {
            None => Some(Step::Install),
            Some(present) => change(present, wanted),
        };
        steps.extend(step.map(|step| (step, name.clone())));
    }
    steps.sort();
    steps
}

/// What a component's new form asks for (Greengrass developer guide and Java nucleus: another
/// version, another step `install` or another user are a new installation; what else its processes
/// are made from is a restart; the rest takes effect as it runs, models
/// among it, which are not the component's processes).
fn change(present: &InstalledComponent, wanted: &InstalledComponent) -> Option<Step> {
    let install =
        |component: &InstalledComponent| component.lifecycle.steps.get(&StepName::Install).cloned();
    if present.version != wanted.version
        || present.runtime != wanted.runtime
        || present.run_as != wanted.run_as
        || install(present) != install(wanted)
    {
        return Some(Step::Reinstall);
    }
    let alike = InstalledComponent {
        policy: Arc::clone(&wanted.policy),
        dependencies: wanted.dependencies.clone(),
        models: wanted.models.clone(),
        ..present.clone()
    };
    if alike != *wanted {
        return Some(Step::Restart);
    }
    (present != wanted).then_some(Step::Reconfigure)
}

#[cfg(test)]
mod tests;
