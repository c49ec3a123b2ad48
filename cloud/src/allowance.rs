//! How often something may be done: so many times in a second on average, and as many at once.

use std::time::{Duration, Instant};

/// What may still be done of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// In a second; 0 is any number.
    most: u32,
    left: f64,
    at: Instant,
}

impl Allowance {
    /// All of what may be done in a second; 0 is any number.
    pub(crate) fn full(most: u32, now: Instant) -> Self {
        Self { most, left: f64::from(most), at: now }
    }

    /// When it was last asked for.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// Take one, if there is one now.
    ///
    /// # Errors
    /// There is none: how long it takes until there is.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        if self.most == 0 {
            return Ok(());
        }
        let most = f64::from(self.most);
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * most).min(most);
        self.at = now.max(self.at);
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / most));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_as_long_as_told_may_go_on() {
        let mut now = Instant::now();
        let mut allowance = Allowance::full(10, now);
        let begin = now;
        for _ in 0..110 {
            if let Err(wait) = allowance.take(now) {
                now += wait + Duration::from_nanos(1);
                assert_eq!(allowance.take(now), Ok(()));
            }
        }
        let (took, ideal) = (now - begin, Duration::from_secs(10));
        assert!(took >= ideal && took < ideal + Duration::from_millis(1), "{took:?}");
        // However long it rests, it has no more than at first.
        now += Duration::from_secs(1_000_000);
        assert!((0..10).all(|_| allowance.take(now).is_ok()));
        assert!(allowance.take(now).is_err());
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let now = Instant::now();
        let mut allowance = Allowance::full(1, now + Duration::from_secs(10));
        assert_eq!(allowance.take(now), Ok(()));
        assert!(allowance.take(now + Duration::from_secs(5)).is_err());
    }

    #[test]
    fn without_a_limit_there_is_always_one() {
        let mut allowance = Allowance::full(0, Instant::now());
        assert!((0..1000).all(|_| allowance.take(Instant::now()).is_ok()));
    }
}
