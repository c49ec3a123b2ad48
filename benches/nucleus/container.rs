//! A container of a component, from its start until it is gone, against `docker run --rm` of the
//! same image on the same engine, whose socket `GG_TEST_DOCKER` names.

use super::step::Step;
use crate::common::Rows;
use crate::common::program;
use crate::common::report::{Aim, Row};
use anyhow::{Context, Result, ensure};
use gg_host::runtime::docker::{DockerConfig, DockerRuntime};
use gg_host::runtime::token::Tokens;
use gg_host::tasks::Tasks;
use gg_model::RuntimeKind;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Measurements of each side, in turn.
const ROUNDS: usize = 20;

/// An image of one program.
const IMAGE: &str = "gg-host-bench/true:1";

#[expect(clippy::print_stderr, reason = "rows that are left out must not go unnoticed")]
pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let Some(socket) = std::env::var_os("GG_TEST_DOCKER").map(PathBuf::from) else {
        eprintln!("WARNING: NOT MEASURED: containers, since GG_TEST_DOCKER is not set");
        return Ok(());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ours, peer) = runtime.block_on(both(&socket))?;
    let row = Row::new(
        "component as a container, against docker run --rm",
        "ms",
        ours,
        Aim::ratio_at_most(1.1),
    );
    rows.add(row.beside(peer));
    Ok(())
}

async fn both(socket: &Path) -> Result<(Vec<f64>, Vec<f64>)> {
    let root = tempfile::tempdir()?;
    make_image(socket, root.path())?;
    let config = DockerConfig {
        root: root.path().to_owned(),
        thing: "bench".parse()?,
        socket: Some(socket.to_owned()),
        environment: Vec::new(),
        credentials: None,
        tokens: Tokens::default(),
    };
    let containers = DockerRuntime::new(config, Tasks::new(None)?);
    let run = json!(format!("{IMAGE} true"));
    let mut step = Step::prepare(&containers, RuntimeKind::Docker, root.path(), run).await?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mine = step.run().await?;
        // Components have no network unless they are granted one.
        let theirs = docker(socket, &["run", "--rm", "--network", "none", IMAGE, "true"])?;
        // The first one finds nothing in any cache.
        if round > 0 {
            ours.push(mine.as_secs_f64() * 1e3);
            peer.push(theirs.as_secs_f64() * 1e3);
        }
    }
    docker(socket, &["image", "rm", IMAGE])?;
    Ok((ours, peer))
}

/// An image with this machine's busybox under the name of one of its programs.
fn make_image(socket: &Path, folder: &Path) -> Result<()> {
    let (files, archive) = (folder.join("image"), folder.join("image.tar"));
    fs::create_dir_all(files.join("bin"))?;
    fs::copy("/bin/busybox", files.join("bin/true")).context("busybox-static is not installed")?;
    let mut tar = Command::new("tar");
    let made = tar.arg("-cf").arg(&archive).arg("-C").arg(&files).arg("bin").status()?;
    ensure!(made.success(), "tar failed");
    docker(socket, &["import", archive.to_str().context("a path is text")?, IMAGE])?;
    Ok(())
}

/// Ask the engine with its own program; gives the time it took.
fn docker(socket: &Path, arguments: &[&str]) -> Result<Duration> {
    let mut docker = program("docker");
    docker.env("DOCKER_HOST", format!("unix://{}", socket.display())).args(arguments);
    let begin = Instant::now();
    let output = docker.stdin(Stdio::null()).output().context("cannot run docker")?;
    let took = begin.elapsed();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker {arguments:?} failed: {errors}");
    Ok(took)
}
