//! The latest time that has surely passed, kept for the next start: a device may have no battery for
//! its clock. As with systemd-timesyncd, it is the time at which a file was changed last.

use super::root::Root;
use crate::network::tls;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Go on with what an earlier nucleus of a root folder knew.
pub fn resume(root: &Path) {
    if let Ok(at) = file(root).metadata().and_then(|file| file.modified()) {
        tls::has_passed(at);
    }
}

/// Keep what is known from now on, until asked to stop.
pub(super) async fn keep(root: Root, stop: CancellationToken) {
    keep_all(tls::passed(), &file(root.path()), stop).await;
}

fn file(root: &Path) -> PathBuf {
    root.join("state").join("clock")
}

async fn keep_all(mut passed: watch::Receiver<SystemTime>, file: &Path, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            changed = passed.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = stop.cancelled() => return,
        }
        let at = *passed.borrow_and_update();
        if let Err(error) = write(file, at) {
            tracing::debug!(%error, "the time is not kept");
        }
    }
}

fn write(file: &Path, at: SystemTime) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(file)?;
    file.set_modified(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[tokio::test]
    async fn what_has_passed_is_kept_until_the_end_and_known_again() {
        let folder = tempfile::tempdir().unwrap();
        // None is kept: nothing is known by it.
        resume(folder.path());
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let file = file(folder.path());
        let at = |days: u64| UNIX_EPOCH + Duration::from_secs(86_400 * days);
        let (sender, passed) = watch::channel(UNIX_EPOCH);
        sender.send_replace(at(1));
        let stop = CancellationToken::new();
        stop.cancel();
        keep_all(passed, &file, stop).await;
        assert_eq!(file.metadata().unwrap().modified().unwrap(), at(1));
        resume(folder.path());
        assert!(*tls::passed().borrow() >= at(1));
    }
}
