//! What a call through the sandbox costs over bare wasmtime: from a guest into the host, from the
//! host into a handler, and what a new instance costs. The same guest runs on both sides.

mod common;

use anyhow::{Context, Result, anyhow};
use common::host::{Component, Host, subscribe};
use common::raw::{self, RawHandler, RawInstance};
use common::report::{Aim, Row};
use common::{finish, guest, progress, wanted};
use gg_host::capability::Capabilities;
use gg_host::capability::caller::Caller;
use gg_host::capability::configuration::Configuration;
use gg_host::capability::debug::DebugPasswords;
use gg_host::capability::deployment::LocalDeployments;
use gg_host::capability::host::HostControl;
use gg_host::capability::inference::Inference;
use gg_host::capability::keyvalue::KeyValue;
use gg_host::capability::lifecycle::LifecycleControl;
use gg_host::capability::metric::Metrics;
use gg_host::capability::mqtt::Mqtt;
use gg_host::capability::pubsub::{PubSub, Subscription};
use gg_host::capability::secrets::Secrets;
use gg_host::capability::shadow::Shadows;
use gg_host::clock::Clock;
use gg_host::component::InstalledComponent;
use gg_host::logs::{Level, LogSink};
use gg_host::runtime::wasm::bench::Handler;
use gg_host::runtime::wasm::{WasmEngine, WasmRuntime};
use gg_host::tasks::Tasks;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Measurements of each side, in turn.
const ROUNDS: usize = 15;

/// Over the floor, at most.
const CALL: Aim = Aim::ratio_at_most(1.3);

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    runtime.block_on(async {
        if wanted("host-calls") {
            host_calls(&mut rows).await?;
        }
        if wanted("handler-calls") {
            handler_calls(&mut rows).await?;
        }
        if wanted("instances") {
            instances(&mut rows).await?;
        }
        anyhow::Ok(())
    })?;
    finish(&rows);
    Ok(())
}

/// A handler in the host, and the same on the floor.
async fn both() -> Result<(Host, RawInstance)> {
    let wasm = guest("bench-handler")?;
    // One queue, so that messages are handled in the order in which they are published.
    let host = Host::start(&[Component::handler("bench", &wasm, &["+"], 10_000)]).await?;
    let raw = RawHandler::load(&raw::engine()?, &wasm)?.instantiate().await?;
    Ok((host, raw))
}

async fn host_calls(rows: &mut Vec<Row>) -> Result<()> {
    let (mut host, mut raw) = both().await?;
    let mut awaited = subscribe(&host.nucleus, "bench/awaited", 1024)?;
    host.nucleus.tasks().spawn(async move { while awaited.next().await.is_some() {} });
    let _drain = Drain::start(subscribe(&host.nucleus, "bench/drained", 10_000)?);
    let operations = [
        ("publish to nobody, 100 B", "publish", 50_000, 100),
        ("publish to nobody, 10 KB", "publish", 20_000, 10_000),
        ("publish to 1 subscriber that looks now and then, 100 B", "publish-drained", 50_000, 100),
        (
            "publish to 1 subscriber that looks now and then, 10 KB",
            "publish-drained",
            10_000,
            10_000,
        ),
        (
            "publish to 1 subscriber that sleeps until it is woken, 100 B",
            "publish-awaited",
            50_000,
            100,
        ),
        (
            "publish to 1 subscriber that sleeps until it is woken, 10 KB",
            "publish-awaited",
            10_000,
            10_000,
        ),
        ("configuration.get", "configuration", 50_000, 0),
        ("log below the level, 100 B", "log", 50_000, 100),
        ("log below the level, 10 KB", "log", 20_000, 10_000),
        ("logging.enabled", "enabled", 100_000, 0),
    ];
    for (name, operation, count, size) in operations {
        let command = format!("{operation} {count} {size}");
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let took = host.ask("calls", &command).await?;
            let begin = Instant::now();
            raw.handle("calls", command.as_bytes()).await?;
            let floor = begin.elapsed();
            // The first one warms up.
            if round > 0 {
                ours.push(each(took, count));
                peer.push(each(floor, count));
            }
        }
        add(rows, Row::new(format!("host call: {name}"), "ns", ours, CALL).beside(peer));
    }
    host.end().await;
    Ok(())
}

async fn handler_calls(rows: &mut Vec<Row>) -> Result<()> {
    let (mut host, mut raw) = both().await?;
    for (name, count, size) in [("100 B", 8000, 100), ("10 KB", 1000, 10_000)] {
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let took = backlog(&mut host, count, size).await?;
            let floor = raw_backlog(&mut raw, count, size).await?;
            if round > 0 {
                ours.push(each(took, count));
                peer.push(each(floor, count));
            }
        }
        add(rows, Row::new(format!("handler call: {name}"), "ns", ours, CALL).beside(peer));
    }
    host.end().await;
    Ok(())
}

/// A subscriber that empties its queue every so often, and so need not be woken.
struct Drain {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drain {
    fn start(mut subscription: Subscription) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                while subscription.try_next().is_some() {}
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// How long a handler takes for messages that already wait for it.
async fn backlog(host: &mut Host, count: usize, size: usize) -> Result<Duration> {
    loop {
        // The handler sleeps over the first message while the others queue up behind it.
        let closed = Instant::now();
        host.publish("gate", Vec::new()).await?;
        for _ in 0..count {
            host.publish("nothing", vec![7; size]).await?;
        }
        host.publish("end", Vec::new()).await?;
        let in_time = closed.elapsed() < Duration::from_millis(25);
        host.done().await?;
        let begin = Instant::now();
        host.done().await?;
        if in_time {
            return Ok(begin.elapsed());
        }
    }
}

/// The same on the floor.
async fn raw_backlog(raw: &mut RawInstance, count: usize, size: usize) -> Result<Duration> {
    let mut waiting: VecDeque<(String, Vec<u8>)> =
        (0..count).map(|_| ("nothing".to_owned(), vec![7; size])).collect();
    waiting.push_back(("end".to_owned(), Vec::new()));
    let begin = Instant::now();
    while let Some((topic, payload)) = waiting.pop_front() {
        raw.handle(&topic, &payload).await?;
    }
    Ok(begin.elapsed())
}

async fn instances(rows: &mut Vec<Row>) -> Result<()> {
    const EACH: usize = 500;
    let ours = Loader::new()?;
    let engine = raw::engine()?;
    let linker = raw::linker(&engine)?;
    let wasm = guest("filter-rs")?;
    let (component, caller) = ours.component("filter-rs")?;
    let log = ours.log(&component);
    let compiled = tempfile::NamedTempFile::new()?;
    let precompiled = wasmtime::component::Component::from_file(&engine, &wasm)?.serialize()?;
    std::fs::write(compiled.path(), precompiled)?;

    let handler =
        Handler::load(&ours.runtime, &component, &log).await.map_err(|f| anyhow!("{f}"))?;
    let floor = RawHandler::load(&engine, &wasm)?;
    let (mut mine, mut peer) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let begin = Instant::now();
        for _ in 0..EACH {
            drop(handler.instantiate(&caller).await.map_err(|failure| anyhow!("{failure}"))?);
        }
        let took = begin.elapsed();
        let begin = Instant::now();
        for _ in 0..EACH {
            drop(floor.instantiate().await?);
        }
        let raw = begin.elapsed();
        if round > 0 {
            mine.push(each(took, EACH) / 1000.0);
            peer.push(each(raw, EACH) / 1000.0);
        }
    }
    let aim = Aim::ratio_at_most(1.3).and_at_most(100.0);
    add(rows, Row::new("instantiate a handler (filter-rs)", "µs", mine, aim).beside(peer));
    drop(handler);

    let (mut mine, mut peer) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS * 4 {
        let begin = Instant::now();
        let handler =
            Handler::load(&ours.runtime, &component, &log).await.map_err(|f| anyhow!("{f}"))?;
        let instance =
            handler.instantiate(&caller).await.map_err(|failure| anyhow!("{failure}"))?;
        let took = begin.elapsed();
        drop(instance);
        drop(handler);
        let begin = Instant::now();
        // SAFETY: the file was written above, by the same engine.
        #[expect(unsafe_code, reason = "what the floor of a start from compiled code is")]
        let component =
            unsafe { wasmtime::component::Component::deserialize_file(&engine, compiled.path()) }?;
        let instance = RawHandler::link(&linker, &component)?.instantiate().await?;
        let raw = begin.elapsed();
        drop((instance, component));
        if round > 0 {
            mine.push(took.as_secs_f64() * 1e3);
            peer.push(raw.as_secs_f64() * 1e3);
        }
    }
    let name = "first start from the compile cache: load, link, instantiate (filter-rs)";
    add(rows, Row::new(name, "ms", mine, Aim::at_most(1.5)).beside(peer));
    Ok(())
}

/// The runtime without a supervisor.
struct Loader {
    runtime: WasmRuntime,
    folder: tempfile::TempDir,
    records: mpsc::Sender<gg_host::logs::Record>,
}

impl Loader {
    fn new() -> Result<Self> {
        let tasks = Tasks::new(None)?;
        let clock = Clock::system();
        let (lifecycle, _) = LifecycleControl::new();
        let pubsub = PubSub::default();
        let capabilities = Capabilities {
            configuration: Configuration::new(clock.clone(), None),
            debug: DebugPasswords::new(clock.clone()),
            deployment: LocalDeployments::new(None).0,
            host: HostControl::new().0,
            inference: Inference::new(
                watch::channel(Arc::default()).1,
                tasks.clone(),
                CancellationToken::new(),
            ),
            keyvalue: KeyValue::default(),
            lifecycle,
            metric: Metrics::default(),
            mqtt: Mqtt::default(),
            secrets: Secrets::new(None)?,
            shadows: Shadows::new(clock.clone(), None, "bench".parse()?, &pubsub, &tasks),
            pubsub,
        };
        let engine = Arc::new(WasmEngine::new(&common::host::engine())?);
        let runtime = WasmRuntime::new(engine, tasks, capabilities, clock, None);
        let (records, _) = mpsc::channel(1);
        Ok(Self { runtime, folder: tempfile::tempdir()?, records })
    }

    fn component(&self, sample: &str) -> Result<(Arc<InstalledComponent>, Caller)> {
        let described = Component::handler(sample, &guest(sample)?, &["nothing"], 1);
        let desired =
            common::host::desired(self.folder.path(), &[described], &Clock::system(), &[])?;
        let component = desired.into_iter().next().context("one was described")?.component;
        std::fs::create_dir_all(&component.work)?;
        let caller = Caller::new(
            component.name.clone(),
            component.version.clone(),
            "bench".parse()?,
            component.policy.clone(),
            component.limits,
        );
        Ok((component, caller))
    }

    fn log(&self, component: &InstalledComponent) -> LogSink {
        LogSink::new(
            component.name.clone(),
            Level::Info,
            &component.limits,
            Clock::system(),
            self.records.clone(),
        )
    }
}

/// Nanoseconds for each of so many.
fn each(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e9 / count as f64
}

fn add(rows: &mut Vec<Row>, row: Row) {
    progress(&row);
    rows.push(row);
}
