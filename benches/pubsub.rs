//! Messages from guest to guest against mosquitto on loopback, and what finding the subscribers
//! of a topic costs.

mod common;

use anyhow::{Context, Result, ensure};
use common::host::{CLOCK_RATE, Component, Host};
use common::mosquitto::{Mosquitto, WINDOW};
use common::report::{Aim, Row, percentile};
use common::{finish, guest, progress, wanted};
use gg_host::capability::caller::Caller;
use gg_host::capability::pubsub::{PayloadFormat, PubSub, SubscribeOptions, Subscription};
use gg_model::{AccessPolicy, ComponentVersion, Limits};
use serde_json::json;
use std::time::{Duration, Instant};

/// Measurements of each side, in turn.
const ROUNDS: usize = 9;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    runtime.block_on(async {
        let mosquitto = Mosquitto::start()?;
        if wanted("throughput") {
            throughput(&mut rows, mosquitto.as_ref()).await?;
        }
        if wanted("latency") {
            latency(&mut rows, mosquitto.as_ref()).await?;
        }
        if wanted("matching") {
            matching(&mut rows).await?;
        }
        anyhow::Ok(())
    })?;
    finish(&rows);
    Ok(())
}

/// A sink, or a pair of ping and pong, is either called or asks.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Handler,
    Service,
}

impl Kind {
    const ALL: [(Self, &str); 2] = [(Self::Handler, "handler"), (Self::Service, "service")];

    fn receiver(self, name: String, topic: &str, mode: &str) -> Result<Component> {
        Ok(match self {
            Self::Handler => Component::handler(name, &guest("bench-handler")?, &[topic], 1024),
            Self::Service => {
                Component::new(name, &guest("bench-service")?, json!({ "mode": mode }))
            }
        })
    }
}

async fn throughput(rows: &mut Vec<Row>, mosquitto: Option<&Mosquitto>) -> Result<()> {
    for (kind, kind_name) in Kind::ALL {
        for sinks in [1, 10] {
            let mut components = Vec::new();
            for number in 0..sinks {
                components.push(kind.receiver(format!("sink-{number}"), "data", "sink")?);
            }
            let source = json!({ "mode": "source" });
            components.push(Component::new("source", &guest("bench-service")?, source));
            let mut host = Host::start(&components).await?;
            for (size_name, size, count, peer_count) in
                [("100 B", 100, 200_000, 30_000), ("10 KB", 10_000, 60_000, 15_000)]
            {
                let (count, peer_count) = (count / sinks, peer_count / sinks);
                let (mut ours, mut lost) = (Vec::new(), 0);
                let (mut peer, mut batching) = (Vec::new(), Vec::new());
                let rate =
                    |count: usize, took: Duration| (count * sinks) as f64 / took.as_secs_f64();
                for round in 0..=ROUNDS {
                    let (took, missing) = deliver(&mut host, count, size, sinks).await?;
                    lost += missing;
                    let mut theirs = Vec::new();
                    if let Some(broker) = mosquitto {
                        for batch in [1, WINDOW] {
                            let took = broker.throughput(peer_count, size, sinks, batch)?;
                            theirs.push(rate(peer_count, took));
                        }
                    }
                    if round > 0 {
                        ours.push(rate(count, took));
                        peer.extend(theirs.first());
                        batching.extend(theirs.get(1));
                    }
                }
                let plural = if sinks == 1 { "" } else { "s" };
                let name = format!("messages to {sinks} {kind_name}{plural}, {size_name}");
                let aim = Aim::ratio_at_least(10.0);
                let row = Row::new(name.clone(), "/s", ours.clone(), aim).beside(peer);
                add(rows, row.note(format!("{lost} dropped")));
                let row = Row::new(name, "/s", ours, Aim::NONE).beside(batching);
                add(rows, row.note(format!("its publisher writes up to {WINDOW} at once")));
            }
            host.end().await;
        }
    }
    Ok(())
}

/// How long so many messages take to all sinks, and how many were lost on the way.
async fn deliver(
    host: &mut Host,
    count: usize,
    size: usize,
    sinks: usize,
) -> Result<(Duration, usize)> {
    let begin = Instant::now();
    host.publish("go", format!("{count} {size}").into_bytes()).await?;
    let mut lost = 0;
    for _ in 0..sinks {
        let answer = String::from_utf8(host.done().await?)?;
        let received = answer.split(' ').next().context("a count")?.parse::<usize>()?;
        ensure!(received <= count, "{received} of {count} messages");
        lost += count - received;
    }
    Ok((begin.elapsed(), lost))
}

async fn latency(rows: &mut Vec<Row>, mosquitto: Option<&Mosquitto>) -> Result<()> {
    const COUNT: usize = 5000;
    for (kind, kind_name) in Kind::ALL {
        let receiver = kind.receiver("pong".to_owned(), "ping", "pong")?;
        let ping = Component::new("ping", &guest("bench-service")?, json!({ "mode": "ping" }));
        let mut host = Host::start(&[receiver, ping]).await?;
        for (size_name, size) in [("100 B", 100), ("10 KB", 10_000)] {
            let (mut middle, mut most, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
            for round in 0..=ROUNDS {
                host.publish("go", format!("{COUNT} {size}").into_bytes()).await?;
                let answer = host.done().await?;
                let latencies: Vec<f64> = answer
                    .chunks_exact(8)
                    .filter_map(|bytes| bytes.try_into().ok().map(u64::from_le_bytes))
                    .map(|nanoseconds| nanoseconds as f64 / f64::from(CLOCK_RATE))
                    .collect();
                ensure!(latencies.len() == COUNT, "{} of {COUNT} messages", latencies.len());
                let peer = match mosquitto {
                    Some(peer) => Some(peer.latencies(COUNT, size)?),
                    None => None,
                };
                if round == 0 {
                    continue;
                }
                middle.push(percentile(&latencies, 50.0) / 1000.0);
                most.push(percentile(&latencies, 99.0) / 1000.0);
                theirs.extend(peer.map(|all| percentile(&all, 50.0) / 1000.0));
            }
            let name = format!("latency to a {kind_name}, {size_name}");
            let row = Row::new(format!("{name}: p50 against p50"), "µs", middle, Aim::NONE);
            add(rows, row.beside(theirs.clone()));
            let aim = Aim::ratio_at_most(1.0);
            add(rows, Row::new(format!("{name}: p99 against p50"), "µs", most, aim).beside(theirs));
        }
        host.end().await;
    }
    Ok(())
}

/// Publishing to a topic that is not remembered, with few and with many subscriptions.
async fn matching(rows: &mut Vec<Row>) -> Result<()> {
    for matches in [1, 10, 100] {
        let mut few = Matching::new(100, matches)?;
        let mut many = Matching::new(100_000, matches)?;
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (much, little) = (many.publish().await?, few.publish().await?);
            if round > 0 {
                ours.push(much);
                peer.push(little);
            }
        }
        let name = format!(
            "publish to {matches} of 100 k subscriptions against {matches} of 100, topic not remembered"
        );
        add(rows, Row::new(name, "ns", ours, Aim::ratio_at_most(1.3)).beside(peer));
    }
    Ok(())
}

struct Matching {
    pubsub: PubSub,
    caller: Caller,
    _subscriptions: Vec<Subscription>,
}

impl Matching {
    /// Topics that are published to: more than a publisher remembers.
    const TOPICS: usize = 20;

    fn new(subscriptions: usize, matches: usize) -> Result<Self> {
        let mut policy = AccessPolicy::default();
        policy.allow("aws.greengrass.ipc.pubsub", "*", "*")?;
        let limits = Limits { subscriptions: u32::MAX, ..Limits::default() };
        let (version, thing) = (ComponentVersion::ZERO, "bench".parse()?);
        let caller = Caller::new("bench".parse()?, version, thing, policy, limits);
        let pubsub = PubSub::default();
        let options = SubscribeOptions { queue: Some(1), ..SubscribeOptions::default() };
        let filters = (0..matches)
            .map(|number| {
                if number % 2 == 0 { "site/+/line/#" } else { "site/+/line/+/value" }.to_owned()
            })
            .chain((matches..subscriptions).map(|number| {
                format!("site/{}/line/{}/sensor/{number}", number % 50, number % 1000)
            }));
        let other = caller_like(&caller)?;
        let subscriptions = filters
            .map(|filter| Ok(pubsub.subscribe(&other, &filter, options)?))
            .collect::<Result<_>>()?;
        Ok(Self { pubsub, caller, _subscriptions: subscriptions })
    }

    /// Nanoseconds for each publication.
    async fn publish(&mut self) -> Result<f64> {
        const TIMES: usize = 200;
        let mut publisher = self.pubsub.publisher(self.caller.clone());
        let topics: Vec<String> =
            (0..Self::TOPICS).map(|number| format!("site/{number}/line/{number}/value")).collect();
        let begin = Instant::now();
        for _ in 0..TIMES {
            for topic in &topics {
                publisher.publish(topic, vec![7; 100], PayloadFormat::Binary).await?;
            }
        }
        Ok(begin.elapsed().as_secs_f64() * 1e9 / (TIMES * Self::TOPICS) as f64)
    }
}

/// Another component with the same rights: filters with wildcards leave out one's own messages.
fn caller_like(caller: &Caller) -> Result<Caller> {
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*")?;
    let (version, thing) = (caller.version().clone(), caller.thing().clone());
    Ok(Caller::new("bench-subscriber".parse()?, version, thing, policy, *caller.limits()))
}

fn add(rows: &mut Vec<Row>, row: Row) {
    progress(&row);
    rows.push(row);
}
