//! The way from a developer to a device: gg-cloud, a device that trusts one key, and boto3, which deploys
//! a component that is signed, one that is not, and one that fails.

use super::step;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What is deployed.
const NAME: &str = "com.example.Sensor";

/// Where boto3 is.
pub struct Boto3 {
    pub interpreter: &'static str,
    pub packages: PathBuf,
}

/// Show it. `root`: the project's folder, where everything is built.
pub fn run(root: &Path, boto3: &Boto3) -> Result<()> {
    let folder = env::temp_dir().join(format!("gg-demo-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let shown = show(root, &folder, boto3);
    if shown.is_ok() {
        fs::remove_dir_all(&folder)?;
    } else {
        println!("what was made is in {}", folder.display());
    }
    shown
}

fn show(root: &Path, folder: &Path, boto3: &Boto3) -> Result<()> {
    step("a cloud of one's own, and a device of it that trusts the key `build`");
    let (cloud, ready) = Running::start(
        program(root, "gg-cloud")
            .args(["serve", "--output", "json", "--data"])
            .arg(folder.join("cloud"))
            .args(["--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0"]),
        &folder.join("cloud.log"),
        |line| line.starts_with('{'),
    )?;
    let ready: Value = serde_json::from_str(&ready)?;
    let author = Author { root, folder, boto3, ready };
    author.enrol()?;
    let (device, _) = Running::start(
        program(root, "gg-host").args(["start", "--output", "json", "--root"]).arg(author.device()),
        &folder.join("device.log"),
        |line| line.contains("all components are up"),
    )?;

    step("a component that `build` has signed, whose key the device trusts");
    author.publish("1.0.0", "", true)?;
    author.deploy("1.0.0", "SUCCEEDED")?;
    author.components()?;
    step("the next version, which nobody has signed");
    author.publish("1.1.0", "", false)?;
    author.deploy("1.1.0", "FAILED")?;
    step("and one that is signed and fails: the device goes back");
    author.publish("2.0.0", "count: not a number", true)?;
    author.deploy("2.0.0", "FAILED")?;
    author.components()?;
    drop((device, cloud));
    Ok(())
}

/// Whoever develops the component and deploys it.
struct Author<'a> {
    root: &'a Path,
    folder: &'a Path,
    boto3: &'a Boto3,
    /// What gg-cloud said when it was ready.
    ready: Value,
}

impl Author<'_> {
    /// The root folder of the device.
    fn device(&self) -> PathBuf {
        self.folder.join("device")
    }

    /// Make the device known, and have it trust a new key.
    fn enrol(&self) -> Result<()> {
        let kit = self.folder.join("kit.tar.gz");
        let (device, data) = (self.device(), self.folder.join("cloud"));
        let mut add = program(self.root, "gg-cloud");
        add.args(["thing", "add", "Core", "--group", "fleet", "--endpoint", "localhost"]);
        quietly(add.arg("--kit").arg(&kit).arg("--data").arg(data))?;
        let mut provision = program(self.root, "gg-host");
        quietly(provision.arg("provision").arg("--kit").arg(&kit).arg("--root").arg(&device))?;
        let mut key = program(self.root, "gg-host");
        quietly(key.arg("key").arg(self.folder.join("build")).env_remove("COSIGN_PASSWORD"))?;
        let pem = fs::read_to_string(self.folder.join("build.pub"))?;
        let policy = format!(
            "format: gg-host/trust/1\nversion: 1\nkeys:\n  - name: build\n    \
             components: [com.example.*]\n    publicKey: |\n      {}\n",
            pem.trim_end().replace('\n', "\n      ")
        );
        Ok(fs::write(device.join("trust.yaml"), policy)?)
    }

    /// Publish a version of the sensor, with this in its configuration.
    fn publish(&self, version: &str, setting: &str, signs: bool) -> Result<()> {
        let artifacts = self.folder.join(version);
        fs::create_dir(&artifacts)?;
        let wasm = artifacts.join("component.wasm");
        fs::copy(self.root.join("target/samples/sensor.wasm"), &wasm)?;
        let recipe = artifacts.join("recipe.yaml");
        fs::write(
            &recipe,
            format!(
                "RecipeFormatVersion: '2020-01-25'\nComponentName: {NAME}\nComponentVersion: {version}\n\
                 ComponentConfiguration:\n  DefaultConfiguration:\n    {setting}\n    \
                 accessControl:\n      aws.greengrass.ipc.pubsub:\n        {NAME}:pubsub:1:\n          \
                 operations: ['aws.greengrass#PublishToTopic']\n          resources: ['sensors/*']\n\
                 Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: {{run: '{{artifacts:path}}/component.wasm'}}\n    \
                 Artifacts: [{{URI: 's3://artifacts/{NAME}/{version}/component.wasm'}}]\n"
            ),
        )?;
        let mut published = recipe.clone();
        if signs {
            let mut sign = program(self.root, "gg-host");
            sign.arg("sign")
                .arg("--key")
                .arg(self.folder.join("build.key"))
                .arg("--recipe")
                .arg(&recipe);
            sign.arg("--artifact-dir").arg(&artifacts).env_remove("COSIGN_PASSWORD");
            published = artifacts.join("signed.json");
            fs::write(&published, quietly(&mut sign)?)?;
        }
        let [wasm, published] = [&wasm, &published].map(|path| path.to_string_lossy().into_owned());
        self.ask(&["publish", NAME, version, &wasm, &published]).map(drop)
    }

    /// Deploy a version to the device's group, and say how it went.
    fn deploy(&self, version: &str, wanted: &str) -> Result<()> {
        let ended = self.ask(&["deploy", NAME, version])?;
        let status = ended["coreDeviceExecutionStatus"].as_str().unwrap_or_default();
        println!("{NAME} {version}: {status}");
        if let Some(reason) = ended["reason"].as_str().filter(|_| status == "FAILED") {
            println!("    {reason}");
        }
        ensure!(status == wanted, "it should be {wanted}: {ended}");
        Ok(())
    }

    /// Show the components of the device.
    fn components(&self) -> Result<()> {
        let mut list = program(self.root, "gg-host");
        list.args(["component", "list", "--root"]).arg(self.device());
        print!("{}", String::from_utf8_lossy(&quietly(&mut list)?));
        Ok(())
    }

    /// Have boto3 do something; gives what it says.
    fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let text = |name: &str| self.ready[name].as_str().unwrap_or_default().to_owned();
        let mut script = Command::new(self.boto3.interpreter);
        script
            .arg(self.root.join("tests/aws/gg_cloud/loop.py"))
            .args(arguments)
            .env("PYTHONPATH", &self.boto3.packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ACCESS_KEY_ID", text("accessKeyId"))
            .env("AWS_SECRET_ACCESS_KEY", text("secretAccessKey"))
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", text("url"))
            .env("AWS_CA_BUNDLE", text("ca"));
        Ok(serde_json::from_slice(&quietly(&mut script)?)?)
    }
}

/// A program that runs until it is dropped.
struct Running(Child);

impl Running {
    /// Start it, and wait for a line that says that it is ready. What it says afterwards is not read.
    fn start(
        command: &mut Command,
        log: &Path,
        is_ready: impl Fn(&str) -> bool,
    ) -> Result<(Self, String)> {
        let child = command.stdout(Stdio::piped()).stderr(fs::File::create(log)?).spawn();
        let mut child = child.with_context(|| format!("cannot run {command:?}"))?;
        let lines = child.stdout.take().context("it has no output")?;
        let running = Self(child);
        let mut lines = BufReader::new(lines).lines();
        let ready = loop {
            match lines.next() {
                Some(line) => {
                    let line = line?;
                    if is_ready(&line) {
                        break line;
                    }
                }
                None => bail!("{command:?} has ended; what it said is in {}", log.display()),
            }
        };
        // So that it can go on.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((running, ready))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn program(root: &Path, name: &str) -> Command {
    Command::new(root.join("target/debug").join(name))
}

/// Run it; gives what it prints.
fn quietly(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}
