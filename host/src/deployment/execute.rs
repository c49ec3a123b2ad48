//! Performs a plan. All components are prepared before one that runs is touched.

use super::parts::Parts;
use super::plan::{Set, Step, plan};
use super::progress::{Phase, Progress};
use super::{Deployment, DesiredComponent};
use crate::capability::inference::{InferenceError, ReadyModel};
use crate::runtime::{Errand, Exit, Failure, Prepared};
use crate::supervisor::machine::LifecycleState;
use crate::supervisor::order::{Circle, Needs, start_order};
use crate::supervisor::{ComponentStatus, Successor};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use gg_model::{ComponentName, ModelName};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Why a deployment cannot be carried out; nothing that runs has been touched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The components need each other in a circle.
    #[error(transparent)]
    Circle(#[from] Circle),
    /// A model cannot be run.
    #[error(transparent)]
    Model(#[from] InferenceError),
    /// Nobody could say which of two models is meant.
    #[error("two models are named {0}; rename one")]
    TwoModels(ModelName),
    /// A component is not fit to run.
    #[error("{component}: {failure}")]
    Prepare {
        /// Which.
        component: ComponentName,
        /// Why.
        failure: Failure,
    },
}

/// A component that did not come up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Broken {
    /// Which; all of them when `None`.
    pub component: Option<ComponentName>,
    /// How it ended.
    pub reason: String,
    /// What it said last.
    pub last_lines: Vec<String>,
}

impl Broken {
    /// One that has said nothing.
    pub fn new(component: Option<ComponentName>, reason: impl Into<String>) -> Self {
        Self { component, reason: reason.into(), last_lines: Vec::new() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{component} is broken: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// How long a component may take to make place for its next version.
const HAND_OVER: Duration = Duration::from_secs(20);

/// How long a component must have been up before it counts as such.
const STEADY: Duration = Duration::from_millis(500);

/// What is to be done, with everything it takes.
#[derive(Debug)]
pub(crate) struct Ready {
    deployment: Deployment,
    steps: Vec<(Step, ComponentName)>,
    prepared: BTreeMap<ComponentName, Box<dyn Prepared>>,
    models: Vec<ReadyModel>,
    waves: Vec<Vec<ComponentName>>,
}

/// Makes what runs what is desired, and knows what runs.
#[derive(Debug)]
pub(crate) struct Executor {
    parts: Parts,
    running: Set,
}

impl Ready {
    /// The components that are to run.
    pub(crate) fn set(&self) -> Set {
        self.deployment.set()
    }

    /// Those that will be started, in that order.
    pub(crate) fn order(&self) -> impl Iterator<Item = &ComponentName> {
        self.waves.iter().flatten()
    }

    /// Whether something that runs is stopped, or run anew.
    pub(crate) fn touches_what_runs(&self) -> bool {
        self.steps
            .iter()
            .any(|(step, _)| matches!(step, Step::Stop | Step::Restart | Step::Reinstall))
    }
}

impl Executor {
    /// Nothing runs yet.
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, running: Set::new() }
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What runs.
    pub(crate) fn running(&self) -> &Set {
        &self.running
    }

    /// Carry out the step `bootstrap` of a component, in place of which nothing runs any more; gives
    /// its code.
    ///
    /// # Errors
    /// It did not end by itself.
    pub(crate) async fn bootstrap(
        &mut self,
        ready: &Ready,
        name: &ComponentName,
        progress: &Progress,
    ) -> Result<i32, Failure> {
        let found = (ready.deployment.find(name), ready.prepared.get(name));
        let (Some(desired), Some(prepared)) = found else {
            return Ok(0);
        };
        progress.tell(name, Phase::Bootstrap);
        if let Some(present) = self.running.get_mut(name) {
            *present = Arc::clone(&desired.component);
            self.parts.supervisor.stop(name, HAND_OVER).await;
        }
        self.parts.make_work_folder(desired);
        match prepared.errand(Errand::Bootstrap, self.parts.caller(desired)) {
            Some(step) => step.await,
            None => Ok(0),
        }
    }

    /// Put the components' configuration in place.
    pub(crate) fn configure(&self, deployment: &Deployment) {
        for desired in &deployment.components {
            let configuration = &self.parts.capabilities.configuration;
            configuration.install(desired.name(), desired.configuration.clone());
        }
    }

    /// What would be done, without doing anything.
    pub(crate) fn plan(&self, deployment: &Deployment) -> Vec<(Step, ComponentName)> {
        plan(&self.running, &deployment.set())
    }

    /// Make everything ready that a deployment takes: nothing that runs is touched.
    ///
    /// # Errors
    /// A component that cannot run, or a circle.
    pub(crate) async fn prepare(
        &self,
        deployment: Deployment,
        progress: &Progress,
    ) -> Result<Ready, DeployError> {
        let (mut ready, mut unfit) = self.prepare_what_can(deployment, progress).await?;
        if let Some((component, failure)) = unfit.pop() {
            return Err(DeployError::Prepare { component, failure });
        }
        ready.models = self.prepare_models(&ready.deployment).await?;
        Ok(ready)
    }

    /// Load and check the models that are new or changed.
    async fn prepare_models(
        &self,
        deployment: &Deployment,
    ) -> Result<Vec<ReadyModel>, DeployError> {
        let (models, mut names) = (deployment.models(), BTreeSet::new());
        if let Some(twice) = models.iter().find(|model| !names.insert(&model.name)) {
            return Err(DeployError::TwoModels(twice.name.clone()));
        }
        let mut ready = Vec::new();
        for model in &models {
            ready.extend(self.parts.capabilities.inference.prepare(model).await?);
        }
        Ok(ready)
    }

    /// The same, leaving out what cannot run. Models are loaded when they are first asked for.
    ///
    /// # Errors
    /// A circle.
    pub(crate) async fn prepare_what_can(
        &self,
        mut deployment: Deployment,
        progress: &Progress,
    ) -> Result<(Ready, Vec<(ComponentName, Failure)>), Circle> {
        let mut steps = self.plan(&deployment);
        let starts = |step: Step| matches!(step, Step::Install | Step::Reinstall | Step::Restart);
        let (mut prepared, mut unfit) = (BTreeMap::new(), Vec::new());
        for (_, name) in steps.iter().filter(|(step, _)| starts(*step)) {
            let Some(desired) = deployment.find(name) else { continue };
            progress.tell(name, Phase::Prepare);
            let component = &desired.component;
            let log = self.parts.log(component);
            match self.parts.supervisor.prepare(component, &log).await {
                Ok(ready) => drop(prepared.insert(name.clone(), ready)),
                Err(failure) => unfit.push((name.clone(), failure)),
            }
        }
        let left_out = |name: &ComponentName| unfit.iter().any(|(other, _)| other == name);
        steps.retain(|(_, name)| !left_out(name));
        deployment.components.retain(|one| !left_out(one.name()));
        let waves = start_order(&needs(&deployment, &prepared))?;
        let models = Vec::new();
        Ok((Ready { deployment, steps, prepared, models, waves }, unfit))
    }

    /// Do it, and wait until every component that was touched is up or over. Gives those that are
    /// broken. `installed` is called when all are known and none has been started yet.
    pub(crate) async fn carry_out(
        &mut self,
        ready: Ready,
        progress: &Progress,
        installed: impl FnOnce(),
    ) -> Vec<Broken> {
        let Ready { deployment, steps, mut prepared, models, waves } = ready;
        let gone: Vec<&ComponentName> = named(&steps, Step::Stop).collect();
        for name in &gone {
            progress.tell(name, Phase::Stop);
        }
        join_all(gone.iter().map(|name| self.parts.supervisor.stop(name, HAND_OVER))).await;
        for name in gone {
            self.running.remove(name);
        }
        self.parts.capabilities.inference.install(&deployment.models(), models);
        for (step, name) in &steps {
            let Some(desired) = deployment.find(name) else { continue };
            self.parts.make_work_folder(desired);
            self.running.insert(name.clone(), Arc::clone(&desired.component));
            match (step, prepared.remove(name)) {
                (Step::Reconfigure, _) => {
                    self.parts.supervisor.set_policy(name, &desired.component.policy);
                }
                (Step::Install, Some(prepared)) => {
                    progress.tell(name, Phase::Install);
                    self.parts.install(desired, prepared, desired.install);
                }
                (Step::Reinstall | Step::Restart, Some(prepared)) => {
                    progress.tell(name, Phase::Install);
                    let install = *step == Step::Reinstall && desired.install;
                    let caller = self.parts.caller(desired);
                    let successor = Successor { caller, prepared, install };
                    self.parts.supervisor.replace(name, successor, HAND_OVER).await;
                }
                _ => {}
            }
        }
        for (_, name) in &steps {
            if let Some(desired) = deployment.find(name) {
                // Models are there whenever their component is.
                let lives = |needed: &&ComponentName| {
                    let found = deployment.find(needed);
                    !found.is_some_and(|one| one.component.is_models_alone())
                };
                let dependencies = desired.component.dependencies.iter();
                let needed: Vec<_> = dependencies.filter(lives).cloned().collect();
                self.parts.supervisor.depend(name, &needed).await;
            }
        }
        installed();
        for wave in &waves {
            wave.iter().for_each(|name| progress.tell(name, Phase::Start));
            let start = |name| self.unless_in_vain(name, self.parts.supervisor.start(name));
            join_all(wave.iter().map(start)).await;
        }
        let (mut broken, mut waiting) = (Vec::new(), Vec::new());
        let started: Vec<&ComponentName> = waves.iter().flatten().collect();
        let steady = |name| self.unless_in_vain(name, self.steady(name));
        let states = join_all(started.iter().copied().map(steady)).await;
        for (name, state) in started.into_iter().zip(states) {
            match state {
                Ok(LifecycleState::Broken) => {
                    progress.tell(name, Phase::Broken);
                    broken.push(self.broken(name));
                }
                Ok(_) => progress.tell(name, Phase::Up),
                Err(needed) => {
                    let reason = format!("it waits for {needed}, which is broken");
                    waiting.push(Broken::new(Some(name.clone()), reason));
                }
            }
        }
        // What is wrong comes before what that has led to.
        broken.append(&mut waiting);
        broken
    }

    /// Wait for something of a component, unless that is in vain: gives what it needs and is broken.
    async fn unless_in_vain<T>(
        &self,
        name: &ComponentName,
        wanted: impl Future<Output = T>,
    ) -> Result<T, ComponentName> {
        let broken = self.needed(name).into_iter().map(|needed| {
            let status = self.parts.supervisor.status(&needed);
            Box::pin(async move {
                let Some(mut status) = status else { return pending().await };
                let is_broken = |now: &ComponentStatus| now.state == LifecycleState::Broken;
                if status.wait_for(is_broken).await.is_err() {
                    return pending().await;
                }
                needed
            })
        });
        let mut broken: FuturesUnordered<_> = broken.collect();
        tokio::select! {
            biased;
            wanted = wanted => Ok(wanted),
            Some(needed) = broken.next() => Err(needed),
        }
    }

    /// All that a component needs, and that those need.
    fn needed(&self, name: &ComponentName) -> BTreeSet<ComponentName> {
        let (mut all, mut next) = (BTreeSet::new(), vec![name]);
        while let Some(component) = next.pop().and_then(|name| self.running.get(name)) {
            for needed in &component.dependencies {
                if all.insert(needed.clone()) {
                    next.push(needed);
                }
            }
        }
        all
    }

    /// Wait until a component is over, or has been up for a moment: one that falls over at once was
    /// never up.
    async fn steady(&self, name: &ComponentName) -> LifecycleState {
        let Some(mut status) = self.parts.supervisor.status(name) else {
            return LifecycleState::Finished;
        };
        loop {
            let up = status
                .wait_for(|now| now.state.is_settled() || now.state == LifecycleState::Running);
            let Ok(up) = up.await.map(|now| now.clone()) else { return LifecycleState::Finished };
            // What waits to be called cannot fall over before it is.
            if up.state.is_settled() || up.activity.is_some() {
                return up.state;
            }
            let falls = status.wait_for(|now| now.state != LifecycleState::Running);
            if tokio::time::timeout(STEADY, falls).await.is_err() {
                return LifecycleState::Running;
            }
        }
    }

    /// Run a component anew in place of the instance that runs.
    ///
    /// # Errors
    /// The new one cannot run; the old one goes on.
    pub(crate) async fn reload(
        &self,
        desired: &DesiredComponent,
        deadline: Duration,
    ) -> Result<(), DeployError> {
        let (component, supervisor) = (&desired.component, &self.parts.supervisor);
        let prepared = supervisor.prepare(component, &self.parts.log(component)).await;
        let prepared = prepared.map_err(|failure| DeployError::Prepare {
            component: component.name.clone(),
            failure,
        })?;
        let caller = self.parts.caller(desired);
        let successor = Successor { caller, prepared, install: false };
        supervisor.replace(&component.name, successor, deadline).await;
        Ok(())
    }

    /// Forget the components that have been stopped for good, with their step `uninstall`.
    pub(crate) async fn forget_stopped(&self) {
        let gone: Vec<ComponentName> = self
            .parts
            .supervisor
            .statuses()
            .into_keys()
            .filter(|name| !self.running.contains_key(name))
            .collect();
        for name in gone {
            self.parts.supervisor.remove(&name, HAND_OVER).await;
            self.parts.counters.forget(&name);
            self.parts.capabilities.metric.forget(&name);
            let capabilities = &self.parts.capabilities;
            capabilities.configuration.remove(&name);
            if let Err(error) = capabilities.keyvalue.remove(&name).await {
                tracing::warn!(component = %name, %error, "its values by key stay in the store");
            }
        }
    }

    fn broken(&self, name: &ComponentName) -> Broken {
        let status = self.parts.supervisor.status(name);
        let status = status.map(|status| status.borrow().clone());
        let (exit, last_lines) = match status {
            Some(status) => (status.exit, status.last_lines),
            None => (None, Vec::new()),
        };
        let reason = match exit {
            Some(Exit::Failed(failure)) => failure.message.clone(),
            Some(Exit::Finished(code)) => format!("ended with code {code}"),
            Some(Exit::Killed) => "was ended".to_owned(),
            None => "did not start".to_owned(),
        };
        Broken { component: Some(name.clone()), reason, last_lines }
    }
}

fn named(steps: &[(Step, ComponentName)], wanted: Step) -> impl Iterator<Item = &ComponentName> {
    steps.iter().filter(move |(step, _)| *step == wanted).map(|(_, name)| name)
}

fn needs(
    deployment: &Deployment,
    prepared: &BTreeMap<ComponentName, Box<dyn Prepared>>,
) -> BTreeMap<ComponentName, Needs> {
    let all = deployment.components.iter().enumerate();
    all.filter_map(|(place, desired)| {
        let name = desired.name();
        let needs = Needs {
            dependencies: desired.component.dependencies.clone(),
            waits_for_messages: prepared.get(name)?.waits_for_messages(),
            place,
        };
        Some((name.clone(), needs))
    })
    .collect()
}
