//! `gg-host start`: a device's nucleus, which keeps its components as deployments asked for.

use super::metrics::MetricsArgs;
use super::print::Style;
use super::restart::restart;
use super::systemd::Systemd;
use super::{Format, RootArg, attribute, identity, start_tracing_to, stdout_colours};
use crate::cli::run::output::Printer;
use crate::clock::Clock;
use crate::cloud::credentials::Source;
use crate::cloud::data_plane;
use crate::cloud::{Identity, LinkSettings, claim};
use crate::deployment::bootstrap::Restart;
use crate::deployment::own::OwnConfiguration;
use crate::deployment::worker::Milestone;
use crate::logs::files::{LogFiles, LogSettings};
use crate::logs::own::OwnLog;
use crate::logs::tee::Tee;
use crate::logs::{LeastLevel, Level, LogSink, Record};
use crate::network::ProxySettings;
use crate::nucleus::device::Device;
use crate::nucleus::root::Root;
use crate::nucleus::{Nucleus, NucleusConfig, Telling, proxies, time};
use crate::runtime::process::{self, ProcessConfig, Proxy};
use crate::runtime::wasm::EngineConfig;
use crate::supervisor::Treatment;
use crate::token_exchange::Exchange;
use anyhow::{Context as _, Result};
use gg_model::nucleus::TOKEN_EXCHANGE;
use gg_model::{
    ComponentName, IdentityFiles, InferenceSettings, Limits, LogOutput, LoggingSettings,
    NucleusFile, NucleusSettings, PosixUser, ThingName,
};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, mem};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Errors from the same state after which a component is broken, and how long one counts
/// (Java nucleus, Lifecycle).
const TREATMENT: Treatment =
    Treatment { most_errors: 3, error_reset: Duration::from_secs(60 * 60) };

/// Start the nucleus of this device, in the foreground.
///
/// It brings up the components that the last deployment asked for and serves `gg-host deploy`,
/// `deployment` and `component`. Everything it keeps is in its root folder, which belongs to one
/// nucleus at a time. SIGTERM or Ctrl-C stops all components in order and ends it; a second one
/// ends it at once. What it was told survives both, and a power cut.
///
/// A device without a certificate of its own is given one first, if its configuration has a claim
/// (aws.greengrass.FleetProvisioningByClaim). Keys may be in a token (pkcs11: URIs).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// The settings of the nucleus: YAML or JSON, as Greengrass has them. What a deployment says of
    /// aws.greengrass.Nucleus goes before them. Default: config.yaml in the root folder, if it is there.
    #[arg(long, visible_alias = "init-config", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The core device's name.
    #[arg(long, value_name = "NAME")]
    thing_name: Option<ThingName>,

    /// Who the processes of components run as: USER[:GROUP].
    #[arg(long, value_name = "USER[:GROUP]")]
    component_default_user: Option<PosixUser>,

    /// An attribute of this device that recipes may ask for: runtime=docker, say, or one of your own.
    /// Several runtimes are separated by commas.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    platform: Vec<(String, String)>,

    /// How long components may take to end when the nucleus is stopped.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "30s")]
    grace: Duration,

    /// What starts the device again when a component's step `bootstrap` asks for it.
    #[arg(long, value_name = "COMMAND", default_value = "systemctl reboot || reboot")]
    reboot_command: String,

    #[command(flatten)]
    metrics: MetricsArgs,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,

    /// Show more of what the host does. Repeat for yet more.
    #[arg(long, short = 'v', action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Run until asked to stop.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let (own, said) = OwnLog::new(Level::Info, Clock::system())?;
    start_tracing_to(args.verbose.max(1), Some(&own));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let outcome = runtime.block_on(serve(args, &own, said));
    runtime.shutdown_background();
    match outcome? {
        (code, None) => Ok(code),
        (_, Some(again)) => restart(again, &args.reboot_command),
    }
}

/// Files that it may have open, as under systemd: each connection of a component is one.
const FILES: u64 = 65_536;

fn open_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(FILES, |most| most.min(FILES));
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        let _refused = setrlimit(Resource::Nofile, limit);
    }
}

async fn serve(
    args: &Args,
    own_log: &OwnLog,
    own: mpsc::Receiver<Record>,
) -> Result<(ExitCode, Option<Restart>)> {
    open_many_files();
    let stop = CancellationToken::new();
    // Before anything else, so that no signal is lost.
    let mut signals = Signals::new()?;
    let mut file = file(args)?;
    claim::adopt(&mut file);
    let path = match (&args.root.root, claim::root(&file)) {
        (None, Some(root)) => PathBuf::from(root),
        _ => args.root.path()?,
    };
    let own_configuration =
        OwnConfiguration::new(mem::take(&mut file.configurations), args.configuration());
    let operators = operators(&file.cli_groups)?;
    let device = Device::open(Root::lock(&path)?, own_configuration.clone(), operators)?;
    let root = device.root().clone();
    time::resume(root.path());
    let (settings, telling) = match ready(args, &device).await {
        Err(error) if device.fall_back(&error).await? => ready(args, &device).await?,
        other => other?,
    };
    let prometheus = telling.endpoint.as_ref().map(|endpoint| endpoint.address());
    let logs = log_settings(&root, &settings.logging)?;
    own_log.set_level(logs.level);
    let shown = if args.verbose > 1 { Level::Debug } else { Level::Info };
    let least_level = LeastLevel::from(logs.level.min(shown));
    let (log_level, mut new_level) = watch::channel(logs.level);
    let systemd = Systemd::from_environment();
    let proxy = settings.proxy.as_ref().map(Proxy::of);
    if let Some(claim) = claim::due(&mut file, device.root().path())? {
        // It may take long, and is no failure to start.
        systemd.ready();
        let claim_proxy = claim.proxy.as_ref().map(Proxy::of);
        let proxies = proxies(claim_proxy.as_ref().or(proxy.as_ref()))?;
        tokio::select! {
            done = identity::provision(&mut file, claim, &settings, proxies, &device) => done?,
            () = systemd.stay_alive() => {}
            () = signals.next() => return Ok((ExitCode::SUCCESS, None)),
        }
    }
    let thing = match args.thing_name.clone().or_else(|| file.thing.clone()) {
        Some(thing) => thing,
        None => "gg-host".parse()?,
    };
    let proxies = proxies(proxy.as_ref())?;
    let credentials = credentials(&settings, &file.identity, &thing, &proxies);
    let data_plane =
        data_plane::Place::of(thing.clone(), &settings, &file.identity, proxies.clone());
    let process = ProcessConfig {
        region: settings.region.clone(),
        proxy,
        credentials: telling.exchange.as_ref().map(|exchange| exchange.uri().to_owned()),
        shell: settings.posix_shell.clone().unwrap_or_else(|| "sh".to_owned()),
        ..ProcessConfig::new(root.path().to_owned(), thing.clone())
    };
    let link = LinkSettings::of(thing.clone(), &settings, &file.identity, proxies);
    let config = NucleusConfig {
        inference: InferenceSettings::default(),
        thing,
        engine: EngineConfig { cache: Some(root.cache()), ..EngineConfig::default() },
        guest_threads: None,
        least_level: least_level.clone(),
        treatment: TREATMENT,
        core_dumps: None,
        clock: Clock::system(),
        process,
        secrets: Some(root.secrets()),
        credentials,
        data_plane,
        device: Some(device),
        link,
    };
    let (nucleus, records) = Nucleus::start(config).await?;
    let (mut tee, kept, shown) = Tee::new(records);
    let style = Style { format: args.output, colours: stdout_colours(), date: false };
    let printer = Printer::start(shown, style)?;
    let files = match settings.logging.output {
        LogOutput::File => Some(LogFiles::start(logs.clone(), nucleus.tasks(), kept, Some(own))),
        // What is shown is all there is.
        LogOutput::Console => None,
    };
    let own = own_sink(&nucleus);
    if let Some(address) = prometheus {
        own.host(Level::Info, format!("Prometheus may ask http://{address}/metrics"));
    }
    let reached = |milestone| match milestone {
        Milestone::Ready => {
            own.host(Level::Info, format!("ready in {}", path.display()));
            systemd.ready();
        }
        Milestone::Up => own.host(Level::Info, "all components are up or over"),
        Milestone::Idle => {}
    };
    let mut new_settings = own_configuration.watch();
    let serving = nucleus.serve(telling, log_level.clone(), stop.clone(), reached);
    let mut serving = std::pin::pin!(serving);
    let alive = systemd.stay_alive();
    let log = async {
        let (mut logs, mut told) = (logs, settings.logging);
        loop {
            tokio::select! {
                Ok(()) = new_level.changed() => {}
                Ok(()) = new_settings.changed() => {
                    let settings = new_settings.borrow_and_update().logging.clone();
                    if settings == told {
                        continue;
                    }
                    match log_settings(&root, &settings) {
                        Ok(new) if settings.level == told.level => logs = new,
                        Ok(new) => {
                            log_level.send_replace(new.level);
                            logs = new;
                        }
                        Err(error) => tracing::error!(%error, "the logs go on as they are"),
                    }
                    told = settings;
                }
                else => return std::future::pending::<()>().await,
            }
            let level = *new_level.borrow_and_update();
            own_log.set_level(level);
            least_level.set(level);
            if let Some(files) = &files {
                files.set(LogSettings { level, ..logs.clone() });
            }
        }
    };
    let served = async {
        let (nucleus, again) = tokio::select! {
            served = &mut serving => served?,
            () = signals.next() => {
                tracing::info!("stopping");
                systemd.stopping();
                stop.cancel();
                serving.await?
            }
        };
        anyhow::Ok(tokio::select! {
            () = nucleus.drain(args.grace) => (ExitCode::SUCCESS, again),
            () = signals.next() => (ExitCode::from(130), None),
        })
    };
    let (code, again) = tokio::select! {
        served = served => served?,
        () = alive => (ExitCode::FAILURE, None),
        () = log => (ExitCode::FAILURE, None),
        () = tee.run() => (ExitCode::FAILURE, None),
    };
    tee.finish();
    if let Some(files) = files {
        files.finish().await;
    }
    printer.finish();
    Ok((code, again))
}

/// The groups that may use the command line. One that is not there is left out, with a warning.
fn operators(groups: &[String]) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for group in groups {
        match process::group(group).context("AuthorizedPosixGroups")? {
            Some(number) => found.push(number),
            None => tracing::warn!(group, "AuthorizedPosixGroups names a group that is not there"),
        }
    }
    Ok(found)
}

/// `logging` of the settings; the rest is as Greengrass has it.
fn log_settings(root: &Root, settings: &LoggingSettings) -> Result<LogSettings> {
    let mut logs = LogSettings::new(root.path());
    if let Some(level) = &settings.level {
        logs.level = level.parse()?;
    }
    logs.format = settings.format.unwrap_or(logs.format);
    let bytes = |kib: u64| kib.saturating_mul(1024);
    logs.file_size = settings.file_kib.map_or(logs.file_size, bytes);
    logs.total_size = settings.total_kib.map_or(logs.total_size, bytes);
    if let Some(folder) = &settings.folder {
        logs.folder = root.path().join(folder);
    }
    Ok(logs)
}

/// What the nucleus says of itself among what its components say.
fn own_sink(nucleus: &Nucleus) -> LogSink {
    let (name, limits) = (ComponentName::nucleus(), Limits::default());
    LogSink::new(name, Level::Info, &limits, Clock::system(), nucleus.records())
}

/// What the nucleus is to start with, and who is told what is measured.
async fn ready(args: &Args, device: &Device) -> Result<(NucleusSettings, Telling)> {
    let settings = device.settings().await?;
    let mut telling = args.metrics.telling(&settings.metrics).await?;
    if settings.credentials_endpoint.is_some() && settings.role_alias.is_some() {
        let port = settings.token_exchange.port;
        let exchange = Exchange::bind(port).await;
        let exchange = exchange.context("cannot listen for those who want credentials")?;
        let name = ComponentName::of_core(TOKEN_EXCHANGE);
        device.own().tell(name, "activePort", exchange.port().into());
        telling.exchange = Some(exchange);
    }
    device.own().start_with(settings.clone());
    Ok((settings, telling))
}

/// Where credentials of AWS are had, if that is configured.
fn credentials(
    settings: &NucleusSettings,
    files: &IdentityFiles,
    thing: &ThingName,
    proxies: &ProxySettings,
) -> Option<Source> {
    let endpoint = settings.credentials_endpoint.clone()?;
    let role_alias = settings.role_alias.clone()?;
    Some(Source {
        endpoint,
        role_alias,
        thing: thing.clone(),
        identity: Identity::new(files, 0),
        proxies: proxies.clone(),
        patience: settings.credentials_timeout_ms.map(Duration::from_millis),
    })
}

impl Args {
    /// What it says of the nucleus's configuration, which goes before everything else.
    fn configuration(&self) -> Map<String, Value> {
        let mut configuration = Map::new();
        if let Some(user) = &self.component_default_user {
            configuration
                .insert("runWithDefault".to_owned(), json!({ "posixUser": user.to_string() }));
        }
        if !self.platform.is_empty() {
            let attributes = self.platform.iter().cloned();
            let attributes = attributes.map(|(name, value)| (name, Value::from(value)));
            configuration.insert("platformOverride".to_owned(), attributes.collect());
        }
        configuration
    }
}

/// The file that it is started with.
fn file(args: &Args) -> Result<NucleusFile> {
    let given = args.config.clone();
    let path = match given {
        Some(path) => path,
        None => {
            let Ok(root) = args.root.path() else { return Ok(NucleusFile::default()) };
            root.join("config.yaml")
        }
    };
    if args.config.is_none() && !path.exists() {
        return Ok(NucleusFile::default());
    }
    read_file(&path)
}

fn read_file(path: &Path) -> Result<NucleusFile> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = NucleusFile::parse(&text).with_context(|| path.display().to_string())?;
    for warning in &file.warnings {
        tracing::warn!(config = %path.display(), "{warning}");
    }
    Ok(file)
}

/// What asks a nucleus to stop.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
