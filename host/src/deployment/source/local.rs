//! Components from files at hand: a recipe with its artifacts beside it, or a bare wasm file,
//! for which a recipe is made up.

use crate::clock::Clock;
use crate::deployment::DesiredComponent;
use crate::deployment::concrete::{Files, Operator, Other, Others, Places, RunWith, concrete};
use anyhow::{Context, Result, anyhow, bail, ensure};
use gg_model::{ConfigTree, Recipe};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest recipe file, in bytes.
const LARGEST_RECIPE: u64 = 1 << 20;

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

/// A component read from a file.
#[derive(Clone, Debug)]
pub struct LocalComponent {
    /// The file that was named.
    pub path: PathBuf,
    files: Files,
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
    let files = Files { recipe: Arc::new(recipe), unarchived: artifacts.clone(), artifacts };
    Ok(LocalComponent { path: path.to_owned(), files })
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

/// The components with what the operator adds, ready to be deployed together.
///
/// # Errors
/// No manifest for this machine, an artifact that is not what the recipe says, or a configuration
/// that cannot be.
pub fn desired(
    components: &[LocalComponent],
    operator: &Operator,
    settings: &[Setting],
    places: &Places,
    clock: &Clock,
) -> Result<Vec<DesiredComponent>> {
    let named = |local: &LocalComponent| local.path.display().to_string();
    let (mut trees, mut others) = (Vec::new(), Others::new());
    for local in components {
        let tree = local.configuration(settings, clock).with_context(|| named(local))?;
        let other = Other { files: local.files.clone(), configuration: tree.to_json() };
        let name = local.files.recipe.name.clone();
        ensure!(
            others.insert(name.clone(), other).is_none(),
            "two components are named {name}; rename one in its recipe"
        );
        trees.push((local, tree));
    }
    let make = |(local, tree): (&LocalComponent, ConfigTree)| {
        concrete(&local.files, tree, &RunWith::default(), &others, operator, places)
            .with_context(|| named(local))
    };
    trees.into_iter().map(make).collect()
}

impl LocalComponent {
    /// The recipe's defaults with the operator's values over them.
    fn configuration(&self, settings: &[Setting], clock: &Clock) -> Result<ConfigTree> {
        let recipe = &self.files.recipe;
        let mut tree = ConfigTree::default();
        tree.fill_defaults(&recipe.default_configuration)?;
        let name = recipe.name.as_ref();
        let mine = |setting: &&Setting| setting.component.as_deref().is_none_or(|c| c == name);
        for setting in settings.iter().filter(mine) {
            let shown = setting.path.join(".");
            tree.merge(&setting.path, &setting.value, clock.unix_millis())
                .with_context(|| format!("the configuration value {shown}"))?;
        }
        Ok(tree)
    }
}
