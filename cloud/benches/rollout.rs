//! How long it takes from a deployment being asked for until its component runs on a device, and where
//! the time goes: the real gg-cloud, and two devices with the real gg-host that are connected and have
//! nothing to do. One of them asks for signatures. Everything is on this machine.
//!
//! `--rounds N` says how often, `--wasm FILE` what is deployed.

mod common;

/// A file for each part.
mod rollout {
    pub(crate) mod author;
    pub(crate) mod device;
    pub(crate) mod mark;
    pub(crate) mod round;
    pub(crate) mod table;

    /// The component that is deployed.
    pub(crate) const COMPONENT: &str = "com.example.Sensor";
}

use anyhow::{Context as _, Result};
use common::process::load;
use common::report::{Aim, Row};
use common::server::Server;
use common::{finish, say, values_of};
use rollout::author::Author;
use rollout::device::Device;
use rollout::round::{self, Times};
use rollout::table;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rounds that are counted.
const ROUNDS: usize = 10;

fn main() -> Result<()> {
    let rounds = match values_of("--rounds").first() {
        Some(text) => text.parse().with_context(|| format!("{text} is no number"))?,
        None => ROUNDS,
    };
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/samples/sensor.wasm");
    let wasm = values_of("--wasm").first().map_or(sample, PathBuf::from);
    let runtime = tokio::runtime::Runtime::new()?;
    let rows = runtime.block_on(async {
        let server = Server::start()?;
        let measured = measure(&server, &wasm, rounds).await;
        server.tasks().finish(Duration::ZERO).await;
        measured.with_context(|| format!("gg-cloud said:\n{}", server.log()))
    })?;
    finish(&rows);
    Ok(())
}

async fn measure(server: &Server, wasm: &Path, rounds: usize) -> Result<Vec<Row>> {
    let mut author = Author::new(server, wasm).await?;
    let plain = Device::enrol(server, "Plain", None)?;
    let trusting = Device::enrol(server, "Trusting", Some(&author.policy()?))?;
    let mut devices = [plain, trusting];
    for device in &mut devices {
        device.connected().await?;
    }
    let mut loads = vec![load()];
    let mut all: [Vec<[Times; 3]>; 2] = Default::default();
    // The first round is not counted: a device that is new makes folders, and connects to the data plane.
    for round in 0..=rounds {
        for (device, times) in devices.iter_mut().zip(&mut all) {
            let measured = round::run(&mut author, device).await?;
            say(&format!("round {round} of {rounds}, {}: {measured:?}", device.thing()));
            if round > 0 {
                times.push(measured);
            }
        }
        loads.push(load());
    }
    let mut rows = table::rows(&all, author.bytes());
    rows.push(Row::new("load average", "", loads, Aim::NONE));
    Ok(rows)
}
