//! `gg-cloud serve`, optimised, on a folder and ports of its own, until it is dropped.

use super::client::{Client, Key};
use super::tls::Trust;
use anyhow::{Context as _, Result};
use gg_cloud::tasks::Tasks;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The program.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    https: u16,
    mqtt: u16,
    key: Key,
    trust: Trust,
    tasks: Tasks,
}

impl Server {
    /// Start it; it is ready when this returns.
    pub(crate) fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let log = File::create(folder.path().join("log"))?;
        let mut child = program()
            .args(["serve", "--output", "json", "--requests-per-second", "0"])
            .args(["--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("gg-cloud cannot be started")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("gg-cloud says nothing")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("gg-cloud did not start")?;
        let text = |name: &str| {
            ready[name].as_str().map(str::to_owned).with_context(|| format!("{name} is missing"))
        };
        let port = |name: &str| -> Result<u16> {
            let address = text(name)?;
            Ok(address.rsplit_once(':').context("an address without a port")?.1.parse()?)
        };
        Ok(Self {
            https: port("address")?,
            mqtt: port("mqtt")?,
            key: Key {
                id: text("accessKeyId")?,
                secret: text("secretAccessKey")?,
                region: text("region")?,
            },
            trust: Trust::read(Path::new(&text("ca")?))?,
            tasks: Tasks::default(),
            child,
            folder,
        })
    }

    /// A connection to its REST APIs.
    pub(crate) async fn client(&self) -> Result<Client> {
        Client::connect(&self.trust, self.https, self.key.clone(), &self.tasks).await
    }

    /// The port for MQTT.
    pub(crate) fn mqtt_port(&self) -> u16 {
        self.mqtt
    }

    /// Whom its clients trust.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What spawns tasks of its clients.
    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it said on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The program, as it is started elsewhere: cargo tells its benchmarks where it keeps libraries.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gg-cloud"));
    command.env_remove("LD_LIBRARY_PATH");
    command
}
