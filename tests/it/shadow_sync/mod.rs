//! Shadows that are kept in step with the cloud: over a real broker, with a device shadow service of
//! its own at the other end, since that of AWS is not here. It has the semantics of the model, which
//! are compared with another implementation's in `shadows`.

mod cloud;
mod nucleus;

use crate::broker::{Broker, Network, Weather};
use crate::host::{DEADLINE, folder};
use cloud::{Cloud, Somebody};
use gg_host::capability::caller::Caller;
use gg_host::capability::pubsub::PubSub;
use gg_host::capability::shadow::Shadows;
use gg_host::capability::shadow::sync::Sync;
use gg_host::clock::Clock;
use gg_host::cloud::settings::LinkSettings;
use gg_host::cloud::spool::Spool;
use gg_host::cloud::{Link, LinkState};
use gg_host::network::ProxySettings;
use gg_host::store::Store;
use gg_host::tasks::Tasks;
use gg_model::nucleus::NucleusSettings;
use gg_model::shadow::{ShadowId, ShadowOperation, ShadowSettings, ShadowTopic};
use gg_model::{ComponentName, IdentityFiles};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

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
fn settings(mut configuration: Value) -> ShadowSettings {
    let name: ComponentName = "aws.greengrass.ShadowManager".parse().unwrap();
    let rates = &mut configuration["rateLimits"];
    rates["maxTotalLocalRequestsRate"] = json!(100_000);
    rates["maxLocalRequestsPerSecondPerThing"] = json!(100_000);
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
        Self::told(folder, port, json!({ "synchronize": synchronize })).await
    }

    /// The same, with a whole configuration of shadow manager.
    async fn told(folder: &Path, port: u16, configuration: Value) -> Self {
        let mqtt = json!({"tls": false, "port": port, "minimumReconnectDelaySeconds": 1,
            "maximumReconnectDelaySeconds": 1});
        let own = json!({"iotDataEndpoint": "127.0.0.1", "mqtt": mqtt});
        let own = NucleusSettings::read(&own).unwrap();
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
        shadows.configure(settings(configuration));
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

#[tokio::test(flavor = "multi_thread")]
async fn from_the_cloud_alone_what_the_device_says_is_overwritten() {
    let (broker, cloud, folder) = surroundings().await;
    let mut somebody = Somebody::connect(broker.port).await;
    let mut down = all();
    down["direction"] = json!("cloudToDevice");
    let device = Device::start(folder.path(), broker.port, down).await;
    let state = |n: u64| json!({ "desired": { "n": n }, "delta": { "n": n } });
    somebody.update(&lamp(), json!({ "desired": { "n": 1 } })).await;
    device.until(&lamp(), Some(state(1))).await;
    device.in_step(&lamp()).await;
    let here = json!({ "reported": { "n": 1 } });
    device.update(&lamp(), here).await;
    // The next change there overwrites it.
    somebody.update(&lamp(), json!({ "desired": { "n": 2 } })).await;
    device.until(&lamp(), Some(state(2))).await;
    assert_eq!(cloud.state(&lamp()), Some(state(2)));
    assert_eq!(cloud.updates(), 2, "those of somebody else");
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_period_all_changes_of_one_period_go_together() {
    let (broker, cloud, folder) = surroundings().await;
    let periodic = json!({ "synchronize": all(), "strategy": { "type": "periodic", "delay": 1 } });
    let begin = Instant::now();
    let device = Device::told(folder.path(), broker.port, periodic).await;
    for n in 0..100 {
        device.update(&lamp(), json!({ "reported": { "n": n } })).await;
    }
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 99 } }))).await;
    let updates = cloud.updates();
    // However long it took: one at the start, and one for each period that has begun.
    assert!(updates <= 2 + begin.elapsed().as_secs() as usize, "{updates} updates");
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_goes_to_the_cloud_in_a_second_than_it_is_told() {
    let (broker, cloud, folder) = surroundings().await;
    let names: Vec<String> = (0..12).map(|number| format!("n{number}")).collect();
    let configuration = json!({
        "synchronize": { "coreThing": { "classic": false, "namedShadows": names } },
        "rateLimits": { "maxOutboundSyncUpdatesPerSecond": 4 },
    });
    let begin = Instant::now();
    let device = Device::told(folder.path(), broker.port, configuration).await;
    let ids = names.iter().map(|name| id(&format!("$aws/things/Core/shadow/name/{name}")));
    let ids: Vec<ShadowId> = ids.collect();
    for id in &ids {
        device.update(id, json!({ "reported": { "n": 1 } })).await;
    }
    for id in &ids {
        cloud.until(id, Some(json!({ "reported": { "n": 1 } }))).await;
    }
    // The first second's at once, and then four a second.
    assert!(begin.elapsed() >= Duration::from_millis(1900), "{:?}", begin.elapsed());
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_offline_stays_deleted_whoever_missed_the_last_answer() {
    let (broker, cloud, folder) = surroundings().await;
    let network = Network::to(broker.port).await;
    let device = Device::start(folder.path(), network.port, all()).await;
    device.update(&lamp(), json!({ "reported": { "n": 1 } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 1 } }))).await;
    device.in_step(&lamp()).await;
    // It is done, and the device never hears of it.
    *cloud.mute.lock().unwrap() = 1;
    device.update(&lamp(), json!({ "reported": { "n": 2 } })).await;
    cloud.until(&lamp(), Some(json!({ "reported": { "n": 2 } }))).await;
    network.cut().await;
    device.is_down().await;
    device.delete(&lamp()).await;
    device.end().await;
    network.set(Weather::Fair);
    let device = Device::start(folder.path(), network.port, all()).await;
    cloud.until(&lamp(), None).await;
    device.in_step(&lamp()).await;
    assert_eq!(device.state(&lamp()).await, None);
    device.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_were_made_offline_come_to_the_cloud() {
    let (broker, cloud, folder) = surroundings().await;
    let network = Network::to(broker.port).await;
    network.cut().await;
    let names: Vec<String> = (0..2000).map(|number| format!("n{number}")).collect();
    let configuration = json!({
        "synchronize": { "coreThing": { "classic": false, "namedShadows": names } },
        "rateLimits": { "maxOutboundSyncUpdatesPerSecond": 1_000_000 },
    });
    let device = Device::told(folder.path(), network.port, configuration).await;
    let ids = names.iter().map(|name| id(&format!("$aws/things/Core/shadow/name/{name}")));
    let ids: Vec<ShadowId> = ids.collect();
    for (number, id) in ids.iter().enumerate() {
        device.update(id, json!({ "reported": { "n": number } })).await;
    }
    network.set(Weather::Fair);
    for (number, id) in ids.iter().enumerate() {
        cloud.until(id, Some(json!({ "reported": { "n": number } }))).await;
        device.in_step(id).await;
    }
    assert_eq!(cloud.updates(), ids.len(), "each once");
    device.end().await;
}
