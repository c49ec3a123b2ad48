//! Local messages between a component outside the sandbox and guests.

use super::client::{Client, publication};
use super::lane::{Lane, WINDOW};
use super::series::{Aims, ROUNDS, Side, rounds, rows};
use crate::common::Rows;
use crate::common::device::{Device, Nucleus};
use crate::common::guest;
use crate::common::process::Work;
use crate::common::report::{Aim, Row};
use anyhow::{Context as _, Result, ensure};
use gg_ipc::operation::call;
use std::io::Read as _;
use std::time::Instant;

const CLIENT: &str = "bench.Client";

/// Sizes, with the messages that make a round, one by one and together. None is ever dropped: so many
/// fit into a subscriber's queue.
const SIZES: [(&str, usize, usize, usize); 2] =
    [("100 B", 100, 4000, 9000), ("10 KB", 10_000, 1500, 1500)];

pub(crate) fn measure(all: &mut Rows) -> Result<()> {
    there_and_back(all)?;
    there(all)?;
    back(all)
}

/// A device on which a guest runs in this mode beside the client.
fn device(mode: &str) -> Result<(Device, Nucleus)> {
    let device = Device::new()?;
    let nucleus = device.start()?;
    device.client(CLIENT)?;
    device.wasm("bench.Guest", &guest("bench-service")?, mode)?;
    device.deploy(&[CLIENT, "bench.Guest"].map(str::to_owned))?;
    Ok((device, nucleus))
}

/// A guest passes each message on.
fn there_and_back(all: &mut Rows) -> Result<()> {
    let (device, nucleus) = device("echo")?;
    let door = device.door(CLIENT)?;
    for (size_name, size, few, many) in SIZES {
        let answers = vec![Client::subscribed(&door, "done")?];
        let lane = Lane::publish(Client::connect(&door)?, "echo", &vec![7; size], answers)?;
        let mut side = Side::new(lane, vec![nucleus.id()], few, many);
        rounds(&mut [&mut side])?;
        let what = format!("IPC, {size_name} to a wasm service and back");
        rows(all, &what, &side.series, None, 1, Aims::NONE);
    }
    Ok(())
}

/// A guest counts messages.
fn there(all: &mut Rows) -> Result<()> {
    let (device, nucleus) = device("sink")?;
    let door = device.door(CLIENT)?;
    for (size_name, size, _, count) in SIZES {
        let mut counted = Client::subscribed(&door, "done")?;
        let mut last = Client::connect(&door)?;
        let mut lane = Lane::publish(Client::connect(&door)?, "data", &vec![0; size], Vec::new())?;
        // Whatever is published after this one has been taken comes after it.
        let marked = publication("data", &vec![1; size]);
        let mut round = |count: usize| {
            let load = lane.prepare(count)?;
            let (before, begin) = (Work::of(&[nucleus.id()])?, Instant::now());
            lane.together(&load)?;
            last.call::<call::PublishToTopic>(&marked)?;
            let (_, answer) = counted.event()?;
            let (took, work) = (begin.elapsed(), Work::of(&[nucleus.id()])?.since(&before));
            let answer = String::from_utf8(answer)?;
            let (received, lost) = answer.split_once(' ').context("two numbers")?;
            ensure!(lost == "0", "{lost} messages were lost");
            anyhow::Ok((received.parse::<usize>()?, took, work))
        };
        round(count)?;
        let (mut rate, mut works) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (received, took, work) = round(count)?;
            ensure!(received == count + 1, "{received} of {count} messages and one");
            rate.push(received as f64 / took.as_secs_f64());
            works.push(work / received as f64 / 1e3);
        }
        let what = format!("IPC, {size_name} to a wasm service");
        let name = format!("{what}: received, {WINDOW} under way");
        all.add(Row::new(name, "/s", rate, Aim::NONE));
        let name = format!("{what}: processor time, {WINDOW} under way");
        all.add(Row::new(name, "µs", works, Aim::NONE));
    }
    Ok(())
}

/// A guest publishes as fast as it can.
fn back(all: &mut Rows) -> Result<()> {
    let (device, nucleus) = device("source")?;
    let door = device.door(CLIENT)?;
    let mut start = Client::connect(&door)?;
    let mut buffer = vec![0; 256 * 1024];
    for (size_name, size, _, count) in SIZES {
        let mut subscriber = Client::subscribed(&door, "data")?;
        start.call::<call::PublishToTopic>(&publication("go", format!("1 {size}").as_bytes()))?;
        let (length, _) = subscriber.event()?;
        let go = publication("go", format!("{count} {size}").as_bytes());
        let (mut rate, mut works) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (before, begin) = (Work::of(&[nucleus.id()])?, Instant::now());
            start.call::<call::PublishToTopic>(&go)?;
            let mut left = count * length;
            while left > 0 {
                let length = subscriber.stream.read(&mut buffer).context("messages were lost")?;
                ensure!(length > 0, "the nucleus hung up");
                left = left.checked_sub(length).context("more came than was sent")?;
            }
            let (took, work) = (begin.elapsed(), Work::of(&[nucleus.id()])?.since(&before));
            if round > 0 {
                rate.push(count as f64 / took.as_secs_f64());
                works.push(work / count as f64 / 1e3);
            }
        }
        let what = format!("IPC, {size_name} from a wasm service");
        let name = format!("{what}: received, {count} at once");
        all.add(Row::new(name, "/s", rate, Aim::NONE));
        let name = format!("{what}: processor time, {count} at once");
        all.add(Row::new(name, "µs", works, Aim::NONE));
    }
    Ok(())
}
