//! Wall-clock time as a value that tests can set.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time of day. Cheap to clone.
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

    /// The time now, which is never before 1970.
    pub fn now(&self) -> Time {
        let since = (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(LAST))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The last millisecond of the year 9999, beyond which texts have no form.
const LAST: u64 = 253_402_300_799_999;

/// A time of day in UTC: milliseconds since the Unix epoch. The years are 1970 to 9999.
#[derive(
    Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize,
)]
pub struct Time(u64);

impl Time {
    /// So many seconds after the Unix epoch.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000).min(LAST))
    }

    /// Whole seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// Seconds since the Unix epoch with their fraction, as JSON protocols of AWS have times.
    pub fn fractional_seconds(self) -> f64 {
        Duration::from_millis(self.0).as_secs_f64()
    }

    /// Later by so many seconds.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)).min(LAST))
    }

    /// Later by so many milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis).min(LAST))
    }

    /// As ISO 8601 has it: `2026-11-27T12:00:00.000Z`.
    pub fn iso8601(self) -> String {
        humantime::format_rfc3339_millis(self.system()).to_string()
    }

    /// As headers of HTTP have it (RFC 9110, 5.6.7): `Fri, 27 Nov 2026 12:00:00 GMT`.
    pub fn http_date(self) -> String {
        httpdate::fmt_http_date(self.system())
    }

    /// Read a header's date.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self::from_seconds(since.as_secs()))
    }

    /// As signatures have it: `20261127T120000Z`.
    pub fn basic(self) -> String {
        let text = humantime::format_rfc3339_seconds(self.system()).to_string();
        text.replace(['-', ':'], "")
    }

    /// Read what [`basic`](Self::basic) writes.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let digits = |range: std::ops::Range<usize>| {
            text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if text.len() != 16 || text.get(8..9) != Some("T") || text.get(15..) != Some("Z") {
            return None;
        }
        let text = format!(
            "{}-{}-{}T{}:{}:{}Z",
            digits(0..4)?,
            digits(4..6)?,
            digits(6..8)?,
            digits(9..11)?,
            digits(11..13)?,
            digits(13..15)?
        );
        let at = humantime::parse_rfc3339(&text).ok()?;
        Some(Self::from_seconds(at.duration_since(UNIX_EPOCH).ok()?.as_secs()))
    }

    /// Seconds between two times, whichever is the earlier.
    pub fn seconds_from(self, other: Self) -> u64 {
        self.0.abs_diff(other.0) / 1000
    }

    fn system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_forms_of_their_protocols() {
        let time = Time::from_seconds(1_440_938_160);
        assert_eq!(time.basic(), "20150830T123600Z");
        assert_eq!(time.iso8601(), "2015-08-30T12:36:00.000Z");
        assert_eq!(time.http_date(), "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(Time::parse_basic("20150830T123600Z"), Some(time));
        assert_eq!(Time::parse_http_date("Sun, 30 Aug 2015 12:36:00 GMT"), Some(time));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", "20150830T123600", "2015083äT12360Z", "20159930T123600Z", "+0150830T123600Z"]
        {
            assert_eq!(Time::parse_basic(text), None, "{text}");
        }
    }
}
