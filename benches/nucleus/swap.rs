//! A component is replaced by its next version while messages come for it at a steady pace: how long
//! nobody gets one, and whether one is lost. Beside it, as long a time in which nothing is replaced.

use crate::common::Rows;
use crate::common::guest;
use crate::common::host::{Component, Host, subscribe};
use crate::common::report::{Aim, Row};
use anyhow::{Context, Result, anyhow};
use gg_host::capability::pubsub::PayloadFormat;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Replacements.
const ROUNDS: usize = 20;

/// Between two messages.
const PACE: Duration = Duration::from_millis(1);

/// Before and after the replacement.
const QUIET: Duration = Duration::from_millis(200);

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let (handler, service) = (guest("bench-handler")?, guest("bench-service")?);
    let handler = Component::handler("swapped", &handler, &["echo"], 10_000);
    let service = Component::new("swapped", &service, json!({ "mode": "echo" }));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    for (name, component) in [("handler", handler), ("service", service)] {
        let (mut gaps, mut still, mut lost, mut sent) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let seen = runtime.block_on(watch(&component, None))?;
            gaps.push(seen.gap);
            lost.push(seen.lost);
            sent += seen.sent;
            still.push(runtime.block_on(watch(&component, Some(seen.took)))?.gap);
        }
        let name = format!("a {name} is replaced while a message comes each ms");
        let row = Row::new(format!("{name}: longest gap"), "ms", gaps, Aim::NONE);
        rows.add(row.beside(still).note("against no replacement"));
        let row = Row::new(format!("{name}: messages lost"), "", lost, Aim::at_most(0.0));
        rows.add(row.note(format!("{sent} sent in all")));
    }
    Ok(())
}

/// What was seen of the messages.
struct Seen {
    /// The longest time between two of them, in milliseconds.
    gap: f64,
    lost: f64,
    sent: usize,
    /// The replacement, to the end of its deployment.
    took: Duration,
}

/// Replace the component, or let as much time pass.
async fn watch(component: &Component, instead: Option<Duration>) -> Result<Seen> {
    let mut host = Host::start(std::slice::from_ref(component)).await?;
    let arrivals = arrivals(&host)?;
    let publisher = Publisher::start(&host);
    sleep(QUIET).await;
    let begin = Instant::now();
    match instead {
        None => host.deploy(&[Component { version: "2.0.0", ..component.clone() }]).await?,
        Some(time) => sleep(time).await,
    }
    let took = begin.elapsed();
    sleep(QUIET).await;
    let sent = publisher.stop().await?;
    host.publish("echo", END.to_vec()).await?;
    let arrivals = timeout(PATIENCE, arrivals).await.context("the last message was lost")??;
    host.end().await;
    let between = arrivals.iter().zip(arrivals.iter().skip(1)).map(|(one, next)| *next - *one);
    Ok(Seen {
        gap: between.max().context("there were messages")?.as_secs_f64() * 1e3,
        lost: sent as f64 - arrivals.len() as f64,
        sent,
        took,
    })
}

/// The last message.
const END: &[u8] = b"end";

/// When messages came out of the component, up to the last; seen on a thread of its own, so that
/// what the host does meanwhile changes nothing.
fn arrivals(host: &Host) -> Result<oneshot::Receiver<Vec<Instant>>> {
    let mut subscription = subscribe(&host.nucleus, "done", 10_000)?;
    let (sender, arrivals) = oneshot::channel();
    let executor = Handle::current();
    std::thread::spawn(move || {
        let mut times = Vec::new();
        while let Some(message) = executor.block_on(subscription.next())
            && message.payload != END
        {
            times.push(Instant::now());
        }
        let _gone = sender.send(times);
    });
    Ok(arrivals)
}

/// Publishes at a steady pace, on a thread of its own.
struct Publisher {
    stop: Arc<AtomicBool>,
    sent: oneshot::Receiver<Result<usize>>,
}

impl Publisher {
    fn start(host: &Host) -> Self {
        let mut publisher = host.nucleus.pubsub().publisher(host.nucleus.operator().clone());
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, sent) = oneshot::channel();
        let (stopped, executor) = (Arc::clone(&stop), Handle::current());
        std::thread::spawn(move || {
            let (begin, mut count) = (Instant::now(), 0);
            let outcome = loop {
                if stopped.load(Ordering::Relaxed) {
                    break Ok(count);
                }
                let publish = publisher.publish("echo", vec![0; 100], PayloadFormat::Binary);
                if let Err(error) = executor.block_on(publish) {
                    break Err(anyhow!("{error}"));
                }
                count += 1;
                let next = begin + PACE * count as u32;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            };
            let _gone = sender.send(outcome);
        });
        Self { stop, sent }
    }

    /// Gives how many were sent.
    async fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        self.sent.await?
    }
}
