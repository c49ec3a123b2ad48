//! Components from files at hand: a recipe with its artifacts beside it, or a bare wasm file,
//! for which a recipe is made up.

use crate::capability::caller::{Operation, own_affairs};
use crate::clock::Clock;
use crate::component::InstalledComponent;
use crate::deployment::DesiredComponent;
use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine as _;
use gg_model::interpolate::{Variable, configuration_text};
use gg_model::recipe::{ArtifactUri, Manifest, StepName};
use gg_model::{
    AccessPolicy, ComponentName, ConfigTree, Directory, Grant, HostPort, LimitOverrides, Limits,
    Platform, Recipe, RuntimeKind, Sandbox, ThingName, interpolate,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest recipe file, in bytes.
const LARGEST_RECIPE: u64 = 1 << 20;

/// What the operator adds to what recipes say.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// Grants beyond the recipes'.
    pub allow: Vec<Grant>,
    /// Take away what is allowed by default.
    pub deny_all: bool,
    /// Folders for every component.
    pub directories: Vec<Directory>,
    /// Hosts for every component.
    pub network: Vec<HostPort>,
    /// Variables for every component.
    pub environment: Vec<(String, String)>,
    /// Limits of every component.
    pub limits: LimitOverrides,
    /// Configuration: for one component, or for all; a key path and a value.
    pub configuration: Vec<Setting>,
    /// Arguments after those of the recipes.
    pub arguments: Vec<String>,
}

/// One value of a component's configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    /// Which component; all when `None`.
    pub component: Option<String>,
    /// Where.
    pub path: Vec<String>,
    /// What.
    pub value: Value,
}

/// Where a component's files are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root folder.
    pub root: PathBuf,
    /// The core device's name.
    pub thing: ThingName,
}

/// A component read from a file.
#[derive(Clone, Debug)]
pub struct LocalComponent {
    /// The file that was named.
    pub path: PathBuf,
    recipe: Recipe,
    /// The folder of its artifacts.
    artifacts: PathBuf,
}

/// Read a recipe, or make one up for a wasm file.
///
/// # Errors
/// The file cannot be read, or is no recipe.
pub fn read(path: &Path) -> Result<LocalComponent> {
    let folder = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => bail!("{} is not a file", path.display()),
    };
    let artifacts = folder.canonicalize().with_context(|| {
        format!("{}: cannot open the folder {}", path.display(), folder.display())
    })?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let recipe = match extension.to_ascii_lowercase().as_str() {
        "yaml" | "yml" | "json" => read_recipe(path)?,
        _ => made_up(path)?,
    };
    Ok(LocalComponent { path: path.to_owned(), recipe, artifacts })
}

fn read_recipe(path: &Path) -> Result<Recipe> {
    let metadata =
        fs::metadata(path).with_context(|| format!("{}: cannot open", path.display()))?;
    let length = metadata.len();
    ensure!(
        length <= LARGEST_RECIPE,
        "{}: {length} bytes are too many for a recipe",
        path.display()
    );
    let text =
        fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    let recipe = Recipe::parse(&text).with_context(|| path.display().to_string())?;
    for warning in &recipe.warnings {
        tracing::warn!(recipe = %path.display(), "{warning}");
    }
    Ok(recipe)
}

/// The recipe of a bare wasm file: its name, version 0.0.0, and nothing granted.
fn made_up(path: &Path) -> Result<Recipe> {
    let file = path.file_name().and_then(|name| name.to_str());
    let file = file.ok_or_else(|| anyhow!("{} has no name that can be used", path.display()))?;
    let stem = file.strip_suffix(".wasm").unwrap_or(file);
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = stem.chars().map(allowed).take(128).collect();
    let quoted = shell_words::quote(file);
    let recipe = json!({
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": "0.0.0",
        "Manifests": [{
            "Platform": { "runtime": "wasm" },
            "Lifecycle": { "run": format!("{{artifacts:path}}/{quoted}") },
        }],
    });
    Recipe::parse(&recipe.to_string()).with_context(|| path.display().to_string())
}

impl LocalComponent {
    /// The component with what the operator adds, ready to be deployed.
    ///
    /// # Errors
    /// No manifest for this machine, an artifact that is not what the recipe says, or a
    /// configuration that cannot be.
    pub fn desired(
        &self,
        operator: &Operator,
        places: &Places,
        clock: &Clock,
    ) -> Result<DesiredComponent> {
        self.make(operator, places, clock).with_context(|| self.path.display().to_string())
    }

    fn make(
        &self,
        operator: &Operator,
        places: &Places,
        clock: &Clock,
    ) -> Result<DesiredComponent> {
        let recipe = &self.recipe;
        let manifest = recipe.manifest_for(&platform()).ok_or_else(|| {
            anyhow!("no manifest of the recipe is meant for this machine ({:?})", platform())
        })?;
        let tree = self.configuration(operator, clock)?;
        let configuration = tree.to_json();
        let mut sandbox = Sandbox::from_configuration(&configuration)?;
        sandbox.directories.extend(operator.directories.iter().cloned());
        sandbox.network.extend(operator.network.iter().cloned());
        sandbox.environment.extend(operator.environment.iter().cloned());
        sandbox.environment.extend(manifest.lifecycle.environment.clone());
        sandbox.limits.extend(operator.limits.clone());
        let mut limits = Limits::default();
        limits.apply(&sandbox.limits);

        let work = places.root.join("work").join(recipe.name.as_ref());
        let (artifact, mut arguments) = self.command(manifest, places, &work, &configuration)?;
        arguments.extend(operator.arguments.iter().cloned());
        let component = InstalledComponent {
            name: recipe.name.clone(),
            version: recipe.version.clone(),
            runtime: manifest.runtime(),
            artifact,
            arguments,
            work,
            sandbox,
            limits,
            policy: Arc::new(policy(recipe, &configuration, operator)?),
            dependencies: recipe.dependencies.keys().cloned().collect(),
        };
        Ok(DesiredComponent { component: Arc::new(component), configuration: tree })
    }

    /// The recipe's defaults with the operator's values over them.
    fn configuration(&self, operator: &Operator, clock: &Clock) -> Result<ConfigTree> {
        let mut tree = ConfigTree::default();
        tree.fill_defaults(&self.recipe.default_configuration)?;
        let name = self.recipe.name.as_ref();
        let mine = |setting: &&Setting| setting.component.as_deref().is_none_or(|c| c == name);
        for setting in operator.configuration.iter().filter(mine) {
            let shown = setting.path.join(".");
            tree.merge(&setting.path, &setting.value, clock.unix_millis())
                .with_context(|| format!("the configuration value {shown}"))?;
        }
        Ok(tree)
    }

    /// What the step `run` comes to: the artifact and its arguments.
    fn command(
        &self,
        manifest: &Manifest,
        places: &Places,
        work: &Path,
        configuration: &Value,
    ) -> Result<(PathBuf, Vec<String>)> {
        let step = manifest.lifecycle.steps.get(&StepName::Run).ok_or_else(|| {
            anyhow!("the manifest for this machine has no step `run`; name the artifact there")
        })?;
        if manifest.runtime() != RuntimeKind::Wasm {
            return Ok((PathBuf::new(), Vec::new()));
        }
        let words = shell_words::split(&step.script).context("the step `run`")?;
        let mut words = words.iter().map(|word| {
            // Others' folders and configuration are not known here.
            let lookup = |component: Option<&ComponentName>, variable: Variable<'_>| {
                let own = component.is_none();
                own.then(|| self.lookup(variable, places, work, configuration)).flatten()
            };
            interpolate(word, lookup).map_err(anyhow::Error::from)
        });
        let artifact = words.next().ok_or_else(|| anyhow!("the step `run` is empty"))??;
        let artifact = self.artifacts.join(artifact);
        self.check_digest(manifest, &artifact)?;
        Ok((artifact, words.collect::<Result<_>>()?))
    }

    fn lookup(
        &self,
        variable: Variable<'_>,
        places: &Places,
        work: &Path,
        configuration: &Value,
    ) -> Option<String> {
        match variable {
            Variable::ArtifactsPath | Variable::ArtifactsDecompressedPath => {
                Some(self.artifacts.display().to_string())
            }
            // The guest sees its work folder as its root.
            Variable::WorkPath if work.is_absolute() => Some("/".to_owned()),
            Variable::WorkPath => None,
            Variable::KernelRootPath => Some(places.root.display().to_string()),
            Variable::ThingName => Some(places.thing.to_string()),
            Variable::Configuration(pointer) => {
                configuration.pointer(pointer).map(configuration_text)
            }
        }
    }

    /// The file is what the recipe says, where it says anything.
    fn check_digest(&self, manifest: &Manifest, artifact: &Path) -> Result<()> {
        let file = artifact.file_name().and_then(|name| name.to_str());
        let named = |uri: &ArtifactUri| file.is_some() && uri.file_name() == file;
        let entry = manifest.artifacts.iter().find(|entry| named(&entry.uri));
        let Some(wanted) = entry.and_then(|entry| entry.digest.as_deref()) else { return Ok(()) };
        let bytes =
            fs::read(artifact).with_context(|| format!("cannot read {}", artifact.display()))?;
        let found = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&bytes));
        ensure!(
            found == wanted,
            "{} has the SHA-256 digest {found}, and the recipe says {wanted}; it is another file",
            artifact.display()
        );
        Ok(())
    }
}

/// This machine, as recipes name it.
pub fn platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "x86",
        other => other,
    };
    Platform {
        attributes: [("os", std::env::consts::OS), ("architecture", architecture)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        runtimes: ["wasm", "docker", "aws_nucleus_lite"].map(str::to_owned).to_vec(),
    }
}

/// What a component of a run may do: what its recipe grants under `accessControl`, or, when the
/// recipe says nothing, all local topics; its own affairs; and what the operator allows.
fn policy(recipe: &Recipe, configuration: &Value, operator: &Operator) -> Result<AccessPolicy> {
    let access_control = configuration
        .as_object()
        .and_then(|map| map.iter().find(|(key, _)| key.eq_ignore_ascii_case("accessControl")));
    let mut policy = match access_control {
        Some((_, block)) => {
            let policy = AccessPolicy::from_access_control(block).context("accessControl")?;
            for warning in policy.warnings() {
                tracing::warn!(component = %recipe.name, "{warning}");
            }
            policy
        }
        None => AccessPolicy::default(),
    };
    if !operator.deny_all {
        policy.merge(own_affairs(&recipe.name));
        if access_control.is_none() {
            for operation in [Operation::PublishToTopic, Operation::SubscribeToTopic] {
                policy.allow(operation.service(), operation.name(), "*")?;
            }
        }
    }
    for grant in &operator.allow {
        policy.grant(grant)?;
    }
    Ok(policy)
}
