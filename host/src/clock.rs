//! Wall-clock time as a value that tests can set.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn system() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    /// A clock that tells what a function says.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// Milliseconds since the Unix epoch; 0 for a time before it.
    pub fn unix_millis(&self) -> i64 {
        unix_millis(self.now())
    }
}

/// Milliseconds since the Unix epoch; 0 for a time before it.
pub(crate) fn unix_millis(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A time of day in UTC, as ISO 8601 has it, with milliseconds. The years are 1970 to 9999: a time
/// outside becomes the nearest of them.
pub fn utc(at: SystemTime) -> humantime::Rfc3339Timestamp {
    const LAST: Duration = Duration::from_millis(253_402_300_799_999);
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).min(LAST);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since)
}
