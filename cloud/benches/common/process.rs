//! What the system says of a process.

use anyhow::{Context as _, Result};
use std::fs;

/// What a process has taken so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Seconds of processors, of all its threads.
    pub(crate) processor: f64,
    /// MiB of memory that are resident.
    pub(crate) memory: f64,
    /// The most that were, in MiB.
    pub(crate) peak: f64,
}

impl Usage {
    /// That of a process.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let memory = |key: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number =
                line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
            Ok(number.with_context(|| key.to_owned())?.parse::<f64>()? / 1024.0)
        };
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, which stands in parentheses, can have anything in it.
        let fields: Vec<&str> =
            stat.rsplit_once(')').context("stat")?.1.split_whitespace().collect();
        let ticks = |place: usize| -> Result<f64> {
            Ok(fields.get(place).context("a field of stat")?.parse::<f64>()?)
        };
        let second = rustix::param::clock_ticks_per_second() as f64;
        Ok(Self {
            // utime and stime, the 14th and 15th of all (proc(5)).
            processor: (ticks(11)? + ticks(12)?) / second,
            memory: memory("VmRSS")?,
            peak: memory("VmHWM")?,
        })
    }
}

/// How many processes want to run, of the last minute.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}
