//! From what was asked for to a complete set of components: versions chosen, files here and
//! verified, configuration merged. Touches nothing that runs.

use super::concrete::{Files, Operator, PROVIDED, Places, RunWith as Settled, concrete, platform};
use super::execute::Broken;
use super::outcome::Problem;
use super::plan::{Step, plan};
use super::progress::{Phase, Progress};
use super::{Deployment, DesiredComponent};
use crate::capability::configuration::Configuration;
use crate::component::artifact::{Fetcher, Folders, Transfer};
use crate::component::library::{Id, Library, LibraryError};
use crate::component::{InstalledComponent, Resources, RunAs};
use crate::store::{DeploymentRow, Generation, Store, StoreError, StoredComponent};
use crate::tasks::Tasks;
use gg_model::resolve::{Candidate, Request, resolve};
use gg_model::{
    ComponentName, ConfigTree, ConfigurationUpdate, FailureHandlingPolicy, LocalDeploymentRequest,
    RunWith, VersionRequirement,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A deployment, complete.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// What is to be kept.
    pub(crate) generation: Generation,
    /// What is to run.
    pub(crate) deployment: Deployment,
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
}

impl Assembled {
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

/// Assembles deployments. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Assembler {
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) configuration: Configuration,
    pub(crate) library: Library,
    pub(crate) operator: Operator,
    pub(crate) places: Places,
    pub(crate) store: Store,
    pub(crate) tasks: Tasks,
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
        let request = LocalDeploymentRequest::parse(&row.document)
            .map_err(|error| Problem::new("DEPLOYMENT_DOCUMENT_PARSE_ERROR", error))?;
        self.import(&request).await?;
        let mut roots = current.roots.clone();
        let mine = roots.entry(row.target.clone()).or_default();
        mine.retain(|name, _| !request.remove.contains(name));
        for (name, version) in &request.add {
            mine.insert(name.clone(), version.to_string());
        }
        roots.retain(|_, components| !components.is_empty());
        let versions = self.resolve(&roots, current).await?;
        named_but_absent(&request, &versions)?;

        let installed =
            self.store.installed().await.map_err(|error| Problem::new("IO_READ_ERROR", error))?;
        let mut assembled = Assembled {
            generation: Generation { components: BTreeMap::new(), roots },
            deployment: Deployment::default(),
            installs: BTreeMap::new(),
            made_from: BTreeMap::new(),
        };
        for id in versions {
            progress.tell(&id.0, Phase::Download);
            let before = match current.components.get(&id.0) {
                // What the component itself has changed since is in the live one.
                Some(_) => self.configuration.tree(&id.0),
                None => ConfigTree::default(),
            };
            let (stored, mut desired) =
                self.component(&id, &request, current, before.clone()).await?;
            assembled.made_from.insert(id.0.clone(), before);
            let fingerprint = fingerprint(&desired.component);
            desired.install = installed.get(id.0.as_str()) != Some(&fingerprint);
            if desired.install {
                assembled.installs.insert(id.0.clone(), fingerprint);
            }
            assembled.generation.components.insert(id.0, stored);
            assembled.deployment.components.push(desired);
        }
        Ok(assembled)
    }

    /// What a deployment would do, as far as it can be told without doing it.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) async fn plan(
        &self,
        row: &DeploymentRow,
    ) -> Result<Vec<(Step, ComponentName)>, Problem> {
        let read = |error: StoreError| Problem::new("IO_READ_ERROR", error);
        let current = self.store.current().await.map_err(read)?;
        let present = self.as_stored(&current).await.map_err(read)?;
        let wanted = self.assemble(row, &current, &Progress::default()).await?;
        Ok(plan(&present.deployment.set(), &wanted.deployment.set()))
    }

    /// What a generation comes to that was activated before. A component that cannot be made any
    /// more is broken; the others are not.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn as_stored(&self, generation: &Generation) -> Result<Stored, StoreError> {
        let installed = self.store.installed().await?;
        let (mut deployment, mut installs, mut broken) =
            (Deployment::default(), BTreeMap::new(), Vec::new());
        for (name, stored) in &generation.components {
            let id = (name.clone(), stored.version.clone());
            let run_with = RunWith::parse(&stored.run_with).unwrap_or_default();
            let made = match self.files(&id).await {
                Ok(files) => self.make(&id, files, stored.configuration.clone(), &run_with).await,
                Err(problem) => Err(problem),
            };
            match made {
                Ok(mut desired) => {
                    let fingerprint = fingerprint(&desired.component);
                    desired.install = installed.get(name.as_str()) != Some(&fingerprint);
                    if desired.install {
                        installs.insert(name.clone(), fingerprint);
                    }
                    deployment.components.push(desired);
                }
                Err(problem) => broken
                    .push(Broken { component: Some(name.clone()), reason: problem.to_string() }),
            }
        }
        Ok(Stored { deployment, installs, broken })
    }

    /// What is to happen when a deployment fails.
    pub(crate) fn policy(&self, row: &DeploymentRow) -> FailureHandlingPolicy {
        LocalDeploymentRequest::parse(&row.document)
            .map(|request| request.failure_handling)
            .unwrap_or_default()
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
                for (name, version) in removed {
                    tracing::info!(component = %name, %version, "removed from the component store");
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "the component store was not cleaned up"),
            Err(_) => {}
        }
    }

    async fn import(&self, request: &LocalDeploymentRequest) -> Result<(), Problem> {
        let library = self.library.clone();
        let (recipes, artifacts) =
            (request.recipe_directory.clone(), request.artifacts_directory.clone());
        let imported = self.blocking(move || {
            library.import(recipes.as_deref().map(Path::new), artifacts.as_deref().map(Path::new))
        });
        let _ids = imported.await?;
        Ok(())
    }

    async fn resolve(
        &self,
        roots: &BTreeMap<String, BTreeMap<ComponentName, String>>,
        current: &Generation,
    ) -> Result<Vec<Id>, Problem> {
        let library = self.library.clone();
        let there = self.blocking(move || library.candidates()).await?;
        let mut request = Request {
            provided: PROVIDED.iter().filter_map(|name| name.parse().ok()).collect(),
            running: current
                .components
                .iter()
                .map(|(name, stored)| (name.clone(), stored.version.clone()))
                .collect(),
            ..Request::default()
        };
        for (name, versions) in there {
            let candidates = versions.into_iter().map(|one| Candidate {
                version: one.version,
                needs: one
                    .dependencies
                    .into_iter()
                    .map(|(name, dependency)| (name, dependency.version_requirement))
                    .collect(),
            });
            request.candidates.insert(name, candidates.collect());
        }
        for (target, components) in roots {
            let mut wanted = BTreeMap::new();
            for (name, requirement) in components {
                let requirement: VersionRequirement = requirement
                    .parse()
                    .map_err(|error| Problem::new("COMPONENT_VERSION_NOT_VALID", error))?;
                wanted.insert(name.clone(), requirement);
            }
            request.roots.insert(target.clone(), wanted);
        }
        let versions = resolve(&request).map_err(|error| {
            use gg_model::resolve::ResolveError as E;
            let code = match error {
                E::Circle { .. } => "COMPONENT_CIRCULAR_DEPENDENCY_ERROR",
                E::Missing { .. } => "NO_AVAILABLE_COMPONENT_VERSION",
                _ => "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
            };
            Problem::new(code, error)
        })?;
        Ok(versions.into_iter().collect())
    }

    /// One component: what is kept of it, and what runs.
    async fn component(
        &self,
        id: &Id,
        request: &LocalDeploymentRequest,
        current: &Generation,
        tree: ConfigTree,
    ) -> Result<(StoredComponent, DesiredComponent), Problem> {
        let (name, version) = id;
        let before = current.components.get(name);
        let mut run_with = before
            .map(|stored| RunWith::parse(&stored.run_with).unwrap_or_default())
            .unwrap_or_default();
        if let Some(asked) = request.run_with.get(name) {
            run_with.overlay(asked);
        }
        let files = self.files(id).await?;
        self.fetch(id, &files).await?;
        let defaults = files.recipe.default_configuration.clone();
        let update = request.configuration.get(name);
        let tree = merged(tree, &defaults, update, request.request_timestamp).map_err(|error| {
            Problem::new("CONFIG_INTERPOLATE_ERROR", format!("{name}: {error}"))
        })?;
        let desired = self.make(id, files, tree.clone(), &run_with).await?;
        let stored = StoredComponent {
            version: version.clone(),
            run_with: run_with.to_json().to_string(),
            configuration: tree,
        };
        Ok((stored, desired))
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

    /// Bring a component's artifacts to its folders, checked and unpacked.
    async fn fetch(&self, (name, version): &Id, files: &Files) -> Result<(), Problem> {
        let Some(manifest) = files.recipe.manifest_for(&platform()) else { return Ok(()) };
        let folders =
            Folders { artifacts: files.artifacts.clone(), unarchived: files.unarchived.clone() };
        let tell = |transfer: Transfer<'_>| {
            tracing::debug!(component = %name, ?transfer, "artifact");
        };
        let fetched = self.fetcher.fetch(&manifest.artifacts, &folders, &tell).await;
        fetched.map_err(|error| Problem::new(error.code(), format!("{name} {version}: {error}")))
    }

    async fn make(
        &self,
        id: &Id,
        files: Files,
        tree: ConfigTree,
        run_with: &RunWith,
    ) -> Result<DesiredComponent, Problem> {
        let (operator, places, settled) =
            (self.operator.clone(), self.places.clone(), settled(run_with)?);
        let made = self
            .tasks
            .spawn_blocking_host(move || concrete(&files, tree, &settled, &operator, &places));
        let failed = |error| Problem::new("COMPONENT_PACKAGE_LOADING_ERROR", error);
        let (name, version) = id;
        made.await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(format!("{name} {version}: {error:#}")))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LibraryError> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.tasks.spawn_blocking_host(work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error @ LibraryError::Recipe { .. })) => {
                Err(Problem::new("RECIPE_PARSE_ERROR", error))
            }
            Ok(Err(error)) => Err(Problem::new("IO_READ_ERROR", error)),
            Err(error) => Err(Problem::new("IO_ERROR", error)),
        }
    }
}

/// A configuration or a `runWith` for a component that the deployment does not bring is a mistake.
fn named_but_absent(request: &LocalDeploymentRequest, versions: &[Id]) -> Result<(), Problem> {
    let there = |name: &&ComponentName| versions.iter().any(|(other, _)| other == *name);
    let named = request.configuration.keys().chain(request.run_with.keys());
    match named.into_iter().find(|name| !there(name)) {
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

/// First the resets, then the recipe's defaults where nothing is, then what is merged (Java
/// nucleus, KernelConfigResolver).
fn merged(
    mut tree: ConfigTree,
    defaults: &Value,
    update: Option<&ConfigurationUpdate>,
    at: i64,
) -> Result<ConfigTree, gg_model::ConfigError> {
    for pointer in update.iter().flat_map(|update| &update.reset) {
        tree.reset(pointer)?;
    }
    tree.fill_defaults(defaults)?;
    if let Some(update) = update.filter(|update| !update.merge.is_null()) {
        tree.merge::<&str>(&[], &update.merge, at)?;
    }
    Ok(tree)
}

fn settled(run_with: &RunWith) -> Result<Settled, Problem> {
    let user = run_with.posix_user.as_deref().filter(|user| !user.is_empty());
    Ok(Settled {
        run_as: user
            .map(RunAs::parse)
            .transpose()
            .map_err(|error| Problem::new("RUN_WITH_CONFIG_NOT_VALID", error))?,
        resources: Resources {
            memory: run_with.memory_kib.map(|kib| kib.saturating_mul(1024)),
            cpus: run_with.cpus,
            pids: None,
        },
    })
}

/// What the step `install` of a component depends on: where it is the same, it has been carried out.
fn fingerprint(component: &InstalledComponent) -> String {
    let mut hash = Sha256::new();
    hash.update(component.version.to_string());
    hash.update(format!("{:?}", component.lifecycle.steps.get("install")));
    hash.update(format!("{:?}", component.run_as));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
