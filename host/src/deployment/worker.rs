//! Carries deployments out: one at a time, each prepared, activated and brought up, or undone.
//!
//! What the store says decides where a deployment goes on after the power went: not activated, it
//! begins anew; activated, its components come up with the nucleus and are judged; being undone,
//! the components before it do.

use super::assemble::{Assembled, Assembler, Stored, document};
use super::bootstrap::{self, Bootstrapped, Restart, Why};
use super::execute::{Broken, Executor, Ready};
use super::outcome::{Detail, DetailedStatus, Problem};
use super::progress::Progress;
use super::queue::Queue;
use crate::capability::configuration::{Proposal, Verdict};
use crate::store::{DeploymentRow, DeploymentState, Generation, Made, Store, StoreError};
use futures_util::future::try_join_all;
use gg_model::deployment::UpdateAction;
use gg_model::{
    ComponentName, ConfigTree, DeploymentGroup, DeploymentRequest, FailureHandlingPolicy,
    NucleusSettings,
};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a component may take to say whether its new configuration is good (Java nucleus,
/// DynamicComponentConfigurationValidator).
const TIME_TO_VALIDATE: Duration = Duration::from_secs(20);

/// How long components may put a deployment off, so that those behind it have their turn.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what was started last takes to come to rest.
const CALM: Duration = Duration::from_secs(1);

/// How far a nucleus that starts has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Milestone {
    /// Every component is known and about to start.
    Ready,
    /// Every component is up or over.
    Up,
    /// No deployment has waited for its turn for a while.
    Idle,
}

/// Carries deployments out.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) queue: Queue,
    pub(crate) store: Store,
    pub(crate) assembler: Assembler,
    pub(crate) executor: Executor,
    pub(crate) progress: Progress,
    /// How long a deployment may take to be prepared, and as long again to come up.
    pub(crate) patience: Duration,
}

/// When the cloud made a deployment's document, and as what. What is asked for on the device has no
/// order.
fn made(row: &DeploymentRow) -> Option<Made> {
    let Ok(DeploymentRequest::Document(document)) = document(row) else { return None };
    let arn = document.configuration_arn.map(|arn| arn.to_string()).unwrap_or_default();
    document.creation_timestamp.map(|at| Made { at, arn })
}

/// How the components of a generation came up.
enum Brought {
    /// These are broken.
    Up(Vec<Broken>),
    /// Something must start again first.
    Waits(Restart),
}

impl Worker {
    /// Bring up what is to run, then serve the queue until asked to stop, or until a deployment asks
    /// for a restart.
    pub(crate) async fn run(
        mut self,
        stop: CancellationToken,
        reached: impl Fn(Milestone),
    ) -> (Executor, Option<Restart>) {
        let queue = self.queue.clone();
        let served = async {
            match self.resume(&reached).await {
                Ok(None) => {}
                Ok(Some(restart)) => return restart,
                Err(error) => {
                    tracing::error!(%error, "cannot go on from where the nucleus was stopped");
                }
            }
            queue.has_changed();
            loop {
                let mut asked = pin!(queue.asked());
                match self.store.next_deployment().await {
                    Ok(None) => {
                        if timeout(CALM, asked.as_mut()).await.is_err() {
                            reached(Milestone::Idle);
                            asked.await;
                        }
                    }
                    Ok(Some(row)) => {
                        match self.one(&row).await {
                            Ok(None) => {}
                            Ok(Some(restart)) => return restart,
                            Err(error) => {
                                let id = &row.id;
                                tracing::error!(deployment = id, %error, "a deployment is put off");
                                asked.await;
                            }
                        }
                        queue.has_changed();
                    }
                    Err(error) => {
                        tracing::error!(%error, "the queue of deployments cannot be read");
                        asked.await;
                    }
                }
            }
        };
        let restart = tokio::select! {
            restart = served => Some(restart),
            () = stop.cancelled() => None,
        };
        (self.executor, restart)
    }

    /// Bring up the current generation, and end the deployment that was cut off, if one was.
    async fn resume(
        &mut self,
        reached: &impl Fn(Milestone),
    ) -> Result<Option<Restart>, StoreError> {
        let under_way = self.store.next_deployment().await?;
        let why = match under_way.as_ref().map(|row| row.state) {
            Some(DeploymentState::Activating) => Some(Why::Deployment),
            Some(DeploymentState::RollingBack) => Some(Why::Rollback),
            _ => None,
        };
        let steps = under_way.as_ref().zip(why);
        let brought = self.bring_up_all(steps, || reached(Milestone::Ready)).await?;
        let broken = match brought {
            Brought::Waits(restart) => return Ok(Some(restart)),
            Brought::Up(broken) => broken,
        };
        reached(Milestone::Up);
        match steps {
            Some((row, Why::Deployment)) => self.judge(row, broken).await,
            Some((row, Why::Rollback)) => self.undone(row, &broken).await.map(|()| None),
            None => Ok(None),
        }
    }

    async fn one(&mut self, row: &DeploymentRow) -> Result<Option<Restart>, StoreError> {
        tracing::info!(deployment = row.id, target = row.target, "deployment begins");
        self.store.set_deployment_state(&row.id, DeploymentState::InProgress, None).await?;
        self.queue.has_changed();
        self.progress.clear();
        if let Some(problem) = self.not_ours(row).await? {
            tracing::error!(deployment = row.id, %problem, "deployment rejected");
            let detail = Detail::failed(DetailedStatus::Rejected, &problem);
            self.end_early(row, DeploymentState::Rejected, &detail).await?;
            return Ok(None);
        }
        let prepared = tokio::select! {
            prepared = self.prepare_and_agree(row) => prepared,
            () = self.queue.until_called_off(&row.id) => {
                let detail = Detail::of(DetailedStatus::Canceled);
                self.end_early(row, DeploymentState::Canceled, &detail).await?;
                return Ok(None);
            }
        };
        let (assembled, ready, steps) = match prepared {
            Ok(prepared) => prepared,
            Err(problem) => {
                tracing::error!(deployment = row.id, %problem, "deployment failed");
                let detail = Detail::failed(DetailedStatus::FailedNoStateChange, &problem);
                self.end_early(row, DeploymentState::Failed, &detail).await?;
                return Ok(None);
            }
        };
        tracing::debug!(deployment = row.id, "deployment is prepared");
        let settings = assembled.settings.clone();
        let installs = self.activate(row, assembled).await?;
        let mut broken = Vec::new();
        match self.bootstrap(&row.id, &ready, steps).await? {
            Bootstrapped::Done => {}
            Bootstrapped::Restart(restart) => return Ok(Some(restart)),
            Bootstrapped::Failed(failed)
                if self.assembler.policy(row) == FailureHandlingPolicy::Rollback =>
            {
                return self.judge(row, vec![failed]).await;
            }
            Bootstrapped::Failed(failed) => broken.push(failed),
        }
        if let Some(restart) = self.put_in_force(settings) {
            return Ok(Some(restart));
        }
        self.carry_out(ready, installs, &mut broken, || {}).await;
        self.judge(row, broken).await
    }

    /// Why a deployment is not to be carried out, if it is not: it is another device's, or what was
    /// made before the one that its target was given last comes late or is played again.
    async fn not_ours(&self, row: &DeploymentRow) -> Result<Option<Problem>, StoreError> {
        let thing = self.executor.parts().thing.as_str();
        if let DeploymentGroup::Thing(other) = DeploymentGroup::from(row.target.as_str())
            && other != thing
        {
            let message = format!("the deployment is for the thing {other}, and this is {thing}");
            return Ok(Some(Problem::new("REJECTED_DEPLOYMENT_OF_ANOTHER_THING", message)));
        }
        let Some(Made { at: made, .. }) = made(row) else { return Ok(None) };
        let last = self.store.last_made(&row.target).await?.filter(|last| made < *last);
        Ok(last.map(|last| {
            let message = format!(
                "the deployment was made at {made} ms, and {} has one already that was made at {last} \
                 ms; deploy again for another revision",
                row.target
            );
            Problem::new("REJECTED_STALE_DEPLOYMENT", message)
        }))
    }

    /// A deployment is over before it has changed anything.
    async fn end_early(
        &self,
        row: &DeploymentRow,
        state: DeploymentState,
        detail: &Detail,
    ) -> Result<(), StoreError> {
        self.store.set_deployment_state(&row.id, state, Some(detail.to_json())).await?;
        self.queue.count(state);
        Ok(())
    }

    /// A deployment that was activated is over.
    async fn settle(
        &self,
        row: &DeploymentRow,
        state: DeploymentState,
        detail: &Detail,
    ) -> Result<(), StoreError> {
        self.store.settle(&row.id, state, detail.to_json()).await?;
        if self.assembler.update_policy(row).action == UpdateAction::NotifyComponents {
            self.executor.parts().capabilities.lifecycle.updates().ended(&row.id);
        }
        self.queue.count(state);
        Ok(())
    }

    /// From here on the deployment is what the device is to be.
    async fn activate(
        &self,
        row: &DeploymentRow,
        mut assembled: Assembled,
    ) -> Result<BTreeMap<ComponentName, String>, StoreError> {
        let configuration = &self.assembler.configuration;
        let _held = configuration.hold().await;
        assembled.catch_up(configuration);
        let Assembled { generation, installs, .. } = assembled;
        let trees: Vec<(ComponentName, ConfigTree)> = generation
            .components
            .iter()
            .map(|(name, stored)| (name.clone(), stored.configuration.clone()))
            .collect();
        let own = generation.own.clone();
        let installing = installs.keys().cloned().collect();
        self.store.activate(&row.id, generation, installing, made(row)).await?;
        for (name, tree) in trees.into_iter().chain(own) {
            configuration.install(&name, tree);
        }
        Ok(installs)
    }

    /// Have the nucleus's own configuration in force, or say what has to start again first.
    fn put_in_force(&self, settings: NucleusSettings) -> Option<Restart> {
        self.assembler.fetcher.limit_store(settings.store_bytes);
        self.assembler.own.put_in_force(settings)
    }

    /// Prepare a deployment until nothing speaks against it; gives its steps `bootstrap`, too.
    async fn prepare_and_agree(
        &self,
        row: &DeploymentRow,
    ) -> Result<(Assembled, Ready, Vec<ComponentName>), Problem> {
        let late = |_| {
            Problem::new(
                "DEPLOYMENT_INTERRUPTED",
                format!("it could not be prepared within {:?}", self.patience),
            )
        };
        let prepared = timeout(self.patience, self.prepare(row)).await;
        let (assembled, ready) = prepared.map_err(late)??;
        let running = self.executor.running();
        let steps = bootstrap::needed(running, &ready.set(), ready.order(), Why::Deployment);
        let restarting = self.assembler.own.takes_restart(&assembled.settings);
        if restarting || ready.touches_what_runs() {
            self.agree(row, restarting || !steps.is_empty()).await?;
        }
        Ok((assembled, ready, steps))
    }

    /// Tell the components that want to be told that something that runs would be touched, and wait
    /// until they agree.
    async fn agree(&self, row: &DeploymentRow, restarting: bool) -> Result<(), Problem> {
        let policy = self.assembler.update_policy(row);
        if policy.action == UpdateAction::SkipNotifyComponents {
            return Ok(());
        }
        let updates = self.executor.parts().capabilities.lifecycle.updates();
        let agreed = updates.announce(&row.id, restarting, policy.timeout);
        let agreed = timeout(LONGEST_PUT_OFF, agreed).await;
        agreed.map_err(|_| {
            let message = format!("components have put it off for {LONGEST_PUT_OFF:?}");
            Problem::new("DEPLOYMENT_INTERRUPTED", message)
        })
    }

    async fn prepare(&self, row: &DeploymentRow) -> Result<(Assembled, Ready), Problem> {
        let current =
            self.store.current().await.map_err(|error| Problem::new("IO_READ_ERROR", error))?;
        let assembled = self.assembler.assemble(row, &current, &self.progress).await?;
        let ready = self.executor.prepare(assembled.deployment.clone(), &self.progress).await;
        let ready = ready.map_err(|error| Problem::new("COMPONENT_UPDATE_ERROR", error))?;
        self.validate(row, &assembled, &current).await?;
        Ok((assembled, ready))
    }

    /// Ask the components that want to be asked whether their new configuration is good.
    async fn validate(
        &self,
        row: &DeploymentRow,
        assembled: &Assembled,
        current: &Generation,
    ) -> Result<(), Problem> {
        let validation = self.assembler.configuration.validation();
        let asked = assembled.reconfigured(current).into_iter().map(|(name, configuration)| {
            let proposal = Proposal { deployment: row.id.clone(), configuration };
            async move {
                match validation.propose(&name, proposal, TIME_TO_VALIDATE).await {
                    Verdict::Accepted => Ok(()),
                    Verdict::Rejected(reason) => Err(Problem::new(
                        "COMPONENT_CONFIGURATION_NOT_VALID",
                        format!("{name} rejects its new configuration: {reason}"),
                    )),
                }
            }
        });
        try_join_all(asked).await.map(drop)
    }

    /// A deployment has been activated and its components brought up, some of them perhaps broken.
    async fn judge(
        &mut self,
        row: &DeploymentRow,
        broken: Vec<Broken>,
    ) -> Result<Option<Restart>, StoreError> {
        let Some(first) = broken.first() else {
            let detail = Detail::of(DetailedStatus::Successful);
            let before = self.store.before().await?.unwrap_or_default();
            self.settle(row, DeploymentState::Succeeded, &detail).await?;
            tracing::info!(deployment = row.id, "deployment succeeded");
            self.executor.forget_stopped().await;
            let current = self.store.current().await?;
            self.assembler.keep_only(&[&current, &before]).await;
            return Ok(None);
        };
        let problem = Problem::new("COMPONENT_BROKEN", first).saying(&first.last_lines);
        tracing::error!(deployment = row.id, %problem, "deployment failed");
        if self.assembler.policy(row) == FailureHandlingPolicy::DoNothing {
            let detail = Detail::failed(DetailedStatus::FailedRollbackNotRequested, &problem);
            self.executor.forget_stopped().await;
            self.settle(row, DeploymentState::Failed, &detail).await?;
            return Ok(None);
        }
        self.store.fall_back(&row.id, Detail::cause(&problem).to_json()).await?;
        self.queue.has_changed();
        let row = DeploymentRow { detail: Detail::cause(&problem).to_json(), ..row.clone() };
        match self.bring_up_all(Some((&row, Why::Rollback)), || {}).await? {
            Brought::Waits(restart) => Ok(Some(restart)),
            Brought::Up(broken) => self.undone(&row, &broken).await.map(|()| None),
        }
    }

    /// What was before a deployment has been brought up again.
    async fn undone(&mut self, row: &DeploymentRow, broken: &[Broken]) -> Result<(), StoreError> {
        let status = match broken.first() {
            None => DetailedStatus::FailedRollbackComplete,
            Some(_) => DetailedStatus::FailedUnableToRollback,
        };
        let mut detail = Detail::from_json(&row.detail);
        detail.detailed_status = Some(status);
        if let Some(still) = broken.first() {
            detail.failure_cause += &format!("; and after going back: {still}");
        }
        tracing::info!(deployment = row.id, ?status, "went back to what was before");
        self.executor.forget_stopped().await;
        self.settle(row, DeploymentState::Failed, &detail).await
    }

    /// Make what is ready run, and add what is broken then.
    async fn carry_out(
        &mut self,
        ready: Ready,
        installs: BTreeMap<ComponentName, String>,
        broken: &mut Vec<Broken>,
        installed: impl FnOnce(),
    ) {
        let carried = self.executor.carry_out(ready, &self.progress, installed);
        let carried = timeout(self.patience, carried).await;
        broken.extend(carried.unwrap_or_else(|_| vec![late(self.patience)]));
        self.remember_installed(installs, broken).await;
    }

    /// The step `install` of those that are not broken has been carried out. A failure costs them
    /// another one at the next start, and nothing else.
    async fn remember_installed(
        &self,
        installs: BTreeMap<ComponentName, String>,
        broken: &[Broken],
    ) {
        for (component, fingerprint) in installs {
            if !broken.iter().any(|one| one.component.as_ref() == Some(&component))
                && let Err(error) = self.store.set_installed(&component, Some(fingerprint)).await
            {
                tracing::error!(%component, %error, "will be installed again at the next start");
            }
        }
    }

    /// Carry out steps `bootstrap` that have not been yet for a deployment.
    async fn bootstrap(
        &mut self,
        deployment: &str,
        ready: &Ready,
        steps: Vec<ComponentName>,
    ) -> Result<Bootstrapped, StoreError> {
        let done = self.store.bootstrapped(deployment).await?;
        for name in steps.into_iter().filter(|name| !done.iter().any(|one| one == name.as_str())) {
            tracing::info!(deployment, component = %name, "bootstrap");
            let ended = self.executor.bootstrap(ready, &name, &self.progress).await;
            let (reason, last_lines) = match ended {
                Err(failure) => (failure.message, failure.last_lines),
                Ok(code) => match bootstrap::asked_for(code) {
                    None => (format!("the step bootstrap ended with code {code}"), Vec::new()),
                    Some(restart) => {
                        self.store.set_bootstrapped(deployment, name.as_str()).await?;
                        match restart {
                            None => continue,
                            Some(restart) => return Ok(Bootstrapped::Restart(restart)),
                        }
                    }
                },
            };
            let component = Some(name);
            return Ok(Bootstrapped::Failed(Broken { component, reason, last_lines }));
        }
        Ok(Bootstrapped::Done)
    }

    /// Bring up the current generation; a component that cannot be is left out. On behalf of a
    /// deployment under way, its steps `bootstrap` come first.
    async fn bring_up_all(
        &mut self,
        under_way: Option<(&DeploymentRow, Why)>,
        installed: impl FnOnce(),
    ) -> Result<Brought, StoreError> {
        let current = self.store.current().await?;
        if let Some(restart) = self.put_in_force(self.assembler.settings_of(&current)) {
            return Ok(Brought::Waits(restart));
        }
        let Stored { deployment, installs, mut broken } =
            self.assembler.as_stored(&current).await?;
        self.executor.configure(&deployment);
        for (name, tree) in self.assembler.own.trees(&current.own).unwrap_or_default() {
            self.assembler.configuration.install(&name, tree);
        }
        let prepared = self.executor.prepare_what_can(deployment, &self.progress).await;
        let (ready, unfit) = match prepared {
            Ok(prepared) => prepared,
            Err(circle) => {
                broken.push(Broken::new(None, circle.to_string()));
                installed();
                return Ok(Brought::Up(broken));
            }
        };
        let unfit = unfit.into_iter();
        broken.extend(unfit.map(|(name, failure)| Broken::new(Some(name), failure.message)));
        let wanted = ready.set();
        // What the other generation comes to takes files to be read, and perhaps fetched.
        if let Some((row, why)) = under_way.filter(|_| bootstrap::is_there(&wanted)) {
            let other = self.store.before().await?.unwrap_or_default();
            let other = self.assembler.as_stored(&other).await?.deployment.set();
            let steps = bootstrap::needed(&other, &wanted, ready.order(), why);
            match self.bootstrap(&row.id, &ready, steps).await? {
                Bootstrapped::Done => {}
                Bootstrapped::Restart(restart) => return Ok(Brought::Waits(restart)),
                Bootstrapped::Failed(failed) => broken.push(failed),
            }
        }
        self.carry_out(ready, installs, &mut broken, installed).await;
        broken.iter().for_each(|one| tracing::error!("{one}"));
        Ok(Brought::Up(broken))
    }
}

fn late(patience: Duration) -> Broken {
    Broken::new(None, format!("not all components came up within {patience:?}"))
}
