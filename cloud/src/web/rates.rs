//! How often one caller may ask: so many requests in a second on average, and as many at once. Whoever
//! asks more often is told so, in the words by which AWS's clients wait and ask again.

use super::fault::Fault;
use super::protocol::Protocol;
use crate::allowance::Allowance;
use http::StatusCode;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many callers are remembered; those who have asked nothing for a second are forgotten first.
const MOST_CALLERS: usize = 20_000;

/// What each may ask is counted up again within this time.
const FULL: Duration = Duration::from_secs(1);

/// Counts the requests of each caller.
#[derive(Debug)]
pub(super) struct Rates {
    /// Most requests of one in a second; 0 is any number.
    most: u32,
    callers: Mutex<HashMap<String, Allowance>>,
}

impl Rates {
    /// Let each ask so often in a second; 0 is any number of times.
    pub(super) fn new(most: u32) -> Self {
        Self { most, callers: Mutex::default() }
    }

    /// Whether a caller, named by its ARN, may ask now; if so, it is counted.
    ///
    /// # Errors
    /// It asks too often.
    pub(super) fn check(
        &self,
        caller: &str,
        protocol: Protocol,
        now: Instant,
    ) -> Result<(), Fault> {
        if self.most == 0 || self.take(caller, now) {
            return Ok(());
        }
        let (status, code) = match protocol {
            Protocol::RestXml => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            _ => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        };
        let message = format!(
            "{caller} may ask {} times in a second (gg-cloud serve --requests-per-second)",
            self.most
        );
        Err(Fault::new(status, code, message))
    }

    fn take(&self, caller: &str, now: Instant) -> bool {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(caller) {
            callers.retain(|_, one| now.saturating_duration_since(one.at()) < FULL);
            if callers.len() >= MOST_CALLERS {
                return false;
            }
        }
        let one = callers.entry(caller.to_owned());
        one.or_insert_with(|| Allowance::full(self.most, now)).take(now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_may_ask_so_often_and_others_as_often() {
        let rates = Rates::new(10);
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let may = |caller: &str, millis| {
            rates.check(caller, Protocol::RestJson, at(millis)).map_err(|fault| fault.code)
        };
        for _ in 0..10 {
            assert_eq!(may("a", 0), Ok(()));
        }
        assert_eq!(may("a", 0), Err("ThrottlingException"));
        assert_eq!(may("b", 0), Ok(()));
        assert_eq!(may("a", 99), Err("ThrottlingException"));
        assert_eq!(may("a", 101), Ok(()));
        assert_eq!(may("a", 101), Err("ThrottlingException"));
        // However long it has asked nothing, it has as much as at first.
        for _ in 0..10 {
            assert_eq!(may("a", 1_000_000), Ok(()));
        }
        let slow = rates.check("a", Protocol::RestXml, at(1_000_000)).unwrap_err();
        assert_eq!((slow.status.as_u16(), slow.code), (503, "SlowDown"));
        assert!(slow.message.contains("--requests-per-second"));
    }

    #[test]
    fn callers_that_are_too_many_are_forgotten_or_wait() {
        let rates = Rates::new(1);
        let begin = Instant::now();
        for number in 0..MOST_CALLERS {
            assert!(rates.take(&number.to_string(), begin));
        }
        assert!(!rates.take("one more", begin));
        assert!(rates.take("one more", begin + FULL));
        assert_eq!(rates.callers.lock().unwrap().len(), 1);
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let rates = Rates::new(0);
        let now = Instant::now();
        assert!((0..1000).all(|_| rates.check("a", Protocol::RestJson, now).is_ok()));
        assert!(rates.callers.lock().unwrap().is_empty());
    }
}
