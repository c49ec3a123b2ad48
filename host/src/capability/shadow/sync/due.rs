//! Which shadows are to be looked at, and when.

use crate::cloud::backoff::{Backoff, Delays};
use crate::random;
use gg_model::shadow::ShadowId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The waits after failures are those of shadow manager, and of them a random part: devices that the
/// cloud has turned away together do not return together.
const DELAYS: Delays =
    Delays { least: Duration::from_secs(3), most: Duration::from_secs(60), stable: Duration::ZERO };

/// How often somebody else may be faster before it is waited a while.
const RACES: u32 = 5;

/// The shadows that are kept in step, and what is known of each.
#[derive(Debug, Default)]
pub(in crate::capability::shadow) struct Due {
    shadows: Mutex<BTreeMap<ShadowId, Shadow>>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Shadow {
    /// Why it is to be looked at.
    asked: Option<Asked>,
    /// It is being looked at.
    busy: bool,
    /// Attempts that failed since the last that did not, and until when it is waited for the next.
    failed: u32,
    backoff: Backoff,
    at: Option<Instant>,
}

/// Why a shadow is to be looked at.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Asked {
    /// It was changed here.
    Here,
    /// It was changed there, or may have been.
    There,
}

impl Due {
    /// These are kept in step, and no others; those that are new are to be looked at, or all.
    pub(super) fn keep(&self, wanted: &BTreeSet<ShadowId>, all: bool) {
        let mut shadows = self.lock();
        shadows.retain(|id, _| wanted.contains(id));
        for id in wanted {
            let is_new = !shadows.contains_key(id);
            let shadow = shadows.entry(id.clone()).or_default();
            if is_new || all {
                shadow.asked = Some(Asked::There);
                (shadow.failed, shadow.backoff, shadow.at) = (0, Backoff::default(), None);
            }
        }
    }

    /// Take at most so many to look at, of those that may be taken.
    pub(super) fn take(
        &self,
        most: usize,
        now: Instant,
        may: impl Fn(&ShadowId) -> bool,
    ) -> Vec<(ShadowId, Asked)> {
        let mut shadows = self.lock();
        let ready = shadows.iter_mut().filter(|(id, one)| {
            one.asked.is_some() && !one.busy && one.at.is_none_or(|at| at <= now) && may(id)
        });
        ready
            .take(most)
            .filter_map(|(id, one)| {
                (one.busy, one.at) = (true, None);
                Some((id.clone(), one.asked.take()?))
            })
            .collect()
    }

    /// When the next one can be taken that waits.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        self.lock().values().filter_map(|one| one.at).filter(|at| *at > now).min()
    }

    /// Wait for something to look at.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// A shadow was changed here.
    pub(in crate::capability::shadow) fn changed_here(&self, id: &ShadowId) {
        self.ask(id, Asked::Here);
    }

    /// A shadow was changed there.
    pub(super) fn changed_there(&self, id: &ShadowId) {
        self.ask(id, Asked::There);
    }

    fn ask(&self, id: &ShadowId, asked: Asked) {
        if let Some(shadow) = self.lock().get_mut(id) {
            shadow.asked = shadow.asked.max(Some(asked));
            self.news.notify_one();
        }
    }

    /// One is in step, as far as can be.
    pub(super) fn done(&self, id: &ShadowId) {
        if let Some(shadow) = self.lock().get_mut(id) {
            (shadow.busy, shadow.at) = (false, None);
            (shadow.failed, shadow.backoff) = (0, Backoff::default());
        }
    }

    /// Somebody else was faster: look again.
    pub(super) fn again(&self, id: ShadowId) {
        self.retry(&id, |failed| failed > RACES);
    }

    /// It did not work: look again in a while.
    pub(super) fn later(&self, id: ShadowId) {
        self.retry(&id, |_| true);
    }

    fn retry(&self, id: &ShadowId, waits: impl FnOnce(u32) -> bool) {
        if let Some(shadow) = self.lock().get_mut(id) {
            shadow.busy = false;
            shadow.failed = shadow.failed.saturating_add(1);
            shadow.asked = Some(Asked::There);
            let now = Instant::now();
            shadow.at = waits(shadow.failed)
                .then(|| now + shadow.backoff.next(&DELAYS, now.into_std(), random::spread()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ShadowId, Shadow>> {
        self.shadows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
