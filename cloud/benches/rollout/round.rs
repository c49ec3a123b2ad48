//! A round: a version that is new, the same once more, and one that takes the place of one that runs.

use super::author::Author;
use super::device::Device;
use super::mark::Mark;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a device has nothing to do before it is measured. After a second the nucleus lets go of
/// memory that it takes for deployments alone.
const IDLE: Duration = Duration::from_millis(2_500);

/// When what was reached, in milliseconds from before the deployment was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// `CreateDeployment` is answered.
    pub(crate) answered: f64,
    pub(crate) begins: f64,
    pub(crate) recipe: f64,
    pub(crate) artifact: f64,
    pub(crate) compiles: f64,
    pub(crate) prepared: f64,
    pub(crate) starts: f64,
    pub(crate) speaks: f64,
    pub(crate) succeeded: f64,
    /// `ListEffectiveDeployments` says so.
    pub(crate) heard: f64,
}

/// A version that is new, the same again, when its artifact and its compiled code are there, both where
/// nothing runs; and a new one in the place of the one that runs.
pub(crate) async fn run(author: &mut Author, device: &mut Device) -> Result<[Times; 3]> {
    let signs = device.thing() == "Trusting";
    let version = author.publish(signs).await?;
    let new = deploy(author, device, Some(&version)).await?;
    deploy(author, device, None).await?;
    let known = deploy(author, device, Some(&version)).await?;
    let version = author.publish(signs).await?;
    let next = deploy(author, device, Some(&version)).await?;
    deploy(author, device, None).await?;
    Ok([new, known, next])
}

/// Deploy a version, or nothing, and wait until that is over.
async fn deploy(author: &mut Author, device: &mut Device, version: Option<&str>) -> Result<Times> {
    if version.is_some() {
        sleep(IDLE).await;
    }
    device.forget();
    let mut times = Times::default();
    let from = Instant::now();
    let milliseconds = |at: Instant| at.duration_since(from).as_secs_f64() * 1e3;
    let id = author.deploy(device.thing(), version).await?;
    times.answered = milliseconds(Instant::now());
    let speaks = version.is_some();
    while times.succeeded == 0.0 || (speaks && times.speaks == 0.0) {
        let (mark, at) = device.next().await?;
        let place = match mark {
            Mark::Connected => continue,
            Mark::Begins => &mut times.begins,
            Mark::Recipe => &mut times.recipe,
            Mark::Artifact => &mut times.artifact,
            Mark::Compiles => &mut times.compiles,
            Mark::Prepared => &mut times.prepared,
            Mark::Starts => &mut times.starts,
            Mark::Speaks => &mut times.speaks,
            Mark::Succeeded => &mut times.succeeded,
        };
        if *place == 0.0 {
            *place = milliseconds(at);
        }
    }
    author.succeeded(device.thing(), &id).await?;
    times.heard = milliseconds(Instant::now());
    let Times { begins, recipe, artifact, compiles, prepared, starts, .. } = times;
    let reached = [begins, recipe, artifact, compiles, prepared, starts];
    ensure!(!speaks || reached.iter().all(|at| *at > 0.0), "something was not said: {times:?}");
    Ok(times)
}
