//! The folder in which a device's nucleus keeps everything, held by one nucleus at a time.
//!
//! ```text
//! ROOT/config.yaml            what the nucleus is started with, if it is there
//! ROOT/secrets.yaml           the operator's own secrets, if it is there
//! ROOT/trust.yaml             whom the device trusts, if it is there (see `trust`)
//! ROOT/state/store.db         configuration, deployments, key-value stores, secrets (sealed)
//! ROOT/state/secrets.key      what they are sealed by where the device has no key of its own
//! ROOT/state/clock            changed last when it was last known what time it is (see `time`)
//! ROOT/state/identity.json    the device's name and certificate, if a claim brought them
//! ROOT/packages/…             recipes and artifacts (see `component::library`)
//! ROOT/work/COMPONENT/        each component's own folder
//! ROOT/logs/                  log files
//! ROOT/cache/                 compiled components
//! ROOT/cli_ipc_info/USER      what the command line shows to be let in (see `ipc::operators`)
//! ROOT/ipc.socket             Greengrass IPC
//! ```

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder, locked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Root {
    path: Arc<Path>,
    /// The lock goes with the process, however it ends.
    _lock: Arc<File>,
}

impl Root {
    /// Make the folder if it is not there, and lock it.
    ///
    /// # Errors
    /// It cannot be made, or another nucleus holds it.
    pub fn lock(path: &Path) -> Result<Self> {
        let folder =
            |path: &Path, mode: u32| DirBuilder::new().recursive(true).mode(mode).create(path);
        folder(path, 0o755).with_context(|| format!("cannot make {}", path.display()))?;
        let path =
            path.canonicalize().with_context(|| format!("cannot open {}", path.display()))?;
        for (name, mode) in [("state", 0o700), ("work", 0o711), ("logs", 0o750)] {
            let path = path.join(name);
            folder(&path, mode).with_context(|| format!("cannot make {}", path.display()))?;
        }
        let lock = path.join("state").join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock)
            .with_context(|| format!("cannot open {}", lock.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _unknown = (&mut file).take(20).read_to_string(&mut holder);
            bail!(
                "another nucleus (process {}) runs in {}; stop it, or give this one another --root",
                holder.trim(),
                path.display()
            );
        }
        let noted = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        noted.with_context(|| format!("cannot write {}", lock.display()))?;
        Ok(Self { path: path.into(), _lock: Arc::new(file) })
    }

    /// The process of the nucleus that holds a folder, as it has noted it; `None`: none does.
    pub fn holder(path: &Path) -> Option<String> {
        let mut file = File::open(path.join("state").join("lock")).ok()?;
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            return None;
        }
        let mut holder = String::new();
        let _unknown = (&mut file).take(20).read_to_string(&mut holder);
        Some(holder.trim().to_owned())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.path.join("state").join("store.db")
    }

    /// The operator's own secrets.
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets.yaml")
    }

    /// The key that secrets are kept by where the device has no other.
    pub fn secret_key(&self) -> PathBuf {
        self.path.join("state").join("secrets.key")
    }

    /// Where compiled components are kept.
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }
}
