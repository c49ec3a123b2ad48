//! Shadows that are kept in step with the cloud: over a real broker, with a device shadow service of
//! its own at the other end, since that of AWS is not here. It has the semantics of the model, which
//! are compared with another implementation's in `shadows`.

use crate::broker::{Broker, Network, Peer, Weather};
use crate::host::folder;
use gg_host::capability::caller::Caller;
use gg_host::capability::pubsub::PubSub;
use gg_host::capability::shadow::Shadows;
use gg_host::capability::shadow::sync::Sync;
use gg_host::clock::Clock;
use gg_host::cloud::settings::LinkSettings;
use gg_host::cloud::spool::Spool;
use gg_host::cloud::{Link, LinkState, Publication, Qos};
use gg_host::network::ProxySettings;
use gg_host::store::Store;
use gg_host::tasks::Tasks;
use gg_model::nucleus::NucleusSettings;
use gg_model::shadow::{
    Before, Refusal, ShadowId, ShadowOperation, ShadowTopic, Suffix, UpdateRequest, client_token,
    rejected,
};
use gg_model::{ComponentName, IdentityFiles};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const AT: u64 = 1_700_000_000;

/// Longer than anything takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// The device shadow service, as much of it as a device sees.
#[derive(Clone, Default)]
struct Cloud {
    shadows: Arc<Mutex<HashMap<ShadowId, Before>>>,
    /// Requests to answer with this code instead.
    busy: Arc<Mutex<u32>>,
    requests: Arc<Mutex<Vec<ShadowOperation>>>,
    changed: Arc<Notify>,
}

impl Cloud {
    /// Serve at a broker, until it is told to end.
    async fn serve(port: u16) -> (Self, AbortHandle) {
        Self::default().serve_on(port).await
    }

    /// The same with these shadows.
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no host here whose end it would outlive"
    )]
    async fn serve_on(self, port: u16) -> (Self, AbortHandle) {
        let cloud = self;
        let mut peer = Peer::connect(port, "shadow-service", &["$aws/things/+/shadow/#"]).await;
        let serving = cloud.clone();
        let served = tokio::spawn(async move {
            loop {
                // What it says itself comes back to it, and is no request.
                let message = peer.next().await;
                let Some(topic) = ShadowTopic::parse(&message.topic) else { continue };
                if topic.suffix.is_some() {
                    continue;
                }
                for (suffix, document) in serving.answer(&topic, &message.payload) {
                    let topic = ShadowTopic { suffix: Some(suffix), ..topic.clone() };
                    let payload = document.to_string();
                    let answer = Publication::new(topic.to_string(), payload, Qos::AtMostOnce);
                    peer.publish(&answer).await;
                }
                serving.changed.notify_waiters();
            }
        });
        (cloud, served.abort_handle())
    }

    fn answer(&self, topic: &ShadowTopic, payload: &[u8]) -> Vec<(Suffix, Value)> {
        self.requests.lock().unwrap().push(topic.operation);
        let token = client_token(payload);
        let refused =
            |refusal: Refusal| vec![(Suffix::Rejected, rejected(&refusal, AT, token.as_deref()))];
        let mut busy = self.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            return refused(Refusal::TooManyRequests);
        }
        let mut shadows = self.shadows.lock().unwrap();
        let before = shadows.get(&topic.shadow).cloned().unwrap_or_default();
        let done = match topic.operation {
            ShadowOperation::Get => {
                before.present(None).map(|shadow| (None, shadow.document(AT, token.as_deref())))
            }
            ShadowOperation::Delete => before.present(None).map(|shadow| {
                let message = shadow.deleted_message(AT, token.as_deref());
                (Some(Before::Absent(shadow.version + 1)), message)
            }),
            ShadowOperation::Update => UpdateRequest::parse(payload)
                .map_err(|rejected| rejected.refusal)
                .and_then(|request| before.update(&request, AT, 8192))
                .map(|updated| {
                    let message = updated.accepted(AT, token.as_deref());
                    (Some(Before::Present(updated.shadow)), message)
                }),
        };
        match done {
            Err(refusal) => refused(refusal),
            Ok((after, message)) => {
                shadows.extend(after.map(|after| (topic.shadow.clone(), after)));
                vec![(Suffix::Accepted, message)]
            }
        }
    }

    fn state(&self, id: &ShadowId) -> Option<Value> {
        match self.shadows.lock().unwrap().get(id)? {
            Before::Absent(_) => None,
            Before::Present(shadow) => Some(shadow.document(AT, None)["state"].clone()),
        }
    }

    /// Wait until a shadow is like this in the cloud; `None`: not there.
    async fn until(&self, id: &ShadowId, wanted: Option<Value>) {
        let there = async {
            loop {
                let changed = self.changed.notified();
                if self.state(id) == wanted {
                    return;
                }
                changed.await;
            }
        };
        let there = timeout(DEADLINE, there).await;
        assert!(there.is_ok(), "{id} is {:?} in the cloud, not {wanted:?}", self.state(id));
    }
}

/// Somebody else who changes shadows in the cloud.
struct Somebody(Peer);

impl Somebody {
    async fn connect(port: u16) -> Self {
        Self(Peer::connect(port, "somebody", &[]).await)
    }

    async fn ask(&mut self, id: &ShadowId, operation: ShadowOperation, request: Value) {
        let topic = ShadowTopic { shadow: id.clone(), operation, suffix: None };
        let request = request.to_string();
        self.0.publish(&Publication::new(topic.to_string(), request, Qos::AtLeastOnce)).await;
    }

    async fn update(&mut self, id: &ShadowId, state: Value) {
        self.ask(id, ShadowOperation::Update, json!({ "state": state })).await;
    }
}

/// A device's shadows and its link.
struct Device {
    shadows: Shadows,
    store: Store,
    link: Link,
    tasks: Tasks,
    stop: CancellationToken,
    caller: Caller,
}

/// What shadow manager is told, and what then is in force.
fn settings(synchronize: Value) -> gg_model::shadow::ShadowSettings {
    let name: ComponentName = "aws.greengrass.ShadowManager".parse().unwrap();
    let rates = json!({ "maxTotalLocalRequestsRate": 100_000,
        "maxLocalRequestsPerSecondPerThing": 100_000 });
    let configuration = json!({ "synchronize": synchronize, "rateLimits": rates });
    NucleusSettings::read_all(&BTreeMap::from([(name, configuration)])).unwrap().shadows
}

/// Shadows of the device and of another thing.
fn all() -> Value {
    json!({
        "coreThing": { "namedShadows": ["one"] },
        "shadowDocuments": [{ "thingName": "Lamp", "classic": true }],
    })
}

impl Device {
    async fn start(folder: &Path, port: u16, synchronize: Value) -> Self {
        let mqtt = json!({"tls": false, "port": port, "minimumReconnectDelaySeconds": 1,
            "maximumReconnectDelaySeconds": 1});
        let configuration = json!({"iotDataEndpoint": "127.0.0.1", "mqtt": mqtt});
        let own = NucleusSettings::read(&configuration).unwrap();
        let (thing, files) = ("Core".parse().unwrap(), IdentityFiles::default());
        let own = LinkSettings::of(thing, &own, &files, ProxySettings::default()).unwrap();
        let (tasks, stop) = (Tasks::new(None).unwrap(), CancellationToken::new());
        let path = folder.join("store.db");
        // The one before has the file until its thread has ended.
        let store = loop {
            match Store::open(&path, &tasks) {
                Ok(store) => break store,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let told = watch::channel(Arc::default()).1;
        let spool = Spool::open(None, told, Clock::system()).await.unwrap();
        let link = Link::start(own, spool, &tasks, stop.clone());
        let (thing, pubsub) = ("Core".parse().unwrap(), PubSub::default());
        let shadows = Shadows::new(Clock::system(), Some(store.clone()), thing, &pubsub, &tasks);
        shadows.configure(settings(synchronize));
        Sync::start(&shadows, &link, "Core".parse().unwrap(), &tasks, stop.clone());
        let caller = Caller::operator("tester", "Core".parse().unwrap());
        Self { shadows, store, link, tasks, stop, caller }
    }

    async fn update(&self, id: &ShadowId, state: Value) {
        let document = json!({ "state": state }).to_string();
        let (thing, name) = (Some(id.thing.as_ref()), id.name.as_ref().map(AsRef::as_ref));
        self.shadows.update(&self.caller, thing, name, document.as_bytes()).await.unwrap();
    }

    async fn delete(&self, id: &ShadowId) {
        let (thing, name) = (Some(id.thing.as_ref()), id.name.as_ref().map(AsRef::as_ref));
        self.shadows.delete(&self.caller, thing, name).await.unwrap();
    }

    async fn state(&self, id: &ShadowId) -> Option<Value> {
        let (thing, name) = (Some(id.thing.as_ref()), id.name.as_ref().map(AsRef::as_ref));
        let text = self.shadows.get(&self.caller, thing, name).await.ok()?;
        Some(serde_json::from_str::<Value>(&text).unwrap()["state"].clone())
    }

    /// Wait until a shadow is like this here; `None`: not there.
    async fn until(&self, id: &ShadowId, wanted: Option<Value>) {
        let there = async {
            while self.state(id).await != wanted {
                tokio::task::yield_now().await;
            }
        };
        let there = timeout(DEADLINE, there).await;
        assert!(there.is_ok(), "{id} is {:?} here, not {wanted:?}", self.state(id).await);
    }

    /// Wait until a shadow is known to be in step.
    async fn in_step(&self, id: &ShadowId) {
        let there = async {
            loop {
                let local = self.store.shadow(id.clone()).await.unwrap().version();
                let synced = self.store.synced_shadow(id.clone()).await.unwrap();
                if synced.is_some_and(|synced| synced.local == local) {
                    return;
                }
            }
        };
        timeout(DEADLINE, there).await.unwrap();
    }

    async fn is_down(&self) {
        let mut state = self.link.watch();
        let down = state.wait_for(|state| matches!(state, LinkState::Down(_)));
        timeout(DEADLINE, down).await.unwrap().unwrap();
    }

    async fn end(self) {
        let Self { shadows, store, link, tasks, stop, caller } = self;
        stop.cancel();
        drop((shadows, store, link, caller));
        timeout(DEADLINE, tasks.finish()).await.unwrap();
    }
}

fn id(topic: &str) -> ShadowId {
    ShadowTopic::parse(&format!("{topic}/get")).unwrap().shadow
}

fn lamp() -> ShadowId {
    id("$aws/things/Lamp/shadow")
}

fn one() -> ShadowId {
    id("$aws/things/Core/shadow/name/one")
}

/// A broker with the service, and a folder for a device.
async fn surroundings() -> (Broker, Cloud, TempDir) {
    let broker = Broker::start();
    let (cloud, _served) = Cloud::serve(broker.port).await;
    (broker, cloud, folder())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_on_one_side_comes_to_the_other() {
    let (broker, cloud, folder) = surroundings().await;
    let mut somebody = Somebody::connect(broker.port).await;
    let device = Device::start(folder.path(), broker.port, all()).await;
    device.update(&lamp(), json!({ "reported": { "on": false } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "on": false } }))).await;
    somebody.update(&lamp(), json!({ "desired": { "on": true } })).await;
    let both = json!({
        "desired": { "on": true }, "reported": { "on": false }, "delta": { "on": true },
    });
    device.until(&lamp(), Some(both)).await;
    device.update(&lamp(), json!({ "reported": { "on": true } })).await;
    let both = json!({ "desired": { "on": true }, "reported": { "on": true } });
    cloud.until(&lamp(), Some(both)).await;
    // What nobody has asked for stays here.
    let other = id("$aws/things/Lamp/shadow/name/private");
    device.update(&other, json!({ "reported": { "a": 1 } })).await;
    somebody.update(&one(), json!({ "desired": { "n": 1 } })).await;
    let state = json!({ "desired": { "n": 1 }, "delta": { "n": 1 } });
    device.until(&one(), Some(state)).await;
    assert_eq!(cloud.state(&other), None);
    device.in_step(&lamp()).await;
    device.delete(&lamp()).await;
    cloud.until(&lamp(), None).await;
    device.in_step(&one()).await;
    somebody.ask(&one(), ShadowOperation::Delete, json!({})).await;
    device.until(&one(), None).await;
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_sides_changed_while_the_link_was_down_is_merged() {
    let (broker, cloud, folder) = surroundings().await;
    let mut somebody = Somebody::connect(broker.port).await;
    let network = Network::to(broker.port).await;
    let device = Device::start(folder.path(), network.port, all()).await;
    let start = json!({ "desired": { "a": 0, "b": 0 }, "reported": { "a": 0, "b": 0 } });
    device.update(&lamp(), start.clone()).await;
    device.update(&one(), json!({ "reported": { "x": 1 } })).await;
    cloud.until(&lamp(), Some(start)).await;
    cloud.until(&one(), Some(json!({ "reported": { "x": 1 } }))).await;
    device.in_step(&lamp()).await;
    device.in_step(&one()).await;
    network.set(Weather::Cut);
    device.is_down().await;
    device
        .update(&lamp(), json!({ "desired": { "a": 1 }, "reported": { "a": 1, "here": 1 } }))
        .await;
    device.delete(&one()).await;
    somebody
        .update(
            &lamp(),
            json!({
                "desired": { "a": 2, "there": 2 }, "reported": { "a": 2, "b": null },
            }),
        )
        .await;
    network.set(Weather::Fair);
    // Of conflicts, the cloud has the desired state, and the device the reported one.
    let merged = json!({
        "desired": { "a": 2, "b": 0, "there": 2 },
        "reported": { "a": 1, "here": 1 },
        "delta": { "a": 2, "b": 0, "there": 2 },
    });
    cloud.until(&lamp(), Some(merged.clone())).await;
    device.until(&lamp(), Some(merged)).await;
    cloud.until(&one(), None).await;
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_in_step_at_the_end_is_after_a_restart() {
    let (mut broker, folder) = (Broker::start(), folder());
    let (cloud, served) = Cloud::serve(broker.port).await;
    let device = Device::start(folder.path(), broker.port, all()).await;
    device.update(&lamp(), json!({ "reported": { "n": 1 } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 1 } }))).await;
    served.abort();
    broker.kill();
    device.is_down().await;
    device.update(&lamp(), json!({ "reported": { "n": 2 } })).await;
    device.update(&one(), json!({ "reported": { "made": "offline" } })).await;
    device.end().await;
    broker.again();
    let (cloud, _served) = cloud.serve_on(broker.port).await;
    let device = Device::start(folder.path(), broker.port, all()).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 2 } }))).await;
    cloud.until(&one(), Some(json!({ "reported": { "made": "offline" } }))).await;
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_come_later_does() {
    let (broker, cloud, folder) = surroundings().await;
    *cloud.busy.lock().unwrap() = 1;
    let device = Device::start(folder.path(), broker.port, all()).await;
    device.update(&lamp(), json!({ "reported": { "n": 1 } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 1 } }))).await;
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_direction_the_other_side_changes_nothing() {
    let (broker, cloud, folder) = surroundings().await;
    let mut somebody = Somebody::connect(broker.port).await;
    let mut up = all();
    up["direction"] = json!("deviceToCloud");
    let device = Device::start(folder.path(), broker.port, up).await;
    device.update(&lamp(), json!({ "reported": { "n": 1 } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 1 } }))).await;
    somebody.update(&lamp(), json!({ "desired": { "n": 2 } })).await;
    let theirs = json!({ "desired": { "n": 2 }, "reported": { "n": 1 }, "delta": { "n": 2 } });
    cloud.until(&lamp(), Some(theirs)).await;
    // The next change here overwrites it.
    device.update(&lamp(), json!({ "reported": { "n": 3 } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 3 } }))).await;
    assert_eq!(device.state(&lamp()).await, Some(json!({ "reported": { "n": 3 } })));
    device.end().await;
}
