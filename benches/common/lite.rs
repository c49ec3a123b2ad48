//! The peer for a device's nucleus: AWS IoT Greengrass nucleus lite, a handful of programs that
//! talk over sockets. `GG_BENCH_LITE` names the folder of them (`build/bin`).
//!
//! Started by hand are those that do here what `gg-host start` does: configuration, local messages,
//! the door for components, their health, deployments. Those that only talk to the cloud end without
//! certificates and are left out.

use super::process;
use anyhow::{Context, Result, ensure};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// All others ask this one as they start.
const FIRST: &str = "ggconfigd";

const OTHERS: [&str; 4] = ["ggpubsubd", "ggipcd", "gghealthd", "ggdeploymentd"];

/// Where its programs find one another; they know no other place.
const SOCKETS: &str = "/run/greengrass";

/// How long they may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look.
const LOOK: Duration = Duration::from_micros(500);

/// A device with nucleus lite.
pub(crate) struct Lite {
    programs: PathBuf,
    root: TempDir,
}

/// Lite's programs, which end when this is dropped.
pub(crate) struct Running {
    processes: Vec<Child>,
    /// From the first program to the moment that all of them answered.
    pub(crate) took: Duration,
}

impl Lite {
    /// Lite's programs on a device on which nothing was started yet, if somebody said where they are.
    #[expect(clippy::print_stderr, reason = "rows without a peer must not go unnoticed")]
    pub(crate) fn find() -> Result<Option<Self>> {
        let Some(programs) = std::env::var_os("GG_BENCH_LITE").map(PathBuf::from) else {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                eprintln!(
                    "WARNING: NO PEER: set GG_BENCH_LITE to the folder of the programs of AWS IoT \
                     Greengrass nucleus lite"
                );
            });
            return Ok(None);
        };
        let first = programs.join(FIRST);
        ensure!(first.is_file(), "GG_BENCH_LITE: there is no {}", first.display());
        let root = tempfile::tempdir()?;
        fs::create_dir(root.path().join("config.d"))?;
        let config = format!(
            "system: {{rootPath: \"{}\", thingName: bench}}\n\
             services: {{aws.greengrass.NucleusLite: {{componentType: NUCLEUS, configuration: \
             {{runWithDefault: {{posixUser: \"nobody:nogroup\"}}}}}}}}\n",
            root.path().display()
        );
        fs::write(root.path().join("config.yaml"), config)?;
        Ok(Some(Self { programs, root }))
    }

    /// Start all, and wait until each listens.
    pub(crate) fn start(&self) -> Result<Running> {
        let sockets = Path::new(SOCKETS);
        DirBuilder::new().mode(0o755).create(sockets).with_context(|| {
            format!("cannot make {SOCKETS}, which nucleus lite needs for its own")
        })?;
        let door = self.root.path().join("gg-ipc.socket");
        if door.exists() {
            fs::remove_file(&door)?;
        }
        let mut running = Running { processes: Vec::new(), took: Duration::ZERO };
        let begin = Instant::now();
        running.processes.push(self.program(FIRST)?);
        running.wait_for(&sockets.join("gg_config"))?;
        for name in OTHERS {
            running.processes.push(self.program(name)?);
        }
        for name in ["gg_pubsub", "gg_deployment", "ipc_component"] {
            running.wait_for(&sockets.join(name))?;
        }
        running.wait_for(&door)?;
        running.took = begin.elapsed();
        Ok(running)
    }

    fn program(&self, name: &str) -> Result<Child> {
        let mut command = super::program(self.programs.join(name));
        let root = self.root.path();
        if name == FIRST {
            command.arg("-c").arg(root.join("config.yaml")).arg("-C").arg(root.join("config.d"));
        }
        command.current_dir(root).env_remove("NOTIFY_SOCKET");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().with_context(|| format!("cannot run {name}"))
    }
}

impl Running {
    fn wait_for(&mut self, socket: &Path) -> Result<()> {
        let begin = Instant::now();
        while UnixStream::connect(socket).is_err() {
            ensure!(begin.elapsed() < PATIENCE, "nobody listens at {}", socket.display());
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// KiB of its share of resident memory, page tables included.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.processes.iter().map(|process| process::memory(process.id())).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _gone = process.kill();
            let _gone = process.wait();
        }
        let _gone = fs::remove_dir_all(SOCKETS);
    }
}
