//! Ends what a gg-host that was killed left running: its processes must not work on beside those
//! of the next one.

use super::Shared;
use super::cgroup::Cgroups;
use super::environment::MARK;
use super::group::{has_variable, kill_those, processes};
use rustix::process::{Pid, Signal, getpid};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long they may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// End all processes of components of this root folder. Blocks.
pub(super) fn sweep(shared: &Shared) {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    let cgroups = if Cgroups::left_behind(&shared.folder()) { shared.cgroups() } else { Ok(None) };
    let cgroups = cgroups.unwrap_or_else(|error| {
        tracing::error!(%error, "cannot open the cgroups of an earlier gg-host");
        None
    });
    let mark = format!("{MARK}={}:", shared.mark).into_bytes();
    let is_ours =
        |pid: Pid| pid != getpid() && has_variable(pid, |variable| variable.starts_with(&mark));
    let mut ended = 0;
    loop {
        let held = cgroups.map_or(0, Cgroups::count);
        if let Some(cgroups) = cgroups {
            cgroups.kill();
        }
        let marked: Vec<Pid> = processes().filter(|pid| is_ours(*pid)).collect();
        let left = held + marked.len();
        ended = left.max(ended);
        if left == 0 {
            break;
        }
        kill_those(marked, Signal::KILL, is_ours);
        if begin.elapsed() > PATIENCE {
            tracing::error!(processes = left, "processes of an earlier gg-host do not end");
            break;
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    if let Some(cgroups) = cgroups {
        cgroups.clear();
    }
    if ended > 0 {
        tracing::warn!(processes = ended, "ended what an earlier gg-host left running");
    }
}
