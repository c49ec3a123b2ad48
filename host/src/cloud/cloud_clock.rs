//! The time as the cloud has it: by it credentials expire, and a signature that is a quarter of an hour
//! off is refused, whatever the clock of this machine says. As the AWS SDKs do, it is learnt from the
//! header `Date` of what the cloud answers (RFC 9110, 6.6.1).

use crate::clock::{Clock, unix_millis, utc};
use http::HeaderMap;
use http::header::DATE;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds. What the network and the header's whole seconds may make of it is no difference.
const TOLERANCE: u64 = 60_000;

/// The cloud's time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CloudClock {
    machine: Clock,
    /// Milliseconds that the cloud's clock is ahead of the machine's.
    ahead: Arc<AtomicI64>,
}

impl CloudClock {
    /// The machine's, until the cloud says otherwise.
    pub fn new(machine: Clock) -> Self {
        Self { machine, ahead: Arc::default() }
    }

    /// The time now.
    pub fn now(&self) -> SystemTime {
        let milliseconds = self.machine.unix_millis().saturating_add(self.ahead());
        UNIX_EPOCH + Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
    }

    /// Take the time from an answer of the cloud, if it has one. Whether it is another than before.
    pub(super) fn learn(&self, headers: &HeaderMap) -> bool {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(there) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
            return false;
        };
        let here = self.machine.now();
        let ahead = unix_millis(there).saturating_sub(unix_millis(here));
        if ahead.abs_diff(self.ahead()) <= TOLERANCE {
            return false;
        }
        let is_right = ahead.unsigned_abs() <= TOLERANCE;
        self.ahead.store(if is_right { 0 } else { ahead }, Ordering::Relaxed);
        if !is_right {
            let (here, there) = (utc(here).to_string(), utc(there).to_string());
            tracing::warn!(
                here,
                there,
                "the clock of this device is wrong by what the cloud says; set it (timedatectl \
                 set-ntp true). Until then requests are signed by the cloud's"
            );
        }
        true
    }

    fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Sun, 06 Nov 1994 08:49:37 GMT
    const THERE: u64 = 784_111_777;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn learn(clock: &CloudClock, date: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        clock.learn(&headers)
    }

    #[test]
    fn the_cloud_says_what_time_it_is() {
        for here in [0, THERE - 3600, THERE + 3600, 4_000_000_000] {
            let clock = CloudClock::new(Clock::from_fn(move || at(here)));
            assert_eq!(clock.now(), at(here));
            assert!(learn(&clock, "Sun, 06 Nov 1994 08:49:37 GMT"));
            assert_eq!(clock.now(), at(THERE));
            assert!(!learn(&clock, "Sun, 06 Nov 1994 08:49:37 GMT"), "it is known");
        }
    }

    #[test]
    fn a_clock_that_was_set_counts_again() {
        let machine = Arc::new(AtomicI64::new(0));
        let now = Arc::clone(&machine);
        let clock = CloudClock::new(Clock::from_fn(move || {
            at(u64::try_from(now.load(Ordering::Relaxed)).unwrap())
        }));
        assert!(learn(&clock, "Sun, 06 Nov 1994 08:49:37 GMT"));
        machine.store(i64::try_from(THERE + 2).unwrap(), Ordering::Relaxed);
        assert!(learn(&clock, "Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(clock.now(), at(THERE + 2));
    }

    #[test]
    fn what_is_no_time_or_a_little_off_changes_nothing() {
        let clock = CloudClock::new(Clock::from_fn(|| at(THERE + 59)));
        for date in ["", "soon", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert!(!learn(&clock, date), "{date}");
        }
        assert!(!clock.learn(&HeaderMap::new()));
        assert_eq!(clock.now(), at(THERE + 59));
    }
}
