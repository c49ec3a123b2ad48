//! The components on this device's disk, laid out as Greengrass has it, below the root folder:
//!
//! ```text
//! packages/recipes/NAME-VERSION.yaml              (or .json; beside it: its signatures, and its ARN)
//! packages/artifacts/NAME/VERSION/FILE
//! packages/artifacts-unarchived/NAME/VERSION/ARCHIVE/…
//! ```
//! A recipe is written last and as a whole, so that one that is there is complete. Everything here
//! blocks.

use super::artifact::Digest;
use super::signatures::{beside, signed_by, with_ending};
use crate::trust::Kept;
use gg_model::recipe::RecipeError;
use gg_model::{ComponentName, ComponentVersion, Recipe};
use gg_trust::Signature;
use gg_trust::signature::SUFFIXES;
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
    /// A file of a version that is in use would become another.
    #[error(
        "{path}: it is another than the one in use, which a trust policy does not let change; give \
         the component another version"
    )]
    InUse {
        /// The new file.
        path: PathBuf,
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

/// A recipe that is not in the library yet.
#[derive(Clone, Debug)]
pub struct NewRecipe {
    /// Where it lies.
    pub path: PathBuf,
    /// The recipe.
    pub recipe: Recipe,
    /// Its text.
    pub text: String,
    /// The signatures beside it, by their endings.
    pub signatures: Vec<(&'static str, Vec<u8>)>,
}

impl NewRecipe {
    fn read(path: PathBuf) -> Result<Self> {
        let text = read_text(&path)?;
        let recipe = parse(&path, &text)?;
        let signatures = beside(&path).map_err(|error| failed(&path, error))?;
        Ok(Self { path, recipe, text, signatures })
    }

    /// Which version it is of.
    pub fn id(&self) -> Id {
        (self.recipe.name.clone(), self.recipe.version.clone())
    }

    /// As the trust policy judges it.
    pub fn kept(&self) -> Kept {
        kept(self.text.clone(), &self.signatures, false)
    }

    fn ending(&self) -> &'static str {
        let is_json = self.path.extension().is_some_and(|ending| ending == "json");
        if is_json { "json" } else { "yaml" }
    }
}

/// The folders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Library {
    packages: Arc<Path>,
    /// Recipes that are seen in front of those on disk.
    over: Arc<BTreeMap<Id, NewRecipe>>,
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
        let over = Self::read(recipes)?.into_iter().map(|recipe| (recipe.id(), recipe));
        Ok(Self { packages: Arc::clone(&self.packages), over: Arc::new(over.collect()) })
    }

    /// The recipes of a folder.
    ///
    /// # Errors
    /// The folder cannot be read, or a file is no recipe.
    pub fn read(folder: &Path) -> Result<Vec<NewRecipe>> {
        recipe_files(folder)?.into_iter().map(NewRecipe::read).collect()
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
        if let Some(new) = self.over.get(id) {
            return Ok(Some(new.recipe.clone()));
        }
        self.file(id).map(|path| read_recipe(&path)).transpose()
    }

    /// What a version's recipe is judged by, if it is here.
    ///
    /// # Errors
    /// It is here and cannot be read.
    pub fn kept(&self, id: &Id) -> Result<Option<Kept>> {
        if let Some(new) = self.over.get(id) {
            return Ok(Some(new.kept()));
        }
        let Some(path) = self.file(id) else { return Ok(None) };
        let signatures = beside(&path).map_err(|error| failed(&path, error))?;
        Ok(Some(kept(read_text(&path)?, &signatures, self.recipe_path(id, ARN).exists())))
    }

    /// The file of a version's recipe.
    fn file(&self, id: &Id) -> Option<PathBuf> {
        let paths = ENDINGS.iter().map(|ending| self.recipe_path(id, ending));
        paths.into_iter().find(|path| path.exists())
    }

    /// Every recipe that is here. One that cannot be read is warned of and left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn recipes(&self) -> Result<Vec<Recipe>> {
        let mut recipes: Vec<Recipe> = self.over.values().map(|new| new.recipe.clone()).collect();
        for path in recipe_files(&self.packages.join("recipes"))? {
            match read_recipe(&path) {
                Ok(recipe) if self.over.contains_key(&id(&recipe)) => {}
                Ok(recipe) => recipes.push(recipe),
                Err(error) => tracing::warn!(%error, "a recipe in the component store is left out"),
            }
        }
        Ok(recipes)
    }

    /// Write a recipe in place of one of the same version; it stays once the folder is synced.
    fn write_recipe(
        &self,
        id: &Id,
        ending: &str,
        text: &str,
        signatures: &[(&'static str, Vec<u8>)],
    ) -> Result<()> {
        let path = self.recipe_path(id, ending);
        remove_signatures(&path)?;
        for (ending, signature) in signatures {
            write_whole(&with_ending(&path, ending), signature)?;
        }
        write_whole(&path, text.as_bytes())?;
        for other in ENDINGS.iter().filter(|other| **other != ending) {
            let path = self.recipe_path(id, other);
            remove_if_there(&path)?;
            remove_signatures(&path)?;
        }
        Ok(())
    }

    /// Take a recipe in that the cloud has given, as JSON, with the ARN of its version.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn take_from_cloud(&self, id: &Id, text: &str, arn: &str) -> Result<()> {
        write_whole(&self.recipe_path(id, ARN), arn.as_bytes())?;
        self.write_recipe(id, "json", text, &[])?;
        sync(&self.packages.join("recipes"))
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

    /// Take in recipes, and the artifacts that lie in `ARTIFACTS/NAME/VERSION/`, as
    /// `greengrass-cli deployment create` has it. Files of the versions `in_use` must not change.
    ///
    /// # Errors
    /// A folder cannot be read; recipes are not taken in then.
    pub fn import(
        &self,
        recipes: &[NewRecipe],
        artifacts: Option<&Path>,
        in_use: &BTreeSet<Id>,
    ) -> Result<()> {
        let found = artifacts.map(|folder| Ok((folder, ids_below(folder)?))).transpose()?;
        let folders = found.into_iter().flat_map(|(folder, ids)| {
            ids.into_iter().map(move |id| {
                (folder.join(id.0.as_str()).join(id.1.to_string()), self.artifacts(&id), id)
            })
        });
        let folders: Vec<_> = folders.collect();
        for (from, to, _) in folders.iter().filter(|(_, _, id)| in_use.contains(id)) {
            check_same(from, to)?;
        }
        for (from, to, _) in &folders {
            copy_files(from, to)?;
        }
        for new in recipes {
            let id = new.id();
            self.write_recipe(&id, new.ending(), &new.text, &new.signatures)?;
            remove_if_there(&self.recipe_path(&id, ARN))?;
        }
        sync(&self.packages.join("recipes"))
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
                remove_signatures(&path)?;
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

fn kept(text: String, signatures: &[(&'static str, Vec<u8>)], is_of_cloud: bool) -> Kept {
    let signatures = signatures.iter().map(|(_, bytes)| Signature::read(bytes)).collect();
    Kept { text, signatures, is_of_cloud }
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
        let is_recipe = ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending));
        let is_signature = path.file_name().and_then(|name| name.to_str()).and_then(signed_by);
        if is_recipe && is_signature.is_none() && path.is_file() {
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

/// Every file of a folder that another has as well must be the same there.
fn check_same(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
        let entry = entry.map_err(|error| failed(from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|error| failed(&source, error))?;
        if kind.is_dir() {
            check_same(&source, &target)?;
        } else if kind.is_file() && target.exists() {
            let digests = [&source, &target].map(|path| {
                let digest = File::open(path).and_then(|mut file| Digest::of_file(&mut file));
                digest.map_err(|error| failed(path, error))
            });
            let [new, present] = digests;
            if new? != present? {
                return Err(LibraryError::InUse { path: source });
            }
        }
    }
    Ok(())
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

fn remove_signatures(path: &Path) -> Result<()> {
    SUFFIXES.iter().try_for_each(|ending| remove_if_there(&with_ending(path, ending)))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}
