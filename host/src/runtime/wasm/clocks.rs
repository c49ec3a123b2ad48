//! Clocks as fine as components need and no finer: a clock of nanoseconds helps mostly those who
//! listen at the walls of the sandbox.

use std::time::{Duration, Instant, UNIX_EPOCH};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// What guests see of time.
const RESOLUTION: Duration = Duration::from_micros(100);

fn coarse(time: Duration) -> Duration {
    let steps = time.as_nanos() / RESOLUTION.as_nanos();
    Duration::from_nanos(u64::try_from(steps * RESOLUTION.as_nanos()).unwrap_or(u64::MAX))
}

/// Time of day.
pub(super) struct Wall(pub(super) crate::clock::Clock);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        coarse(self.0.now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
    }
}

/// Time since the guest began.
pub(super) struct Monotonic(pub(super) Instant);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        u64::try_from(RESOLUTION.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(coarse(self.0.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}
