//! The link to the cloud, alone: a real broker at the other end, and what goes wrong between.

mod login;
mod rate;
mod ways;

use crate::broker::{Authority, Broker, Network, Peer, Valid, Weather};
use crate::host::folder;
use bytes::Bytes;
use gg_host::clock::Clock;
use gg_host::cloud::settings::LinkSettings;
use gg_host::cloud::spool::Spool;
use gg_host::cloud::{
    Link, LinkError, LinkState, LinkSubscription, PayloadFormat, Publication, Qos,
};
use gg_host::network::ProxySettings;
use gg_host::tasks::Tasks;
use gg_model::{IdentityFiles, NucleusSettings};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Longer than anything takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A device with a link.
struct Device {
    link: Link,
    tasks: Tasks,
    stop: CancellationToken,
}

/// How a device is made.
struct Making {
    thing: &'static str,
    mqtt: Value,
    files: IdentityFiles,
    proxies: ProxySettings,
    host: &'static str,
}

impl Making {
    /// One that speaks TCP to a port.
    fn plain(port: u16) -> Self {
        let mqtt = json!({"tls": false, "port": port, "minimumReconnectDelaySeconds": 1});
        let (files, proxies) = (IdentityFiles::default(), ProxySettings::default());
        Self { thing: "device", mqtt, files, proxies, host: "127.0.0.1" }
    }

    /// One that speaks TLS, with the files `device` and `roots` of a folder.
    fn secure(port: u16, folder: &Path) -> Self {
        let path = |name: &str| Some(folder.join(name).display().to_string());
        let files = IdentityFiles {
            certificate: path("device.pem"),
            private_key: path("device.key"),
            root_ca: path("roots.pem"),
            ..IdentityFiles::default()
        };
        let mqtt = json!({"port": port, "minimumReconnectDelaySeconds": 1});
        Self { mqtt, files, host: "localhost", ..Self::plain(port) }
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.mqtt[key] = value;
        self
    }

    async fn start(self) -> Device {
        let configuration = json!({"iotDataEndpoint": self.host, "mqtt": self.mqtt});
        let settings = NucleusSettings::read(&configuration).unwrap();
        let thing = self.thing.parse().unwrap();
        let settings = LinkSettings::of(thing, &settings, &self.files, self.proxies).unwrap();
        let (tasks, stop) = (Tasks::new(None).unwrap(), CancellationToken::new());
        let spool =
            Spool::open(None, watch::channel(Arc::default()).1, Clock::system()).await.unwrap();
        let link = Link::start(settings, spool, &tasks, stop.clone());
        Device { link, tasks, stop }
    }
}

/// The messages of a subscription.
struct Messages {
    arrived: mpsc::Receiver<Arc<Publication>>,
    _subscription: LinkSubscription,
}

impl Device {
    async fn until(&self, what: impl Fn(&LinkState) -> bool) -> LinkState {
        let mut state = self.link.watch();
        let state = timeout(DEADLINE, state.wait_for(what)).await;
        state.unwrap().unwrap().clone()
    }

    async fn up(&self) {
        self.until(|state| *state == LinkState::Up).await;
    }

    /// Why it is down.
    async fn fault(&self) -> String {
        let state = self.until(|state| matches!(state, LinkState::Down(Some(_)))).await;
        let LinkState::Down(Some(reason)) = state else { panic!("{state:?}") };
        reason
    }

    async fn subscribe(&self, filter: &str) -> Messages {
        self.try_subscribe(filter).await.unwrap()
    }

    async fn try_subscribe(&self, filter: &str) -> Result<Messages, LinkError> {
        let (arrive, arrived) = mpsc::channel(1024);
        let deliver = move |message: &Arc<Publication>| {
            let _gone = arrive.try_send(Arc::clone(message));
        };
        let filter = filter.parse().unwrap();
        let subscription =
            self.link.subscribe(&filter, Qos::AtLeastOnce, Arc::new(deliver)).await?;
        Ok(Messages { arrived, _subscription: subscription })
    }

    async fn publish(&self, topic: &str, payload: impl Into<Bytes>) {
        let publication = Publication::new(topic, payload, Qos::AtLeastOnce);
        self.link.publish(publication).await.unwrap();
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.tasks.finish()).await.unwrap();
    }
}

impl Messages {
    async fn next(&mut self) -> Arc<Publication> {
        timeout(DEADLINE, self.arrived.recv()).await.unwrap().unwrap()
    }

    async fn payload(&mut self) -> Bytes {
        self.next().await.payload.clone()
    }
}

fn message(topic: &str, payload: &'static str) -> Publication {
    Publication::new(topic, payload.as_bytes(), Qos::AtLeastOnce)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_with_all_that_they_say() {
    let broker = Broker::start();
    let device = Making::plain(broker.port).start().await;
    device.up().await;
    let mut messages = device.subscribe("to/+").await;
    let mut peer = Peer::connect(broker.port, "peer", &["from/#"]).await;
    let full = Publication {
        payload_format: Some(PayloadFormat::Utf8),
        content_type: Some("text/plain".into()),
        response_topic: Some("answers".into()),
        correlation_data: Some(Bytes::from_static(&[0, 255])),
        user_properties: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
        ..message("from/here", "hello")
    };
    for qos in [Qos::AtLeastOnce, Qos::AtMostOnce] {
        let out = Publication { qos, ..full.clone() };
        device.link.publish(out.clone()).await.unwrap();
        assert_eq!(peer.next().await, out);
        let back = Publication { topic: "to/here".into(), ..out };
        peer.publish(&back).await;
        assert_eq!(*messages.next().await, back);
    }
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_3_is_spoken_where_that_is_asked_for() {
    let mut broker = Broker::start();
    let device = Making::plain(broker.port).with("version", json!("mqtt3")).start().await;
    let mut messages = device.subscribe("to/+").await;
    device.up().await;
    broker.says(&["as device", "p2"]);
    let mut peer = Peer::connect(broker.port, "peer", &["from/#"]).await;
    device.publish("from/here", "hello").await;
    assert_eq!(peer.next().await, message("from/here", "hello"));
    broker.says(&["SUBACK to device"]);
    peer.publish(&message("to/here", "back")).await;
    assert_eq!(*messages.next().await, message("to/here", "back"));
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_back_has_the_subscriptions_and_all_that_was_published() {
    let mut broker = Broker::start();
    let device = Making::plain(broker.port).start().await;
    device.up().await;
    let mut messages = device.subscribe("to/+").await;
    for round in 0_u8..3 {
        // Without its memory, too: what was subscribed to is subscribed to again.
        if round == 1 {
            broker.kill();
        } else {
            broker.stop();
        }
        device.until(|state| *state != LinkState::Up).await;
        for number in 0..50 {
            device.publish("from/here", vec![round, number]).await;
        }
        broker.again();
        // Before the device is back: nothing may be published to nobody.
        let mut peer = Peer::connect(broker.port, "peer", &["from/#"]).await;
        device.up().await;
        let mut missing: Vec<u8> = (0..50).collect();
        let mut last = None;
        while !missing.is_empty() {
            let payload = peer.next().await.payload;
            if payload[0] == round && missing.contains(&payload[1]) {
                assert!(last.is_none_or(|last| last < payload[1]), "in their order");
                last = Some(payload[1]);
                missing.retain(|number| *number != payload[1]);
            }
        }
        let again = message("to/here", "again");
        peer.publish(&again).await;
        assert_eq!(*messages.next().await, again);
    }
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_came_while_the_nucleus_was_away_wait_for_their_component() {
    let broker = Broker::start();
    let device = Making::plain(broker.port).start().await;
    device.up().await;
    drop(device.subscribe("to/a").await);
    let _messages = device.subscribe("to/b").await;
    device.stop().await;
    let mut peer = Peer::connect(broker.port, "peer", &[]).await;
    peer.publish(&message("to/b", "meanwhile")).await;
    let device = Making::plain(broker.port).start().await;
    device.up().await;
    let mut messages = device.subscribe("to/b").await;
    assert_eq!(messages.payload().await, "meanwhile");
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_a_message_once_however_filters_overlap() {
    for version in ["mqtt5", "mqtt3"] {
        let mut broker = Broker::start();
        let device = Making::plain(broker.port).with("version", json!(version)).start().await;
        device.up().await;
        let mut all = Vec::new();
        for filter in ["a/+", "a/#", "+/b", "a/b", "a/b"] {
            all.push(device.subscribe(filter).await);
        }
        if version == "mqtt3" {
            // Each that overlaps has a connection of its own.
            broker.says(&["as device#4"]);
        }
        let mut peer = Peer::connect(broker.port, "peer", &[]).await;
        for payload in ["one", "two"] {
            peer.publish(&message("a/b", payload)).await;
        }
        for messages in &mut all {
            assert_eq!([messages.payload().await, messages.payload().await], ["one", "two"]);
        }
        // Whatever came twice would have come by now.
        peer.publish(&message("a/b", "last")).await;
        for messages in &mut all {
            assert_eq!(messages.payload().await, "last");
        }
        device.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_subscriptions_than_a_connection_may_have_take_another() {
    let mut broker = Broker::start();
    let quotas = json!({"subscriptionsPerConnection": 2});
    let device = Making::plain(broker.port).with("quotas", quotas).start().await;
    device.up().await;
    let filters = ["a", "b", "c", "d", "e"];
    let mut all = Vec::new();
    for filter in filters {
        all.push(device.subscribe(filter).await);
    }
    for client in ["as device ", "as device#2 ", "as device#3 "] {
        broker.says(&["New client connected", client]);
    }
    let mut peer = Peer::connect(broker.port, "peer", &[]).await;
    for (filter, messages) in filters.iter().zip(&mut all) {
        peer.publish(&message(filter, "here")).await;
        assert_eq!(messages.next().await.topic, *filter);
    }
    // A connection that nobody needs ends.
    all.pop();
    broker.says(&["Received DISCONNECT from device#3"]);
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_is_explained_and_not_tried_again() {
    let place = folder();
    std::fs::write(place.path().join("acl"), "topic readwrite good/#\n").unwrap();
    let settings = "allow_anonymous true\nacl_file {folder}/acl";
    let broker = Broker::prepared(place, settings);
    let device = Making::plain(broker.port).start().await;
    device.up().await;
    let mut messages = device.subscribe("good/#").await;
    device.publish("bad/topic", "no").await;
    device.publish("good/topic", "yes").await;
    assert_eq!(messages.payload().await, "yes");
    // When this is here, the broker has said what it takes of those before.
    device.publish("good/topic", "again").await;
    assert_eq!(messages.payload().await, "again");
    assert_eq!(device.link.counters().refused.total(), 1);
    let waiting = device.link.spool().figures().messages;
    assert!(waiting <= 1, "{waiting}");
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_of_the_same_name_is_explained() {
    let broker = Broker::start();
    let device = Making::plain(broker.port).start().await;
    device.up().await;
    let _other = Peer::connect(broker.port, "device", &[]).await;
    let fault = device.fault().await;
    assert!(fault.contains("another client uses this thing name"), "{fault}");
    device.stop().await;
}

/// Settings of a broker that knows devices by certificates of its authority.
pub(crate) const MUTUAL: &str = "allow_anonymous true\ncafile {folder}/devices.pem\ncertfile {folder}/broker.pem\n\
                      keyfile {folder}/broker.key\nrequire_certificate true\nuse_identity_as_username true";

/// A broker behind TLS, and a folder with what a device needs for it.
pub(crate) fn secure(valid: Valid, name: &str) -> (Broker, tempfile::TempDir, [Authority; 2]) {
    let (place, own) = (folder(), folder());
    let (brokers, devices) = (Authority::new("brokers"), Authority::new("devices"));
    brokers.sign(place.path(), "broker", name, valid);
    devices.write(place.path(), "devices");
    devices.sign(own.path(), "device", "device", Valid::Now);
    brokers.write(own.path(), "roots");
    (Broker::prepared(place, MUTUAL), own, [brokers, devices])
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_and_device_know_each_other_by_certificates() {
    let (mut broker, own, [_, devices]) = secure(Valid::Now, "localhost");
    let device = Making::secure(broker.port, own.path()).start().await;
    device.up().await;
    broker.says(&["as device", "u'device'"]);
    let mut messages = device.subscribe("a").await;
    // New files count without a restart.
    devices.sign(own.path(), "device", "renewed", Valid::Now);
    broker.says(&["as device", "u'renewed'"]);
    device.up().await;
    device.publish("a", "after").await;
    assert_eq!(messages.payload().await, "after");
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_certificates_is_explained() {
    for (valid, name, words) in [
        (Valid::NotYet, "localhost", "is not valid yet: it begins at 2090-01-01T"),
        (Valid::NoMore, "localhost", "has expired: it ended at 2001-01-01T"),
        (Valid::Now, "other.test", "is for another name than iotDataEndpoint"),
    ] {
        let (broker, own, _) = secure(valid, name);
        let device = Making::secure(broker.port, own.path()).start().await;
        let fault = device.fault().await;
        assert!(fault.contains(words), "{fault}");
        device.stop().await;
    }
    let (broker, own, _) = secure(Valid::Now, "localhost");
    let other = Authority::new("others");
    other.write(own.path(), "roots");
    let device = Making::secure(broker.port, own.path()).start().await;
    let fault = device.fault().await;
    assert!(fault.contains("is of no authority in the file system.rootCaPath"), "{fault}");
    device.stop().await;

    let (broker, own, [brokers, _]) = secure(Valid::Now, "localhost");
    other.sign(own.path(), "device", "device", Valid::Now);
    let device = Making::secure(broker.port, own.path()).start().await;
    let fault = device.fault().await;
    assert!(
        fault.contains("device's certificate is of an authority that it does not know"),
        "{fault}"
    );
    device.stop().await;

    let mut making = Making::secure(broker.port, own.path());
    making.files = IdentityFiles { certificate: None, private_key: None, ..making.files };
    let device = making.start().await;
    let fault = device.fault().await;
    assert!(fault.contains("set system.certificateFilePath"), "{fault}");
    device.stop().await;

    // The key of another certificate.
    let key = std::fs::read(own.path().join("device.key")).unwrap();
    brokers.sign(own.path(), "device", "device", Valid::Now);
    std::fs::write(own.path().join("device.key"), key).unwrap();
    let device = Making::secure(broker.port, own.path()).start().await;
    let fault = device.fault().await;
    assert!(fault.contains("system.certificateFilePath and privateKeyPath"), "{fault}");
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails_loses_nothing() {
    let broker = Broker::start();
    let network = Network::to(broker.port).await;
    let device = Making::plain(network.port)
        .with("keepAliveTimeoutMs", json!(1000))
        .with("pingTimeoutMs", json!(1000))
        .start()
        .await;
    device.up().await;
    let mut messages = device.subscribe("to/+").await;
    let mut peer = Peer::connect(broker.port, "peer", &["from/#"]).await;
    for (round, weather) in [Weather::Cut, Weather::HalfClosed, Weather::Silent, Weather::Corrupt]
        .into_iter()
        .enumerate()
    {
        let round = u8::try_from(round).unwrap();
        network.set(weather);
        for number in 0..20 {
            device.publish("from/here", vec![round, number]).await;
        }
        peer.publish(&message("to/here", "meanwhile")).await;
        // Each is noticed, whether or not anything is said.
        device.fault().await;
        network.set(Weather::Fair);
        device.up().await;
        let mut missing: Vec<u8> = (0..20).collect();
        while !missing.is_empty() {
            let payload = peer.next().await.payload;
            missing.retain(|number| payload[..] != [round, *number]);
        }
        assert_eq!(messages.payload().await, "meanwhile");
    }
    device.stop().await;
}
