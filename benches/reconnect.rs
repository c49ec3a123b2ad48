//! After an outage: how long it takes, from when the broker is back, until links work again. One alone,
//! and many at once, which their random waits are to keep from standing in each other's way.

mod common;

use anyhow::{Context, Result, ensure};
use common::mosquitto::Mosquitto;
use common::report::{Aim, Row, percentile};
use common::{Rows, measure};
use gg_host::clock::Clock;
use gg_host::cloud::settings::LinkSettings;
use gg_host::cloud::spool::Spool;
use gg_host::cloud::{Link, LinkState};
use gg_host::network::ProxySettings;
use gg_host::tasks::Tasks;
use gg_model::{IdentityFiles, NucleusSettings};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long the broker is away.
const OUTAGE: Duration = Duration::from_secs(10);

/// Longer than a link may take.
const PATIENCE: Duration = Duration::from_secs(120);

const ROUNDS: usize = 3;

/// Devices that share a broker.
const MANY: usize = 200;

fn main() -> Result<()> {
    measure(&[("storm", storm)])
}

fn storm(rows: &mut Rows) -> Result<()> {
    let Some(mut broker) = Mosquitto::start()? else { return Ok(()) };
    let (mut alone, mut all) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // As many draws of the random waits as there are of many.
        for _ in 0..3 {
            alone.extend(outage(&mut broker, 1)?);
        }
        all.extend(outage(&mut broker, MANY)?);
    }
    let seconds = OUTAGE.as_secs();
    let name = |links: &str| format!("link works again after {seconds} s without broker, {links}");
    rows.add(Row::new(name("1 alone"), "s", alone.clone(), Aim::NONE));
    let note = format!("the last of each 100 after {:.1} s", percentile(&all, 99.0));
    rows.add(
        Row::new(name(&format!("{MANY} at once")), "s", all, Aim::NONE).beside(alone).note(note),
    );
    Ok(())
}

/// Seconds that each link takes.
fn outage(broker: &mut Mosquitto, links: usize) -> Result<Vec<f64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (tasks, stop) = (Tasks::new(None)?, CancellationToken::new());
        let mut states = Vec::with_capacity(links);
        for number in 0..links {
            states.push(link(broker.port(), number, &tasks, &stop).await?.watch());
        }
        for state in &mut states {
            up(state).await?;
        }
        broker.stop()?;
        tokio::time::sleep(OUTAGE).await;
        ensure!(states.iter().all(|state| *state.borrow() != LinkState::Up), "a link stays up");
        broker.again()?;
        let back = Instant::now();
        let waiting = states.into_iter().map(async |mut state| {
            up(&mut state).await?;
            anyhow::Ok(back.elapsed().as_secs_f64())
        });
        let taken = futures_util::future::try_join_all(waiting).await?;
        stop.cancel();
        timeout(PATIENCE, tasks.finish()).await.context("the links do not end")?;
        Ok(taken)
    })
}

async fn up(state: &mut watch::Receiver<LinkState>) -> Result<()> {
    let up = timeout(PATIENCE, state.wait_for(|state| *state == LinkState::Up)).await;
    up.context("a link does not come up")?.map(drop).context("a link is over")
}

async fn link(port: u16, number: usize, tasks: &Tasks, stop: &CancellationToken) -> Result<Link> {
    let configuration = json!({
        "iotDataEndpoint": "127.0.0.1",
        "mqtt": { "tls": false, "port": port },
    });
    let settings = NucleusSettings::read(&configuration)?;
    let thing = format!("device-{number}").parse()?;
    let (files, proxies) = (IdentityFiles::default(), ProxySettings::default());
    let settings = LinkSettings::of(thing, &settings, &files, proxies).context("no endpoint")?;
    let told = watch::channel(Arc::default()).1;
    let spool = Spool::open(None, told, Clock::system()).await?;
    Ok(Link::start(settings, spool, tasks, stop.clone()))
}
