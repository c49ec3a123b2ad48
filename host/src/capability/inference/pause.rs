//! PURE: how long a model is left alone whose worker ends again and again, or does not come up.

use super::error::InferenceError;
use std::time::{Duration, Instant};

/// Workers that may end in a row before anybody waits.
const PATIENCE: u32 = 2;

/// The first pause, doubled by each failure after it, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Failures in a row, and until when nothing is tried for them.
#[derive(Debug, Default)]
pub(super) struct Pause {
    failures: u32,
    until: Option<(Instant, InferenceError)>,
}

impl Pause {
    /// Why nothing is tried now.
    pub(super) fn reason(&self, now: Instant) -> Option<&InferenceError> {
        self.until.as_ref().filter(|(until, _)| now < *until).map(|(_, reason)| reason)
    }

    /// All is well.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A worker ended over a prediction.
    pub(super) fn crashed(&mut self, now: Instant, reason: &InferenceError) {
        self.failures = self.failures.saturating_add(1);
        if self.failures > PATIENCE {
            let pause = FIRST.saturating_mul(1 << (self.failures - PATIENCE - 1).min(16));
            self.until = Some((now + pause.min(LONGEST), reason.clone()));
        }
    }

    /// A worker did not come up. The same file is not tried again at once.
    pub(super) fn did_not_load(&mut self, now: Instant, reason: &InferenceError) {
        self.failures = self.failures.max(PATIENCE);
        self.crashed(now, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_a_success_ends_them() {
        let (mut pause, now) = (Pause::default(), Instant::now());
        let error = InferenceError::NotFound("x".to_owned());
        let after =
            |pause: &Pause, millis| pause.reason(now + Duration::from_millis(millis)).is_some();
        pause.crashed(now, &error);
        pause.crashed(now, &error);
        assert!(!after(&pause, 0), "two in a row are tried again at once");
        pause.crashed(now, &error);
        assert!(after(&pause, 999) && !after(&pause, 1000));
        pause.crashed(now, &error);
        assert!(after(&pause, 1999) && !after(&pause, 2000));
        (0..100).for_each(|_| pause.crashed(now, &error));
        assert!(after(&pause, 59_999) && !after(&pause, 60_000));
        pause.succeeded();
        assert!(!after(&pause, 0));
        pause.did_not_load(now, &error);
        assert!(after(&pause, 999) && !after(&pause, 1000));
    }
}
