//! Tells when something happens in a folder; looks from time to time where the system does not say.

use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// How often to look although nothing was told: some file systems tell not everything.
const SELDOM: Duration = Duration::from_secs(2);

/// How often where nothing is told.
const OFTEN: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Changes {
    told: Receiver<()>,
    /// Files came or went.
    names: Arc<AtomicBool>,
    every: Duration,
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    pub(super) fn of(folder: &Path) -> Self {
        let names = Arc::new(AtomicBool::new(false));
        // One is enough: who is told looks at everything.
        let (tell, told) = sync_channel(1);
        let changed = Arc::clone(&names);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let kind = event.map_or(EventKind::Any, |event| event.kind);
            if kind.is_access() {
                return;
            }
            if !matches!(kind, EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_))) {
                changed.store(true, Ordering::Relaxed);
            }
            let _told_already = tell.try_send(());
        });
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = watching
            .inspect_err(|error| tracing::debug!(%error, "cannot watch the logs; looking instead"))
            .ok();
        let every = if watcher.is_some() { SELDOM } else { OFTEN };
        Self { told, names, every, _watcher: watcher }
    }

    /// Wait; whether files may have come or gone.
    pub(super) fn wait(&self) -> bool {
        match self.told.recv_timeout(self.every) {
            Ok(()) => self.names.swap(false, Ordering::Relaxed),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => {
                // There is no watcher.
                std::thread::sleep(self.every);
                true
            }
        }
    }
}
