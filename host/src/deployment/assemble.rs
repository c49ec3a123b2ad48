//! From what was asked for to a complete set of components: versions chosen, files here and
//! verified, configuration merged. Touches nothing that runs.

use super::concrete::{Files, Other, Others, PROVIDED, Places, concrete};
use super::device::Device;
use super::execute::Broken;
use super::outcome::Problem;
use super::own::{self, OwnConfiguration, Trees};
use super::progress::{Phase, Progress};
use super::{Deployment, DesiredComponent};
use crate::capability::configuration::Configuration;
use crate::cloud::data_plane::DataPlane;
use crate::component::InstalledComponent;
use crate::component::artifact::{ArtifactError, Fetcher, Transfer, are_here};
use crate::component::library::{Id, Library, LibraryError};
use crate::hexadecimal::hexadecimal;
use crate::store::{DeploymentRow, Generation, Store, StoreError, StoredComponent};
use crate::tasks::Tasks;
use crate::trust::Trust;
use gg_model::deployment::ComponentUpdatePolicy;
use gg_model::nucleus::own_components;
use gg_model::recipe::StepName;
use gg_model::resolve::Roots;
use gg_model::{
    ComponentName, ConfigTree, DeploymentGroup, DeploymentRequest, FailureHandlingPolicy,
    NucleusSettings, RunWith,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A deployment, complete.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// What is to be kept.
    pub(crate) generation: Generation,
    /// What is to run.
    pub(crate) deployment: Deployment,
    /// What is to be in force for the nucleus itself.
    pub(crate) settings: NucleusSettings,
    /// The components whose step `install` is to be carried out, and for what.
    pub(crate) installs: BTreeMap<ComponentName, String>,
    /// The configurations that were there before, which the new ones were made from.
    made_from: BTreeMap<ComponentName, ConfigTree>,
}

impl Assembled {
    /// Take in what components have changed of their configuration since it was assembled.
    pub(crate) fn catch_up(&mut self, configuration: &Configuration) {
        for (name, before) in &self.made_from {
            let now = configuration.tree(name);
            let Some(stored) = self.generation.components.get_mut(name) else { continue };
            for leaf in now.differences(before).iter().filter_map(|path| now.leaf(path)) {
                // It was within the limits of a tree there, and is of much the same here.
                let merged = stored.configuration.merge(&leaf.path, &leaf.value, leaf.modified);
                if let Err(error) = merged {
                    tracing::warn!(component = %name, %error, "a change of its configuration is lost");
                }
            }
        }
    }

    /// The configurations of components that keep their version and get another configuration.
    pub(crate) fn reconfigured(&self, current: &Generation) -> Vec<(ComponentName, Value)> {
        let changed = self.generation.components.iter().filter(|(name, stored)| {
            let before = current.components.get(*name);
            before.is_some_and(|before| before.version == stored.version)
                && self
                    .made_from
                    .get(*name)
                    .is_some_and(|before| !stored.configuration.differences(before).is_empty())
        });
        changed.map(|(name, stored)| (name.clone(), stored.configuration.to_json())).collect()
    }
}

/// A generation as it was kept, complete.
#[derive(Debug)]
pub(crate) struct Stored {
    /// What is to run.
    pub(crate) deployment: Deployment,
    /// As of [`Assembled`].
    pub(crate) installs: BTreeMap<ComponentName, String>,
    /// The components that cannot be, and why.
    pub(crate) broken: Vec<Broken>,
}

/// A component whose files are here and whose configuration is known.
struct Settling {
    id: Id,
    files: Files,
    stored: StoredComponent,
    /// Its configuration before.
    before: ConfigTree,
}

impl Settling {
    fn as_other(&self) -> (ComponentName, Other) {
        let configuration = self.stored.configuration.to_json();
        (self.id.0.clone(), Other { files: self.files.clone(), configuration })
    }
}

/// Assembles deployments. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Assembler {
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) configuration: Configuration,
    pub(crate) library: Library,
    /// Nothing is brought to the library: it is only asked what would be.
    pub(crate) only_looks: bool,
    pub(crate) own: OwnConfiguration,
    /// Whom recipes are asked of that are not here.
    pub(crate) plane: Option<DataPlane>,
    pub(crate) places: Places,
    pub(crate) store: Store,
    pub(crate) tasks: Tasks,
    pub(crate) trust: Trust,
}

impl Assembler {
    /// What a deployment comes to.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) async fn assemble(
        &self,
        row: &DeploymentRow,
        current: &Generation,
        progress: &Progress,
    ) -> Result<Assembled, Problem> {
        let request = document(row)?;
        let (own, settings) = self.own_update(row, &request, current)?;
        self.take_policy(&request, &own).await?;
        if !self.only_looks {
            self.import(&request, current).await?;
        }
        let roots = roots(&current.roots, row, &request);
        let roots = self.in_groups(&request, roots).await;
        let device = Device::new(&settings);
        let versions = self.versions(&request, &roots, current, &device).await?;
        named_but_absent(&request, &versions)?;

        let mut settled = Vec::new();
        for id in versions {
            settled.push(self.settle(id, &device, row, &request, current, progress).await?);
        }
        let others = Arc::new(settled.iter().map(Settling::as_other).collect::<Others>());
        let installed =
            self.store.installed().await.map_err(|error| Problem::new("IO_READ_ERROR", error))?;
        let mut assembled = Assembled {
            generation: Generation { components: BTreeMap::new(), own, roots },
            deployment: Deployment::default(),
            settings,
            installs: BTreeMap::new(),
            made_from: BTreeMap::new(),
        };
        for Settling { id, files, stored, before } in settled {
            let mut desired = self.make(&id, files, &stored, &others, &device).await?;
            to_install(&mut desired, &installed, &mut assembled.installs);
            assembled.made_from.insert(id.0.clone(), before);
            assembled.generation.components.insert(id.0, stored);
            assembled.deployment.components.push(desired);
        }
        Ok(assembled)
    }

    /// What a generation comes to that was activated before. A component that cannot be made any
    /// more is broken; the others are not.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn as_stored(&self, generation: &Generation) -> Result<Stored, StoreError> {
        let installed = self.store.installed().await?;
        let device = Device::new(&self.settings_of(generation));
        let (mut deployment, mut installs, mut broken) =
            (Deployment::default(), BTreeMap::new(), Vec::new());
        let (mut found, mut others) = (Vec::new(), Others::new());
        for (name, stored) in &generation.components {
            let id = (name.clone(), stored.version.clone());
            let files = self.files(&id).await;
            if let Ok(files) = files.clone() {
                let configuration = stored.configuration.to_json();
                others.insert(name.clone(), Other { files, configuration });
            }
            found.push((id, files, stored));
        }
        let others = Arc::new(others);
        for (id, files, stored) in found {
            let made = async {
                let files = files?;
                self.complete(&id, &files, &device).await?;
                self.make(&id, files, stored, &others, &device).await
            };
            let made = made.await;
            let name = &id.0;
            match made {
                Ok(mut desired) => {
                    to_install(&mut desired, &installed, &mut installs);
                    deployment.components.push(desired);
                }
                Err(problem) => broken.push(Broken::new(Some(name.clone()), problem.message)),
            }
        }
        Ok(Stored { deployment, installs, broken })
    }

    /// What is in force for the nucleus itself in a generation.
    pub(crate) fn settings_of(&self, generation: &Generation) -> NucleusSettings {
        let trees = self.own.trees(&generation.own);
        trees.and_then(|trees| self.own.settings(&trees)).unwrap_or_else(|error| {
            // It was judged before it was kept, together with another file perhaps.
            tracing::error!(%error, "the nucleus's own configuration is left as it is");
            self.own.watch().borrow().as_ref().clone()
        })
    }

    /// The nucleus's own configuration after a deployment, and what it says.
    fn own_update(
        &self,
        row: &DeploymentRow,
        request: &DeploymentRequest,
        current: &Generation,
    ) -> Result<(Trees, NucleusSettings), Problem> {
        let before = self.own.trees(&current.own)?;
        let updated = self.own.update(&before, request, changed_at(row, request))?;
        if !self.only_looks {
            own::warn_of_new(&self.settings_of(current), &updated.1);
            warn_of_provided(request);
        }
        Ok(updated)
    }

    /// What is to happen when a deployment fails.
    pub(crate) fn policy(&self, row: &DeploymentRow) -> FailureHandlingPolicy {
        document(row).map(|request| request.failure_handling()).unwrap_or_default()
    }

    /// Whether components may put it off.
    pub(crate) fn update_policy(&self, row: &DeploymentRow) -> ComponentUpdatePolicy {
        document(row).map_or(ComponentUpdatePolicy::SKIP, |request| request.component_update())
    }

    /// Remove from disk what none of the generations has. What cannot be removed stays, with a
    /// warning.
    pub(crate) async fn keep_only(&self, generations: &[&Generation]) {
        let ids = |generation: &&Generation| -> Vec<Id> {
            let stored = generation.components.iter();
            stored.map(|(name, stored)| (name.clone(), stored.version.clone())).collect()
        };
        let kept: BTreeSet<Id> = generations.iter().flat_map(ids).collect();
        let library = self.library.clone();
        match self.tasks.spawn_blocking_host(move || library.keep_only(&kept)).await {
            Ok(Ok(removed)) => {
                for id in removed {
                    if let Err(error) = self.trust.forget(&id).await {
                        tracing::warn!(%error, "the store was not cleaned up");
                    }
                    let (name, version) = id;
                    tracing::info!(component = %name, %version, "removed from the component store");
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "the component store was not cleaned up"),
            Err(_) => {}
        }
    }

    async fn import(
        &self,
        request: &DeploymentRequest,
        current: &Generation,
    ) -> Result<(), Problem> {
        let [recipes, artifacts] = request.folders().map(|folder| folder.map(PathBuf::from));
        let read = move || recipes.as_deref().map(Library::read).transpose();
        let recipes = self.blocking(read).await?.unwrap_or_default();
        let in_use = self.judge_new(&recipes, current).await?;
        let library = self.library.clone();
        self.blocking(move || library.import(&recipes, artifacts.as_deref(), &in_use)).await
    }

    /// Bring a component's files, and say what is kept of it.
    async fn settle(
        &self,
        id: Id,
        device: &Device,
        row: &DeploymentRow,
        request: &DeploymentRequest,
        current: &Generation,
        progress: &Progress,
    ) -> Result<Settling, Problem> {
        let (name, version) = &id;
        let stored = current.components.get(name);
        let run_with = stored
            .map(|stored| RunWith::parse(&stored.run_with).unwrap_or_default())
            .unwrap_or_default();
        let run_with = request.run_with(name, run_with);
        let before = match stored {
            // What the component itself has changed since is in the live one.
            Some(_) => self.configuration.tree(name),
            None => ConfigTree::default(),
        };
        let files = self.files(&id).await?;
        match self.only_looks {
            true => drop(self.judge(&id).await?),
            false => self.fetch(&id, &files, device, progress).await?,
        }
        let update = request.configuration_update(name).cloned().unwrap_or_default();
        let at = changed_at(row, request);
        let configuration =
            update.apply(&before, &files.recipe.default_configuration, at).map_err(|error| {
                Problem::new("CONFIG_INTERPOLATE_ERROR", format!("{name}: {error}"))
            })?;
        let (version, run_with) = (version.clone(), run_with.to_json().to_string());
        let stored = StoredComponent { version, run_with, configuration };
        Ok(Settling { id, files, stored, before })
    }

    async fn files(&self, id: &Id) -> Result<Files, Problem> {
        let (library, wanted) = (self.library.clone(), id.clone());
        let recipe = self.blocking(move || library.recipe(&wanted)).await?;
        let (name, version) = id;
        let recipe = recipe.ok_or_else(|| {
            Problem::new(
                "LOCAL_RECIPE_NOT_FOUND",
                format!("the recipe of {name} {version} is gone"),
            )
        })?;
        Ok(Files {
            recipe: Arc::new(recipe),
            artifacts: self.library.artifacts(id),
            unarchived: self.library.unarchived(id),
        })
    }

    /// Bring what is missing of a component's artifacts: since it was deployed, the device may have
    /// become one that another of its manifests is meant for.
    async fn complete(&self, id: &Id, files: &Files, device: &Device) -> Result<(), Problem> {
        let Some(manifest) = device.manifest(files) else { return Ok(()) };
        let (artifacts, folders) = (manifest.artifacts.clone(), files.folders());
        let here = self.tasks.spawn_blocking_host(move || are_here(&artifacts, &folders)).await;
        match here {
            Ok(true) => Ok(()),
            _ => self.fetch(id, files, device, &Progress::default()).await,
        }
    }

    /// Bring a component's artifacts to its folders, judged, checked and unpacked.
    async fn fetch(
        &self,
        id: &Id,
        files: &Files,
        device: &Device,
        progress: &Progress,
    ) -> Result<(), Problem> {
        let judge = self.judge(id).await?;
        let Some(manifest) = device.manifest(files) else { return Ok(()) };
        let (library, wanted, (name, version)) = (self.library.clone(), id.clone(), id);
        let arn = self.blocking(move || library.arn(&wanted)).await?;
        let folders = files.folders();
        let tell = |transfer: Transfer<'_>| {
            tracing::debug!(component = %name, ?transfer, "artifact");
            progress.tell(
                name,
                match transfer {
                    Transfer::Brought { .. } | Transfer::Waiting { .. } => Phase::Download,
                    Transfer::Ready { .. } => Phase::Verify,
                    Transfer::Unpacking { .. } => Phase::Unpack,
                },
            );
        };
        let (arn, judge) = (arn.as_deref(), judge.as_ref());
        let fetched = self.fetcher.fetch(&manifest.artifacts, &folders, arn, judge, &tell).await;
        fetched.map_err(|error| match &error {
            // It says of which component it speaks.
            ArtifactError::Untrusted(refusal) => Problem::new(error.code(), refusal),
            _ => Problem::new(error.code(), format!("{name} {version}: {error}"))
                .within("ARTIFACT_DOWNLOAD_ERROR"),
        })
    }

    async fn make(
        &self,
        id: &Id,
        files: Files,
        stored: &StoredComponent,
        others: &Arc<Others>,
        device: &Device,
    ) -> Result<DesiredComponent, Problem> {
        let run_with = device.settled(&RunWith::parse(&stored.run_with).unwrap_or_default());
        let (operator, places, others) =
            (device.operator.clone(), self.places.clone(), Arc::clone(others));
        let tree = stored.configuration.clone();
        let made = self.tasks.spawn_blocking_host(move || {
            concrete(&files, tree, &run_with, &others, &operator, &places)
        });
        let failed = |error| Problem::new("COMPONENT_PACKAGE_LOADING_ERROR", error);
        let (name, version) = id;
        made.await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(format!("{name} {version}: {error:#}")))
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LibraryError> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.tasks.spawn_blocking_host(work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error @ LibraryError::Recipe { .. })) => {
                Err(Problem::new("RECIPE_PARSE_ERROR", error))
            }
            Ok(Err(error @ LibraryError::InUse { .. })) => {
                Err(Problem::new("ARTIFACT_NOT_TRUSTED", error))
            }
            Ok(Err(error)) => Err(Problem::new("IO_READ_ERROR", error)),
            Err(error) => Err(Problem::new("IO_ERROR", error)),
        }
    }
}

pub(super) fn document(row: &DeploymentRow) -> Result<DeploymentRequest, Problem> {
    DeploymentRequest::parse(&row.document)
        .map_err(|error| Problem::new("DEPLOYMENT_DOCUMENT_PARSE_ERROR", error))
}

/// The time of the configuration that a deployment brings.
fn changed_at(row: &DeploymentRow, request: &DeploymentRequest) -> i64 {
    request.asked_at().unwrap_or(row.created)
}

/// The components that a deployment says something of.
fn named(request: &DeploymentRequest) -> impl Iterator<Item = &ComponentName> {
    request.reconfigured().into_iter().chain(request.placed())
}

/// Whether the host stands for a component itself.
fn is_provided(name: &ComponentName) -> bool {
    PROVIDED.contains(&name.as_str())
}

/// Whether it has a configuration that counts.
fn has_configuration(name: &ComponentName) -> bool {
    name.is_nucleus() || own_components().any(|own| own == *name)
}

/// Warn of what is said of components that the host stands for and that has no effect: all but the
/// configuration of some.
fn warn_of_provided(request: &DeploymentRequest) {
    let placed = request.placed();
    let is_of_use = |name: &ComponentName| has_configuration(name) && !placed.contains(&name);
    for name in named(request).filter(|name| is_provided(name) && !is_of_use(name)) {
        tracing::warn!(component = %name, "what a deployment says of it has no effect on this host");
    }
}

/// A configuration or a `runWith` for a component that the deployment does not bring is a mistake.
fn named_but_absent(request: &DeploymentRequest, versions: &[Id]) -> Result<(), Problem> {
    let there = |name: &&ComponentName| {
        is_provided(name) || versions.iter().any(|(other, _)| other == *name)
    };
    match named(request).find(|name| !there(name)) {
        None => Ok(()),
        Some(name) => Err(Problem::new(
            "COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT",
            format!(
                "{name} is named in the deployment and would not be on this device; add it with \
                 --merge {name}=VERSION"
            ),
        )),
    }
}

/// What the groups of a device ask for, after a request.
fn roots(before: &Roots, row: &DeploymentRow, request: &DeploymentRequest) -> Roots {
    let mut roots = before.clone();
    let group = DeploymentGroup::from(row.target.as_str());
    let mine = request.roots(&roots.remove(&group).unwrap_or_default());
    if !mine.is_empty() {
        roots.insert(group, mine);
    }
    roots
}

/// Whether a component is to have its step `install`; if so, it is noted for what.
fn to_install(
    desired: &mut DesiredComponent,
    installed: &BTreeMap<String, String>,
    installs: &mut BTreeMap<ComponentName, String>,
) {
    let fingerprint = fingerprint(&desired.component);
    desired.install = installed.get(desired.name().as_str()) != Some(&fingerprint);
    if desired.install {
        installs.insert(desired.name().clone(), fingerprint);
    }
}

/// What the step `install` of a component depends on: where it is the same, it has been carried out.
fn fingerprint(component: &InstalledComponent) -> String {
    let mut hash = Sha256::new();
    hash.update(component.version.to_string());
    hash.update(format!("{:?}", component.lifecycle.steps.get(&StepName::Install)));
    hash.update(format!("{:?}", component.run_as));
    hexadecimal(&hash.finalize())
}
