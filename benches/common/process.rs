//! What the system says of a process.

use anyhow::{Context, Result};
use std::fs;

/// KiB of its share of resident memory, page tables included.
pub(crate) fn memory(process: u32) -> Result<f64> {
    Ok(pss(process)? + figure(process, "status", "VmPTE")?)
}

/// KiB of its share of resident memory.
pub(crate) fn pss(process: u32) -> Result<f64> {
    figure(process, "smaps_rollup", "Pss")
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
