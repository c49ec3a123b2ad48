//! From a component to the cloud's broker: by way of the nucleus, against the same bytes straight to
//! another of the same kind. QoS 1 is on the nucleus's disk before its publisher hears that it is published;
//! the broker beside it writes its changes to disk once a second.

mod common;

/// What this shares with the benchmark of local messages.
#[allow(dead_code, reason = "each benchmark uses a part")]
mod ipc {
    pub(crate) mod client;
    pub(crate) mod lane;
    pub(crate) mod relay;
    pub(crate) mod series;
}

use anyhow::{Result, ensure};
use common::device::Device;
use common::mosquitto::Mosquitto;
use common::report::Aim;
use common::{Group, Rows, measure};
use gg_ipc::shapes::{PublishToIoTCoreRequest, Qos};
use ipc::client::Client;
use ipc::lane::Lane;
use ipc::series::{Aims, Side, rounds, rows};
use serde_json::json;
use std::time::{Duration, Instant};

const GROUPS: [Group; 1] = [("publish", publish)];

/// Sizes, with the messages that make a round, one by one and together.
const SIZES: [(&str, usize, usize, usize); 2] =
    [("100 B", 100, 1000, 20_000), ("10 KB", 10_000, 500, 2000)];

fn main() -> Result<()> {
    measure(&GROUPS)
}

fn publish(all: &mut Rows) -> Result<()> {
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
        let surely = qos == Qos::AtLeastOnce;
        let start = || if surely { Mosquitto::durable() } else { Mosquitto::start() };
        // A broker for each side, so that none hears the other's. Without there is nothing to measure.
        let (Some(broker), Some(beside)) = (start()?, start()?) else { return Ok(()) };
        let device = Device::with(json!({
            "iotDataEndpoint": "127.0.0.1",
            "mqtt": { "tls": false, "port": broker.port() },
        }))?;
        let nucleus = device.start()?;
        let name = "bench.Publisher".to_owned();
        device.client(&name)?;
        device.deploy(std::slice::from_ref(&name))?;
        let door = device.door(&name)?;
        for (size_name, size, few, many) in SIZES {
            let request = PublishToIoTCoreRequest {
                topic_name: "data".to_owned(),
                qos,
                payload: vec![7; size].into(),
                retain: None,
                user_properties: Vec::new(),
                message_expiry_interval_seconds: None,
                correlation_data: None,
                response_topic: None,
                payload_format: None,
                content_type: None,
            };
            let publisher = connected(&door, &request)?;
            let own = Lane::cloud(publisher, &broker, request)?;
            let mut ours = Side::new(own, vec![nucleus.id(), broker.id()], few, many);
            let straight = match surely {
                true => Lane::mqtt_surely(&beside, size)?,
                false => Lane::mqtt(&beside, size, 1)?,
            };
            let mut straight = Side::new(straight, vec![beside.id()], few, many);
            rounds(&mut [&mut ours, &mut straight])?;
            let what = format!("to the broker, QoS {}, {size_name}", u8::from(surely));
            let rate = match surely {
                true => Aim::at_least(2000.0),
                false => Aim::ratio_at_least(0.7),
            };
            let aims = Aims { rate, ..Aims::NONE };
            rows(all, &what, &ours.series, Some(("mosquitto", &straight.series)), 1, aims);
        }
    }
    Ok(())
}

/// A client of a nucleus that has its connection: what is published at QoS 0 is taken.
fn connected(door: &common::device::Door, request: &PublishToIoTCoreRequest) -> Result<Client> {
    let begin = Instant::now();
    loop {
        let mut client = Client::connect(door)?;
        let probe = PublishToIoTCoreRequest { qos: Qos::AtMostOnce, ..request.clone() };
        match client.call::<gg_ipc::operation::call::PublishToIoTCore>(&probe) {
            Ok(_) => return Ok(client),
            Err(error) => {
                ensure!(begin.elapsed() < Duration::from_secs(20), "no connection: {error}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}
