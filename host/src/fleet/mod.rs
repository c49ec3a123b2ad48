//! Tells the cloud how the device stands: when the nucleus has started, when a deployment has ended,
//! when a component breaks or works again, when the link is back, and once a day.

mod message;

use crate::capability::lifecycle::LifecycleState;
use crate::clock::Clock;
use crate::cloud::{Link, LinkState, Priority, Publication, Qos};
use crate::component::library::Library;
use crate::deployment::concrete::{PROVIDED, PROVIDED_VERSION};
use crate::deployment::queue::Queue;
use crate::runtime::Exit;
use crate::store::{DeploymentRow, Store, StoreError};
use crate::supervisor::{ComponentStatus, Supervisor};
use crate::tasks::Tasks;
use gg_model::resolve::Roots;
use gg_model::{ComponentName, ComponentVersion, ThingName};
use message::{Component, Status, Trigger};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often all is told.
const CADENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What components do at the same time is told together.
const TOGETHER: Duration = Duration::from_secs(1);

/// Tells the cloud.
#[derive(Debug)]
pub(crate) struct FleetStatus {
    pub(crate) clock: Clock,
    pub(crate) library: Library,
    pub(crate) link: Link,
    pub(crate) queue: Queue,
    pub(crate) store: Store,
    pub(crate) supervisor: Supervisor,
    pub(crate) tasks: Tasks,
    pub(crate) thing: ThingName,
}

/// How the components stood when it was told last.
type Stood = BTreeMap<ComponentName, LifecycleState>;

impl FleetStatus {
    /// Tell, until asked to stop.
    pub(crate) fn start(self, stop: CancellationToken) {
        let tasks = self.tasks.clone();
        drop(tasks.spawn(async move { stop.run_until_cancelled(self.serve()).await }));
    }

    async fn serve(self) {
        let mut sequence = self.clock.unix_millis();
        let mut ended = self.ended().await;
        let (mut moves, mut link) = (self.supervisor.moves(), self.link.watch());
        // What is told waits in the spool while there is no link.
        let mut stood = self.tell(&mut sequence, Trigger::Launch, &Stood::new(), None).await;
        let (mut next, mut was_up) = (Instant::now() + CADENCE, false);
        loop {
            let changed = self.queue.changed();
            for row in self.queue.list().await.unwrap_or_default().iter().rev() {
                if row.state.has_ended() && ended.insert(row.id.clone()) {
                    stood = self.tell(&mut sequence, Trigger::of(row), &stood, Some(row)).await;
                }
            }
            let is_up = *link.borrow_and_update() == LinkState::Up;
            if is_up && !was_up && self.is_news(&stood) {
                stood = self.tell(&mut sequence, Trigger::Reconnect, &stood, None).await;
            }
            was_up = is_up;
            tokio::select! {
                () = changed => {}
                changed = link.changed() => if changed.is_err() { return },
                moved = moves.changed() => {
                    if moved.is_err() {
                        return;
                    }
                    tokio::time::sleep(TOGETHER).await;
                    moves.mark_unchanged();
                    if self.is_news(&stood) {
                        stood = self.tell(&mut sequence, Trigger::Component, &stood, None).await;
                    }
                }
                () = sleep_until(next) => {
                    next = Instant::now() + CADENCE;
                    stood = self.tell(&mut sequence, Trigger::Cadence, &stood, None).await;
                }
            }
        }
    }

    /// The deployments that are over.
    async fn ended(&self) -> BTreeSet<String> {
        let rows = self.queue.list().await.unwrap_or_default();
        rows.into_iter().filter(|row| row.state.has_ended()).map(|row| row.id).collect()
    }

    /// Whether a component is broken that was not, or is none any more that was.
    fn is_news(&self, stood: &Stood) -> bool {
        let broken = |state: LifecycleState| state == LifecycleState::Broken;
        self.supervisor
            .statuses()
            .iter()
            .any(|(name, now)| broken(now.state) != stood.get(name).copied().is_some_and(broken))
    }

    /// Tell; gives how the components stand.
    async fn tell(
        &self,
        sequence: &mut i64,
        trigger: Trigger,
        stood: &Stood,
        deployment: Option<&DeploymentRow>,
    ) -> Stood {
        *sequence += 1;
        let statuses = self.supervisor.statuses();
        let all = match self.components(&statuses).await {
            Ok(all) => all,
            Err(error) => {
                tracing::error!(%error, "the cloud is not told how the device stands");
                return stood.clone();
            }
        };
        let is_healthy = all.iter().all(|one| one.state != LifecycleState::Broken);
        let whole = trigger.is_complete() || deployment.is_some();
        let stands = all.iter().map(|one| (one.name.clone(), one.state)).collect();
        let components =
            all.into_iter().filter(|one| whole || stood.get(&one.name) != Some(&one.state));
        let (thing, clock) = (&self.thing, &self.clock);
        let components = components.collect();
        let status = Status {
            thing,
            clock,
            sequence: *sequence,
            trigger,
            is_healthy,
            components,
            deployment,
        };
        for message in status.messages() {
            let topic = format!("$aws/things/{thing}/greengrassv2/health/json");
            let message = Publication::new(topic, message, Qos::AtLeastOnce);
            let message = Publication { priority: Priority::High, ..message };
            if let Err(error) = self.link.publish(message).await {
                tracing::warn!(%error, "the cloud is not told how the device stands");
            }
        }
        stands
    }

    /// The components, and who asked for each.
    async fn components(
        &self,
        statuses: &BTreeMap<ComponentName, ComponentStatus>,
    ) -> Result<Vec<Component>, StoreError> {
        let generation = self.store.current().await?;
        let arns = self.store.arns().await?;
        let library = self.library.clone();
        let ids: Vec<_> = generation
            .components
            .iter()
            .map(|(name, stored)| (name.clone(), stored.version.clone()))
            .collect();
        let needs = self.tasks.spawn_blocking_host(move || {
            let recipes = ids.into_iter().filter_map(|id| library.recipe(&id).ok().flatten());
            let needs = |recipe: gg_model::Recipe| {
                (recipe.name, recipe.dependencies.into_keys().collect::<Vec<_>>())
            };
            recipes.map(needs).collect::<BTreeMap<_, _>>()
        });
        let needs = needs.await.unwrap_or_default();
        let asked = asked(&generation.roots, &arns, &needs);
        let is_root =
            |name: &ComponentName| generation.roots.values().any(|roots| roots.contains_key(name));
        let of = |name: &ComponentName| asked.get(name).into_iter().flatten().cloned().collect();
        let version = PROVIDED_VERSION.parse().unwrap_or(ComponentVersion::ZERO);
        let provided = provided(&generation.roots, &needs).into_iter().map(|name| Component {
            version: version.clone(),
            state: LifecycleState::Finished,
            reason: None,
            arns: of(&name),
            is_root: is_root(&name),
            name,
        });
        let each = statuses.iter().map(|(name, status)| Component {
            name: name.clone(),
            version: status.version.clone(),
            state: status.state,
            reason: status.exit.as_ref().map(reason),
            arns: of(name),
            is_root: is_root(name),
        });
        Ok(provided.chain(each).collect())
    }
}

/// The components that the host stands for: itself, and those that somebody asks for or needs.
fn provided(
    roots: &Roots,
    needs: &BTreeMap<ComponentName, Vec<ComponentName>>,
) -> BTreeSet<ComponentName> {
    let asked = roots.values().flat_map(BTreeMap::keys);
    let all = asked.chain(needs.values().flatten());
    let provided = all.filter(|name| PROVIDED.contains(&name.as_str()));
    provided.cloned().chain([ComponentName::nucleus()]).collect()
}

fn reason(exit: &Exit) -> String {
    match exit {
        Exit::Finished(code) => format!("ended with code {code}"),
        Exit::Failed(failure) => failure.to_string(),
        Exit::Killed => "was ended".to_owned(),
    }
}

/// The deployments of each component: those of the groups that have it among their roots, and of those
/// whose components need it.
fn asked(
    roots: &Roots,
    arns: &BTreeMap<String, String>,
    needs: &BTreeMap<ComponentName, Vec<ComponentName>>,
) -> BTreeMap<ComponentName, BTreeSet<String>> {
    let mut asked: BTreeMap<ComponentName, BTreeSet<String>> = BTreeMap::new();
    for (group, components) in roots {
        let Some(arn) = arns.get(&group.to_string()) else { continue };
        let mut open: Vec<&ComponentName> = components.keys().collect();
        while let Some(name) = open.pop() {
            if asked.entry(name.clone()).or_default().insert(arn.clone()) {
                open.extend(needs.get(name).into_iter().flatten());
            }
        }
    }
    asked
}
