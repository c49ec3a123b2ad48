//! The time that publications expire by. It goes on while the machine sleeps and while it is off, and
//! does not jump when its clock is set.

use crate::clock::Clock;
use crate::store::SpoolStamp;
use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A clock that says it is earlier than this was never set (2025-01-01).
const EARLIEST: i64 = 1_735_689_600_000;

/// The spool's time. Cheap to clone.
#[derive(Clone)]
pub(super) struct Age {
    wall: Clock,
    machine: Machine,
    /// What is to be added to the machine's time.
    offset: i64,
}

/// How long the machine has been on, and which of its starts that was. Cheap to clone.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) uptime: Arc<dyn Fn() -> Duration + Send + Sync>,
    pub(super) boot: Arc<str>,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        /// The time that the machine slept counts.
        #[cfg(target_os = "linux")]
        const SINCE_BOOT: ClockId = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const SINCE_BOOT: ClockId = ClockId::Monotonic;
        let uptime = || {
            let now = clock_gettime(SINCE_BOOT);
            Duration::new(
                u64::try_from(now.tv_sec).unwrap_or_default(),
                u32::try_from(now.tv_nsec).unwrap_or_default(),
            )
        };
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { uptime: Arc::new(uptime), boot: boot.trim().into() }
    }

    fn uptime_millis(&self) -> i64 {
        i64::try_from((self.uptime)().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Age {
    /// Go on from a moment that was written down. How long ago that is, the machine knows if it has
    /// been on since. If not, its clock says so, as long as it was set then and is now; otherwise
    /// nothing that was spooled has aged in between.
    pub(super) fn resume(stamp: Option<&SpoolStamp>, wall: Clock, machine: Machine) -> Self {
        let uptime = machine.uptime_millis();
        let now = stamp.map_or(0, |stamp| {
            let since = if !stamp.boot.is_empty() && *stamp.boot == *machine.boot {
                uptime.saturating_sub(stamp.uptime)
            } else if stamp.wall >= EARLIEST {
                wall.unix_millis().saturating_sub(stamp.wall)
            } else {
                0
            };
            stamp.now.saturating_add(since.max(0))
        });
        Self { wall, machine, offset: now.saturating_sub(uptime) }
    }

    /// The time now, in milliseconds.
    pub(super) fn now(&self) -> i64 {
        self.machine.uptime_millis().saturating_add(self.offset)
    }

    /// The time now, for the store.
    pub(super) fn stamp(&self) -> SpoolStamp {
        let uptime = self.machine.uptime_millis();
        SpoolStamp {
            now: uptime.saturating_add(self.offset),
            wall: self.wall.unix_millis(),
            uptime,
            boot: self.machine.boot.to_string(),
        }
    }
}

impl fmt::Debug for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Age")
    }
}

/// When something is of no use any more that is of use for so many seconds.
pub(super) fn expiry(now: i64, seconds: u32) -> i64 {
    now.saturating_add(i64::from(seconds) * 1000)
}

/// The seconds that are left, rounded up; `None`: none are.
pub(super) fn seconds_left(now: i64, expires: i64) -> Option<u32> {
    let left = expires.saturating_sub(now);
    (left > 0).then(|| u32::try_from((left - 1) / 1000 + 1).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn age(stamp: Option<&SpoolStamp>, wall: i64, (boot, uptime): (&str, u64)) -> Age {
        let wall = Duration::from_millis(wall.unsigned_abs());
        let machine =
            Machine { uptime: Arc::new(move || Duration::from_millis(uptime)), boot: boot.into() };
        Age::resume(stamp, Clock::from_fn(move || UNIX_EPOCH + wall), machine)
    }

    #[test]
    fn it_goes_on_by_the_machine_or_else_by_a_clock_that_was_set() {
        const WALL: i64 = EARLIEST + 1_000_000;
        let then = age(None, WALL, ("a", 7_000)).stamp();
        assert_eq!(then.now, 0);
        for (wall, machine, later) in [
            // It was on all the time, and its clock was set meanwhile.
            (0, ("a", 8_000), 1_000),
            (WALL * 2, ("a", 8_000), 1_000),
            // It was off for ten seconds.
            (WALL + 10_000, ("b", 3_000), 10_000),
            // It was off, and does not know how late it is.
            (5_000, ("b", 3_000), 0),
            // A kernel that does not tell one start from another.
            (WALL + 10_000, ("", 3_000), 10_000),
        ] {
            assert_eq!(age(Some(&then), wall, machine).now(), later, "{wall} {machine:?}");
        }
        let never_set = SpoolStamp { wall: 20_000, ..then };
        assert_eq!(age(Some(&never_set), WALL, ("b", 3_000)).now(), 0);
    }

    #[test]
    fn this_machine_has_been_on_for_a_while() {
        let machine = Machine::this();
        assert!(machine.uptime_millis() > 0);
        assert!(cfg!(not(target_os = "linux")) || !machine.boot.is_empty());
    }

    #[test]
    fn a_second_that_has_begun_is_left() {
        assert_eq!(seconds_left(1_000, expiry(1_000, 2)), Some(2));
        assert_eq!(seconds_left(2_001, expiry(1_000, 2)), Some(1));
        assert_eq!(seconds_left(2_999, expiry(1_000, 2)), Some(1));
        assert_eq!(seconds_left(3_000, expiry(1_000, 2)), None);
        assert_eq!(seconds_left(i64::MAX, expiry(i64::MAX, u32::MAX)), None);
    }
}
