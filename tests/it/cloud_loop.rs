//! The whole way: boto3 asks gg-cloud for a deployment, and this host, which knows nothing of gg-cloud,
//! carries it out and is heard.

use crate::broker::free_port;
use crate::device::Device;
use crate::host::{command, file, finish, guest, sample, target};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// gg-cloud, until it is dropped.
pub(crate) struct Cloud {
    child: Child,
    ready: Value,
    ports: [u16; 2],
    data: PathBuf,
    packages: String,
    interpreter: String,
}

impl Cloud {
    pub(crate) fn start(data: &Path) -> Self {
        let variable = |name: &str| {
            std::env::var(name)
                .unwrap_or_else(|_| panic!("{name} is not set; run cargo xtask test"))
        };
        let ports = [free_port(), free_port()];
        let (child, ready) = serve(data, ports);
        Self {
            child,
            ready,
            ports,
            data: data.to_owned(),
            packages: variable("GG_AWS_PACKAGES"),
            interpreter: variable("GG_IPC_PYTHON"),
        }
    }

    /// Kill it, as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Start it again. Its key is shown once, at the first start.
    pub(crate) fn again(&mut self) {
        self.child = serve(&self.data, self.ports).0;
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// Make a device known; what it needs is in the file.
    pub(crate) fn kit(&self, device: &Device) -> PathBuf {
        let kit = device.path("kit.tar.gz");
        let mut command = program();
        command.args(["thing", "add", "Core", "--group", "fleet", "--endpoint", "localhost"]);
        let status = command.arg("--kit").arg(&kit).arg("--data").arg(&self.data).status();
        assert!(status.unwrap().success());
        kit
    }

    /// Make a device known, and give it what it needs.
    pub(crate) fn enrol(&self, device: &Device) {
        let kit = self.kit(device);
        device.ask("provision", ["--kit", kit.to_str().unwrap()]).expect_code(0);
        let text = fs::read_to_string(device.root().join("config.yaml")).unwrap();
        let mut configuration: Value =
            serde_json::from_str(text.trim_start_matches("---")).unwrap();
        let nucleus = &mut configuration["services"]["aws.greengrass.Nucleus"]["configuration"];
        nucleus["mqtt"]["minimumReconnectDelaySeconds"] = 1.into();
        nucleus["mqtt"]["maximumReconnectDelaySeconds"] = 1.into();
        nucleus["runWithDefault"] = json!({ "posixUser": "root" });
        file(&device.root(), "config.yaml", configuration.to_string());
    }

    /// How its fleet stands, as it is shown beside the server.
    fn status(&self) -> Value {
        let mut command = program();
        command.args(["status", "--output", "json", "--data"]).arg(&self.data);
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    }

    /// Have boto3 do something; gives what it prints.
    pub(crate) fn boto3(&self, arguments: &[&str]) -> Value {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws/gg_cloud/loop.py");
        let mut command = Command::new(&self.interpreter);
        command
            .arg(script)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PYTHONPATH", &self.packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("HOME", &self.data)
            .env("AWS_ACCESS_KEY_ID", self.text("accessKeyId"))
            .env("AWS_SECRET_ACCESS_KEY", self.text("secretAccessKey"))
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", self.text("url"))
            .env("AWS_CA_BUNDLE", self.text("ca"));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.data.with_extension("log")).unwrap_or_default();
            println!("gg-cloud said:\n{log}");
        }
    }
}

/// Start it, and wait for what it says when it is ready.
fn serve(data: &Path, [https, mqtt]: [u16; 2]) -> (Child, Value) {
    let mut command = program();
    command.args(["serve", "--output", "json", "--data"]).arg(data);
    command.arg("--listen").arg(format!("127.0.0.1:{https}"));
    command.arg("--mqtt-listen").arg(format!("127.0.0.1:{mqtt}"));
    let log = fs::File::options().create(true).append(true).open(data.with_extension("log"));
    let mut child = command.stdout(Stdio::piped()).stderr(log.unwrap()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
    (child, ready)
}

/// It lies beside this host.
fn program() -> Command {
    Command::new(target().join("debug/gg-cloud"))
}

#[test]
fn boto3_deploys_a_wasm_component_and_reads_how_a_bad_one_was_rolled_back() {
    let device = Device::new();
    let cloud = Cloud::start(&device.path("cloud"));
    cloud.enrol(&device);
    let nucleus = device.start();

    let wasm = sample("sensor");
    let wasm = wasm.to_str().unwrap();
    cloud.boto3(&["publish", "com.example.Sensor", "1.0.0", wasm]);
    let ended = cloud.boto3(&["deploy", "com.example.Sensor", "1.0.0"]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "SUCCEEDED", "{ended}");
    assert_eq!(device.components(), ["com.example.Sensor 1.0.0 RUNNING"]);
    let installed = cloud.boto3(&["installed"]);
    assert_eq!(installed["com.example.Sensor"], json!(["1.0.0", "RUNNING"]));
    assert_eq!(installed["aws.greengrass.Nucleus"][1], "FINISHED");
    let shown = &cloud.status()["things"][0];
    assert_eq!((&shown["thingName"], &shown["connected"]), (&json!("Core"), &json!(true)));
    assert_eq!(shown["core"]["status"], "HEALTHY");
    assert_eq!(shown["deployment"]["status"], "SUCCEEDED");

    // What is no component: it is found out before anything that runs is touched.
    let broken = device.path("broken.wasm");
    fs::write(&broken, "no wasm").unwrap();
    cloud.boto3(&["publish", "com.example.Sensor", "2.0.0", broken.to_str().unwrap()]);
    let ended = cloud.boto3(&["deploy", "com.example.Sensor", "2.0.0"]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "FAILED", "{ended}");
    let reason = ended["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("com.example.Sensor"), "{ended}");
    assert_eq!(device.components(), ["com.example.Sensor 1.0.0 RUNNING"]);

    // What ends badly whenever it is started: what it said last goes to the cloud.
    cloud.boto3(&["publish", "com.example.Exits", "1.0.0", guest("exits").to_str().unwrap()]);
    let ended = cloud.boto3(&["deploy", "com.example.Exits", "1.0.0"]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "FAILED", "{ended}");
    let reason = ended["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("it said last: ") && reason.contains("ending: "), "{ended}");
    let details = &ended["statusDetails"];
    let stack = json!(["DEPLOYMENT_FAILURE", "COMPONENT_UPDATE_ERROR", "COMPONENT_BROKEN"]);
    assert_eq!(
        (&details["errorStack"], &details["errorTypes"]),
        (&stack, &json!(["COMPONENT_ERROR"]))
    );
    assert_eq!(device.components(), ["com.example.Sensor 1.0.0 RUNNING"]);
    drop(nucleus);
    let until = Instant::now() + Duration::from_secs(30);
    while cloud.status()["things"][0]["connected"] == true {
        assert!(Instant::now() < until, "{}", cloud.status());
    }
}

/// A signed recipe for `component.wasm` in the bucket, as its author makes it.
fn signed(device: &Device, version: &str, wasm: &Path, arguments: &str) -> PathBuf {
    let name = "com.example.Sensor";
    let folder = device.path(&format!("author-{version}"));
    fs::create_dir_all(&folder).unwrap();
    fs::copy(wasm, folder.join("component.wasm")).unwrap();
    let recipe = format!(
        "RecipeFormatVersion: '2020-01-25'\nComponentName: {name}\nComponentVersion: {version}\n\
         ComponentConfiguration:\n  DefaultConfiguration:\n    name: boiler\n    intervalMs: 500\n    \
         accessControl:\n      aws.greengrass.ipc.pubsub:\n        one:\n          \
         operations: ['aws.greengrass#PublishToTopic']\n          resources: ['sensors/*']\n\
         Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: {{run: '{{artifacts:path}}/component.wasm{arguments}'}}\n    \
         Artifacts: [{{URI: 's3://artifacts/{name}/{version}/component.wasm'}}]\n"
    );
    let plain = file(&folder, "recipe.yaml", recipe);
    let mut sign = command("sign");
    sign.env_remove("COSIGN_PASSWORD").arg("--key").arg(device.path("build.key"));
    sign.arg("--recipe").arg(plain).arg("--artifact-dir").arg(&folder);
    let output = sign.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file(&folder, "recipe.json", output.stdout)
}

#[test]
fn what_comes_from_the_cloud_runs_if_it_is_signed_and_goes_back_if_it_fails() {
    const NAME: &str = "com.example.Sensor";
    let device = Device::new();
    let cloud = Cloud::start(&device.path("cloud"));
    cloud.enrol(&device);
    let mut key = command("key");
    key.env_remove("COSIGN_PASSWORD").arg(device.path("build"));
    finish(key).expect_code(0);
    let pem = fs::read_to_string(device.path("build.pub")).unwrap();
    let pem = pem.trim_end().replace('\n', "\n      ");
    let policy = |version: u64, rest: &str| {
        format!(
            "format: gg-host/trust/1\nversion: {version}\n{rest}\nkeys:\n  - name: build\n    \
             components: [com.example.*]\n    policies: true\n    publicKey: |\n      {pem}\n"
        )
    };
    file(&device.root(), "trust.yaml", policy(1, ""));
    let nucleus = device.start();

    let wasm = sample("sensor");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let publish = |version: &str, wasm: &Path, recipe: Option<&Path>| {
        let wasm = path(wasm);
        let mut arguments = vec!["publish", NAME, version, &wasm];
        let recipe = recipe.map(path);
        arguments.extend(recipe.as_deref());
        cloud.boto3(&arguments);
    };
    let running = ["com.example.Sensor 1.0.0 RUNNING"];
    publish("1.0.0", &wasm, Some(&signed(&device, "1.0.0", &wasm, "")));
    let ended = cloud.boto3(&["deploy", NAME, "1.0.0"]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "SUCCEEDED", "{ended}");
    assert_eq!(device.components(), running);

    let refused = |version: &str, words: &[&str]| {
        let ended = cloud.boto3(&["deploy", NAME, version]);
        assert_eq!(ended["coreDeviceExecutionStatus"], "FAILED", "{ended}");
        let reason = ended["reason"].as_str().unwrap_or_default();
        for words in words {
            assert!(reason.contains(words), "no {words:?} in {ended}");
        }
        assert_eq!(device.components(), running);
    };
    // Nobody signed it.
    publish("1.1.0", &wasm, None);
    refused("1.1.0", &["com.example.Sensor 1.1.0: its recipe", "no signature", "`build`"]);
    // The cloud puts another artifact in the place of the one that was signed: its digest is another.
    let other = guest("says");
    publish("1.2.0", &other, Some(&signed(&device, "1.2.0", &wasm, "")));
    refused("1.2.0", &["com.example.Sensor 1.2.0", "does not hold"]);
    // It is signed, and fails: what was there before is back, and whoever asks reads why.
    let failing = guest("exits");
    publish("2.0.0", &failing, Some(&signed(&device, "2.0.0", &failing, " 7")));
    refused("2.0.0", &["com.example.Sensor"]);

    // The next policy comes the same way, and lets in what the one before did not.
    let open = file(&device.path(""), "policy.yaml", policy(2, "sources: {cloud: off}"));
    let mut sign = command("sign");
    sign.env_remove("COSIGN_PASSWORD").arg("--key").arg(device.path("build.key")).arg(&open);
    finish(sign).expect_code(0);
    let [text, signature] = ["policy.yaml", "policy.yaml.sigstore.json"]
        .map(|name| fs::read_to_string(device.path(name)).unwrap());
    let merge = json!({ "policy": text, "signature": signature }).to_string();
    let ended = cloud.boto3(&["deploy", "gg-host.TrustPolicy", "1.0.0", &merge]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "SUCCEEDED", "{ended}");
    let ended = cloud.boto3(&["deploy", NAME, "1.1.0"]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "SUCCEEDED", "{ended}");
    drop(nucleus);
}
