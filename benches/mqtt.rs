//! From a component to the cloud's broker: by way of the nucleus, against the same bytes straight to
//! another of the same kind, over TCP like the nucleus's. QoS 1 is on the nucleus's disk before its
//! publisher hears that it is published; the broker beside it writes its changes to disk once a second.

mod common;

/// What this shares with the benchmark of local messages.
#[allow(dead_code, reason = "each benchmark uses a part")]
mod ipc {
    pub(crate) mod client;
    pub(crate) mod lane;
    pub(crate) mod relay;
    pub(crate) mod series;
}

use anyhow::{Context, Result, ensure};
use common::device::Device;
use common::mosquitto::{self, Mosquitto};
use common::process::Work;
use common::report::{Aim, Row};
use common::{Group, Rows, measure};
use gg_ipc::operation::call;
use gg_ipc::shapes::{PublishToIoTCoreRequest, Qos};
use ipc::client::Client;
use ipc::lane::Lane;
use ipc::series::{Aims, ROUNDS, Side, rounds, rows};
use serde_json::json;
use std::io::Read as _;
use std::time::{Duration, Instant};

const GROUPS: [Group; 2] = [("publish", publish), ("guest", guest)];

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
        let device = device(&broker)?;
        let nucleus = device.start()?;
        let name = "bench.Publisher".to_owned();
        device.client(&name)?;
        device.deploy(std::slice::from_ref(&name))?;
        let door = device.door(&name)?;
        for (size_name, size, few, many) in SIZES {
            let request = publication(size, qos);
            let publisher = connected(&door, &request)?;
            let own = Lane::cloud(publisher, &broker, request)?;
            let mut ours = Side::new(own, vec![nucleus.id(), broker.id()], few, many);
            let straight = match surely {
                true => Lane::mqtt_surely(&beside, size)?,
                false => Lane::mqtt_tcp(&beside, size)?,
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

/// A guest, at QoS 0. It is told to publish so much at a time that spool and broker have room for
/// three times as much, and that being told costs little.
fn guest(all: &mut Rows) -> Result<()> {
    let (Some(broker), Some(beside)) = (Mosquitto::start()?, Mosquitto::start()?) else {
        return Ok(());
    };
    const AT_ONCE: usize = 640_000;
    const MANY: usize = 250;
    let device = device(&broker)?;
    let nucleus = device.start()?;
    let names = ["bench.Publisher", "bench.Guest"].map(str::to_owned);
    device.client(&names[0])?;
    device.wasm(&names[1], &common::guest("bench-service")?, "remote")?;
    device.deploy(&names)?;
    let door = device.door(&names[0])?;
    for (size_name, size, _, count) in SIZES {
        let mut commander = connected(&door, &publication(size, Qos::AtMostOnce))?;
        let few = MANY.min(AT_ONCE / size);
        let count = count.next_multiple_of(few);
        let go = ipc::client::publication("go", format!("{few} {size}").as_bytes());
        let mut subscriber = broker.connect_unix()?;
        mosquitto::subscribe(&mut subscriber)?;
        let mut straight = Lane::mqtt_tcp(&beside, size)?;
        let (length, mut buffer) = (mosquitto::publish(size).len(), vec![0; 256 << 10]);
        let (mut ours, mut works, mut peer) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (before, begin) = (Work::of(&[nucleus.id(), broker.id()])?, Instant::now());
            let (mut asked, mut bytes) = (0, 0);
            while bytes < count * length {
                while asked < count.min(bytes / length + 3 * few) {
                    commander.call::<call::PublishToTopic>(&go)?;
                    asked += few;
                }
                bytes += subscriber.read(&mut buffer).context("a message was lost")?;
            }
            ensure!(bytes == count * length, "{bytes} bytes of {count} messages");
            let took = begin.elapsed();
            let work = Work::of(&[nucleus.id(), broker.id()])?.since(&before);
            let load = straight.prepare(count)?;
            let straight = straight.together(&load)?;
            if round > 0 {
                ours.push(count as f64 / took.as_secs_f64());
                works.push(work / count as f64 / 1e3);
                peer.push(count as f64 / straight.as_secs_f64());
            }
        }
        let what = format!("a guest to the broker, QoS 0, {size_name}");
        let row = Row::new(format!("{what}: received"), "/s", ours, Aim::ratio_at_least(0.7));
        all.add(row.beside(peer).note("against mosquitto"));
        all.add(Row::new(format!("{what}: processor time"), "µs", works, Aim::NONE));
    }
    Ok(())
}

/// A device whose broker is this one.
fn device(broker: &Mosquitto) -> Result<Device> {
    Device::with(json!({
        "iotDataEndpoint": "127.0.0.1",
        "mqtt": { "tls": false, "port": broker.port() },
    }))
}

/// What is published.
fn publication(size: usize, qos: Qos) -> PublishToIoTCoreRequest {
    PublishToIoTCoreRequest {
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
    }
}

/// A client of a nucleus that has its connection: what is published at QoS 0 is taken.
fn connected(door: &common::device::Door, request: &PublishToIoTCoreRequest) -> Result<Client> {
    let begin = Instant::now();
    loop {
        let mut client = Client::connect(door)?;
        let probe = PublishToIoTCoreRequest { qos: Qos::AtMostOnce, ..request.clone() };
        match client.call::<call::PublishToIoTCore>(&probe) {
            Ok(_) => return Ok(client),
            Err(error) => {
                ensure!(begin.elapsed() < Duration::from_secs(20), "no connection: {error}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}
