//! Watching what of a shadow's desired state is not reported.

use super::Shadows;
use crate::capability::caller::{Caller, Slot};
use crate::error::Result;
use gg_model::shadow::{Before, Shadow, ShadowId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::Notify;

/// Who waits for which shadow to change.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<HashMap<ShadowId, Vec<Weak<Notify>>>>);

impl Watched {
    fn watch(&self, id: &ShadowId) -> Arc<Notify> {
        let news = Arc::default();
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(id.clone()).or_default().push(Arc::downgrade(&news));
        news
    }

    /// A shadow has changed.
    pub(super) fn wake(&self, id: &ShadowId) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = watched.get(id).into_iter().flatten().filter_map(Weak::upgrade);
        waiting.for_each(|news| news.notify_one());
    }

    /// Whether nobody watches anything.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Forget those who watch no more.
    fn tidy(&self, id: &ShadowId) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = watched.get_mut(id) {
            waiting.retain(|news| news.strong_count() > 0);
            if waiting.is_empty() {
                watched.remove(id);
            }
        }
    }
}

/// The differences of one shadow, each as of when it is read: who is slow sees the last, and none
/// twice. The first is there at once, so that what was desired while nobody watched is not missed.
#[derive(Debug)]
pub struct Deltas {
    shadows: Shadows,
    id: ShadowId,
    caller: Caller,
    news: Option<Arc<Notify>>,
    seen: Option<u64>,
    _slot: Slot,
}

impl Deltas {
    pub(super) fn new(shadows: Shadows, id: ShadowId, caller: Caller, slot: Slot) -> Self {
        let news = Some(shadows.inner.watched.watch(&id));
        Self { shadows, id, caller, news, seen: None, _slot: slot }
    }

    /// Wait for the next difference, as a document. `None`: the instance is asked to stop.
    ///
    /// # Errors
    /// The shadow cannot be read.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let Some(news) = self.news.clone() else { return Ok(None) };
        loop {
            let found = self.shadows.read(&self.id).await.map_err(super::to_error)?;
            if let Some(delta) = self.unseen(&found) {
                return Ok(Some(delta));
            }
            tokio::select! {
                biased;
                () = self.caller.stop().cancelled() => return Ok(None),
                () = news.notified() => {}
            }
        }
    }

    fn unseen(&mut self, found: &Before) -> Option<String> {
        let Before::Present(shadow) = found else { return None };
        if self.seen.replace(shadow.version) == Some(shadow.version) {
            return None;
        }
        self.message(shadow)
    }

    fn message(&self, shadow: &Shadow) -> Option<String> {
        shadow.delta_message(self.shadows.seconds(), None).map(|message| message.to_string())
    }
}

impl Drop for Deltas {
    fn drop(&mut self) {
        self.news = None;
        self.shadows.inner.watched.tidy(&self.id);
    }
}
