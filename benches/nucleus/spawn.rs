//! A native component's step, from its start until nothing of it is left, against the least that a
//! program can do: `posix_spawn` of the same shell from the same process, its output read and its
//! end waited for.

use super::step::Step;
use crate::common::Rows;
use crate::common::program;
use crate::common::report::{Aim, Row};
use anyhow::{Result, ensure};
use gg_host::runtime::process::{ProcessConfig, ProcessRuntime};
use gg_host::tasks::Tasks;
use gg_model::RuntimeKind;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Measurements of each side, in turn.
const ROUNDS: usize = 300;

const AIM: Aim = Aim::ratio_at_most(1.5);

/// What the shell does.
const SCRIPT: &str = "exit 0";

pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let confinements = [("with RequiresPrivilege", true), ("confined", false)];
    for (name, privileged) in confinements {
        let (ours, peer) = runtime.block_on(both(privileged))?;
        let name = format!("step of a native component, {name}, against posix_spawn");
        rows.add(Row::new(name, "µs", ours, AIM).beside(peer));
    }
    Ok(())
}

async fn both(privileged: bool) -> Result<(Vec<f64>, Vec<f64>)> {
    let mode = fs::Permissions::from_mode(0o755);
    let root = tempfile::Builder::new().permissions(mode).tempdir()?;
    let config = ProcessConfig::new(root.path().to_owned(), "bench".parse()?);
    let processes = ProcessRuntime::new(config, Tasks::new(None)?);
    let run = json!({ "Script": SCRIPT, "RequiresPrivilege": privileged });
    let mut step = Step::prepare(&processes, RuntimeKind::Process, root.path(), run).await?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (mine, theirs) = (step.run().await?, floor()?);
        // The first one makes the component's cgroup and folders.
        if round > 0 {
            ours.push(mine.as_secs_f64() * 1e6);
            peer.push(theirs.as_secs_f64() * 1e6);
        }
    }
    Ok((ours, peer))
}

fn floor() -> Result<Duration> {
    let mut shell = program("/bin/sh");
    shell.args(["-c", SCRIPT]).stdin(Stdio::null());
    let begin = Instant::now();
    let output = shell.output()?;
    let took = begin.elapsed();
    ensure!(output.status.success(), "the shell ended with {}", output.status);
    Ok(took)
}
