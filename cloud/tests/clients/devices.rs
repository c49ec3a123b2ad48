//! Devices with certificates of their own, which are registered or not.

use crate::server::{Said, Server, said};
use gg_cloud::clock::{Clock, Time};
use gg_cloud::registry::certificates::{self, Status};
use gg_cloud::registry::{Refusal, policies, principals, things};
use gg_cloud::state::{Sqlite, State, Transaction, outbox};
use rcgen::{CertificateParams, KeyPair};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Things connect by their names, with a number or not, and speak at their own topics.
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": [
        "arn:aws:iot:us-east-1:000000000000:client/${iot:Connection.Thing.ThingName}",
        "arn:aws:iot:us-east-1:000000000000:client/${iot:Connection.Thing.ThingName}#*"]},
    {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive", "iot:RetainPublish"], "Resource": [
        "arn:aws:iot:us-east-1:000000000000:topic/${iot:Connection.Thing.ThingName}/*",
        "arn:aws:iot:us-east-1:000000000000:topic/$aws/things/${iot:Connection.Thing.ThingName}/*"]},
    {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": [
        "arn:aws:iot:us-east-1:000000000000:topicfilter/${iot:Connection.Thing.ThingName}/*",
        "arn:aws:iot:us-east-1:000000000000:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*"]}
]}"#;

/// Their keys and certificates.
pub(crate) struct Devices(TempDir);

impl Devices {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn folder(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// One that nobody knows, by its certificate.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap().pem();
        let file = |kind: &str| self.0.path().join(format!("{name}.{kind}"));
        fs::write(file("pem"), &certificate).unwrap();
        fs::write(file("key"), key.serialize_pem()).unwrap();
        certificate
    }

    /// A thing with its certificate.
    pub(crate) fn thing(&self, server: &Server, name: &str, status: Status) {
        let certificate = self.unknown(name);
        change(server.data(), |tx, now| {
            things::create(tx, name, None, BTreeMap::new())?;
            let id = certificates::register(tx, &certificate, status, now)?.id;
            principals::attach(tx, name, &id)?;
            policies::create(tx, name, POLICY, now)?;
            policies::attach(tx, name, &policies::Target::Certificate(id))
        });
    }

    /// A script of `tests/aws/gg_cloud`, told where to find the server and the devices.
    pub(crate) fn python(&self, server: &Server, script: &str, arguments: &[&str]) -> Said {
        let port = server.mqtt_port().to_string();
        let all = [[port.as_str(), server.ca(), self.folder()].as_slice(), arguments].concat();
        server.python_with(script, &all)
    }

    /// mosquitto_pub, with the certificate of a device if it has one.
    pub(crate) fn publish(&self, server: &Server, device: &str, more: &[&str]) -> Said {
        let mut client = Command::new("mosquitto_pub");
        client.args(["-h", "localhost", "--cafile", server.ca(), "-q", "1", "-m", "hello"]);
        for (option, kind) in [("--cert", "pem"), ("--key", "key")] {
            let file = self.0.path().join(format!("{device}.{kind}"));
            if file.is_file() {
                client.arg(option).arg(file);
            }
        }
        if !more.contains(&"-p") {
            client.args(["-p", &server.mqtt_port().to_string()]);
        }
        said(client.args(more))
    }
}

/// Have messages published, as transactions do.
pub(crate) fn put_in_outbox(data: &Path, topic: &str, payloads: &[&str]) {
    change(data, |tx, _| {
        payloads.iter().try_for_each(|payload| Ok(outbox::publish(tx, topic, payload)?))
    });
}

/// The server's state.
pub(crate) fn state(data: &Path) -> Box<dyn State> {
    Box::new(Sqlite::open(&data.join("state.sqlite")).unwrap())
}

fn change(data: &Path, work: impl FnOnce(&mut dyn Transaction, Time) -> Result<(), Refusal>) {
    state(data).change(|tx| work(tx, Clock::system().now())).unwrap();
}
