//! How fast files come: no faster, all together, than `artifacts.bytesPerSecond` says.

use gg_model::NucleusSettings;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What was not used of the time before may be made good by so much. Timers are no finer than
/// milliseconds, and a fast network brings many pieces in one.
const BURST: Duration = Duration::from_millis(50);

/// So often a second another limit counts in the middle of a piece.
const STEPS: u64 = 10;

/// The share of the network that downloads have, all together. Cheap to clone; clones share.
#[derive(Clone, Debug)]
pub struct Bandwidth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: watch::Receiver<Arc<NucleusSettings>>,
    pace: Mutex<Pace>,
}

impl Bandwidth {
    /// As settings say, which may change at any time.
    pub fn new(settings: watch::Receiver<Arc<NucleusSettings>>) -> Self {
        Self(Arc::new(Inner { settings, pace: Mutex::default() }))
    }

    /// As much as there is.
    pub fn unlimited() -> Self {
        Self::new(watch::channel(Arc::default()).1)
    }

    /// So many bytes have come: wait as long as they take.
    pub(super) async fn take(&self, bytes: usize) {
        let mut left = bytes as u64;
        while left > 0 {
            let Some(rate) = self.0.settings.borrow().artifacts.bytes_per_second else { return };
            let step = left.min(rate.div_ceil(STEPS));
            let until = {
                let mut pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
                pace.reserve(Instant::now(), step, rate)
            };
            sleep_until(until).await;
            left -= step;
        }
    }
}

/// Until when what has come so far takes.
#[derive(Debug, Default)]
struct Pace {
    taken: Option<Instant>,
}

impl Pace {
    /// Until when these bytes take at a rate, after those of all others.
    fn reserve(&mut self, now: Instant, bytes: u64, rate: u64) -> Instant {
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let from = self.taken.map_or(now, |taken| taken.max(earliest));
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        let until = from + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.taken = Some(until);
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gg_model::ArtifactSettings;

    #[test]
    fn all_downloads_together_are_as_fast_as_is_said() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        // Two that wait for what they reserve, and ask for more when they have waited.
        let mut waiting = [(begin, 10_000), (begin, 500)];
        let mut bytes = 0;
        while bytes < 2_100_000 {
            let next = waiting.iter_mut().min_by_key(|(until, _)| *until).unwrap();
            next.0 = pace.reserve(next.0, next.1, 100_000);
            bytes += next.1;
        }
        let end = waiting.iter().map(|(until, _)| *until).max().unwrap();
        assert_eq!(end - begin, Duration::from_nanos(bytes * 10_000));
    }

    #[test]
    fn timers_that_are_late_make_nothing_slower() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let mut now = begin;
        for _ in 0..10_000 {
            // Each piece takes a tenth of a millisecond, and each timer up to one more.
            let until = pace.reserve(now, 10_000, 100_000_000);
            if until > now {
                now = until + Duration::from_millis(1);
            }
        }
        let took = now - begin;
        let second = Duration::from_secs(1);
        assert!(took >= second && took <= second + Duration::from_millis(2), "{took:?}");
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        pace.reserve(begin, 1000, 1000);
        let later = begin + Duration::from_secs(3600);
        assert_eq!(pace.reserve(later, 10_000, 1000), later + Duration::from_secs(10) - BURST);
    }

    #[tokio::test]
    async fn without_a_limit_nothing_waits_and_another_counts_in_the_middle_of_a_piece() {
        let settings = |bytes_per_second| {
            let artifacts = ArtifactSettings { bytes_per_second, ..Default::default() };
            Arc::new(NucleusSettings { artifacts, ..Default::default() })
        };
        Bandwidth::unlimited().take(usize::MAX).await;
        let (told, watched) = watch::channel(settings(Some(1)));
        let bandwidth = Bandwidth::new(watched);
        let slow = bandwidth.take(usize::MAX);
        tokio::pin!(slow);
        // It would take forever, and has begun.
        assert!(futures_util::poll!(&mut slow).is_pending());
        told.send_replace(settings(None));
        slow.await;
    }
}
