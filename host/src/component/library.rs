//! The components on this device's disk, laid out as Greengrass has it, below the root folder:
//!
//! ```text
//! packages/recipes/NAME-VERSION.yaml              (or .json)
//! packages/artifacts/NAME/VERSION/FILE
//! packages/artifacts-unarchived/NAME/VERSION/ARCHIVE/…
//! ```
//! A recipe is written last and as a whole, so that one that is there is complete. Everything here
//! blocks.

use gg_model::recipe::RecipeError;
use gg_model::{ComponentName, ComponentVersion, Recipe};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// A version of a component.
pub type Id = (ComponentName, ComponentVersion);

/// The endings of recipe files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The ending of the file beside a recipe that the cloud gave, which holds its ARN.
const ARN: &str = "arn";

/// Why the library did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A recipe is none.
    #[error("{path}: {error}")]
    Recipe {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        error: Box<RecipeError>,
    },
}

type Result<T> = std::result::Result<T, LibraryError>;

/// The folders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Library {
    packages: Arc<Path>,
    /// Recipes that are seen in front of those on disk.
    over: Arc<BTreeMap<Id, Recipe>>,
}

impl Library {
    /// The library below a root folder; its folders are made if they are not there.
    ///
    /// # Errors
    /// They cannot be made.
    pub fn open(root: &Path) -> Result<Self> {
        let packages = root.join("packages");
        for folder in ["recipes", "artifacts", "artifacts-unarchived"] {
            make_folder(&packages.join(folder))?;
        }
        Ok(Self { packages: packages.into(), over: Arc::default() })
    }

    /// The library as it would be with the recipes of a folder in it. They are not taken in.
    ///
    /// # Errors
    /// The folder cannot be read, or a file is no recipe.
    pub fn with(&self, recipes: &Path) -> Result<Self> {
        let mut over = BTreeMap::new();
        for path in recipe_files(recipes)? {
            let recipe = read_recipe(&path)?;
            over.insert(id(&recipe), recipe);
        }
        Ok(Self { packages: Arc::clone(&self.packages), over: over.into() })
    }

    /// The folder of a version's artifacts.
    pub fn artifacts(&self, (name, version): &Id) -> PathBuf {
        self.packages.join("artifacts").join(name.as_str()).join(version.to_string())
    }

    /// The folder of a version's unpacked archives.
    pub fn unarchived(&self, (name, version): &Id) -> PathBuf {
        self.packages.join("artifacts-unarchived").join(name.as_str()).join(version.to_string())
    }

    /// A version's recipe, if it is here.
    ///
    /// # Errors
    /// It is here and cannot be read, or is none.
    pub fn recipe(&self, id: &Id) -> Result<Option<Recipe>> {
        if let Some(recipe) = self.over.get(id) {
            return Ok(Some(recipe.clone()));
        }
        for ending in ENDINGS {
            let path = self.recipe_path(id, ending);
            if path.exists() {
                return read_recipe(&path).map(Some);
            }
        }
        Ok(None)
    }

    /// Every recipe that is here. One that cannot be read is warned of and left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn recipes(&self) -> Result<Vec<Recipe>> {
        let mut recipes: Vec<Recipe> = self.over.values().cloned().collect();
        for path in recipe_files(&self.packages.join("recipes"))? {
            match read_recipe(&path) {
                Ok(recipe) if self.over.contains_key(&id(&recipe)) => {}
                Ok(recipe) => recipes.push(recipe),
                Err(error) => tracing::warn!(%error, "a recipe in the component store is left out"),
            }
        }
        Ok(recipes)
    }

    /// Take a recipe in, in place of one of the same version.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put_recipe(&self, id: &Id, ending: &str, text: &str) -> Result<()> {
        self.write_recipe(id, ending, text)?;
        sync(&self.packages.join("recipes"))
    }

    /// The same; it stays once the folder is synced.
    fn write_recipe(&self, id: &Id, ending: &str, text: &str) -> Result<()> {
        let path = self.recipe_path(id, ending);
        write_whole(&path, text.as_bytes())?;
        for other in ENDINGS.iter().filter(|other| **other != ending) {
            remove_if_there(&self.recipe_path(id, other))?;
        }
        Ok(())
    }

    /// Take a recipe in that the cloud has given, as JSON, with the ARN of its version.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn take_from_cloud(&self, id: &Id, text: &str, arn: &str) -> Result<()> {
        write_whole(&self.recipe_path(id, ARN), arn.as_bytes())?;
        self.put_recipe(id, "json", text)
    }

    /// The ARN of a version, if the cloud has given it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn arn(&self, id: &Id) -> Result<Option<String>> {
        let path = self.recipe_path(id, ARN);
        match path.exists() {
            true => read_text(&path).map(Some),
            false => Ok(None),
        }
    }

    /// Take in the recipes of a folder, and the artifacts that lie in
    /// `ARTIFACTS/NAME/VERSION/`, as `greengrass-cli deployment create` has it.
    ///
    /// # Errors
    /// A folder cannot be read, or a file is no recipe; nothing is taken in then.
    pub fn import(&self, recipes: Option<&Path>, artifacts: Option<&Path>) -> Result<Vec<Id>> {
        let mut found = Vec::new();
        for path in recipes.map(recipe_files).transpose()?.unwrap_or_default() {
            let text = read_text(&path)?;
            let recipe = parse(&path, &text)?;
            found.push(((recipe.name, recipe.version), path, text));
        }
        if let Some(artifacts) = artifacts {
            for id in ids_below(artifacts)? {
                let from = artifacts.join(id.0.as_str()).join(id.1.to_string());
                copy_files(&from, &self.artifacts(&id))?;
            }
        }
        for (id, path, text) in &found {
            let ending = if path.extension().is_some_and(|ending| ending == "json") {
                "json"
            } else {
                "yaml"
            };
            self.write_recipe(id, ending, text)?;
        }
        sync(&self.packages.join("recipes"))?;
        Ok(found.into_iter().map(|(id, _, _)| id).collect())
    }

    /// Remove every version but these, their artifacts and archives with them. Gives what was
    /// removed.
    ///
    /// # Errors
    /// A folder cannot be read or removed.
    pub fn keep_only(&self, kept: &BTreeSet<Id>) -> Result<Vec<Id>> {
        let mut removed = BTreeSet::new();
        for path in recipe_files(&self.packages.join("recipes"))? {
            // One that cannot be read belongs to nothing that is kept.
            let id = read_recipe(&path).ok().map(|recipe| (recipe.name, recipe.version));
            if !id.as_ref().is_some_and(|id| kept.contains(id)) {
                remove_if_there(&path)?;
                remove_if_there(&path.with_extension(ARN))?;
                removed.extend(id);
            }
        }
        for folder in ["artifacts", "artifacts-unarchived"] {
            let folder = self.packages.join(folder);
            for id in ids_below(&folder)? {
                if !kept.contains(&id) {
                    let path = folder.join(id.0.as_str()).join(id.1.to_string());
                    fs::remove_dir_all(&path).map_err(|error| failed(&path, error))?;
                    // Goes only when no version is left in it.
                    let _others = fs::remove_dir(folder.join(id.0.as_str()));
                    removed.insert(id);
                }
            }
        }
        Ok(removed.into_iter().collect())
    }

    fn recipe_path(&self, (name, version): &Id, ending: &str) -> PathBuf {
        self.packages.join("recipes").join(format!("{name}-{version}.{ending}"))
    }
}

fn id(recipe: &Recipe) -> Id {
    (recipe.name.clone(), recipe.version.clone())
}

fn failed(path: &Path, error: io::Error) -> LibraryError {
    LibraryError::Io { path: path.to_owned(), error }
}

fn make_folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
    made.map_err(|error| failed(path, error))
}

fn recipe_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The versions that have a folder `NAME/VERSION` here; other files are none.
fn ids_below(folder: &Path) -> Result<Vec<Id>> {
    let mut ids = Vec::new();
    for (name, path) in folders(folder)? {
        let Ok(name) = name.parse::<ComponentName>() else { continue };
        for (version, _) in folders(&path)? {
            if let Ok(version) = version.parse() {
                ids.push((name.clone(), version));
            }
        }
    }
    Ok(ids)
}

fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let is_folder = entry.file_type().map_err(|error| failed(&entry.path(), error))?.is_dir();
        if let (true, Ok(name)) = (is_folder, entry.file_name().into_string()) {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn read_recipe(path: &Path) -> Result<Recipe> {
    parse(path, &read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Recipe> {
    Recipe::parse(text)
        .map_err(|error| LibraryError::Recipe { path: path.to_owned(), error: Box::new(error) })
}

fn read_text(path: &Path) -> Result<String> {
    let most = gg_model::recipe::MAX_RECIPE_BYTES as u64;
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(path, error))?;
    // One byte more than allowed is enough to be refused.
    file.take(most + 1).read_to_string(&mut text).map_err(|error| failed(path, error))?;
    Ok(text)
}

/// Copy the plain files of a folder, and those of folders in it.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    make_folder(to)?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
        let entry = entry.map_err(|error| failed(from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|error| failed(&source, error))?;
        if kind.is_dir() {
            copy_files(&source, &target)?;
        } else if kind.is_file() {
            let name = entry.file_name();
            let hidden = |prefix| to.join(format!("{prefix}{}", name.to_string_lossy()));
            let new = hidden(".new-");
            // A download of this name is not the one to write to; nor is this one any more.
            remove_if_there(&new)?;
            remove_if_there(&hidden(".from-"))?;
            fs::copy(&source, &new).map_err(|error| failed(&source, error))?;
            sync(&new)?;
            // A file that is being run is left as it is; the new one takes its name.
            fs::rename(&new, &target).map_err(|error| failed(&target, error))?;
        }
    }
    sync(to)
}

/// Write a file so that it is there as a whole or not at all. It stays once its folder is synced.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = path.with_added_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(&new)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    written.map_err(|error| failed(path, error))
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, error))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}
