//! The command line: a file a subcommand, each with its arguments and one function.

mod component;
mod deploy;
mod deployment;
mod doctor;
mod identity;
mod inspect;
mod limits;
mod logs;
mod metrics;
mod model;
mod new;
mod print;
mod provision;
mod publish;
mod recipe;
mod restart;
mod run;
mod service;
mod sign;
mod start;
mod subscribe;
mod systemd;
mod top;

use crate::ipc::client::{self, ClientError};
use crate::logs::harmless;
use crate::logs::own::OwnLog;
use clap::{Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Run WASI components in a sandbox, with the semantics of AWS IoT Greengrass V2.
#[derive(Debug, Parser)]
#[command(name = "gg-host", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Component(component::Args),
    Deploy(Box<deploy::Args>),
    Deployment(deployment::Args),
    Doctor(doctor::Args),
    Inspect(inspect::Args),
    Key(sign::KeyArgs),
    Limits(limits::Args),
    Logs(logs::Args),
    Model(model::Args),
    New(new::Args),
    Provision(Box<provision::Args>),
    Pub(publish::Args),
    Recipe(recipe::Args),
    Run(Box<run::Args>),
    Service(service::Args),
    Sign(sign::SignArgs),
    Start(start::Args),
    Sub(subscribe::Args),
    Top(top::Args),
    Verify(sign::VerifyArgs),
}

/// Which nucleus.
#[derive(Debug, clap::Args)]
struct RootArg {
    /// The nucleus's root folder. Default: /var/lib/gg-host for root, else gg-host in
    /// $XDG_STATE_HOME or ~/.local/state.
    #[arg(long, visible_alias = "ggcRootPath", env = "GG_ROOT", value_name = "FOLDER")]
    root: Option<std::path::PathBuf>,
}

impl RootArg {
    fn path(&self) -> anyhow::Result<std::path::PathBuf> {
        if let Some(root) = &self.root {
            return Ok(root.clone());
        }
        if rustix::process::geteuid().is_root() {
            return Ok("/var/lib/gg-host".into());
        }
        home_folder("XDG_STATE_HOME", ".local/state")
            .map(|folder| folder.join("gg-host"))
            .ok_or_else(|| {
                anyhow::anyhow!("there is no home folder; name a root folder with --root")
            })
    }
}

/// Ask a nucleus one thing.
fn ask<C: gg_ipc::Call>(root: &RootArg, request: &C::Request) -> anyhow::Result<C::Response> {
    client::ask::<C>(&root.path()?, request).map_err(with_hint)
}

/// A failure, with what helps one who has named something that is not there.
fn with_hint(error: ClientError) -> anyhow::Error {
    let absent = match &error {
        ClientError::Operation(error) => error.resource_type.as_deref(),
        _ => None,
    };
    match absent {
        Some("Component") => anyhow::anyhow!("{error}; gg-host component list shows what is"),
        Some("LocalDeployment") => {
            anyhow::anyhow!("{error}; gg-host deployment list shows those that are")
        }
        _ => error.into(),
    }
}

/// Whether nobody reads any more what is printed.
fn is_closed(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// A folder of this user: what a variable says, or one below the home folder.
fn home_folder(variable: &str, below_home: &str) -> Option<std::path::PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = set(variable)
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::path::PathBuf::from(set("HOME")?).join(below_home)))?;
    folder.is_absolute().then_some(folder)
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

impl Cli {
    /// Run the command.
    ///
    /// # Errors
    /// What kept it from being done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Component(args) => component::run(&args),
            Command::Deploy(args) => deploy::run(&args),
            Command::Deployment(args) => deployment::run(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Key(args) => sign::key(&args),
            Command::Limits(args) => limits::run(&args),
            Command::Logs(args) => logs::run(args),
            Command::Model(args) => model::run(&args),
            Command::New(args) => new::run(&args),
            Command::Provision(args) => provision::run(&args),
            Command::Pub(args) => publish::run(&args),
            Command::Recipe(args) => recipe::run(&args),
            Command::Run(args) => run::run(*args),
            Command::Service(args) => service::run(&args),
            Command::Sign(args) => sign::sign(&args),
            Command::Start(args) => start::run(&args),
            Command::Sub(args) => subscribe::run(&args),
            Command::Top(args) => top::run(&args),
            Command::Verify(args) => sign::verify(&args),
        }
    }
}

/// An attribute of the device, `NAME=VALUE`.
fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_lowercase(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, for example runtime=docker".to_owned()),
    }
}

/// Say what went wrong, with its causes, and give the code for it.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let (bold, plain) =
        if colours(&std::io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let mut stderr = std::io::stderr().lock();
    let _closed = writeln!(stderr, "{bold}error:{plain} {}", harmless(&format!("{error:#}")));
    ExitCode::FAILURE
}

/// Whether a stream is a terminal whose owner wants colours (<https://no-color.org>).
fn colours(stream: &impl std::io::IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The host's own log goes to standard error: warnings, and with each `-v` more.
fn start_tracing(verbose: u8) {
    start_tracing_to(verbose, None);
}

/// The same, and to the log file of a nucleus.
fn start_tracing_to(verbose: u8, own: Option<&OwnLog>) {
    let level = ["warn,gg_host=warn", "warn,gg_host=info", "info,gg_host=debug", "debug", "trace"];
    let level = level[usize::from(verbose).min(level.len() - 1)];
    let told = std::env::var("GG_LOG").ok().and_then(|told| told.parse::<Targets>().ok());
    let filter = told.or_else(|| level.parse().ok()).unwrap_or_default();
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours(&std::io::stderr()))
        .with_target(verbose > 1)
        .compact()
        .with_filter(filter);
    let _already =
        tracing_subscriber::registry().with(stderr).with(own.map(OwnLog::layer)).try_init();
}

/// Where compiled components are kept unless told otherwise.
fn default_cache() -> Option<std::path::PathBuf> {
    Some(home_folder("XDG_CACHE_HOME", ".cache")?.join("gg-host").join("compiled"))
}

/// Whether standard output is a terminal whose owner wants colours.
fn stdout_colours() -> bool {
    let stdout = std::io::stdout();
    stdout.is_terminal() && colours(&stdout)
}
