//! What the system says of a process.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// How long each thread of some processes has run so far, in nanoseconds.
pub(crate) struct Work(HashMap<PathBuf, f64>);

impl Work {
    /// That of these processes.
    pub(crate) fn of(processes: &[u32]) -> Result<Self> {
        let mut threads = HashMap::new();
        for process in processes {
            for thread in fs::read_dir(format!("/proc/{process}/task"))? {
                let path = thread?.path();
                // One that has ended since is looked for in vain.
                if let Ok(text) = fs::read_to_string(path.join("schedstat")) {
                    let ran = text.split(' ').next().and_then(|word| word.parse().ok());
                    threads.insert(path, ran.context("how long a thread ran")?);
                }
            }
        }
        Ok(Self(threads))
    }

    /// Nanoseconds of work since an earlier look, that of threads aside which have ended meanwhile.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        let more = |(thread, ran): (&PathBuf, &f64)| ran - earlier.0.get(thread).unwrap_or(&0.0);
        self.0.iter().map(more).sum()
    }
}

/// KiB of its share of resident memory, page tables included.
pub(crate) fn memory(process: u32) -> Result<f64> {
    Ok(pss(process)? + page_tables(process)?)
}

/// KiB of its page tables.
pub(crate) fn page_tables(process: u32) -> Result<f64> {
    figure(process, "status", "VmPTE")
}

/// KiB of its share of resident memory.
pub(crate) fn pss(process: u32) -> Result<f64> {
    figure(process, "smaps_rollup", "Pss")
}

/// KiB of the kernel's own small objects, of the whole machine: sockets and files among them.
pub(crate) fn slabs() -> Result<f64> {
    value(&fs::read_to_string("/proc/meminfo")?, "Slab").context("Slab in meminfo")
}

/// Context switches of all its threads so far.
pub(crate) fn switches(process: u32) -> Result<f64> {
    let mut sum = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("status"))?;
        for key in ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"] {
            sum += value(&text, key).with_context(|| key.to_owned())?;
        }
    }
    Ok(sum)
}

fn figure(process: u32, file: &str, key: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}"))?;
    value(&text, key).with_context(|| format!("{key} in {file}"))
}

/// The number after `KEY:`.
fn value(text: &str, key: &str) -> Option<f64> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == key)
        .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok())
}
