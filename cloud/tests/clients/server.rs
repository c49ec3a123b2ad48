//! The real program on a port of its own, and real clients that are pointed at it.

use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// `gg-cloud serve`, until it is dropped.
pub(crate) struct Server {
    child: Child,
    ready: Value,
    data: PathBuf,
    _folder: Option<TempDir>,
    key: (String, String),
    /// How it is started beside the usual.
    arguments: &'static [&'static str],
}

/// What a client said.
pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn expect_ok(self) -> String {
        assert!(self.ok, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    #[track_caller]
    pub(crate) fn expect_failure(self, why: &str) {
        assert!(!self.ok, "it succeeded:\n{}", self.stdout);
        assert!(self.stderr.contains(why), "{why} is not in\n{}", self.stderr);
    }
}

/// A variable that `cargo xtask test` sets.
fn variable(name: &str) -> PathBuf {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    let remedy = "run this with `cargo xtask test`, which installs boto3 and the AWS CLI";
    value.unwrap_or_else(|| panic!("{name} is not set; {remedy}")).into()
}

impl Server {
    /// On a new folder.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same, with these arguments.
    pub(crate) fn with(arguments: &'static [&'static str]) -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let (child, ready) = launch(&data, arguments, 0, 0);
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let key = (text("accessKeyId"), text("secretAccessKey"));
        Self { child, ready, data, _folder: Some(folder), key, arguments }
    }

    /// End it as a power cut does, and start it again where it was.
    pub(crate) fn cut(&mut self) {
        self.cut_and(|_| {});
    }

    /// The same, with something done to its folder in between.
    pub(crate) fn cut_and(&mut self, change: impl FnOnce(&Path)) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        change(&self.data);
        self.start();
    }

    /// Start it again where it was.
    pub(crate) fn start(&mut self) {
        (self.child, self.ready) =
            launch(&self.data, self.arguments, self.https_port(), self.mqtt_port());
        assert_eq!(self.ready.get("secretAccessKey"), None, "it is shown once");
    }

    /// End it as a service manager does.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.ask_to_stop();
        self.stops();
    }

    /// Tell it to stop, as a service manager does.
    pub(crate) fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Wait until it has stopped.
    #[track_caller]
    pub(crate) fn stops(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    /// Start it again, which it refuses. What it says.
    pub(crate) fn start_fails(&self) -> String {
        let mut program = Command::new(env!("CARGO_BIN_EXE_gg-cloud"));
        let output = program
            .args(["serve", "--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0", "--data"])
            .arg(&self.data)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    pub(crate) fn ca(&self) -> &str {
        self.ready["ca"].as_str().unwrap()
    }

    pub(crate) fn https_port(&self) -> u16 {
        port(self.url())
    }

    pub(crate) fn mqtt_port(&self) -> u16 {
        port(self.ready["mqtt"].as_str().unwrap())
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(log_of(&self.data)).unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A script of `tests/aws/gg_cloud`.
    pub(crate) fn python(&self, script: &str) -> Said {
        self.python_with(script, &[])
    }

    /// The same, with arguments.
    pub(crate) fn python_with(&self, script: &str, arguments: &[&str]) -> Said {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws/gg_cloud");
        said(self.client().arg(folder.join(script)).args(arguments))
    }

    /// Whether something is to be had without a key, and what it is.
    pub(crate) fn curl(&self, path: &str) -> (bool, String) {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--cacert", self.ca()]);
        let said = said(curl.arg(format!("{}{path}", self.url())));
        (said.ok, said.stdout)
    }

    /// The AWS CLI.
    pub(crate) fn aws<const N: usize>(&self, arguments: [&str; N]) -> Said {
        said(self.client().args(["-m", "awscli"]).args(arguments))
    }

    /// Python, told as users are told to say to their shell.
    pub(crate) fn client(&self) -> Command {
        let mut client = Command::new(variable("GG_IPC_PYTHON"));
        client
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PYTHONPATH", variable("GG_AWS_PACKAGES"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("HOME", &self.data)
            .env("AWS_ACCESS_KEY_ID", &self.key.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.key.1)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", self.url())
            .env("AWS_CA_BUNDLE", self.ca())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            let mut log = String::new();
            let _unread =
                File::open(log_of(&self.data)).and_then(|mut file| file.read_to_string(&mut log));
            println!("gg-cloud said:\n{log}");
        }
    }
}

fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}

fn port(of: &str) -> u16 {
    of.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn launch(data: &Path, arguments: &[&str], https: u16, mqtt: u16) -> (Child, Value) {
    let log = File::options().create(true).append(true).open(log_of(data)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_gg-cloud"))
        .args(["serve", "--output", "json", "--verbose", "--data"])
        .arg(data)
        .args(["--listen", &format!("127.0.0.1:{https}")])
        .args(["--mqtt-listen", &format!("127.0.0.1:{mqtt}")])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready = serde_json::from_str(&line);
    (child, ready.unwrap_or_else(|_| panic!("{}", std::fs::read_to_string(log_of(data)).unwrap())))
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Said { ok: output.status.success(), stdout, stderr }
}
