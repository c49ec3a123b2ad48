//! Performs a plan. All components are prepared before one that runs is touched.

use super::parts::Parts;
use super::plan::{Step, plan};
use super::{Deployment, DesiredComponent};
use crate::runtime::{Failure, Prepared};
use crate::supervisor::order::{Circle, Needs, start_order};
use futures_util::future::join_all;
use gg_model::{ComponentName, ComponentVersion};
use std::collections::BTreeMap;
use std::time::Duration;
use thiserror::Error;

/// Why a deployment was not carried out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The components need each other in a circle.
    #[error(transparent)]
    Circle(#[from] Circle),
    /// A component is not fit to run.
    #[error("{component}: {failure}")]
    Prepare {
        /// Which.
        component: ComponentName,
        /// Why.
        failure: Failure,
    },
}

/// How long a component may take to make place for its next version.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Make what is desired run, and wait until each component is up or over.
///
/// # Errors
/// Before anything running was touched: a component that cannot run, or a circle.
pub(crate) async fn execute(
    parts: &Parts,
    running: &BTreeMap<ComponentName, ComponentVersion>,
    deployment: &Deployment,
) -> Result<(), DeployError> {
    let version = |desired: &DesiredComponent| desired.component.version.clone();
    let wanted = deployment
        .components
        .iter()
        .map(|desired| (desired.component.name.clone(), version(desired)))
        .collect();
    let steps = plan(running, &wanted);
    let mut ready = prepare(parts, deployment, &steps).await?;
    let waves = start_order(&needs(deployment, &ready))?;

    for step in &steps {
        match step {
            Step::Stop(name) => parts.supervisor.stop(name, HAND_OVER).await,
            Step::Replace(name) => {
                if let Some((desired, prepared)) = ready.remove(name) {
                    parts.configure(desired);
                    parts.supervisor.replace(name, prepared, HAND_OVER).await;
                }
            }
            // Started below, in order.
            Step::Install(_) => {}
        }
    }
    for wave in waves {
        for (desired, prepared) in wave.iter().filter_map(|name| ready.remove(name)) {
            parts.configure(desired);
            parts.install(desired, prepared);
        }
        join_all(wave.iter().map(|name| parts.supervisor.start(name))).await;
    }
    Ok(())
}

type Ready<'a> = BTreeMap<ComponentName, (&'a DesiredComponent, Box<dyn Prepared>)>;

async fn prepare<'a>(
    parts: &Parts,
    deployment: &'a Deployment,
    steps: &[Step],
) -> Result<Ready<'a>, DeployError> {
    let mut ready = BTreeMap::new();
    for desired in &deployment.components {
        let component = &desired.component;
        let name = component.name.clone();
        let touched =
            |step: &Step| matches!(step, Step::Install(n) | Step::Replace(n) if *n == name);
        if !steps.iter().any(touched) {
            continue;
        }
        let prepared = parts
            .supervisor
            .prepare(component, &parts.log(component))
            .await
            .map_err(|failure| DeployError::Prepare { component: name.clone(), failure })?;
        ready.insert(name, (desired, prepared));
    }
    Ok(ready)
}

fn needs(deployment: &Deployment, ready: &Ready<'_>) -> BTreeMap<ComponentName, Needs> {
    let place = |name: &ComponentName| {
        deployment.components.iter().position(|desired| desired.component.name == *name)
    };
    ready
        .iter()
        .map(|(name, (desired, prepared))| {
            let needs = Needs {
                dependencies: desired.component.dependencies.clone(),
                waits_for_messages: prepared.waits_for_messages(),
                place: place(name).unwrap_or(usize::MAX),
            };
            (name.clone(), needs)
        })
        .collect()
}
