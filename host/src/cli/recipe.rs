//! `gg-host recipe`: look at recipes without deploying them.

use super::Format;
use crate::deployment::concrete::{PROVIDED, platform};
use crate::logs::harmless;
use anyhow::{Context as _, Result, anyhow, ensure};
use clap::{Subcommand, ValueHint};
use gg_model::recipe::{ArtifactUri, ComponentType, MAX_RECIPE_BYTES, Manifest};
use gg_model::{Recipe, Sandbox, model};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Look at recipes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check recipes: errors with their place, warnings, and what they need that this host does not
    /// serve. The code is 1 if one of them has an error.
    Check {
        /// Recipes (.yaml, .yml, .json), or folders with recipes.
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// How to print.
        #[arg(long, short = 'o', value_enum, default_value_t)]
        output: Format,
    },
}

/// What is known of one file.
struct Finding {
    path: PathBuf,
    /// Name and version, or what is wrong.
    recipe: Result<String>,
    warnings: Vec<String>,
    unserved: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Command::Check { files, output } = &args.command;
    let mut paths = Vec::new();
    for file in files {
        collect(file, &mut paths)?;
    }
    ensure!(!paths.is_empty(), "there is no recipe (.yaml, .yml, .json) in these folders");
    let findings: Vec<Finding> = paths.iter().map(|path| check(path)).collect();
    let mut stdout = std::io::stdout().lock();
    for finding in &findings {
        match output {
            Format::Json => writeln!(stdout, "{}", finding.to_json())?,
            Format::Text => write!(stdout, "{}", harmless_lines(&finding.to_text()))?,
        }
    }
    let bad = findings.iter().filter(|finding| finding.recipe.is_err()).count();
    if *output == Format::Text && findings.len() > 1 {
        let good = findings.len() - bad;
        let whole = findings.iter().filter(|one| one.recipe.is_ok() && one.unserved.is_empty());
        writeln!(
            stdout,
            "{good} of {} are recipes; of these {} need nothing that is not served here",
            findings.len(),
            whole.count()
        )?;
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Control characters of the files do not reach the terminal; line ends do.
fn harmless_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", harmless(line))).collect()
}

/// A file, or the recipes in a folder.
fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        found.push(entry?.path());
    }
    found.sort();
    for path in found {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if ["yaml", "yml", "json"].contains(&ending.to_ascii_lowercase().as_str()) {
            paths.push(path);
        }
    }
    Ok(())
}

fn check(path: &Path) -> Finding {
    let mut finding = Finding {
        path: path.to_owned(),
        recipe: Err(anyhow!("")),
        warnings: Vec::new(),
        unserved: Vec::new(),
    };
    match read_filled(path) {
        Err(error) => finding.recipe = Err(error),
        Ok((recipe, template)) => {
            finding.warnings = recipe.warnings.iter().map(ToString::to_string).collect();
            finding.recipe = of_configuration(&recipe).map(|warnings| {
                finding.warnings.extend(warnings);
                format!("{} {}", recipe.name, recipe.version)
            });
            finding.unserved = unserved(&recipe);
            if template {
                let what = "it is a template; `gdk component build` fills in its name and version";
                finding.unserved.push(what.to_owned());
            }
        }
    }
    finding
}

fn read(path: &Path) -> Result<Recipe> {
    let length = fs::metadata(path).context("cannot open")?.len();
    ensure!(
        length <= MAX_RECIPE_BYTES as u64,
        "has {length} bytes; a recipe has at most {MAX_RECIPE_BYTES}"
    );
    let text = fs::read_to_string(path).context("cannot read")?;
    Ok(Recipe::parse(&text)?)
}

/// What templates of recipes have where a name and a version belong, and what stands in for it
/// while they are checked (Greengrass Development Kit, `gdk component build`).
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("{COMPONENT_NAME}", "com.example.Template"),
    ("{COMPONENT_VERSION}", "0.0.0"),
    ("COMPONENT_VERSION", "0.0.0"),
];

/// A recipe, or a template of one; and whether it is a template.
fn read_filled(path: &Path) -> Result<(Recipe, bool)> {
    let error = match read(path) {
        Ok(recipe) => return Ok((recipe, false)),
        Err(error) => error,
    };
    let Ok(mut text) = fs::read_to_string(path) else { return Err(error) };
    if !PLACEHOLDERS.iter().any(|(word, _)| text.contains(word)) {
        return Err(error);
    }
    for (word, filled) in PLACEHOLDERS {
        text = text.replace(word, filled);
    }
    Ok((Recipe::parse(&text)?, true))
}

/// What its default configuration says to the host: an error is what a deployment would refuse, a
/// warning what it would miss.
fn of_configuration(recipe: &Recipe) -> Result<Vec<String>> {
    const KEY: &str = "ComponentConfiguration.DefaultConfiguration";
    let configuration = &recipe.default_configuration;
    Sandbox::from_configuration(configuration).context(KEY)?;
    let models = model::from_configuration(configuration).context(KEY)?;
    let files = models.iter().flat_map(|(name, model)| {
        let golden = model.golden.iter().map(move |golden| (name, "golden", golden));
        std::iter::once((name, "artifact", &model.artifact)).chain(golden)
    });
    let mut missing = Vec::new();
    for (name, key, file) in files {
        let without = recipe.manifests.iter().enumerate().filter(|(_, one)| !one.brings(file));
        missing.extend(without.map(|(at, _)| {
            format!(
                "{KEY}.models.{name}.{key}: no deployment brings `{file}`; add it to \
                 Manifests[{at}].Artifacts"
            )
        }));
    }
    Ok(missing)
}

/// What a recipe asks for that this host does not serve.
fn unserved(recipe: &Recipe) -> Vec<String> {
    let mut missing = Vec::new();
    match recipe.component_type {
        ComponentType::Generic => {}
        ComponentType::Lambda => missing.push("it is a Lambda function".to_owned()),
        ComponentType::Plugin => {
            missing.push(
                "it is a plugin of the Java nucleus, which runs inside of that alone".to_owned(),
            );
        }
        ComponentType::Nucleus => missing.push("it is a nucleus itself".to_owned()),
    }
    for name in recipe.dependencies.keys() {
        let aws = name.as_str().starts_with("aws.greengrass.");
        if aws && !PROVIDED.contains(&name.as_str()) {
            missing.push(format!("it depends on {name}, a component of AWS"));
        }
    }
    match recipe.manifest_for(&platform(&BTreeMap::new())) {
        None => missing.push("no manifest is meant for this machine".to_owned()),
        Some(manifest) => missing.extend(of_manifest(manifest)),
    }
    missing
}

fn of_manifest(manifest: &Manifest) -> Vec<String> {
    let mut missing = Vec::new();
    for artifact in &manifest.artifacts {
        if matches!(artifact.uri, ArtifactUri::Greengrass { .. }) {
            missing.push(format!(
                "{} is fetched for components of the cloud alone; put the file into the folder given \
                 with --artifact-dir",
                artifact.uri
            ));
        }
    }
    missing
}

impl Finding {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "file": self.path,
            "component": self.recipe.as_ref().ok(),
            "error": self.recipe.as_ref().err().map(|error| format!("{error:#}")),
            "warnings": self.warnings,
            "notServed": self.unserved,
        })
    }

    fn to_text(&self) -> String {
        let mut text = match &self.recipe {
            Ok(recipe) => format!("{}: {recipe}\n", self.path.display()),
            Err(error) => format!("{}: error: {error:#}\n", self.path.display()),
        };
        for warning in &self.warnings {
            text += &format!("  warning: {warning}\n");
        }
        for missing in &self.unserved {
            text += &format!("  not served: {missing}\n");
        }
        text
    }
}
