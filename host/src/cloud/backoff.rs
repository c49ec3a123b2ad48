//! How long to wait before the next attempt to connect: twice as long each time, up to a limit, and
//! of that a random part ("full jitter"), so that devices that lost a broker together do not return
//! together. Nor is a wait longer than what it waits for has been away: once that is back, it is not
//! missed for longer than it was.

use std::time::{Duration, Instant};

/// The bounds of the waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Delays {
    /// The first wait is no longer than this.
    pub least: Duration,
    /// Nor is any longer than this.
    pub most: Duration,
    /// A connection that has held so long counts as good: the next wait is a first one.
    pub stable: Duration,
}

/// The attempts since the last good connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
    /// When the first of them failed.
    since: Option<Instant>,
}

impl Backoff {
    /// A connection has ended that held so long, or did not come about.
    pub(super) fn ended(&mut self, held: Duration, delays: &Delays) {
        if held >= delays.stable {
            *self = Self::default();
        }
    }

    /// The next wait, from `now` on; `random` is anything.
    pub(crate) fn next(&mut self, delays: &Delays, now: Instant, random: u64) -> Duration {
        let doubled = delays.least.saturating_mul(1 << self.attempts.min(20));
        self.attempts = self.attempts.saturating_add(1);
        let away = now.saturating_duration_since(*self.since.get_or_insert(now));
        let longest = doubled.min(delays.most).min(away).max(delays.least);
        longest.mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: Delays = Delays {
        least: Duration::from_secs(1),
        most: Duration::from_secs(10),
        stable: Duration::from_secs(5),
    };

    #[test]
    fn waits_grow_to_the_limit_and_begin_anew_after_a_good_connection() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        let longest = |backoff: &mut Backoff, after| {
            let now = start + Duration::from_secs(after);
            backoff.next(&DELAYS, now, u64::MAX).as_secs_f64().round()
        };
        let waits = [0, 50, 50, 50, 50, 50].map(|after| longest(&mut backoff, after));
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        backoff.ended(Duration::from_secs(4), &DELAYS);
        assert_eq!(longest(&mut backoff, 60), 10.0);
        backoff.ended(Duration::from_secs(5), &DELAYS);
        assert_eq!(longest(&mut backoff, 60), 1.0);
    }

    #[test]
    fn no_wait_is_longer_than_the_broker_has_been_away() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        // Attempts that failed soon, since their waits happened to be short.
        let waits = [0, 1, 1, 3, 3, 6, 20].map(|after| {
            let now = start + Duration::from_secs(after);
            backoff.next(&DELAYS, now, u64::MAX).as_secs_f64().round()
        });
        assert_eq!(waits, [1.0, 1.0, 1.0, 3.0, 3.0, 6.0, 10.0]);
    }

    #[test]
    fn any_part_of_a_wait_is_as_likely() {
        let now = Instant::now();
        let at = |random| Backoff::default().next(&DELAYS, now, random);
        assert_eq!(at(0), Duration::ZERO);
        assert_eq!(at(1 << 63), Duration::from_millis(500));
        assert!(at(u64::MAX) <= Duration::from_secs(1));
    }
}
