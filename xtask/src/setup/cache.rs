//! The folder where toolchains are kept.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};

/// The sub-folder of this name; `fill` makes it where it is not there. It appears all at once and
/// whoever comes second waits for the first. `fill` is told an empty folder
/// that will be renamed, so it must not write down where it is.
pub fn find_or_make(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let _lock = lock(name)?;
    let root = root()?;
    let folder = root.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let scratch = Scratch::new(&root)?;
    let new = scratch.path().join("new");
    fs::create_dir(&new)?;
    fill(&new)?;
    fs::rename(&new, &folder)
        .with_context(|| format!("failed to put {} in place", folder.display()))?;
    Ok(folder)
}

/// Keep other processes from what has this name, until the value is dropped.
pub fn lock(name: &str) -> Result<File> {
    let root = root()?;
    fs::create_dir_all(&root).with_context(|| format!("failed to make {}", root.display()))?;
    let file = File::create(root.join(format!("{name}.lock")))?;
    file.lock()?;
    Ok(file)
}

fn root() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = set("GG_TOOLCHAINS") {
        return std::path::absolute(folder).context("failed to read GG_TOOLCHAINS");
    }
    let Some(cache) = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache"))) else {
        bail!("neither GG_TOOLCHAINS nor HOME is set");
    };
    Ok(cache.join("gg-host/toolchains"))
}

/// A folder that goes when it is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// In `parent`.
    pub fn new(parent: &Path) -> Result<Self> {
        // One process makes several, and a process that was killed may have left one of its number.
        for count in 0.. {
            let path = parent.join(format!(".new-{}-{count}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("failed to make {}", path.display()));
                }
            }
        }
        bail!("no name is free in {}", parent.display())
    }

    /// Where the system keeps temporary files.
    pub fn temporary() -> Result<Self> {
        Self::new(&env::temp_dir())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("WARNING: failed to remove {}: {error}", self.0.display());
        }
    }
}

/// A short name for the content of files: FNV-1a, which every version of this program computes alike.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        part.iter().copied().for_each(&mut add);
        // So that the border between two parts matters.
        part.len().to_le_bytes().into_iter().for_each(&mut add);
    }
    format!("{hash:016x}")
}
