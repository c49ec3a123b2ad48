//! How much may be sent in a second: a bucket that fills at the allowed rate and holds what is
//! allowed in one second.

use std::time::{Duration, Instant};

/// What is allowed of something in a second; without a limit everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    rate: Option<f64>,
    level: f64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Option<u64>, now: Instant) -> Self {
        let rate = rate.map(|rate| rate as f64);
        Self { rate, level: rate.unwrap_or_default(), filled: now }
    }

    /// How long to wait until something may be sent. What is larger than the bucket may go as soon
    /// as the bucket is full, and those after it wait the longer.
    pub(crate) fn wait(&mut self, amount: u64, now: Instant) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + passed * rate).min(rate);
        self.filled = now;
        let missing = (amount as f64).min(rate) - self.level;
        // A nanosecond of what the numbers cannot hold is no reason to wait.
        if missing <= 1e-9 * rate {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(missing / rate)
        }
    }

    /// Something is sent.
    pub(crate) fn take(&mut self, amount: u64) {
        if self.rate.is_some() {
            self.level -= amount as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_allowed_at_once_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(10), start);
        for _ in 0..10 {
            assert_eq!(bucket.wait(1, start), Duration::ZERO);
            bucket.take(1);
        }
        assert_eq!(bucket.wait(1, start), Duration::from_millis(100));
        let later = start + Duration::from_millis(100);
        assert_eq!(bucket.wait(1, later), Duration::ZERO);
        bucket.take(1);
        assert_eq!(bucket.wait(5, later), Duration::from_millis(500));
    }

    #[test]
    fn what_is_larger_than_the_bucket_goes_when_it_is_full() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(10), start);
        assert_eq!(bucket.wait(25, start), Duration::ZERO);
        bucket.take(25);
        assert_eq!(bucket.wait(1, start), Duration::from_millis(1600));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let start = Instant::now();
        let mut bucket = Bucket::new(None, start);
        bucket.take(u64::MAX);
        assert_eq!(bucket.wait(u64::MAX, start), Duration::ZERO);
    }
}
