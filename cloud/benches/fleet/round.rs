//! One fleet, from nothing to a deployment that all its devices have done.

use super::board::{Board, Stage};
use super::{COMPONENT, enrol};
use crate::common::client::{Ask, Client};
use crate::common::process::{Usage, load};
use crate::common::say;
use crate::common::server::Server;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Devices that connect at the same time.
const AT_ONCE: usize = 64;

/// The longest that all devices take for anything.
const PATIENCE: Duration = Duration::from_secs(900);

/// Between two looks at the deployment.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Times that a device is made by the command line.
const COMMANDS: usize = 10;

/// What was measured of a fleet. Times are in seconds, memory is in MiB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) load: f64,
    /// Making all things over REST.
    pub(crate) enrolled: f64,
    pub(crate) enrolled_processor: f64,
    /// Making one by the command line, milliseconds.
    pub(crate) by_command: f64,
    /// Until all are connected, have subscribed and know that nothing is before them.
    pub(crate) connected: f64,
    pub(crate) connected_processor: f64,
    pub(crate) memory_before: f64,
    pub(crate) memory_connected: f64,
    /// Processor time for each second of silence, where that was looked at.
    pub(crate) idle: Option<f64>,
    /// `CreateDeployment`.
    pub(crate) created: f64,
    /// From before the deployment was made until devices were told: the first, half, 99 in 100, all.
    pub(crate) notified: [f64; 4],
    /// Until that they have done it was acknowledged: half, all.
    pub(crate) succeeded: [f64; 2],
    /// Until `GetDeployment` said that all have.
    pub(crate) shown: f64,
    pub(crate) deployed_processor: f64,
    /// The same of the devices.
    pub(crate) devices_processor: f64,
    pub(crate) memory_after: f64,
    pub(crate) memory_peak: f64,
    /// MiB of the state on disk.
    pub(crate) state: f64,
}

/// Measure a fleet of a size; `idle` is for how many seconds nothing is done.
pub(crate) async fn run(size: usize, idle: usize) -> Result<Figures> {
    let server = Server::start()?;
    let measured = measure(&server, size, idle).await;
    server.tasks().finish(Duration::ZERO).await;
    measured.with_context(|| format!("gg-cloud said:\n{}", server.log()))
}

async fn measure(server: &Server, size: usize, idle: usize) -> Result<Figures> {
    let mut figures = Figures { load: load(), ..Figures::default() };
    let usage = || Usage::of(server.pid());
    let begun = usage()?;
    let (devices, took) = enrol::enrol(server, size).await?;
    let enrolled = usage()?;
    figures.enrolled = took.as_secs_f64();
    figures.enrolled_processor = enrolled.processor - begun.processor;
    say(&format!("enrolled after {:.1} s", figures.enrolled));
    let commands = enrol::by_command(server, COMMANDS)?;
    figures.by_command = crate::common::report::median(&commands);

    let (board, places) = (Arc::new(Board::new(size)), Arc::new(Semaphore::new(AT_ONCE)));
    let before = usage()?;
    figures.memory_before = before.memory;
    let from = Instant::now();
    for device in devices {
        let (board, places) = (Arc::clone(&board), Arc::clone(&places));
        let (trust, port) = (server.trust().clone(), server.mqtt_port());
        drop(server.tasks().spawn(async move { device.run(trust, port, &places, &board).await }));
    }
    timeout(PATIENCE, board.all(Stage::Ready)).await.context("devices do not connect")??;
    figures.connected = board.seconds(Stage::Ready, from, 100.0);
    let connected = usage()?;
    figures.connected_processor = connected.processor - before.processor;
    figures.memory_connected = connected.memory;
    say(&format!("connected after {:.1} s", figures.connected));
    if idle > 0 {
        let before = usage()?;
        sleep(Duration::from_secs(idle as u64)).await;
        figures.idle = Some((usage()?.processor - before.processor) / idle as f64);
    }

    let mut client = server.client().await?;
    component(&mut client).await?;
    let (before, own) = (usage()?, Usage::of(std::process::id())?);
    let from = Instant::now();
    let deployment = deploy(&mut client).await?;
    figures.created = from.elapsed().as_secs_f64();
    shown(&mut client, &deployment, &board, size).await?;
    figures.shown = from.elapsed().as_secs_f64();
    board.all(Stage::Succeeded).await?;
    let after = usage()?;
    let seconds = |stage, percent| board.seconds(stage, from, percent);
    figures.notified = [0.0, 50.0, 99.0, 100.0].map(|percent| seconds(Stage::Notified, percent));
    figures.succeeded = [50.0, 100.0].map(|percent| seconds(Stage::Succeeded, percent));
    figures.deployed_processor = after.processor - before.processor;
    figures.devices_processor = Usage::of(std::process::id())?.processor - own.processor;
    figures.memory_after = after.memory;
    figures.memory_peak = after.peak;
    let files = ["state.sqlite", "state.sqlite-wal"].map(|name| server.data().join(name));
    let sizes = files.iter().filter_map(|file| Some(file.metadata().ok()?.len()));
    figures.state = sizes.sum::<u64>() as f64 / 1024.0 / 1024.0;
    say(&format!("done after {:.1} s: {figures:?}", figures.shown));
    Ok(figures)
}

/// Make the component.
async fn component(client: &mut Client) -> Result<()> {
    let recipe = json!({
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": COMPONENT,
        "ComponentVersion": "1.0.0",
        "Manifests": [{ "Platform": { "os": "linux" }, "Lifecycle": { "run": "true" } }],
    });
    let body = json!({ "inlineRecipe": STANDARD.encode(recipe.to_string()) });
    client.call(&Ask::post("greengrass", "/greengrass/v2/createComponentVersion", &body)).await?;
    Ok(())
}

/// Make the deployment. Its id.
async fn deploy(client: &mut Client) -> Result<String> {
    let group = format!("arn:aws:iot:us-east-1:000000000000:thinggroup/{}", enrol::GROUP);
    let components = json!({ COMPONENT: { "componentVersion": "1.0.0" } });
    let body = json!({ "targetArn": group, "components": components });
    let made = client.call(&Ask::post("greengrass", "/greengrass/v2/deployments", &body)).await?;
    Ok(made["deploymentId"].as_str().context("a deployment's id")?.to_owned())
}

/// Wait until the deployment is shown as done on all devices. That of a group goes on for those who come
/// later, so that its status stays `ACTIVE`; how many devices have done it stands beside it.
async fn shown(client: &mut Client, id: &str, board: &Board, size: usize) -> Result<()> {
    let path = format!("/greengrass/v2/deployments/{id}");
    let begin = Instant::now();
    loop {
        let said: Value = client.call(&Ask::get("greengrass", &path)).await?;
        if said["deviceCounts"]["SUCCEEDED"].as_u64() == Some(size as u64) {
            return Ok(());
        }
        let left = PATIENCE.saturating_sub(begin.elapsed());
        anyhow::ensure!(!left.is_zero(), "the deployment does not come to its end: {said}");
        // All that is said before the last device is done is that it is not.
        let last = timeout(BETWEEN_LOOKS, board.all(Stage::Succeeded)).await;
        last.unwrap_or(Ok(()))?;
    }
}
