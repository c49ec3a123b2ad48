//! A rate limit: so many a second, and a burst of ten seconds' worth.

use std::time::Instant;

const BURST_SECONDS: f64 = 10.0;

#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    level: f64,
    last: Instant,
}

impl Bucket {
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let rate = f64::from(rate);
        Self { rate, level: rate * BURST_SECONDS, last: now }
    }

    /// Take one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.last).as_secs_f64() * self.rate;
        self.last = now;
        self.level = (self.level + gained).min(self.rate * BURST_SECONDS);
        if self.level < 1.0 {
            return false;
        }
        self.level -= 1.0;
        true
    }
}
