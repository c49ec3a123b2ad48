//! A device: a root folder, the nucleus that runs in it as a process of its own, and the command
//! line that asks it.

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The version of every component.
const VERSION: &str = "1.0.0";

/// Tells whoever measures how it could speak with the nucleus, and does nothing more itself.
const CLIENT: &str = "echo $SVCUID $AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT >.door \
                      && mv .door door && exec sleep 1000000";

/// A folder for a nucleus, and the recipes and artifacts to deploy from.
pub(crate) struct Device {
    folder: TempDir,
}

/// A nucleus, which ends when this is dropped.
pub(crate) struct Nucleus {
    process: Child,
    /// Says when its components are up, and ends with its output.
    up: Receiver<()>,
    /// From the start of the process to its word that it is ready.
    pub(crate) took: Duration,
}

/// Where Greengrass IPC is spoken, and as whom.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) token: String,
    pub(crate) path: PathBuf,
}

impl Device {
    /// A device on which nothing was ever started.
    pub(crate) fn new() -> Result<Self> {
        Self::with(json!({}))
    }

    /// The same, whose nucleus is told this in its configuration.
    pub(crate) fn with(mut configuration: Value) -> Result<Self> {
        // Where users of native components can reach their own.
        let mode = fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("bench-").permissions(mode).tempdir()?;
        for name in ["recipes", "artifacts", "root"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let device = Self { folder };
        if geteuid().is_root() {
            configuration["runWithDefault"] = json!({ "posixUser": "nobody" });
        }
        let settings = json!({ "configuration": configuration });
        let settings = json!({ "services": { "aws.greengrass.Nucleus": settings } });
        fs::write(device.root().join("config.yaml"), settings.to_string())?;
        Ok(device)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// A component of WebAssembly to deploy, which may use all topics. The mode is for those that
    /// have several.
    pub(crate) fn wasm(&self, name: &str, file: &Path, mode: &str) -> Result<()> {
        let artifact = file.file_name().and_then(|name| name.to_str()).context("it has a name")?;
        let folder = self.folder.path().join("artifacts").join(name).join(VERSION);
        fs::create_dir_all(&folder)?;
        fs::copy(file, folder.join(artifact))?;
        let run = format!("{{artifacts:path}}/{artifact}");
        let manifest = json!({
            "Platform": { "runtime": "wasm" },
            "Lifecycle": { "run": run },
            "Artifacts": [{ "URI": format!("s3://bench/{artifact}") }],
        });
        self.recipe(name, &manifest, json!({ "mode": mode, "accessControl": all_topics() }))
    }

    /// A component of one script to deploy.
    pub(crate) fn native(&self, name: &str, script: &str) -> Result<()> {
        let manifest = json!({ "Platform": { "os": "linux" }, "Lifecycle": { "run": script } });
        self.recipe(name, &manifest, json!({}))
    }

    /// A native component to deploy, which may use all topics. Once it is deployed, [`Device::door`]
    /// gives its place at the nucleus's door.
    pub(crate) fn client(&self, name: &str) -> Result<()> {
        let manifest = json!({ "Platform": { "os": "linux" }, "Lifecycle": { "run": CLIENT } });
        let configuration = json!({
            "threshold": 30,
            "accessControl": all_topics(),
            "sandbox": { "limits": { "subscriptions": 1024 } },
        });
        self.recipe(name, &manifest, configuration)
    }

    /// What a client says of its place: the token, and where the door is.
    pub(crate) fn door(&self, name: &str) -> Result<Door> {
        let file = self.root().join("work").join(name).join("door");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let (token, path) = text.trim_end().split_once(' ').context("a token and a path")?;
        Ok(Door { token: token.to_owned(), path: path.into() })
    }

    fn recipe(&self, name: &str, manifest: &Value, configuration: Value) -> Result<()> {
        let recipe = json!({
            "RecipeFormatVersion": "2020-01-25",
            "ComponentName": name,
            "ComponentVersion": VERSION,
            "ComponentConfiguration": { "DefaultConfiguration": configuration },
            "Manifests": [manifest],
        });
        let file = self.folder.path().join("recipes").join(format!("{name}.json"));
        Ok(fs::write(file, recipe.to_string())?)
    }

    /// Start the nucleus, and wait until it tells systemd, in whose place this is, that it is ready.
    pub(crate) fn start(&self) -> Result<Nucleus> {
        let path = self.folder.path().join("notify");
        if path.exists() {
            fs::remove_file(&path)?;
        }
        let systemd = UnixDatagram::bind(&path)?;
        systemd.set_read_timeout(Some(PATIENCE))?;
        let mut command = super::program(env!("CARGO_BIN_EXE_gg-host"));
        command.arg("start").arg("--root").arg(self.root()).env("NOTIFY_SOCKET", &path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let begin = Instant::now();
        let mut process = command.spawn()?;
        let up = follow(process.stdout.take().context("a pipe")?);
        let mut nucleus = Nucleus { process, up, took: Duration::ZERO };
        let mut word = [0; 64];
        let length = systemd.recv(&mut word).context("the nucleus does not get ready")?;
        nucleus.took = begin.elapsed();
        ensure!(word[..length] == *b"READY=1", "{:?}", String::from_utf8_lossy(&word[..length]));
        Ok(nucleus)
    }

    /// Deploy components, and wait until that has succeeded; gives the time it took.
    pub(crate) fn deploy(&self, names: &[String]) -> Result<Duration> {
        let mut command = super::program(env!("CARGO_BIN_EXE_gg-host"));
        command.arg("deploy").arg("--root").arg(self.root());
        for (option, folder) in [("--recipe-dir", "recipes"), ("--artifact-dir", "artifacts")] {
            command.arg(option).arg(self.folder.path().join(folder));
        }
        let versions: Vec<String> = names.iter().map(|name| format!("{name}={VERSION}")).collect();
        command.args(["--merge", &versions.join(","), "--wait"]).stdin(Stdio::null());
        let begin = Instant::now();
        let output = command.output()?;
        let took = begin.elapsed();
        if !output.status.success() {
            let (said, errors) = (&output.stdout, &output.stderr);
            let text = [said, errors].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            bail!("a deployment failed\n{}", text.concat());
        }
        Ok(took)
    }
}

impl Nucleus {
    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Wait until its components are up or over.
    pub(crate) fn until_up(&self) -> Result<()> {
        self.up.recv_timeout(PATIENCE).context("the components do not come up")
    }

    /// Stop it as systemd would, and wait.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the nucleus ended with {status}");
        Ok(())
    }
}

impl Drop for Nucleus {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// A right to publish and subscribe to everything.
fn all_topics() -> Value {
    let all = json!({ "all": { "operations": ["*"], "resources": ["*"] } });
    json!({ "aws.greengrass.ipc.pubsub": all, "aws.greengrass.ipc.mqttproxy": all })
}

/// Read what a nucleus prints, so that it is never held up.
fn follow(output: ChildStdout) -> Receiver<()> {
    let (sender, up) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.contains("all components are up or over") {
                let _gone = sender.send(());
            }
        }
    });
    up
}
