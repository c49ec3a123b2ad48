//! The same with a whole nucleus: what a component says, what the cloud says, and the power that fails
//! while the network is gone.

use super::cloud::{Cloud, Somebody};
use super::{all, lamp, one};
use crate::broker::{Broker, Network, Weather};
use crate::device::Device;
use crate::doors::ask::{Answer, Ask, Refusal, Shadow};
use crate::doors::{Door as _, Ipc, ME, deploy};
use crate::host::{DEADLINE, file};
use gg_model::shadow::ShadowId;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::time::Instant;

/// A device by the name of `Core` that reaches a broker at this port.
fn device(port: u16) -> Device {
    let device = Device::new();
    let mqtt = json!({ "port": port, "tls": false,
        "minimumReconnectDelaySeconds": 1, "maximumReconnectDelaySeconds": 1 });
    let rates = json!({ "maxTotalLocalRequestsRate": 100_000,
        "maxLocalRequestsPerSecondPerThing": 100_000 });
    let services = json!({
        "aws.greengrass.Nucleus": { "configuration":
            { "iotDataEndpoint": "127.0.0.1", "mqtt": mqtt } },
        "aws.greengrass.ShadowManager": { "configuration":
            { "synchronize": all(), "rateLimits": rates } },
    });
    let configuration = json!({ "system": { "thingName": "Core" }, "services": services });
    fs::create_dir(device.root()).unwrap();
    file(&device.root(), "config.yaml", configuration.to_string());
    device
}

/// A component that may do all with shadows.
struct Component(Ipc);

impl Component {
    fn update(&mut self, id: &ShadowId, state: &Value) {
        let document = json!({ "state": state }).to_string();
        let answer = self.0.ask(Ask::UpdateShadow(shadow(id), document));
        assert!(matches!(answer, Answer::Value(_)), "{answer:?}");
    }

    fn delete(&mut self, id: &ShadowId) {
        assert_eq!(self.0.ask(Ask::DeleteShadow(shadow(id))), Answer::Done);
    }

    fn state(&mut self, id: &ShadowId) -> Option<Value> {
        match self.0.ask(Ask::Shadow(shadow(id))) {
            Answer::Value(document) => Some(document["state"].clone()),
            Answer::Refused(Refusal::NotFound) => None,
            other => panic!("{other:?}"),
        }
    }

    /// Wait until a shadow is like this; `None`: not there.
    fn until(&mut self, id: &ShadowId, wanted: Option<&Value>) {
        let begin = Instant::now();
        loop {
            let state = self.state(id);
            if state.as_ref() == wanted {
                return;
            }
            assert!(begin.elapsed() < DEADLINE, "{id} is {state:?}, not {wanted:?}");
        }
    }
}

fn shadow(id: &ShadowId) -> Shadow {
    let name = id.name.as_ref().map(ToString::to_string);
    Shadow { thing: id.thing.to_string(), name }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nucleus_keeps_shadows_in_step_and_what_it_does_offline_is_merged_on_return() {
    let broker = Broker::start();
    let (cloud, _served) = Cloud::serve(broker.port).await;
    let mut somebody = Somebody::connect(broker.port).await;
    let network = Network::to(broker.port).await;
    let device = device(network.port);
    let mut nucleus = device.start();
    let rights = json!({ "accessControl": { "aws.greengrass.ShadowManager": {
        "policy:1": { "operations": ["*"], "resources": ["*"] },
    } } });
    let mut me = Component(deploy(&device, &mut nucleus, ME, rights));
    let start = json!({ "desired": { "a": 0, "b": 0 }, "reported": { "a": 0, "b": 0 } });
    me.update(&lamp(), &start);
    cloud.until(&lamp(), Some(start.clone())).await;
    somebody.update(&lamp(), json!({ "desired": { "b": 1 } })).await;
    let wanted = json!({ "desired": { "a": 0, "b": 1 }, "reported": { "a": 0, "b": 0 },
        "delta": { "b": 1 } });
    me.until(&lamp(), Some(&wanted));
    let there = json!({ "desired": { "x": 1 }, "delta": { "x": 1 } });
    somebody.update(&one(), json!({ "desired": { "x": 1 } })).await;
    me.until(&one(), Some(&there));

    network.cut().await;
    me.update(&lamp(), &json!({ "reported": { "b": 1, "here": 1 } }));
    me.delete(&one());
    somebody.update(&lamp(), json!({ "desired": { "there": 2 } })).await;
    nucleus.signal(Signal::KILL);
    drop(nucleus);
    let mut nucleus = device.start();
    let mut me = Component(Ipc::open((), &mut nucleus, ME));
    assert_eq!(me.state(&one()), None);
    network.set(Weather::Fair);
    let merged = json!({
        "desired": { "a": 0, "b": 1, "there": 2 },
        "reported": { "a": 0, "b": 1, "here": 1 },
        "delta": { "there": 2 },
    });
    cloud.until(&lamp(), Some(merged.clone())).await;
    me.until(&lamp(), Some(&merged));
    cloud.until(&one(), None).await;
    assert_eq!(me.state(&one()), None);
}
