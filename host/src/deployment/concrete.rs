//! A recipe made concrete for this device: the manifest that is meant for it, variables replaced,
//! rights and limits read from the configuration.

use crate::capability::caller::{Operation, own_affairs};
use crate::capability::inference::Model;
use crate::component::artifact::Folders;
use crate::component::{InstalledComponent, Resources};
use crate::deployment::DesiredComponent;
use crate::inference::worker::ModelFiles;
use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine as _;
use gg_model::interpolate::{Variable, configuration_text};
use gg_model::nucleus::{TOKEN_EXCHANGE, TRUST_POLICY};
use gg_model::recipe::{
    Artifact, ArtifactUri, Dependency, DependencyType, Lifecycle, Manifest, StepName,
};
use gg_model::{
    AccessPolicy, ComponentName, ConfigTree, Directory, Grant, HostPort, LimitOverrides, Limits,
    ModelDeclaration, ModelName, Platform, PosixUser, Recipe, RuntimeKind, Sandbox, ThingName,
    interpolate, model,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Components that the host itself stands for: recipes depend on them.
pub const PROVIDED: [&str; 7] = [
    "aws.greengrass.Cli",
    "aws.greengrass.Nucleus",
    "aws.greengrass.NucleusLite",
    "aws.greengrass.SecretManager",
    "aws.greengrass.ShadowManager",
    "aws.greengrass.TokenExchangeService",
    TRUST_POLICY,
];

/// The version in which it does: that of the Java nucleus whose behaviour it follows.
pub const PROVIDED_VERSION: &str = "2.14.0";

/// What the operator adds to what recipes say.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// Grants beyond the recipes'.
    pub allow: Vec<Grant>,
    /// All local topics for a component whose recipe has no `accessControl`.
    pub local_topics: bool,
    /// Models that every component may use.
    pub models: Vec<ModelName>,
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
    /// Arguments after those of the recipes.
    pub arguments: Vec<String>,
    /// Attributes of the device that are added or replaced: `platformOverride`.
    pub platform: BTreeMap<String, String>,
    /// Who processes run as, unless their deployment says: `runWithDefault.posixUser`.
    pub run_as: Option<PosixUser>,
}

/// What all components of a device have in common.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root folder.
    pub root: PathBuf,
    /// The core device's name.
    pub thing: ThingName,
}

impl Places {
    /// A component's own folder.
    pub fn work(&self, component: &str) -> PathBuf {
        self.root.join("work").join(component)
    }
}

/// A component's recipe and the folders of its files.
#[derive(Clone, Debug)]
pub struct Files {
    /// The recipe.
    pub recipe: Arc<Recipe>,
    /// The folder of its artifacts.
    pub artifacts: PathBuf,
    /// The folder of its unpacked archives.
    pub unarchived: PathBuf,
}

impl Files {
    /// Where its files are.
    pub(crate) fn folders(&self) -> Folders {
        Folders { artifacts: self.artifacts.clone(), unarchived: self.unarchived.clone() }
    }
}

/// The components of a device, for recipe variables that name another one
/// (`{com.example.Model:artifacts:path}`).
pub type Others = BTreeMap<ComponentName, Other>;

/// What others can know of a component.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its folders.
    pub files: Files,
    /// Its configuration.
    pub configuration: Value,
}

/// What a deployment says of one component's processes: `runWith`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunWith {
    /// The user.
    pub run_as: Option<PosixUser>,
    /// What it may use.
    pub resources: Resources,
}

/// The component, ready to be deployed.
///
/// # Errors
/// No manifest for this machine, an artifact that is not what the recipe says, or a configuration
/// that cannot be.
pub fn concrete(
    files: &Files,
    configuration: ConfigTree,
    run_with: &RunWith,
    others: &Others,
    operator: &Operator,
    places: &Places,
) -> Result<DesiredComponent> {
    let recipe = &files.recipe;
    let platform = platform(&operator.platform);
    let manifest = recipe.manifest_for(&platform).ok_or_else(|| {
        anyhow!("no manifest of the recipe is meant for this device ({platform})")
    })?;
    let values = configuration.to_json();
    let runtime = manifest.runtime();
    let variables = Variables { files, others, places, values: &values, runtime };

    let mut sandbox = Sandbox::from_configuration(&values)?;
    sandbox.directories.extend(operator.directories.iter().cloned());
    sandbox.network.extend(operator.network.iter().cloned());
    sandbox.environment.extend(operator.environment.iter().cloned());
    let lifecycle = variables.lifecycle(&manifest.lifecycle)?;
    if manifest.runtime() == RuntimeKind::Wasm {
        sandbox.environment.extend(lifecycle.environment.clone());
    }
    sandbox.limits.extend(operator.limits.clone());
    let mut limits = Limits::default();
    limits.apply(&sandbox.limits);
    run_with.resources.memory.into_iter().for_each(|memory| limits.memory = memory);
    run_with.resources.cpus.into_iter().for_each(|cpus| limits.cpu = cpus);

    let (artifact, mut arguments) = variables.command(manifest, &lifecycle)?;
    arguments.extend(operator.arguments.iter().cloned());
    let hard =
        |(_, dependency): &(_, &Dependency)| dependency.dependency_type == DependencyType::Hard;
    let component = InstalledComponent {
        name: recipe.name.clone(),
        version: recipe.version.clone(),
        runtime: manifest.runtime(),
        artifact,
        arguments,
        lifecycle,
        images: images(&manifest.artifacts),
        archives: archives(&manifest.artifacts, &files.artifacts),
        files: manifest.artifacts.clone(),
        artifacts: files.artifacts.clone(),
        unarchived: files.unarchived.clone(),
        work: places.work(recipe.name.as_ref()),
        run_as: run_with.run_as.clone().or_else(|| default_user(manifest, operator)),
        resources: run_with.resources,
        models: models(files, &values)?,
        sandbox,
        limits,
        policy: Arc::new(policy(recipe, &values, operator)?),
        dependencies: recipe
            .dependencies
            .iter()
            .filter(hard)
            .map(|(name, _)| name.clone())
            .collect(),
    };
    Ok(DesiredComponent { component: Arc::new(component), configuration, install: true })
}

/// Containers run as the user of their image, and in the sandbox there are no users.
fn default_user(manifest: &Manifest, operator: &Operator) -> Option<PosixUser> {
    operator.run_as.clone().filter(|_| manifest.runtime() == RuntimeKind::Process)
}

/// What the variables of a recipe stand for.
struct Variables<'a> {
    files: &'a Files,
    others: &'a Others,
    places: &'a Places,
    values: &'a Value,
    runtime: RuntimeKind,
}

impl Variables<'_> {
    /// The steps with their variables replaced.
    fn lifecycle(&self, lifecycle: &Lifecycle) -> Result<Lifecycle> {
        let mut lifecycle = lifecycle.clone();
        let environments = lifecycle.steps.values_mut().map(|step| &mut step.environment);
        for value in
            environments.chain([&mut lifecycle.environment]).flat_map(|one| one.values_mut())
        {
            *value = self.replace(value)?;
        }
        // Of wasm, the words are told apart first, so that a value is one word whatever is in it.
        if self.runtime != RuntimeKind::Wasm {
            for (name, step) in &mut lifecycle.steps {
                step.script =
                    self.replace(&step.script).with_context(|| format!("the step `{name}`"))?;
            }
        }
        Ok(lifecycle)
    }

    /// What the step `run` of a wasm component comes to: the artifact and its arguments.
    fn command(
        &self,
        manifest: &Manifest,
        lifecycle: &Lifecycle,
    ) -> Result<(PathBuf, Vec<String>)> {
        if self.runtime != RuntimeKind::Wasm {
            return Ok((PathBuf::new(), Vec::new()));
        }
        let step = lifecycle.steps.get(&StepName::Run).ok_or_else(|| {
            anyhow!("the manifest for this machine has no step `run`; name the artifact there")
        })?;
        let words = shell_words::split(&step.script).context("the step `run`")?;
        let mut words = words.iter().map(|word| self.replace(word));
        let artifact = words.next().ok_or_else(|| anyhow!("the step `run` is empty"))??;
        let artifact = self.files.artifacts.join(artifact);
        check_digest(manifest, &artifact)?;
        Ok((artifact, words.collect::<Result<_>>()?))
    }

    fn replace(&self, text: &str) -> Result<String> {
        let lookup = |component: Option<&ComponentName>, variable: Variable<'_>| match component {
            None => self.own(variable),
            Some(name) => self.of(name, variable),
        };
        interpolate(text, lookup).map_err(anyhow::Error::from)
    }

    fn own(&self, variable: Variable<'_>) -> Option<String> {
        match variable {
            // The guest sees its work folder as its root.
            Variable::WorkPath if self.runtime == RuntimeKind::Wasm => Some("/".to_owned()),
            Variable::KernelRootPath => Some(self.places.root.display().to_string()),
            Variable::ThingName => Some(self.places.thing.to_string()),
            variable => self.value(self.files, self.values, variable),
        }
    }

    /// A recipe may name those that it depends on, and no others.
    fn of(&self, name: &ComponentName, variable: Variable<'_>) -> Option<String> {
        let known = self.files.recipe.dependencies.contains_key(name);
        let other = self.others.get(name).filter(|_| known)?;
        self.value(&other.files, &other.configuration, variable)
    }

    /// What every component has.
    fn value(&self, files: &Files, values: &Value, variable: Variable<'_>) -> Option<String> {
        let shown = |path: &Path| Some(path.display().to_string());
        match variable {
            Variable::ArtifactsPath => shown(&files.artifacts),
            Variable::ArtifactsDecompressedPath => shown(&files.unarchived),
            Variable::WorkPath => shown(&self.places.work(files.recipe.name.as_ref())),
            Variable::Configuration(pointer) => values.pointer(pointer).map(configuration_text),
            Variable::KernelRootPath | Variable::ThingName => None,
        }
    }
}

/// The models that its configuration declares.
fn models(files: &Files, configuration: &Value) -> Result<Vec<Model>> {
    let declared = model::from_configuration(configuration)?;
    // Those of archives lie elsewhere.
    let find = |name: &String| {
        let [file, unpacked] =
            [&files.artifacts, &files.unarchived].map(|folder| folder.join(name));
        if !file.exists() && unpacked.exists() { unpacked } else { file }
    };
    let model = |(name, declaration): (ModelName, ModelDeclaration)| Model {
        files: ModelFiles {
            model: find(&declaration.artifact),
            golden: declaration.golden.as_ref().map(find),
        },
        version: files.recipe.version.clone(),
        name,
        declaration,
    };
    Ok(declared.into_iter().map(model).collect())
}

/// The images that artifacts name, without their scheme.
fn images(artifacts: &[Artifact]) -> Vec<String> {
    let named = artifacts.iter().filter_map(|artifact| match &artifact.uri {
        ArtifactUri::Docker { image } => Some(image.clone()),
        _ => None,
    });
    named.collect()
}

/// The artifacts that are archives of images, as `docker save` makes them.
fn archives(artifacts: &[Artifact], folder: &Path) -> Vec<PathBuf> {
    let files = artifacts.iter().filter_map(|artifact| artifact.uri.file_name());
    let tar = |name: &&str| [".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending));
    files.filter(tar).map(|name| folder.join(name)).collect()
}

/// The file is what the recipe says, where it says anything. One that is not there is missed by
/// whoever runs it.
fn check_digest(manifest: &Manifest, artifact: &Path) -> Result<()> {
    let file = artifact.file_name().and_then(|name| name.to_str());
    let named = |uri: &ArtifactUri| file.is_some() && uri.file_name() == file;
    let entry = manifest.artifacts.iter().find(|entry| named(&entry.uri));
    let Some(wanted) = entry.and_then(|entry| entry.digest.as_deref()) else { return Ok(()) };
    if !artifact.exists() {
        return Ok(());
    }
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

/// This machine, as recipes name it, with what its operator says of it.
pub fn platform(told: &BTreeMap<String, String>) -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "x86",
        other => other,
    };
    let machine = Platform {
        attributes: [("os", std::env::consts::OS), ("architecture", architecture)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        runtimes: ["wasm", "docker", "aws_nucleus_lite"].map(str::to_owned).to_vec(),
    };
    machine.overridden(told)
}

/// What a component may do: what its recipe grants under `accessControl`; its own affairs; and
/// what the operator allows.
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
        // Whoever depends on the service says that it wants what it gives.
        if recipe.dependencies.keys().any(|name| name.as_str() == TOKEN_EXCHANGE) {
            let get = Operation::GetCredentials;
            policy.allow(get.service(), get.name(), "*")?;
        }
        if access_control.is_none() && operator.local_topics {
            for operation in [Operation::PublishToTopic, Operation::SubscribeToTopic] {
                policy.allow(operation.service(), operation.name(), "*")?;
            }
        }
    }
    for model in operator.models.iter().filter(|_| !operator.deny_all) {
        let run = Operation::RunInference;
        policy.allow(run.service(), run.name(), model.as_ref())?;
    }
    for grant in &operator.allow {
        policy.grant(grant)?;
    }
    Ok(policy)
}
