//! `gg-host start`: a device's nucleus, which keeps its components as deployments asked for.

use super::print::Style;
use super::systemd::Systemd;
use super::{Format, RootArg, start_tracing_to, stdout_colours};
use crate::cli::run::output::Printer;
use crate::clock::Clock;
use crate::component::RunAs;
use crate::deployment::concrete::Operator;
use crate::deployment::worker::Milestone;
use crate::logs::files::{LogFiles, LogSettings};
use crate::logs::own::OwnLog;
use crate::logs::tee::Tee;
use crate::logs::{Level, LogSink, Record};
use crate::nucleus::root::Root;
use crate::nucleus::{Nucleus, NucleusConfig};
use crate::runtime::process::ProcessConfig;
use crate::runtime::wasm::EngineConfig;
use crate::supervisor::Treatment;
use anyhow::{Context as _, Result, anyhow};
use gg_model::{Limits, LoggingSettings, NucleusSettings, ThingName};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
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
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// The settings of the nucleus: YAML or JSON, as Greengrass has them. Default: config.yaml in
    /// the root folder, if it is there.
    #[arg(long, visible_alias = "init-config", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The core device's name.
    #[arg(long, value_name = "NAME")]
    thing_name: Option<ThingName>,

    /// Who the processes of components run as: USER[:GROUP].
    #[arg(long, value_name = "USER[:GROUP]", value_parser = RunAs::parse)]
    component_default_user: Option<RunAs>,

    /// How long components may take to end when the nucleus is stopped.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "30s")]
    grace: Duration,

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
    let outcome = runtime.block_on(serve(args, said));
    runtime.shutdown_background();
    outcome
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

async fn serve(args: &Args, own: mpsc::Receiver<Record>) -> Result<ExitCode> {
    open_many_files();
    let stop = CancellationToken::new();
    // Before anything else, so that no signal is lost.
    let mut signals = Signals::new()?;
    let settings = settings(args)?;
    let path = match (&args.root.root, &settings.root) {
        (None, Some(root)) => PathBuf::from(root),
        _ => args.root.path()?,
    };
    let root = Root::lock(&path)?;
    let thing = match args.thing_name.clone().or(settings.thing) {
        Some(thing) => thing,
        None => "gg-host".parse()?,
    };
    let logs = log_settings(&root, &settings.logging)?;
    let default_user = match (&args.component_default_user, &settings.posix_user) {
        (Some(user), _) => Some(user.clone()),
        (None, Some(user)) => {
            Some(RunAs::parse(user).map_err(|error| anyhow!("posixUser: {error}"))?)
        }
        (None, None) => None,
    };
    let process = ProcessConfig {
        region: settings.region,
        default_user,
        shell: settings.posix_shell.unwrap_or_else(|| "sh".to_owned()),
        ..ProcessConfig::new(root.path().to_owned(), thing.clone())
    };
    let config = NucleusConfig {
        thing,
        engine: EngineConfig { cache: Some(root.cache()), ..EngineConfig::default() },
        guest_threads: None,
        least_level: if args.verbose > 1 { Level::Debug } else { Level::Info },
        treatment: TREATMENT,
        core_dumps: None,
        clock: Clock::system(),
        process,
        root: Some(root),
    };
    let (nucleus, records) = Nucleus::start(config).await?;
    let (mut tee, kept, shown) = Tee::new(records);
    let style = Style { format: args.output, colours: stdout_colours(), date: false };
    let printer = Printer::start(shown, style)?;
    let files = LogFiles::start(logs, nucleus.tasks(), kept, Some(own));
    let own = own_log(&nucleus)?;
    let systemd = Systemd::from_environment();
    let reached = |milestone| match milestone {
        Milestone::Ready => {
            own.host(Level::Info, format!("ready in {}", path.display()));
            systemd.ready();
        }
        Milestone::Up => own.host(Level::Info, "all components are up or over"),
    };
    let serving = nucleus.serve(Operator::default(), stop.clone(), reached);
    let mut serving = std::pin::pin!(serving);
    let alive = systemd.stay_alive();
    let served = async {
        let nucleus = tokio::select! {
            served = &mut serving => served?,
            () = signals.next() => {
                tracing::info!("stopping");
                systemd.stopping();
                stop.cancel();
                serving.await?
            }
        };
        anyhow::Ok(tokio::select! {
            () = nucleus.drain(args.grace) => ExitCode::SUCCESS,
            () = signals.next() => ExitCode::from(130),
        })
    };
    let code = tokio::select! {
        code = served => code?,
        () = alive => ExitCode::FAILURE,
        () = tee.run() => ExitCode::FAILURE,
    };
    tee.finish();
    files.finish().await;
    printer.finish();
    Ok(code)
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
fn own_log(nucleus: &Nucleus) -> Result<LogSink> {
    let name = "aws.greengrass.Nucleus".parse()?;
    let limits = Limits::default();
    Ok(LogSink::new(name, Level::Info, &limits, Clock::system(), nucleus.records()))
}

fn settings(args: &Args) -> Result<NucleusSettings> {
    let given = args.config.clone();
    let path = match given {
        Some(path) => path,
        None => {
            let Ok(root) = args.root.path() else { return Ok(NucleusSettings::default()) };
            root.join("config.yaml")
        }
    };
    if args.config.is_none() && !path.exists() {
        return Ok(NucleusSettings::default());
    }
    read_settings(&path)
}

fn read_settings(path: &Path) -> Result<NucleusSettings> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let settings = NucleusSettings::parse(&text).with_context(|| path.display().to_string())?;
    for warning in &settings.warnings {
        tracing::warn!(config = %path.display(), "{warning}");
    }
    Ok(settings)
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
