//! `gg-host run`: components from files, in a nucleus of their own, until they are done.

use super::output::{Printer, TOPIC, payload_text};
use super::watch::Watch;
use super::{Format, default_cache, start_tracing, stdout_colours};
use crate::capability::caller::Caller;
use crate::capability::pubsub::{PayloadFormat, SubscribeOptions};
use crate::clock::Clock;
use crate::deployment::Deployment;
use crate::deployment::source::local::{self, LocalComponent, Operator, Places, Setting};
use crate::logs::{Level, Record, Source};
use crate::nucleus::{Nucleus, NucleusConfig};
use crate::runtime::wasm::EngineConfig;
use crate::runtime::{CRASHED, Exit, Work};
use crate::supervisor::machine::LifecycleState;
use crate::supervisor::{ComponentStatus, Treatment};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::ValueHint;
use gg_model::{
    ComponentName, Directory, Grant, HostPort, LimitOverrides, ReceiveMode, Topic, WhenFull,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The code of a run that its time limit ended, as of `timeout(1)`.
const TIMED_OUT: i32 = 124;

/// The code of a run that was interrupted and did not end in order, as of a shell.
const INTERRUPTED: i32 = 130;

/// Run components: .wasm files, or recipes with their artifacts beside them.
///
/// A component sees its own work folder and nothing else of this machine. Local topics,
/// configuration and logging work between the components of this run; everything else must be
/// granted. The run ends when every service has ended and every handler has nothing left to do;
/// a run of handlers alone goes on until Ctrl-C, or ends after the messages given with --publish.
/// Its code is that of the first component that failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host run sensor.wasm
  gg-host run filter.wasm --config 'subscriptions=[\"sensors/#\"]' --publish 'sensors/a={\"value\": 31}' --subscribe '#'
  gg-host run sensor/recipe.yaml filter/recipe.yaml --watch
  gg-host run fetch.wasm --net example.com:443 --dir ./data::/data:ro --limit memory=256MiB")]
pub(super) struct Args {
    /// Components: .wasm files or recipes (.yaml, .yml, .json).
    #[arg(required = true, value_name = "COMPONENT", value_hint = ValueHint::FilePath)]
    components: Vec<PathBuf>,

    /// Set a configuration value, for all components or one: [COMPONENT:]key.path=JSON. What is
    /// not JSON is taken as text.
    #[arg(long, short = 'c', value_name = "KEY=JSON")]
    config: Vec<String>,

    /// Merge a JSON or YAML file into the configuration: [COMPONENT=]FILE.
    #[arg(long, value_name = "FILE")]
    config_file: Vec<String>,

    /// Grant an operation: SERVICE:OPERATION:RESOURCE, for example pubsub:publish:alerts/*.
    #[arg(long, value_name = "SERVICE:OPERATION:RESOURCE")]
    allow: Vec<Grant>,

    /// Allow nothing but what recipes and --allow grant.
    #[arg(long)]
    deny_all: bool,

    /// Let components see a folder: HOST::GUEST[:ro].
    #[arg(long, value_name = "HOST::GUEST[:ro]")]
    dir: Vec<Directory>,

    /// Let components reach a host: HOST:PORT. A name allows HTTP requests, an address sockets too.
    #[arg(long, value_name = "HOST:PORT")]
    net: Vec<HostPort>,

    /// Set an environment variable: NAME=VALUE, or NAME to pass on this program's.
    #[arg(long, short = 'e', value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Memory of each component, for example 64MiB.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,

    /// Share of one processor for each component, for example 0.5.
    #[arg(long, value_name = "SHARE")]
    cpu: Option<String>,

    /// Set any limit: NAME=VALUE. `gg-host limits` lists them.
    #[arg(long, value_name = "NAME=VALUE")]
    limit: Vec<String>,

    /// End the run after this time, for example 30s (code 124 if a service was not done).
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,

    /// End the run when this component is over, whatever the others do.
    #[arg(long, value_name = "COMPONENT")]
    until: Option<ComponentName>,

    /// How long components may take to end when asked to.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    grace: Duration,

    /// Swap a component when its file changes, without losing messages.
    #[arg(long, short = 'w')]
    watch: bool,

    /// Publish a message when the components are up: TOPIC=PAYLOAD.
    #[arg(long, short = 'p', value_name = "TOPIC=PAYLOAD")]
    publish: Vec<String>,

    /// Show the messages of a topic filter.
    #[arg(long, short = 's', value_name = "FILTER")]
    subscribe: Vec<String>,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,

    /// Show more: components' debug records, and what the host does. Repeat for yet more.
    #[arg(long, short = 'v', action = clap::ArgAction::Count)]
    verbose: u8,

    /// Keep compiled components in this folder.
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,

    /// Do not keep compiled components.
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,

    /// Write the memory of a component that crashes to a file in this folder.
    #[arg(long, value_name = "FOLDER")]
    core_dumps: Option<PathBuf>,

    /// Threads that execute components.
    #[arg(long, value_name = "COUNT")]
    threads: Option<std::num::NonZeroUsize>,

    /// Arguments for the components.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// Run to the end.
pub(super) fn run(args: Args) -> Result<ExitCode> {
    start_tracing(args.verbose);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let code = runtime.block_on(run_async(args));
    runtime.shutdown_background();
    Ok(ExitCode::from(u8::try_from(code? & 0xff).unwrap_or(1)))
}

async fn run_async(args: Args) -> Result<i32> {
    let root = tempfile::Builder::new()
        .prefix("gg-host-")
        .tempdir()
        .context("cannot make a work folder")?;
    let clock = Clock::system();
    let places = Places { root: root.path().to_owned(), thing: "local".parse()? };
    let operator = operator(&args)?;
    let locals: Vec<LocalComponent> =
        args.components.iter().map(|path| local::read(path)).collect::<Result<_>>()?;
    let mut deployment = Deployment::default();
    let mut names = BTreeSet::new();
    for local in &locals {
        let desired = local.desired(&operator, &places, &clock)?;
        let name = &desired.component.name;
        ensure!(
            names.insert(name.clone()),
            "two components are named {name}; rename one in its recipe"
        );
        deployment.components.push(desired);
    }

    let (mut nucleus, records) = Nucleus::start(config(&args, &deployment, clock.clone())?)?;
    let printer = Printer::start(records, args.output, stdout_colours())?;
    let operator_caller = nucleus.operator().clone();
    for filter in &args.subscribe {
        show(&nucleus, &operator_caller, filter, clock.clone())?;
    }
    let publications = publications(&args.publish)?;
    let mut watching = match args.watch {
        true => {
            Some(Watch::new(deployment.components.iter().map(|d| d.component.artifact.clone()))?)
        }
        false => None,
    };

    let deployed = tokio::select! {
        deployed = nucleus.deploy(&deployment) => deployed.map_err(|error| anyhow!("{error}")),
        () = interrupted() => Err(anyhow!("interrupted while the components were coming up")),
    };
    let end = match deployed {
        Err(error) => Err(error),
        Ok(()) => {
            let names: Vec<ComponentName> = names.into_iter().collect();
            let publishing = publish(&nucleus, &operator_caller, &publications);
            let over = async {
                publishing.await?;
                match &args.until {
                    Some(until) => one_over(&nucleus, until).await?,
                    None => all_over(&nucleus, &names, args.watch, !publications.is_empty()).await,
                }
                anyhow::Ok(())
            };
            tokio::select! {
                over = over => over.map(|()| End::Over),
                () = interrupted() => Ok(End::Interrupted),
                () = after(args.timeout) => Ok(End::TimedOut),
                () = reload_forever(&nucleus, &locals, &operator, &places, &clock, &mut watching, args.grace) => Ok(End::Over),
            }
        }
    };
    let statuses: Vec<watch::Receiver<ComponentStatus>> = deployment
        .components
        .iter()
        .filter_map(|desired| nucleus.status(&desired.component.name))
        .collect();
    let unfinished = statuses.iter().any(|status| {
        let status = status.borrow();
        !status.state.is_settled() && status.activity.is_none()
    });
    // A second Ctrl-C ends the wait.
    let forced = tokio::select! {
        () = nucleus.drain(args.grace) => false,
        () = interrupted() => true,
    };
    printer.finish();
    let end = end?;
    Ok(code(end, forced, unfinished, &statuses))
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Interrupted,
    Over,
    TimedOut,
}

fn code(
    end: End,
    forced: bool,
    unfinished: bool,
    statuses: &[watch::Receiver<ComponentStatus>],
) -> i32 {
    if forced {
        return INTERRUPTED;
    }
    if end == End::TimedOut && unfinished {
        return TIMED_OUT;
    }
    let killed = if end == End::Interrupted { INTERRUPTED } else { 0 };
    let code = |status: &watch::Receiver<ComponentStatus>| match &status.borrow().exit {
        None => 0,
        Some(Exit::Finished(code)) => *code,
        Some(Exit::Failed(failure)) if failure.code == 0 => CRASHED,
        Some(Exit::Failed(failure)) => failure.code,
        Some(Exit::Killed) => killed,
    };
    statuses.iter().map(code).find(|code| *code != 0).unwrap_or(0)
}

fn config(args: &Args, deployment: &Deployment, clock: Clock) -> Result<NucleusConfig> {
    let stack = deployment.components.iter().map(|desired| desired.component.limits.stack).max();
    let mut engine = EngineConfig {
        cache: if args.no_cache { None } else { args.cache.clone().or_else(default_cache) },
        core_dumps: args.core_dumps.is_some(),
        ..EngineConfig::default()
    };
    engine.stack = stack.unwrap_or(engine.stack);
    Ok(NucleusConfig {
        thing: "local".parse()?,
        engine,
        guest_threads: args.threads,
        least_level: if args.verbose > 1 {
            Level::Trace
        } else if args.verbose > 0 {
            Level::Debug
        } else {
            Level::Info
        },
        treatment: Treatment { most_errors: 1 },
        core_dumps: args.core_dumps.clone(),
        clock,
    })
}

fn operator(args: &Args) -> Result<Operator> {
    let mut limits = LimitOverrides::default();
    let short = [("memory", &args.memory), ("cpu", &args.cpu)];
    for (name, value) in short {
        if let Some(value) = value {
            limits.set(name, value).with_context(|| format!("--{name}"))?;
        }
    }
    for pair in &args.limit {
        limits.set_pair(pair).with_context(|| format!("--limit {pair}"))?;
    }
    let mut configuration = Vec::new();
    for file in &args.config_file {
        configuration.push(config_file(file)?);
    }
    for pair in &args.config {
        configuration.push(setting(pair)?);
    }
    Ok(Operator {
        allow: args.allow.clone(),
        deny_all: args.deny_all,
        directories: args.dir.clone(),
        network: args.net.clone(),
        environment: args.env.iter().map(|pair| variable(pair)).collect::<Result<_>>()?,
        limits,
        configuration,
        arguments: args.arguments.clone(),
    })
}

fn variable(pair: &str) -> Result<(String, String)> {
    match pair.split_once('=') {
        Some(("", _)) => bail!("--env {pair}: there is no name before the ="),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => {
            let value = std::env::var(pair)
                .with_context(|| format!("--env {pair}: give it a value with {pair}=…"))?;
            Ok((pair.to_owned(), value))
        }
    }
}

fn setting(pair: &str) -> Result<Setting> {
    let (key, text) =
        pair.split_once('=').ok_or_else(|| anyhow!("--config {pair}: write key=JSON"))?;
    let (component, key) = match key.split_once(':') {
        Some((component, key)) => (Some(component.to_owned()), key),
        None => (None, key),
    };
    ensure!(!key.is_empty(), "--config {pair}: there is no key before the =");
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    Ok(Setting { component, path: key.split('.').map(str::to_owned).collect(), value })
}

fn config_file(argument: &str) -> Result<Setting> {
    let (component, path) = match argument.split_once('=') {
        Some((component, path)) => (Some(component.to_owned()), path),
        None => (None, argument),
    };
    let text =
        fs::read_to_string(path).with_context(|| format!("--config-file: cannot read {path}"))?;
    let value =
        gg_model::recipe::parse_value(&text).with_context(|| format!("--config-file {path}"))?;
    ensure!(
        value.is_object(),
        "--config-file {path}: it must hold an object of configuration keys"
    );
    Ok(Setting { component, path: Vec::new(), value })
}

/// A message for --publish.
struct Publication {
    topic: Topic,
    payload: Vec<u8>,
    format: PayloadFormat,
}

fn publications(pairs: &[String]) -> Result<Vec<Publication>> {
    pairs
        .iter()
        .map(|pair| {
            let (topic, payload) = pair
                .split_once('=')
                .ok_or_else(|| anyhow!("--publish {pair}: write TOPIC=PAYLOAD"))?;
            let topic = topic.parse().with_context(|| format!("--publish {pair}"))?;
            let json = serde_json::from_str::<serde::de::IgnoredAny>(payload).is_ok();
            let format = if json { PayloadFormat::Json } else { PayloadFormat::Binary };
            Ok(Publication { topic, payload: payload.as_bytes().to_vec(), format })
        })
        .collect()
}

/// How long a message waits for somebody to subscribe to it.
const FOR_A_SUBSCRIBER: Duration = Duration::from_secs(5);

async fn publish(nucleus: &Nucleus, caller: &Caller, publications: &[Publication]) -> Result<()> {
    let mut publisher = nucleus.pubsub().publisher(caller.clone());
    for Publication { topic, payload, format } in publications {
        let subscribed = nucleus.pubsub().until_subscribed(caller, topic);
        if tokio::time::timeout(FOR_A_SUBSCRIBER, subscribed).await.is_err() {
            tracing::warn!(%topic, "no component has subscribed to this topic of --publish");
        }
        publisher
            .publish(topic.as_ref(), payload.clone(), *format)
            .await
            .with_context(|| format!("--publish {topic}"))?;
    }
    Ok(())
}

/// Show the messages of a filter as they come.
fn show(nucleus: &Nucleus, caller: &Caller, filter: &str, clock: Clock) -> Result<()> {
    let options = SubscribeOptions {
        receive_mode: Some(ReceiveMode::All),
        queue: Some(1000),
        when_full: Some(WhenFull::Block),
    };
    let mut subscription = nucleus
        .pubsub()
        .subscribe(caller, filter, options)
        .with_context(|| format!("--subscribe {filter}"))?;
    let records = nucleus.records().downgrade();
    let component = caller.name().clone();
    nucleus.tasks().spawn(async move {
        while let Some(message) = subscription.next().await {
            let record = Record {
                at: clock.now(),
                component: component.clone(),
                level: Level::Info,
                source: Source::Message,
                message: payload_text(&message.payload),
                fields: vec![(TOPIC.to_owned(), message.topic.to_string())],
            };
            let Some(records) = records.upgrade() else { return };
            if send(&records, record).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

async fn send(records: &mpsc::Sender<Record>, record: Record) -> Result<(), ()> {
    records.send(record).await.map_err(|_| ())
}

/// Wait until every service has ended and every handler has nothing left to do. Handlers alone
/// are over only when there was something for them; while watching, nothing is ever over.
async fn all_over(nucleus: &Nucleus, names: &[ComponentName], watching: bool, fed: bool) {
    let mut statuses: Vec<_> = names.iter().filter_map(|name| nucleus.status(name)).collect();
    let mut had_service = false;
    for status in &mut statuses {
        let Ok(settled) = status.wait_for(|s| s.state.is_settled() || s.activity.is_some()).await
        else {
            continue;
        };
        had_service |= settled.activity.is_none();
    }
    let any_handler = statuses.iter().any(|status| status.borrow().activity.is_some());
    if watching || (any_handler && !had_service && !fed) {
        return handlers_over(&mut statuses, watching).await;
    }
    quiet(&statuses).await;
}

/// Wait until one component is over, and then until no handler has work.
async fn one_over(nucleus: &Nucleus, until: &ComponentName) -> Result<()> {
    let mut status = nucleus
        .status(until)
        .ok_or_else(|| anyhow!("--until {until}: no component has this name"))?;
    let _gone = status.wait_for(|status| status.state.is_settled()).await;
    Ok(())
}

/// Handlers end by themselves only when they are broken.
async fn handlers_over(statuses: &mut [watch::Receiver<ComponentStatus>], watching: bool) {
    if watching {
        return std::future::pending().await;
    }
    for status in statuses {
        let _gone = status.wait_for(|status| status.state.is_settled()).await;
    }
}

/// Wait until no handler has work, and none got any while the others were looked at.
async fn quiet(statuses: &[watch::Receiver<ComponentStatus>]) {
    const LOOK: Duration = Duration::from_millis(5);
    let look = || -> Vec<Work> {
        statuses
            .iter()
            .filter_map(|status| {
                let status = status.borrow();
                let running = status.state == LifecycleState::Running;
                status.activity.as_ref().filter(|_| running).map(crate::runtime::Activity::look)
            })
            .collect()
    };
    loop {
        let first = look();
        if first.iter().all(|work| !work.busy) && look() == first {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Swap components as their files change, for ever.
async fn reload_forever(
    nucleus: &Nucleus,
    locals: &[LocalComponent],
    operator: &Operator,
    places: &Places,
    clock: &Clock,
    watching: &mut Option<Watch>,
    grace: Duration,
) {
    let Some(watching) = watching else { return std::future::pending().await };
    loop {
        let changed = watching.changed().await;
        for local in locals {
            let desired =
                match local::read(&local.path).and_then(|l| l.desired(operator, places, clock)) {
                    Ok(desired) => desired,
                    Err(error) => {
                        tracing::error!("{error:#}; the one that runs goes on");
                        continue;
                    }
                };
            if !changed.contains(&desired.component.artifact) {
                continue;
            }
            let log = nucleus.log(&desired.component);
            match nucleus.reload(&desired, grace).await {
                Ok(()) => log.host(Level::Info, "changed on disk; swapped"),
                Err(error) => log.host(Level::Error, format!("{error}; the one that runs goes on")),
            }
        }
    }
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => if result.is_err() { std::future::pending().await },
        _ = terminate.recv() => {}
    }
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
