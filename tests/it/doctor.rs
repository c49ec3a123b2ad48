//! `gg-host doctor` on set-ups that are broken: each is found, with what helps.

use crate::broker::{Authority, Broker, Network, Peer, Valid, free_port};
use crate::device::Device;
use crate::host::{Outcome, command, file, finish, folder};
use crate::link::secure;
use crate::tls::{lead, tls};
use gg_host::tasks::Tasks;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use rustix::process::{Signal, geteuid};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::block_in_place;

/// A device that is looked at.
struct Patient {
    folder: TempDir,
    system: Value,
    nucleus: Value,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Patient {
    /// One that knows no broker.
    fn alone() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("root")).unwrap();
        let (system, nucleus) = (json!({"thingName": "device"}), json!({}));
        Self { folder, system, nucleus, arguments: Vec::new(), environment: Vec::new() }
    }

    /// One that speaks TCP to a port.
    fn plain(port: u16) -> Self {
        let mut patient = Self::alone();
        patient.nucleus =
            json!({"iotDataEndpoint": "127.0.0.1", "mqtt": {"tls": false, "port": port}});
        patient
    }

    /// One that speaks TLS to a port, with the files `device` and `roots` of a folder.
    fn secure(port: u16, files: &Path) -> Self {
        let key = files.join("device.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let mut patient = Self::alone();
        patient.nucleus = json!({"iotDataEndpoint": "localhost", "mqtt": {"port": port}});
        patient.system["certificateFilePath"] = json!(files.join("device.pem"));
        patient.system["privateKeyPath"] = json!(key);
        patient.system["rootCaPath"] = json!(files.join("roots.pem"));
        patient
    }

    fn arg(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Look at it.
    fn look(&self) -> Found {
        let nucleus = json!({"configuration": self.nucleus});
        let text = json!({"system": self.system, "services": {"aws.greengrass.Nucleus": nucleus}});
        self.look_with(&text.to_string())
    }

    /// The same, where the configuration is this.
    fn look_with(&self, configuration: &str) -> Found {
        let config = file(self.folder.path(), "config.yaml", configuration);
        let mut doctor = command("doctor");
        doctor.args(["--output", "json", "--config"]).arg(config).arg("--root").arg(self.root());
        doctor.args(&self.arguments).envs(self.environment.iter().cloned());
        Found(finish(doctor))
    }
}

/// What was found.
struct Found(Outcome);

impl Found {
    /// A finding of this check, with this verdict, whose message and remedy hold these words.
    #[track_caller]
    fn has(&self, check: &str, verdict: &str, message: &str, remedy: &str) -> &Self {
        let holds = |value: &Value, words: &str| {
            value.as_str().map_or_else(|| words.is_empty(), |text| text.contains(words))
        };
        let found = self.0.events.iter().any(|event| {
            event.json["check"] == check
                && event.json["verdict"] == verdict
                && holds(&event.json["message"], message)
                && holds(&event.json["remedy"], remedy)
        });
        assert!(found, "no {verdict} of {check}: {message}; {remedy}\n{}", self.text());
        self
    }

    /// A failure, which the code tells as well.
    #[track_caller]
    fn fails(&self, check: &str, message: &str, remedy: &str) -> &Self {
        assert_eq!(self.0.code, 1, "{}", self.text());
        assert!(!remedy.is_empty());
        self.has(check, "failure", message, remedy)
    }

    fn text(&self) -> String {
        let lines: Vec<&str> = self.0.events.iter().map(|event| event.line.as_str()).collect();
        format!("{}\n{}", lines.join("\n"), self.0.stderr)
    }
}

#[test]
fn a_device_in_order_is_found_so() {
    let (broker, own, _) = secure(Valid::Now, "localhost");
    let patient = Patient::secure(broker.port, own.path());
    let found = patient.arg("--publish=a/b").arg("--subscribe=c/#").look();
    found
        .has("certificates", "ok", "CN=device", "")
        .has("network", "ok", "is reached", "")
        .has("broker", "ok", "TLSv1_3", "")
        .has("broker", "ok", "device is let in", "")
        .has("broker", "ok", "nobody else connects as device", "")
        .has("broker", "ok", "a/b", "")
        .has("broker", "ok", "c/#", "")
        .has("disk", "ok", "64 KiB were on the disk", "");
    let bad = |check: &str| {
        found.0.events.iter().any(|e| e.json["check"] == check && e.json["verdict"] != "ok")
    };
    for check in ["configuration", "root", "certificates", "network", "broker"] {
        assert!(!bad(check), "{check}\n{}", found.text());
    }
}

#[test]
fn a_key_that_everybody_can_read() {
    let (broker, own, _) = secure(Valid::Now, "localhost");
    let patient = Patient::secure(broker.port, own.path());
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(own.path().join("device.key"), open).unwrap();
    patient.look().has(
        "certificates",
        "warning",
        "everybody can use the device's key",
        "chmod 600",
    );
}

#[test]
fn an_authority_that_the_device_does_not_know() {
    let (broker, own, _) = secure(Valid::Now, "localhost");
    Authority::new("others").write(own.path(), "roots");
    let found = Patient::secure(broker.port, own.path()).look();
    found.fails("broker", "is of no authority in the file", "system.rootCaPath");
}

#[test]
fn an_authority_that_the_broker_does_not_know() {
    let (broker, own, _) = secure(Valid::Now, "localhost");
    Authority::new("others").sign(own.path(), "device", "device", Valid::Now);
    let found = Patient::secure(broker.port, own.path()).look();
    found.fails(
        "broker",
        "of an authority that it does not know",
        "register the device's certificate",
    );
}

#[test]
fn certificates_of_the_device_that_do_not_count() {
    for (valid, message, remedy) in [
        (Valid::NoMore, "has expired: it ended at 2001-01-01T", "have a new certificate made"),
        (Valid::NotYet, "is not valid yet: it begins at 2090-01-01T", "set the clock"),
    ] {
        let (broker, own, [_, devices]) = secure(Valid::Now, "localhost");
        devices.sign(own.path(), "device", "device", valid);
        Patient::secure(broker.port, own.path()).look().fails("certificates", message, remedy);
    }
}

#[test]
fn certificates_of_the_broker_that_do_not_count() {
    for (valid, name, message, remedy) in [
        (Valid::NoMore, "localhost", "has expired: it ended at 2001-01-01T", "renew the broker's"),
        (Valid::NotYet, "localhost", "is not valid yet: it begins at 2090", "set the clock"),
        (Valid::Now, "other.test", "is for another name than iotDataEndpoint", "other.test"),
    ] {
        let (broker, own, _) = secure(valid, name);
        Patient::secure(broker.port, own.path()).look().fails("broker", message, remedy);
    }
}

#[test]
fn a_key_of_another_certificate() {
    let (broker, own, [_, devices]) = secure(Valid::Now, "localhost");
    let key = fs::read(own.path().join("device.key")).unwrap();
    devices.sign(own.path(), "device", "device", Valid::Now);
    fs::write(own.path().join("device.key"), &key).unwrap();
    let found = Patient::secure(broker.port, own.path()).look();
    found.fails("certificates", "privateKeyPath", "use the key that the certificate was made for");
    let secret = String::from_utf8(key).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!found.text().contains(secret), "{}", found.text());
}

#[test]
fn a_port_where_nobody_listens() {
    let found = Patient::plain(free_port()).look();
    found.fails("network", "cannot connect to 127.0.0.1", "mqtt.port");
}

#[test]
fn a_name_that_leads_nowhere() {
    let mut patient = Patient::plain(1883);
    patient.nucleus["iotDataEndpoint"] = json!("broker.invalid");
    patient.nucleus["iotCredEndpoint"] = json!("credentials.invalid");
    let found = patient.look();
    for name in ["broker.invalid (iotDataEndpoint)", "credentials.invalid (iotCredEndpoint)"] {
        found.fails("network", &format!("{name} cannot be resolved"), "/etc/resolv.conf");
    }
}

#[test]
fn a_client_that_the_broker_does_not_let_in() {
    let place = folder();
    fs::write(place.path().join("passwords"), "").unwrap();
    let settings = "allow_anonymous false\npassword_file {folder}/passwords";
    let broker = Broker::prepared(place, settings);
    let found = Patient::plain(broker.port).look();
    found.fails("broker", "the broker lets device not in", "iot:Connect on client/device");
}

#[test]
fn topics_that_the_broker_refuses() {
    let place = folder();
    fs::write(place.path().join("acl"), "topic readwrite good/#\n").unwrap();
    let broker = Broker::prepared(place, "allow_anonymous true\nacl_file {folder}/acl");
    let patient = Patient::plain(broker.port);
    let patient = patient.arg("--publish=good/a").arg("--publish=bad/a");
    let found = patient.look();
    found
        .fails("broker", "publishes to bad/a", "iot:Publish on topic/bad/a")
        .has("broker", "ok", "good/a", "")
        .has("broker", "warning", "$aws/things/device/shadow/get", "iot:Publish");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_of_the_same_name() {
    let mut broker = Broker::start();
    let port = broker.port;
    // It comes back as soon as it is thrown out, as clients do.
    let other = Tasks::new(None).unwrap();
    let other = other.spawn(async move {
        loop {
            let mut peer = Peer::connect(port, "device", &[]).await;
            while peer.next_until_end().await.is_some() {}
        }
    });
    broker.says(&["as device"]);
    let found = block_in_place(|| Patient::plain(port).look());
    other.abort();
    found.fails(
        "broker",
        "another client uses this thing name",
        "a thing name and a certificate of its own",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_none() {
    let broker = Broker::start();
    // What is there speaks MQTT, not HTTP.
    let network = Network::to(broker.port).await;
    let (port, closed) = (network.port, free_port());
    let looked = block_in_place(|| {
        [port, closed].map(|port| {
            let mut patient = Patient::plain(1883);
            patient.nucleus["iotDataEndpoint"] = json!("broker.test");
            patient.nucleus["networkProxy"] =
                json!({"proxy": {"url": format!("http://127.0.0.1:{port}"), "username": "me", "password": "pass-word"}});
            patient.look()
        })
    });
    for found in looked {
        found.fails("network", "cannot connect to 127.0.0.1", "networkProxy.proxy.url");
        assert!(!found.text().contains("pass-word"), "{}", found.text());
    }
}

/// The device's own roots count for it, as they do for the link.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_speaks_tls() {
    let (broker, own, [brokers, _]) = secure(Valid::Now, "broker.test");
    let network = Network::proxy(broker.port).await;
    let files = brokers.sign(own.path(), "proxy", "localhost", Valid::Now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = Tasks::new(None).unwrap();
    let leads = server.spawn(async move {
        loop {
            lead(&listener, tls(files.clone(), None), network.port).await;
        }
    });
    let mut patient = Patient::secure(broker.port, own.path());
    patient.nucleus["iotDataEndpoint"] = json!("broker.test");
    patient.nucleus["networkProxy"] = json!({"proxy": {"url": url}});
    let found = block_in_place(|| patient.look());
    leads.abort();
    found
        .has("network", "ok", "127.0.0.1", "")
        .has("network", "ok", "is reached", "")
        .has("broker", "ok", "TLSv1_3", "")
        .has("broker", "ok", "device is let in", "");
    assert_eq!(found.0.code, 0, "{}", found.text());
}

/// A file system in memory over a patient's root folder, as long as it is needed.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, said loudly: only root may.
    fn over(patient: &Patient) -> Option<Self> {
        if !geteuid().is_root() {
            println!("SKIPPED: only root can mount what this test needs");
            return None;
        }
        let path = patient.root();
        let mounted = mount("doctor", &path, "tmpfs", MountFlags::empty(), c"size=1m,mode=755");
        mounted.unwrap();
        Some(Self(path))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn a_disk_that_is_full() {
    let patient = Patient::alone();
    let Some(mounted) = Mounted::over(&patient) else { return };
    let _full = fs::write(mounted.0.join("filler"), vec![0; 2 << 20]);
    let found = patient.look();
    found.fails("disk", "0 B are free", "remove what nobody needs");
    found.fails("disk", "does not stay: No space left on device", "componentStoreMaxSizeBytes");
}

#[test]
fn a_root_folder_that_is_read_only() {
    let patient = Patient::alone();
    let Some(mounted) = Mounted::over(&patient) else { return };
    mount_remount(&mounted.0, MountFlags::RDONLY, c"").unwrap();
    patient.look().fails("disk", "is mounted read-only", "remount,rw");
}

#[test]
fn no_container_engine() {
    let mut patient = Patient::alone();
    let socket = patient.folder.path().join("engine.sock");
    patient.environment.push(("DOCKER_HOST", format!("unix://{}", socket.display())));
    patient.look().has(
        "software",
        "warning",
        "there is no container engine",
        "systemctl start docker",
    );
    // Where recipes may count on one, that is worse.
    patient.nucleus["platformOverride"] = json!({"runtime": "docker"});
    patient.look().fails("software", "there is no container engine", "systemctl start docker");
}

#[test]
fn a_user_who_is_not_there() {
    let mut patient = Patient::alone();
    patient.nucleus["runWithDefault"] = json!({"posixUser": "nobody-here"});
    patient.look().fails("software", "there is no user \"nobody-here\"", "add it, or name another");
}

#[test]
fn a_configuration_that_cannot_be_read_or_means_nothing() {
    let patient = Patient::alone();
    let found = patient.look_with("system: {thingName: [}\n");
    found.fails("configuration", "line 1", "gg-host start does not start with it");
    let found = patient.look_with("sistem: {}\n");
    found.has("configuration", "warning", "sistem", "correct its name");
}

#[test]
fn a_nucleus_that_runs_is_not_disturbed_and_says_how_it_is_configured() {
    let (device, mut broker) = (Device::new(), Broker::start());
    let port = broker.port;
    device.settings(&format!(
        "iotDataEndpoint: 127.0.0.1, mqtt: {{tls: false, port: {port}}}, \
         runWithDefault: {{posixUser: nobody-here}}"
    ));
    let nucleus = device.start();
    broker.says(&["New client connected", "as gg-host "]);
    let found = Found(device.ask("doctor", [] as [&str; 0]));
    found
        .has("root", "ok", "runs in it", "")
        .has("broker", "ok", "gg-host#doctor is let in", "")
        .fails("software", "there is no user \"nobody-here\"", "add it");
    // The nucleus still has its first connection when it is stopped.
    nucleus.signal(Signal::TERM);
    nucleus.finish().expect_code(0);
    broker.says(&["Received DISCONNECT from gg-host#doctor"]);
    broker.says(&["Received DISCONNECT from gg-host"]);
    assert_eq!(broker.clients("gg-host "), 1);
}

#[test]
fn it_takes_no_longer_than_it_may() {
    // Whoever listens there and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let patient = Patient::plain(silent.local_addr().unwrap().port());
    let found = patient.arg("--timeout=2s").look();
    found.fails("broker", "does not answer", "is the broker");
}
