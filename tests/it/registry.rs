//! Artifacts in registries of OCI: a real one, with what oras pushes, and signatures by cosign.

use crate::device::Device;
use crate::host::{file, folder, sample};
use gg_host::component::artifact::source::{
    ArtifactSource as _, Asked, Bandwidth, Download, Evidence, Registries,
};
use gg_host::network::{Client, Patience, ProxySettings, tls};
use gg_host::tasks::Tasks;
use gg_model::NucleusSettings;
use gg_trust::{Content, Digest, PublicKey};
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

const NAME: &str = "com.example.Pulled";

/// How long a registry may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

fn program(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| panic!("{variable} is not set; cargo xtask test brings it")).into()
}

/// A registry, until it is dropped.
struct Registry {
    folder: TempDir,
    address: String,
    child: Child,
}

impl Registry {
    fn start() -> Self {
        let folder = folder();
        // Free now, and most likely in a moment.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = format!(
            "version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: \"{address}\"}}\n\
             storage: {{filesystem: {{rootdirectory: \"{}\"}}}}\n",
            folder.path().join("registry").display()
        );
        let config = file(folder.path(), "registry.yml", config);
        let log = File::create(folder.path().join("registry.log")).unwrap();
        let mut command = Command::new(program("GG_REGISTRY"));
        command.arg("serve").arg(config);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(&address).is_err() {
            let ended = child.try_wait().unwrap().is_some() || begin.elapsed() > PATIENCE;
            let said =
                || fs::read_to_string(folder.path().join("registry.log")).unwrap_or_default();
            assert!(!ended, "the registry does not come up\n{}", said());
            thread::sleep(Duration::from_millis(20));
        }
        Self { folder, address, child }
    }

    /// Run a program beside what is pushed; gives what it prints.
    fn run(&self, variable: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program(variable));
        command.args(arguments).current_dir(self.folder.path());
        command.env("HOME", self.folder.path()).env("COSIGN_PASSWORD", "word");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Push files as an artifact, as `FILE:TYPE`; gives the digest of its manifest.
    fn push(&self, name: &str, more: &[&str], files: &[&str]) -> String {
        let name = format!("{}/{name}", self.address);
        let head = ["push", "--plain-http", &name];
        self.run("GG_ORAS", &[&head[..], more, files].concat());
        self.run("GG_ORAS", &["resolve", "--plain-http", &name])
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        file(self.folder.path(), name, content);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn recipe(uri: &str, file: &str) -> String {
    format!(
        "ComponentConfiguration: {{DefaultConfiguration: {{accessControl: \
         {{aws.greengrass.ipc.pubsub: {{a: {{operations: ['*'], resources: ['*']}}}}}}}}}}\n\
         Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: {{run: '{{artifacts:path}}/{file}'}}\n    \
         Artifacts: [{{URI: '{uri}'}}]\n"
    )
}

#[test]
fn a_component_is_pulled_by_digest_by_tag_and_by_title() {
    let registry = Registry::start();
    registry.put("sensor.wasm", fs::read(sample("sensor")).unwrap());
    registry.put("labels.txt", "a\nb\n");
    registry.put("config.json", "{}");
    // As the layout for components has it.
    let config = ["--config", "config.json:application/vnd.wasm.config.v0+json"];
    let digest = registry.push("me/sensor:1", &config, &["sensor.wasm:application/wasm"]);
    let files = ["sensor.wasm:application/octet-stream", "labels.txt:text/plain"];
    registry.push("me/files:1", &["--artifact-type", "application/vnd.example"], &files);

    let device = Device::new();
    device.settings("");
    let _nucleus = device.start();
    let at = &registry.address;
    for (version, uri, file) in [
        ("1.0.0", format!("oci://{at}/me/sensor@{digest}"), "sensor.wasm"),
        ("1.0.1", format!("oci://{at}/me/sensor:1"), "sensor.wasm"),
        ("1.0.2", format!("oci://{at}/me/files:1#sensor.wasm"), "sensor.wasm"),
    ] {
        device.recipe(NAME, version, &recipe(&uri, file));
        device.deploy(["--merge", &format!("{NAME}={version}")]).expect_code(0);
        assert_eq!(device.components(), [format!("{NAME} {version} RUNNING")]);
    }
    let none = format!("oci://{at}/me/sensor:2");
    for (version, uri, words) in [
        ("2.0.0", none, "no such repository, tag or digest"),
        ("2.0.1", format!("oci://{at}/me/files:1"), "sensor.wasm, labels.txt"),
    ] {
        device.recipe(NAME, version, &recipe(&uri, "sensor.wasm"));
        let outcome = device.deploy(["--merge", &format!("{NAME}={version}")]);
        let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
        assert!(detail["failureCause"].as_str().unwrap().contains(words), "{detail}");
    }
}

#[tokio::test]
async fn signatures_of_both_kinds_of_cosign_are_found_in_a_registry() {
    let registry = Registry::start();
    registry.put("filter.wasm", "\0asm");
    registry.put("signing-config.json", r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#);
    registry.put(
        "trusted-root.json",
        r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#,
    );
    let kind = ["--artifact-type", "application/vnd.example"];
    let digest = registry.push("me/filter:1", &kind, &["filter.wasm:application/wasm"]);
    registry.run("GG_COSIGN", &["generate-key-pair", "--output-key-prefix", "me"]);
    let key = fs::read_to_string(registry.folder.path().join("me.pub")).unwrap();
    let key = PublicKey::from_pem(&key).unwrap();

    let tasks = Tasks::new(None).unwrap();
    let tls = tls::public().unwrap();
    let client = Client::new([tls.clone(), tls], ProxySettings::default(), Patience::default());
    let settings = watch::channel(Arc::new(NucleusSettings::default())).1;
    let download = Download::new(client, Bandwidth::unlimited());
    let registries = Registries::new(download, tasks.clone(), settings);
    let uri = format!("oci://{}/me/filter:1", registry.address);
    let asked = Asked { uri: &uri, pinned: true, version: None };
    let file = Digest::of(b"\0asm");
    let manifest: Digest = digest.parse().unwrap();
    let found = async || registries.evidence(asked, file).await.unwrap();

    let none = found().await;
    assert_eq!((none.manifest, none.signatures.len()), (Some(manifest), 0));
    let name = format!("{}/me/filter@{digest}", registry.address);
    let sign = ["sign", "--yes", "--key", "me.key"];
    let before = ["--tlog-upload=false", &name];
    registry.run("GG_COSIGN_2", &[&sign[..], &before].concat());
    let holds = |evidence: &Evidence| {
        let mut signatures = evidence.signatures.iter();
        signatures.all(|signature| {
            let content = Content::known_by(manifest);
            signature.as_ref().unwrap().verify(&key, &content).is_ok()
        })
    };
    let one = found().await;
    assert!(one.signatures.len() == 1 && holds(&one), "{one:?}");
    let now =
        ["--signing-config", "signing-config.json", "--trusted-root", "trusted-root.json", &name];
    registry.run("GG_COSIGN", &[&sign[..], &now].concat());
    let both = found().await;
    assert!(both.signatures.len() == 2 && holds(&both), "{both:?}");
    // Nor does it matter whether it is asked for as an image.
    let image = format!("docker:{}/me/filter@{digest}", registry.address);
    let image = Asked { uri: &image, ..asked };
    let image = registries.evidence(image, manifest).await.unwrap();
    assert!(image.signatures.len() == 2 && holds(&image), "{image:?}");
    // Of another file this manifest says nothing.
    let other = registries.evidence(asked, Digest::of(b"other")).await.unwrap();
    assert_eq!(other.manifest, None);
    tasks.finish().await;
}

#[test]
fn a_device_takes_from_a_registry_what_is_signed_there() {
    let registry = Registry::start();
    registry.put("sensor.wasm", fs::read(sample("sensor")).unwrap());
    registry.run("GG_COSIGN_2", &["generate-key-pair", "--output-key-prefix", "me"]);
    let kind = ["--artifact-type", "application/vnd.example"];
    let digest = registry.push("me/sensor:1", &kind, &["sensor.wasm:application/wasm"]);

    let device = Device::new();
    device.settings("");
    let key = fs::read_to_string(registry.folder.path().join("me.pub")).unwrap();
    let policy = format!(
        "format: gg-host/trust/1\nversion: 1\nsources: {{local: off}}\nkeys:\n  - name: me\n    \
         components: ['com.example.*']\n    publicKey: |\n      {}\n",
        key.trim_end().replace('\n', "\n      ")
    );
    file(&device.root(), "trust.yaml", policy);
    let _nucleus = device.start();
    let at = &registry.address;
    let refused = |version: &str, code: &str, words: &str| {
        let outcome = device.deploy(["--merge", &format!("{NAME}={version}")]);
        let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
        assert!(detail["failureCause"].as_str().unwrap().contains(words), "{detail}");
        assert!(detail["errorStack"].to_string().contains(code), "{detail}");
        fs::remove_file(device.path("recipes").join(format!("{NAME}-{version}.yaml"))).unwrap();
    };
    device.recipe(NAME, "1.0.0", &recipe(&format!("oci://{at}/me/sensor:1"), "sensor.wasm"));
    refused("1.0.0", "ARTIFACT_NOT_TRUSTED", "no signature; sign it with `me`");
    let name = format!("{at}/me/sensor@{digest}");
    let sign = ["sign", "--yes", "--key", "me.key", "--tlog-upload=false"];
    let for_another = [&sign[..], &["-a", "gg.component=com.example.Other", &name]].concat();
    registry.run("GG_COSIGN_2", &for_another);
    device.recipe(NAME, "1.0.0", &recipe(&format!("oci://{at}/me/sensor:1"), "sensor.wasm"));
    refused("1.0.0", "ARTIFACT_NOT_TRUSTED", "`com.example.Other` alone");
    registry.run("GG_COSIGN_2", &[&sign[..], &[&name]].concat());
    device.recipe(NAME, "1.0.0", &recipe(&format!("oci://{at}/me/sensor:1"), "sensor.wasm"));
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);

    // A lying registry: the tag means something else from now on, which nobody has signed.
    registry.put("sensor.wasm", b"\0asm something else");
    registry.push("me/sensor:1", &kind, &["sensor.wasm:application/wasm"]);
    device.recipe(NAME, "1.1.0", &recipe(&format!("oci://{at}/me/sensor:1"), "sensor.wasm"));
    refused("1.1.0", "ARTIFACT_NOT_TRUSTED", "no signature");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}
