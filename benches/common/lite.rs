//! The peer for a device's nucleus: AWS IoT Greengrass nucleus lite, a handful of programs that
//! talk over sockets. `GG_BENCH_LITE` names the folder of them (`build/bin`).
//!
//! Started by hand are those that do here what `gg-host start` does: configuration, local messages,
//! the door for components, their health, deployments. Those that only talk to the cloud end without
//! certificates and are left out.

use super::device::Door;
use super::process;
use anyhow::{Context, Result, ensure};
use gg_ipc::header::HeaderValue;
use gg_ipc::message::Connect;
use gg_ipc::{Decoder, Message, Payload, handshake};
use serde_json::json;
use std::fs::{self, DirBuilder};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A component that may use all topics. None of its own is run.
const CLIENT: &str = "bench.Client";

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
             {{runWithDefault: {{posixUser: \"nobody:nogroup\"}}}}}}, {CLIENT}: {{configuration: \
             {{threshold: 30, accessControl: {{aws.greengrass.ipc.pubsub: \
             {{all: {{operations: [\"*\"], resources: [\"*\"]}}}}}}}}}}}}\n",
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
        let door = self.socket();
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

    fn socket(&self) -> PathBuf {
        self.root.path().join("gg-ipc.socket")
    }

    /// The place of a component at the door of lite, which must run. It gives a token to whoever is in
    /// the cgroup of the component's unit, and takes it from anybody then.
    pub(crate) fn door(&self) -> Result<Door> {
        let unit = Unit::enter(&format!("ggl.{CLIENT}.service"))?;
        let mut stream = UnixStream::connect(self.socket())?;
        let payload = json!({ "componentName": CLIENT }).to_string().into_bytes().into();
        let version = Some(handshake::VERSION.to_owned());
        let connect = Message::Connect(Connect { version, payload: Payload(payload) });
        let mut bytes = Vec::new();
        connect.encode(handshake::MAX_FRAME_BYTES, &mut bytes)?;
        stream.write_all(&bytes)?;
        let mut decoder = Decoder::new(handshake::MAX_FRAME_BYTES);
        let frame = loop {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes)?;
            ensure!(length > 0, "nucleus lite does not let {CLIENT} in");
            if let Some(frame) = decoder.decode(&mut &bytes[..length])? {
                break frame;
            }
        };
        drop(unit);
        let token = frame.headers.iter().find_map(|header| match header {
            ("svcuid", HeaderValue::String(token)) => Some(token.to_owned()),
            _ => None,
        });
        Ok(Door { token: token.context("nucleus lite gives no token")?, path: self.socket() })
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

    /// The numbers of its processes.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.processes.iter().map(Child::id).collect()
    }

    /// KiB of its share of resident memory, page tables included.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.processes.iter().map(|process| process::pss(process.id())).sum()
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

/// The folders in which cgroups may be that systemd would use.
const CGROUPS: [&str; 3] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"];

/// This process in a cgroup that systemd would make for a unit, until this is dropped.
struct Unit {
    /// The cgroups, and the files by which the process gets back to where it was.
    cgroups: Vec<(PathBuf, PathBuf)>,
}

impl Unit {
    fn enter(name: &str) -> Result<Self> {
        let before = fs::read_to_string("/proc/self/cgroup")?;
        let mut unit = Self { cgroups: Vec::new() };
        for root in CGROUPS.map(Path::new).into_iter().filter(|root| is_cgroup(root)) {
            let line = if root.ends_with("systemd") { "name=systemd:" } else { "0::" };
            let path = before.lines().find_map(|text| Some(text.split_once(line)?.1));
            let path = path.context("this process is in no cgroup")?.trim_start_matches('/');
            let cgroup = root.join("system.slice").join(name);
            fs::create_dir_all(&cgroup).with_context(|| cgroup.display().to_string())?;
            unit.cgroups.push((cgroup.clone(), root.join(path).join("cgroup.procs")));
            fs::write(cgroup.join("cgroup.procs"), "0")?;
        }
        Ok(unit)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        for (cgroup, back) in &self.cgroups {
            let _stays = fs::write(back, "0");
            let _stays = fs::remove_dir(cgroup);
            // Others may be in it.
            let _stays = cgroup.parent().map(fs::remove_dir);
        }
    }
}

fn is_cgroup(folder: &Path) -> bool {
    folder.join("cgroup.procs").is_file()
}
