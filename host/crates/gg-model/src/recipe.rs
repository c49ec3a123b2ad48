//! Component recipes, format `2020-01-25`: what a component is and how it is run.
//!
//! A recipe is read from JSON or YAML. Names of properties and of enumerated values are matched
//! without regard to case, as in the Java nucleus. What is wrong is an error that says where; what
//! is merely unknown is a warning, since recipes for newer software must still load. Variables such
//! as `{artifacts:path}` stay as they are; see [`interpolate`](mod@crate::interpolate).

mod artifact;
mod artifact_uri;
mod dependency;
pub mod document;
mod lifecycle;
mod manifest;
mod oci_reference;
mod selection;
mod skip_if;
mod step;
mod text;

pub use artifact::{Access, Artifact, Permission, Unarchive};
pub use artifact_uri::{ArtifactUri, ArtifactUriError, MAX_URI_BYTES};
pub use dependency::{Dependency, DependencyType};
pub use lifecycle::{DEFAULT_ERROR_RESET_TIME, Lifecycle};
pub use manifest::Manifest;
pub use oci_reference::{OciReference, OciReferenceError};
pub use skip_if::{Condition, SkipIf, SkipIfError};
pub use step::{Step, StepName};

use crate::name::ComponentName;
use crate::platform::Platform;
use crate::shape::{Object, Path, ShapeError, Warning, Warnings, choice, list, text as text_of};
use crate::version::ComponentVersion;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The one format there is.
pub const RECIPE_FORMAT_VERSION: &str = "2020-01-25";

/// Most bytes in a recipe's text.
pub const MAX_RECIPE_BYTES: usize = 1024 * 1024;

/// Most manifests in a recipe.
pub const MAX_MANIFESTS: usize = 100;

/// The key of the default configuration under which a recipe carries signatures on what it means.
/// It is there because a cloud hands the default configuration on as it is, and not the recipe's
/// bytes; components do not see it.
pub const SIGNATURES: &str = "gg-host.signatures";

/// Most signatures in a recipe.
pub const MAX_SIGNATURES: usize = 16;

/// Most selections in a manifest.
pub const MAX_SELECTIONS: usize = 100;

/// A recipe (Greengrass developer guide, recipe reference).
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The component's name.
    pub name: ComponentName,
    /// Its version.
    pub version: ComponentVersion,
    /// What it does, for people.
    pub description: Option<String>,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// What kind of component it is.
    pub component_type: ComponentType,
    /// The ARN of the Lambda function that it was made of.
    pub component_source: Option<String>,
    /// The configuration it starts from, without [`SIGNATURES`]; an object.
    pub default_configuration: Value,
    /// Signatures on what it means: texts, or Sigstore bundles as objects. Nobody has verified them.
    pub signatures: Vec<Value>,
    /// The components it needs.
    pub dependencies: BTreeMap<ComponentName, Dependency>,
    /// How it runs on which device, in the order in which they are tried.
    pub manifests: Vec<Manifest>,
    /// What the text holds that has no effect.
    pub warnings: Vec<Warning>,
}

/// What kind of component a recipe describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComponentType {
    /// `aws.greengrass.generic`: what its lifecycle says.
    #[default]
    Generic,
    /// `aws.greengrass.lambda`: a Lambda function.
    Lambda,
    /// `aws.greengrass.plugin`: part of the Java nucleus.
    Plugin,
    /// `aws.greengrass.nucleus`: the core software itself.
    Nucleus,
}

/// Why a text is not a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// There is too much text.
    #[error("the recipe has {length} bytes; at most {MAX_RECIPE_BYTES} are allowed")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// The text is not JSON or not YAML.
    #[error("the recipe is not {format}: line {line}, column {column}: {message}")]
    Syntax {
        /// What it was read as.
        format: RecipeFormat,
        /// Line, counted from 1; 0 if unknown.
        line: u64,
        /// Column, counted from 1; 0 if unknown.
        column: u64,
        /// What the parser says.
        message: String,
    },
    /// A value is missing or not what its place asks for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// How a recipe is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipeFormat {
    /// The text begins with `{`.
    Json,
    /// Any other text.
    Yaml,
}

impl fmt::Display for RecipeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}

const TYPES: [(&str, ComponentType); 4] = [
    ("aws.greengrass.generic", ComponentType::Generic),
    ("aws.greengrass.lambda", ComponentType::Lambda),
    ("aws.greengrass.plugin", ComponentType::Plugin),
    ("aws.greengrass.nucleus", ComponentType::Nucleus),
];

/// Read a JSON (its first character is `{`) or YAML text as a value, with the limits of a recipe.
pub fn parse_value(text: &str) -> Result<Value, RecipeError> {
    text::parse(text)
}

impl Recipe {
    /// Read a recipe from JSON (its first character is `{`) or YAML.
    ///
    /// ```
    /// use gg_model::recipe::{Recipe, StepName};
    ///
    /// let recipe = Recipe::parse(
    ///     "RecipeFormatVersion: 2020-01-25
    /// ComponentName: com.example.Hello
    /// ComponentVersion: 1.0.0
    /// Manifests:
    ///   - Platform: {os: linux, runtime: wasm}
    ///     Lifecycle: {run: '{artifacts:path}/hello.wasm'}
    /// ",
    /// )?;
    /// let run = &recipe.manifests[0].lifecycle.steps[&StepName::Run];
    /// assert_eq!(run.script, "{artifacts:path}/hello.wasm");
    /// # Ok::<(), gg_model::recipe::RecipeError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let value = text::parse(text)?;
        let mut warnings = Warnings::default();
        let recipe = Self::read(&value, &mut warnings).map_err(|error| error.in_text(text))?;
        Ok(Self { warnings: warnings.into_vec(text), ..recipe })
    }

    /// The first manifest that is meant for this device.
    pub fn manifest_for(&self, platform: &Platform) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| platform.matches(&manifest.platform))
    }

    fn read(value: &Value, warnings: &mut Warnings) -> Result<Self, ShapeError> {
        let root = Path::root("");
        let mut object = Object::open(&root, value)?;
        let format =
            text_of(&root.key("RecipeFormatVersion"), object.required("RecipeFormatVersion")?)?;
        if format != RECIPE_FORMAT_VERSION {
            let message = format!("`{format}` is not known; write `{RECIPE_FORMAT_VERSION}`");
            return Err(ShapeError::new(&root.key("RecipeFormatVersion"), message));
        }
        let name = object.required_parsed("ComponentName")?;
        let version = object.required_parsed("ComponentVersion")?;
        let description = object.text("ComponentDescription")?.map(Into::into);
        let publisher = object.text("ComponentPublisher")?.map(Into::into);
        let component_type = match object.take("ComponentType") {
            Some(value) => choice(&root.key("ComponentType"), value, &TYPES)?,
            None => ComponentType::default(),
        };
        let component_source = object.text("ComponentSource")?.map(Into::into);
        let (default_configuration, signatures) = match object.take("ComponentConfiguration") {
            Some(value) => configuration(&root.key("ComponentConfiguration"), value, warnings)?,
            None => (Value::Object(Map::new()), Vec::new()),
        };
        let dependencies = match object.take("ComponentDependencies") {
            Some(value) => dependency::read(&root.key("ComponentDependencies"), value, warnings)?,
            None => BTreeMap::new(),
        };
        let global = object.take("Lifecycle");
        let manifests = match object.take("Manifests") {
            Some(value) => {
                let elements = list(&root.key("Manifests"), value)?;
                manifest::read_all(&root, elements, global, warnings)?
            }
            None => Vec::new(),
        };
        object.warn_unknown(warnings);
        Ok(Self {
            name,
            version,
            description,
            publisher,
            component_type,
            component_source,
            default_configuration,
            signatures,
            dependencies,
            manifests,
            warnings: Vec::new(),
        })
    }
}

/// The default configuration, and the signatures that were in it.
fn configuration(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<(Value, Vec<Value>), ShapeError> {
    let mut object = Object::open(path, value)?;
    let place = path.key("DefaultConfiguration");
    let (mut defaults, mut signatures) = (Map::new(), Vec::new());
    match object.take("DefaultConfiguration") {
        None => {}
        Some(Value::Object(members)) => {
            defaults.clone_from(members);
            if let Some(value) = defaults.remove(SIGNATURES) {
                let place = place.key(SIGNATURES);
                signatures = list(&place, &value)?.to_vec();
                if signatures.len() > MAX_SIGNATURES {
                    let (count, most) = (signatures.len(), MAX_SIGNATURES);
                    let message = format!("has {count} elements; at most {most} are allowed");
                    return Err(ShapeError::new(&place, message));
                }
            }
        }
        Some(other) => return Err(ShapeError::expected(&place, "an object", other)),
    }
    object.warn_unknown(warnings);
    Ok((Value::Object(defaults), signatures))
}

#[cfg(test)]
mod tests;
