//! A device: a folder that `gg-cloud thing add` made the content of, and `gg-host start` in it.

use super::mark::{self, Mark};
use crate::common::server::{Server, program};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Things said that wait to be looked at.
const WAITING: usize = 1024;

/// The device, until it is dropped.
pub(crate) struct Device {
    child: Child,
    _folder: TempDir,
    thing: &'static str,
    marks: mpsc::Receiver<Result<(Mark, Instant)>>,
}

impl Device {
    /// Make it known, in a group of its own and of its name, and start it; `policy` is whom it trusts.
    pub(crate) fn enrol(
        server: &Server,
        thing: &'static str,
        policy: Option<&str>,
    ) -> Result<Self> {
        let folder = TempDir::new()?;
        let (root, kit) = (folder.path().join("root"), folder.path().join("kit.tar.gz"));
        let mut add = program();
        add.args(["thing", "add", thing, "--group", thing, "--endpoint", "localhost", "--root"]);
        quietly(add.arg(&root).arg("--kit").arg(&kit).arg("--data").arg(server.data()))?;
        fs::create_dir(&root)?;
        quietly(Command::new("tar").arg("-xzf").arg(&kit).arg("-C").arg(&root))?;
        if let Some(policy) = policy {
            fs::write(root.join("trust.yaml"), policy)?;
        }
        let mut child = host()
            .args(["start", "-vv", "--output", "json", "--root"])
            .arg(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("gg-host cannot be started")?;
        let (heard, marks) = mpsc::channel(WAITING);
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|output| Box::new(output) as _),
            child.stderr.take().map(|output| Box::new(output) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let heard = heard.clone();
            drop(server.tasks().spawn_blocking(move || listen(output, &heard)));
        }
        Ok(Self { child, _folder: folder, thing, marks })
    }

    /// What it is called.
    pub(crate) fn thing(&self) -> &'static str {
        self.thing
    }

    /// Wait until it is connected.
    pub(crate) async fn connected(&mut self) -> Result<()> {
        while self.next().await?.0 != Mark::Connected {}
        Ok(())
    }

    /// The next that it says of how far it is, and when.
    pub(crate) async fn next(&mut self) -> Result<(Mark, Instant)> {
        let next = timeout(PATIENCE, self.marks.recv()).await.context("the device says nothing")?;
        next.context("the device has ended")?
    }

    /// Forget what it has said.
    pub(crate) fn forget(&mut self) {
        while self.marks.try_recv().is_ok() {}
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Read lines until there are no more.
fn listen(output: impl Read, heard: &mpsc::Sender<Result<(Mark, Instant)>>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let at = Instant::now();
        if let Some(mark) = mark::read(&line).transpose() {
            // Its output is read on when nobody looks any more, so that it can go on.
            let _unread = heard.blocking_send(mark.map(|mark| (mark, at)));
        }
    }
}

/// `gg-host`, which lies beside `gg-cloud`.
pub(crate) fn host() -> Command {
    let mut command =
        Command::new(PathBuf::from(program().get_program()).with_file_name("gg-host"));
    command.env_remove("LD_LIBRARY_PATH").env_remove("COSIGN_PASSWORD").env_remove("GG_LOG");
    command
}

/// Run it; gives what it prints.
pub(crate) fn quietly(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    Ok(output.stdout)
}
