//! A container engine and a registry for the tests: Debian's packages, run from a folder of their
//! own and stopped with the tests. An engine that the machine has is left alone.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{debian, run};

const PACKAGES: [&str; 3] = ["docker.io", "busybox-static", "docker-registry"];

/// What the tests put into their image.
const BUSYBOX: &str = "/bin/busybox";

/// The names of the programs, in messages and of their logs.
const ENGINE: &str = "engine";
const REGISTRY: &str = "registry";

/// How long the programs may take to come up, and to go.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often to look.
const LOOK: Duration = Duration::from_millis(50);

/// The longest path of a socket is 107 bytes; the engine puts some of its own below its folder.
const LONGEST_FOLDER: usize = 70;

/// An engine and a registry that run until this is dropped.
#[derive(Debug)]
pub struct Containers {
    folder: PathBuf,
    engine: Process,
    registry: Process,
    address: String,
    // Last, so that nobody uses them any more.
    _files: Files,
}

/// A program that ends when this is dropped.
#[derive(Debug)]
struct Process {
    name: &'static str,
    child: Child,
}

/// What the programs write; goes when this is dropped, but for their logs.
#[derive(Debug)]
struct Files(PathBuf);

/// Start them in `folder`, which is theirs alone. `None`, with a warning, where that cannot be; with
/// `ci` this is an error.
pub fn start(folder: &Path, ci: bool) -> Result<Option<Containers>> {
    match install().and_then(|programs| Containers::start(folder, &programs)) {
        Ok(containers) => Ok(Some(containers)),
        Err(error) if ci => Err(error.context("no container engine for the tests")),
        Err(error) => {
            eprintln!("WARNING: no container engine, its tests are skipped: {error:#}");
            Ok(None)
        }
    }
}

struct Programs {
    engine: PathBuf,
    registry: PathBuf,
}

/// Install what is missing.
fn install() -> Result<Programs> {
    if let Some(programs) = Programs::find() {
        return Ok(programs);
    }
    debian::install(&PACKAGES)?;
    Programs::find()
        .with_context(|| format!("{} are installed and incomplete", PACKAGES.join(", ")))
}

impl Programs {
    fn find() -> Option<Self> {
        // Debian puts the engine where only the administrator looks.
        let there = |path: PathBuf| path.is_file().then_some(path);
        let engine = run::which("dockerd").or_else(|| there("/usr/sbin/dockerd".into()))?;
        let registry = run::which("docker-registry")?;
        // It must do without libraries; `ldd` has nothing to say then.
        let is_static = run::quietly(Command::new("ldd").arg(BUSYBOX)).is_err();
        (Path::new(BUSYBOX).is_file() && is_static).then_some(Self { engine, registry })
    }
}

impl Containers {
    fn start(folder: &Path, programs: &Programs) -> Result<Self> {
        if run::output(Command::new("id").arg("-u"))?.trim() != "0" {
            bail!("a container engine takes root");
        }
        if folder.as_os_str().len() > LONGEST_FOLDER {
            bail!("the path {} is too long for sockets below it", folder.display());
        }
        stop_earlier(folder)?;
        if folder.exists() {
            unmount_below(folder)?;
            fs::remove_dir_all(folder)
                .with_context(|| format!("failed to remove {}", folder.display()))?;
        }
        fs::create_dir_all(folder)?;
        let files = Files(folder.to_owned());
        let (registry, address) = start_registry(folder, &programs.registry)?;
        let engine = start_engine(folder, &programs.engine)?;
        let folder = folder.to_owned();
        let mut containers = Self { folder, engine, registry, address, _files: files };
        containers.wait()?;
        Ok(containers)
    }

    /// Variables that tell the tests where they are.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("GG_TEST_DOCKER", socket(&self.folder)),
            ("GG_TEST_REGISTRY", PathBuf::from(&self.address)),
        ]
    }

    /// Until both answer.
    fn wait(&mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            if answers(&socket(&self.folder)) && TcpStream::connect(&self.address).is_ok() {
                return Ok(());
            }
            for process in [&mut self.engine, &mut self.registry] {
                if process.child.try_wait()?.is_some() || begin.elapsed() > PATIENCE {
                    let name = process.name;
                    let log = fs::read_to_string(self.folder.join(format!("{name}.log")));
                    let log = log.unwrap_or_default();
                    let lines: Vec<&str> = log.lines().collect();
                    let last = &lines[lines.len().saturating_sub(5)..];
                    bail!("the {name} does not come up\n{}", last.join("\n"));
                }
            }
            thread::sleep(LOOK);
        }
    }
}

impl Process {
    fn start(mut command: Command, folder: &Path, name: &'static str) -> Result<Self> {
        let log = File::create(folder.join(format!("{name}.log")))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn();
        let child = child.with_context(|| format!("failed to run {:?}", command.get_program()))?;
        fs::write(folder.join(format!("{name}.pid")), child.id().to_string())?;
        Ok(Self { name, child })
    }

    /// Ask it to end, so that it clears up, and wait.
    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        run::quietly(Command::new("kill").arg(self.child.id().to_string()))?;
        let begin = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begin.elapsed() > PATIENCE {
                self.child.kill()?;
                self.child.wait()?;
                bail!("it did not end within {PATIENCE:?} and was killed");
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("WARNING: failed to stop the {}: {error:#}", self.name);
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = unmount_below(&self.0) {
            eprintln!("WARNING: {error:#}");
        }
        for folder in ["data", "exec", "registry"].map(|name| self.0.join(name)) {
            if folder.exists()
                && let Err(error) = fs::remove_dir_all(&folder)
            {
                eprintln!("WARNING: failed to remove {}: {error}", folder.display());
            }
        }
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("docker.sock")
}

fn start_engine(folder: &Path, program: &Path) -> Result<Process> {
    let option = |name: &str, path: &str| format!("--{name}={}", folder.join(path).display());
    let mut command = Command::new(program);
    command
        .arg(format!("--host=unix://{}", socket(folder).display()))
        .arg(option("data-root", "data"))
        .arg(option("exec-root", "exec"))
        .arg(option("pidfile", "docker.pid"))
        // Nothing of the machine's network is touched, whatever other engines do there.
        .args(["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"])
        .arg("--userland-proxy=false");
    Process::start(command, folder, ENGINE)
}

fn start_registry(folder: &Path, program: &Path) -> Result<(Process, String)> {
    // Free now, and most likely in a moment.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let config = folder.join("registry.yml");
    let files = folder.join("registry");
    fs::write(
        &config,
        format!(
            "version: 0.1\nlog: {{ level: warn }}\nhttp: {{ addr: \"{address}\" }}\n\
             storage: {{ filesystem: {{ rootdirectory: \"{}\" }} }}\n",
            files.display()
        ),
    )?;
    fs::create_dir_all(files)?;
    let mut command = Command::new(program);
    command.arg("serve").arg(config);
    Ok((Process::start(command, folder, REGISTRY)?, address))
}

fn answers(socket: &Path) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// Stop the programs of a run that could not do so itself.
fn stop_earlier(folder: &Path) -> Result<()> {
    for name in [ENGINE, REGISTRY] {
        let Ok(pid) = fs::read_to_string(folder.join(format!("{name}.pid"))) else { continue };
        let line = Path::new("/proc").join(&pid).join("cmdline");
        // The number may be somebody else's by now.
        let is_ours = || {
            let line = fs::read_to_string(&line).unwrap_or_default();
            line.contains(&folder.display().to_string())
        };
        if pid.is_empty() || !is_ours() {
            continue;
        }
        run::quietly(Command::new("kill").arg(&pid))?;
        let begin = Instant::now();
        while is_ours() {
            if begin.elapsed() > PATIENCE {
                bail!("the {name} of an earlier run, process {pid}, does not end");
            }
            thread::sleep(LOOK);
        }
    }
    Ok(())
}

/// Unmount what an engine that was killed has left mounted.
fn unmount_below(folder: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("/proc/self/mounts")?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    let mut below: Vec<&Path> = points.filter(|point| point.starts_with(folder)).collect();
    // What was mounted last may lie in what was before.
    below.reverse();
    for point in below {
        run::quietly(Command::new("umount").arg(point))?;
    }
    Ok(())
}
