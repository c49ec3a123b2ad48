//! The queue of what goes to the cloud: how much it takes when each message is on disk before its
//! publisher goes on, how fast it empties after a long time without a connection, and what memory
//! that takes.

mod common;

use anyhow::{Context, Result};
use common::report::{Aim, Row};
use common::{Rows, measure};
use gg_host::clock::Clock;
use gg_host::cloud::spool::Spool;
use gg_host::cloud::{Publication, Qos};
use gg_host::store::Store;
use gg_host::tasks::Tasks;
use gg_model::NucleusSettings;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

const ROUNDS: usize = 5;

/// As long as a round takes messages.
const ROUND: Duration = Duration::from_secs(2);

/// Messages that wait after a long time without a connection.
const BACKLOG: u64 = 1_000_000;

/// Messages under way to the broker.
const IN_FLIGHT: usize = 100;

/// What nucleus lite publishes in a second at QoS 1, a hundred times.
const PUBLISHED: f64 = 7_900.0;

fn main() -> Result<()> {
    measure(&[("publish", publish), ("drain", drain)])
}

/// A spool on disk in a folder of its own.
struct Device {
    _folder: TempDir,
    tasks: Tasks,
    store: Store,
    spool: Spool,
}

impl Device {
    async fn new() -> Result<Self> {
        let (folder, tasks) = (tempfile::tempdir()?, Tasks::new(None)?);
        let store = Store::open(&folder.path().join("store.db"), &tasks)?;
        let mut settings = NucleusSettings::default();
        settings.mqtt.spooler.bytes = Some(u64::MAX);
        let settings = watch::channel(Arc::new(settings)).1;
        let spool = Spool::open(Some(store.clone()), settings, Clock::system()).await?;
        Ok(Self { _folder: folder, tasks, store, spool })
    }

    /// Publish for a while or so many, by so many publishers at once. Gives how many.
    async fn publish(&self, publishers: usize, size: usize, until: Until) -> Result<u64> {
        let publishers: Vec<_> = (0..publishers)
            .map(|number| {
                let spool = self.spool.clone();
                self.tasks.spawn(async move {
                    let payload = bytes::Bytes::from(vec![b'x'; size]);
                    let topic = format!("devices/one/{number}");
                    let mut count = 0;
                    while until.goes_on(count) {
                        let payload = payload.clone();
                        let message = Publication::new(topic.clone(), payload, Qos::AtLeastOnce);
                        spool.push(message).await?;
                        count += 1;
                    }
                    anyhow::Ok(count)
                })
            })
            .collect();
        let mut count = 0;
        for publisher in publishers {
            count += publisher.await??;
        }
        Ok(count)
    }

    /// Send all that waits, to a broker that acknowledges at once. Gives the most memory it took.
    async fn drain(&self) -> Result<u64> {
        let (mut left, mut most, mut since) = (self.spool.figures().messages, 0, 0);
        let mut out = Vec::with_capacity(IN_FLIGHT);
        while left > 0 {
            while out.len() < IN_FLIGHT && left > 0 {
                out.push(self.spool.next().await.id);
                left -= 1;
            }
            since += out.len();
            out.drain(..).for_each(|id| self.spool.done(id));
            if since > 10_000 {
                (most, since) = (most.max(memory()?), 0);
            }
        }
        self.spool.close().await?;
        Ok(most)
    }
}

/// When to stop.
#[derive(Clone, Copy)]
enum Until {
    Count(u64),
    Time(Instant),
}

impl Until {
    fn goes_on(self, count: u64) -> bool {
        match self {
            Self::Count(most) => count < most,
            Self::Time(end) => Instant::now() < end,
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    // As the nucleus has it.
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn publish(rows: &mut Rows) -> Result<()> {
    for (publishers, size, aim) in [
        (1, 100, Aim::NONE),
        (64, 100, Aim::at_least(PUBLISHED)),
        (64, 10_000, Aim::NONE),
        (256, 100, Aim::NONE),
    ] {
        let (mut rates, mut together) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            runtime()?.block_on(async {
                let device = Device::new().await?;
                let (before, begin) = (device.store.commits(), Instant::now());
                let count = device.publish(publishers, size, Until::Time(begin + ROUND)).await?;
                rates.push(count as f64 / begin.elapsed().as_secs_f64());
                together.push(count as f64 / (device.store.commits() - before) as f64);
                anyhow::Ok(())
            })?;
        }
        let together = common::report::median(&together);
        let name = format!("spool: {publishers} publishers, {size} B, each on disk");
        let note = format!("{together:.0} messages go to disk together");
        rows.add(Row::new(name, "msg/s", rates, aim).note(note));
    }
    Ok(())
}

fn drain(rows: &mut Rows) -> Result<()> {
    let (mut rates, mut grown) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS.min(3) {
        runtime()?.block_on(async {
            let device = Device::new().await?;
            device.publish(250, 100, Until::Count(BACKLOG / 250)).await?;
            let (before, begin) = (memory()?, Instant::now());
            let most = device.drain().await?;
            rates.push(BACKLOG as f64 / begin.elapsed().as_secs_f64());
            grown.push(most.saturating_sub(before) as f64 / f64::from(1 << 20));
            anyhow::Ok(())
        })?;
    }
    let name = format!("spool: emptying {BACKLOG} messages of 100 B");
    rows.add(Row::new(&name, "msg/s", rates, Aim::at_least(PUBLISHED)));
    rows.add(Row::new(format!("{name}, memory"), "MiB more", grown, Aim::at_most(8.0)));
    Ok(())
}

/// Memory of this process, in bytes (`proc_pid_statm(5)`).
fn memory() -> Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).context("its second field")?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}
