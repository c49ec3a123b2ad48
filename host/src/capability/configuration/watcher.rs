//! The changes one watcher has not read yet.

use crate::capability::caller::Slot;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Changes kept for a watcher that does not read. Later ones fold into one at the watched path.
const KEPT: usize = 64;

#[derive(Debug)]
pub(super) struct Changes {
    /// The watched path, in lower case.
    below: Vec<String>,
    watched: Vec<String>,
    unread: Mutex<VecDeque<Vec<String>>>,
    news: Notify,
}

impl Changes {
    pub(super) fn new(path: &[String]) -> Self {
        Self {
            below: path.iter().map(|key| key.to_lowercase()).collect(),
            watched: path.to_vec(),
            unread: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// Tell of a changed path, if it is one that is watched.
    pub(super) fn note(&self, path: &[String]) {
        let watched = path.len() >= self.below.len()
            && self.below.iter().zip(path).all(|(watched, key)| *watched == key.to_lowercase());
        if !watched {
            return;
        }
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        if unread.len() >= KEPT {
            unread.clear();
            unread.push_back(self.watched.clone());
        } else if !unread.iter().any(|seen| seen == path) {
            unread.push_back(path.to_vec());
        }
        drop(unread);
        self.news.notify_one();
    }

    fn take(&self) -> Option<Vec<String>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Reads the changes at a path. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watcher {
    changes: Arc<Changes>,
    stop: CancellationToken,
    _slot: Slot,
}

impl Watcher {
    pub(super) fn new(changes: Arc<Changes>, stop: CancellationToken, slot: Slot) -> Self {
        Self { changes, stop, _slot: slot }
    }

    /// Wait for the next change: the path of a value that changed. `None`: asked to stop.
    pub async fn next(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some(path) = self.changes.take() {
                return Some(path);
            }
            tokio::select! {
                biased;
                () = self.changes.news.notified() => {}
                () = self.stop.cancelled() => return None,
            }
        }
    }
}
