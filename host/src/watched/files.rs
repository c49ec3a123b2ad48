//! Files whose changes are waited for.

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// A toolchain writes a file in several steps: wait until it has been quiet for so long.
const SETTLE: Duration = Duration::from_millis(150);

/// Tells when one of some files was written anew.
#[derive(Debug)]
pub(crate) struct Watch {
    changes: mpsc::Receiver<PathBuf>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watch these files, which may be replaced by others of the same name.
    ///
    /// # Errors
    /// Their folders cannot be watched.
    pub(crate) fn new(files: impl Iterator<Item = PathBuf>) -> notify::Result<Self> {
        let files: BTreeSet<PathBuf> = files.collect();
        let folders: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| file.parent().map(PathBuf::from)).collect();
        let (sender, changes) = mpsc::channel(256);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                if event.kind.is_access() {
                    return;
                }
                for path in event.paths.into_iter().filter(|path| files.contains(path)) {
                    // Full: the reader will look at the files anyway.
                    let _full = sender.try_send(path);
                }
            })?;
        for folder in folders {
            watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        }
        Ok(Self { changes, _watcher: watcher })
    }

    /// Wait for changes to come and to settle; gives the files.
    pub(crate) async fn changed(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        match self.changes.recv().await {
            Some(path) => changed.insert(path),
            None => return std::future::pending().await,
        };
        while let Ok(Some(path)) = tokio::time::timeout(SETTLE, self.changes.recv()).await {
            changed.insert(path);
        }
        changed
    }
}
