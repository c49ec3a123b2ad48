//! Fleet provisioning by claim: a device without a certificate of its own gets one over a real
//! broker, which knows devices by their certificates. The cloud behind it is played here.

use crate::broker::{Authority, Broker, Network, Peer, Valid, Weather, free_port};
use crate::device::Device;
use crate::host::{Host, command, file, folder, start};
use crate::link::MUTUAL;
use gg_host::cloud::{Publication, Qos};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use tempfile::TempDir;
use tokio::sync::oneshot;

const CREATE: &str = "$aws/certificates/create/json";
const SIGN: &str = "$aws/certificates/create-from-csr/json";
const REGISTER: &str = "$aws/provisioning-templates/fleet/provision/json";

/// A device with a claim, and the cloud that it is to be registered in.
pub(crate) struct Scene {
    pub(crate) device: Device,
    pub(crate) broker: Broker,
    pub(crate) devices: Authority,
    /// The claim and the roots.
    pub(crate) claim: TempDir,
    cloud: Peer,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let (place, claim) = (folder(), folder());
        let (brokers, devices) = (Authority::new("brokers"), Authority::new("devices"));
        brokers.sign(place.path(), "broker", "localhost", Valid::Now);
        devices.write(place.path(), "devices");
        devices.sign(claim.path(), "claim", "claim", Valid::Now);
        brokers.write(claim.path(), "roots");
        // The cloud comes in by another door.
        let port = free_port();
        let broker = Broker::prepared(place, &format!("{MUTUAL}\nlistener {port} 127.0.0.1"));
        let cloud = Peer::connect(port, "cloud", &[CREATE, SIGN, REGISTER]).await;
        Self { device: Device::new(), broker, devices, claim, cloud }
    }

    /// What the device is started with; `more` goes before what is usual.
    pub(crate) fn configure(&self, port: u16, more: &[(&str, Value)]) {
        let path = |name: &str| json!(self.claim.path().join(name));
        let mut claim = json!({
            "provisioningTemplate": "fleet",
            "iotDataEndpoint": "localhost",
            "rootCaPath": path("roots.pem"),
            "claimCertificatePath": path("claim.pem"),
            "claimCertificatePrivateKeyPath": path("claim.key"),
            "templateParameters": {"Serial": "7"},
            "mqttPort": port,
        });
        let mut services = json!({"aws.greengrass.Nucleus": {"configuration":
            {"mqtt": {"port": self.broker.port, "maximumReconnectDelaySeconds": 1}}}});
        for (name, value) in more {
            match *name {
                service if service.starts_with("aws.") => services[service] = value.clone(),
                key => claim[key] = value.clone(),
            }
        }
        services["aws.greengrass.FleetProvisioningByClaim"] = json!({"configuration": claim});
        let _there = fs::create_dir(self.device.root());
        file(&self.device.root(), "config.yaml", json!({"services": services}).to_string());
    }

    pub(crate) fn start(&self) -> Host {
        let mut command = command("start");
        command.env_remove("NOTIFY_SOCKET");
        command.args(["--output", "json", "--root"]).arg(self.device.root());
        start(command).gentle()
    }

    /// What the cloud is asked for next.
    pub(crate) async fn asked(&mut self, topic: &str) -> Value {
        let request = self.cloud.next().await;
        assert_eq!(request.topic, topic);
        serde_json::from_slice(&request.payload).unwrap()
    }

    pub(crate) async fn answer(&mut self, topic: &str, word: &str, body: Value) {
        let topic = format!("{topic}/{word}");
        let answer = Publication::new(topic, body.to_string(), Qos::AtLeastOnce);
        self.cloud.publish(&answer).await;
    }

    /// A certificate with its key, for a device of this name.
    fn created(&self, name: &str, token: &str) -> Value {
        let folder = folder();
        let [certificate, key] = self.devices.sign(folder.path(), "new", name, Valid::Now);
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        json!({
            "certificateId": "1",
            "certificatePem": text(&certificate),
            "privateKey": text(&key),
            "certificateOwnershipToken": token,
        })
    }

    /// The device is up, and connected by the certificate of this name as this thing.
    pub(crate) fn is_up(&mut self, host: &mut Host, thing: &str) {
        host.wait_until_said("aws.greengrass.Nucleus", "all components are up");
        self.broker.says(&[&format!("as {thing} "), &format!("u'{thing}'")]);
        let state = self.device.root().join("state");
        assert!(!state.join("claim.json").exists());
        let identity = fs::read(state.join("identity.json")).unwrap();
        let identity: Value = serde_json::from_slice(&identity).unwrap();
        assert_eq!(identity["thingName"], thing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_gets_a_certificate_by_its_claim_however_often_it_is_refused() {
    let mut scene = Scene::new().await;
    scene.configure(scene.broker.port, &[]);
    let mut host = scene.start();
    assert_eq!(scene.asked(CREATE).await, json!({}));
    let busy = json!({"statusCode": 503, "errorCode": "Busy", "errorMessage": "come back later"});
    scene.answer(CREATE, "rejected", busy).await;
    scene.asked(CREATE).await;
    let nothing = json!({"certificatePem": "none", "certificateOwnershipToken": "t"});
    scene.answer(CREATE, "accepted", nothing).await;
    scene.asked(CREATE).await;
    scene.answer(CREATE, "accepted", scene.created("first", "token-1")).await;
    let request = json!({"certificateOwnershipToken": "token-1", "parameters": {"Serial": "7"}});
    assert_eq!(scene.asked(REGISTER).await, request);
    let denied = json!({"statusCode": 403, "errorCode": "Denied", "errorMessage": "hook says no"});
    scene.answer(REGISTER, "rejected", denied).await;
    // The certificate that there is still counts.
    assert_eq!(scene.asked(REGISTER).await, request);
    let expired = json!({"statusCode": 400, "errorCode": "InvalidCertificateOwnershipToken"});
    scene.answer(REGISTER, "rejected", expired).await;
    scene.asked(CREATE).await;
    scene.answer(CREATE, "accepted", scene.created("thing-7", "token-2")).await;
    assert_eq!(scene.asked(REGISTER).await["certificateOwnershipToken"], "token-2");
    let registered = json!({"deviceConfiguration": {}, "thingName": "thing-7"});
    scene.answer(REGISTER, "accepted", registered).await;
    scene.is_up(&mut host, "thing-7");
    for name in ["privKey.key", "thingCert.crt", "state/identity.json"] {
        let mode = fs::metadata(scene.device.root().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    host.signal(Signal::TERM);
    let said = host.finish().stderr;
    for words in ["503 Busy: come back later", "certificatePem", "403 Denied: hook says no"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("PRIVATE KEY") && !said.contains("token-"), "{said}");
    // From now on it is that thing, and asks nobody.
    let mut host = scene.start();
    scene.is_up(&mut host, "thing-7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_killed_between_the_steps_goes_on_from_there() {
    let mut scene = Scene::new().await;
    scene.configure(scene.broker.port, &[]);
    let kill = |host: Host| host.signal(Signal::KILL);
    let host = scene.start();
    scene.asked(CREATE).await;
    kill(host);
    let host = scene.start();
    scene.asked(CREATE).await;
    scene.answer(CREATE, "accepted", scene.created("thing-8", "token")).await;
    let first = scene.asked(REGISTER).await;
    kill(host);
    // No second certificate is asked for.
    let host = scene.start();
    assert_eq!(scene.asked(REGISTER).await, first);
    let registered = json!({"deviceConfiguration": {}, "thingName": "thing-8"});
    scene.answer(REGISTER, "accepted", registered.clone()).await;
    kill(host);
    // It has heard that, or has not.
    let mut host = scene.start();
    let (tell, mut told) = oneshot::channel();
    let waiting = thread::spawn(move || {
        host.wait_until_said("aws.greengrass.Nucleus", "all components are up");
        tell.send(()).unwrap();
        host
    });
    loop {
        tokio::select! {
            request = scene.asked(REGISTER) => {
                assert_eq!(request, first);
                scene.answer(REGISTER, "accepted", registered.clone()).await;
            }
            _up = &mut told => break,
        }
    }
    scene.is_up(&mut waiting.join().unwrap(), "thing-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_is_made_again() {
    let mut scene = Scene::new().await;
    let network = Network::to(scene.broker.port).await;
    scene.configure(network.port, &[]);
    let mut host = scene.start();
    scene.asked(CREATE).await;
    network.set(Weather::Cut);
    scene.broker.says(&["Client claim-", "closed its connection"]);
    // Nobody hears it.
    scene.answer(CREATE, "accepted", scene.created("lost", "lost")).await;
    network.set(Weather::Fair);
    scene.asked(CREATE).await;
    scene.answer(CREATE, "accepted", scene.created("thing-9", "token")).await;
    assert_eq!(scene.asked(REGISTER).await["certificateOwnershipToken"], "token");
    scene.answer(REGISTER, "accepted", json!({"thingName": "thing-9"})).await;
    scene.is_up(&mut host, "thing-9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_has_named_is_not_written_over() {
    let scene = Scene::new().await;
    scene.configure(scene.broker.port, &[]);
    file(&scene.device.root(), "privKey.key", "mine");
    let outcome = scene.start().finish();
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("privKey.key is there already"), "{}", outcome.stderr);
    assert_eq!(fs::read(scene.device.root().join("privKey.key")).unwrap(), b"mine");
}
