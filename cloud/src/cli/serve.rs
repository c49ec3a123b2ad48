//! `gg-cloud serve`.

use super::ready::Ready;
use super::{Output, folder};
use crate::artifacts::Artifacts;
use crate::broker::Broker;
use crate::clock::Clock;
use crate::pki::{Authority, Clients};
use crate::registry::endpoint::{self, Endpoint};
use crate::registry::secrets::{self, Vault};
use crate::registry::{AccessKey, Place, Refusal, Registry, connections, keys};
use crate::services;
use crate::state::{Sqlite, State};
use crate::tasks::Tasks;
use crate::web::{HTTP, Hosts, Listener, MQTT, Servers, Speaks, Web};
use anyhow::{Context as _, Result, bail};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How long what is being answered may still take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// The file of the keys that secrets are sealed with, in the folder for everything.
const SECRET_KEYS: &str = "pki/secrets.json";

/// What every machine calls itself.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Serve AWS's APIs over HTTPS, and devices over MQTT, until SIGTERM or SIGINT.
///
/// Nothing has to be configured: the first start makes a folder with a certificate authority, a
/// database and an access key, and prints what clients need. The key is shown this once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder for everything that is kept. Default: /var/lib/gg-cloud for root, else gg-cloud in
    /// $XDG_STATE_HOME or ~/.local/state.
    #[arg(long, env = "GG_CLOUD_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The address and port to listen at; port 0 is any that is free.
    #[arg(long, env = "GG_CLOUD_LISTEN", value_name = "ADDRESS:PORT", default_value = "[::]:8443")]
    listen: SocketAddr,
    /// The address and port to listen at for MQTT, which is also spoken at the port for HTTPS with those
    /// who ask for it by ALPN; port 0 is any that is free.
    #[arg(
        long,
        env = "GG_CLOUD_MQTT_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "[::]:8883"
    )]
    mqtt_listen: SocketAddr,
    /// A name or address that clients know this machine by, besides localhost, 127.0.0.1, ::1 and its
    /// host name. Can be given several times.
    #[arg(long = "name", env = "GG_CLOUD_NAMES", value_delimiter = ',', value_name = "NAME")]
    names: Vec<String>,
    /// The region that clients name. It is chosen with the first start. [default: us-east-1]
    #[arg(long, env = "GG_CLOUD_REGION", value_name = "REGION")]
    region: Option<String>,
    /// The number of the account in ARNs. It is chosen with the first start. [default: 000000000000]
    #[arg(long, env = "GG_CLOUD_ACCOUNT", value_name = "DIGITS")]
    account: Option<String>,
    /// Most requests that one caller, a key or a device, may make in a second over HTTPS; 0 is any
    /// number. Whoever makes more is told to wait.
    #[arg(
        long,
        env = "GG_CLOUD_REQUESTS_PER_SECOND",
        value_name = "NUMBER",
        default_value_t = 1000
    )]
    requests_per_second: u32,
    /// Most messages that a client of MQTT may send in a second; 0 is any number. Whoever sends more is
    /// read more slowly.
    #[arg(
        long,
        env = "GG_CLOUD_MESSAGES_PER_SECOND",
        value_name = "NUMBER",
        default_value_t = 1000
    )]
    messages_per_second: u32,
    /// How to print where it listens: for people, or a line of JSON.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Log more: what is refused and why.
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    log(args.verbose);
    // Each client takes one.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).context("failed to allow for more open files")?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start threads")?;
    runtime.block_on(serve(args))?;
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

fn log(verbose: bool) {
    let level = if verbose { Level::DEBUG } else { Level::INFO };
    // What others can make the library say is said by the broker, and less often.
    let levels = Targets::new().with_default(level).with_target("mqtt5", Level::ERROR);
    let to_stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(to_stderr).with(levels).init();
}

async fn serve(args: Args) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (clock, tasks) = (Clock::system(), Tasks::default());
    let data = folder::find(args.data.as_deref())?;
    folder::check(&data)?;
    let authority = Arc::new(Authority::open(&data.join("pki"), &clock)?);
    let state = Sqlite::open(&data.join("state.sqlite")).context("failed to open the state")?;
    let state: Arc<dyn State> = Arc::new(state);
    let objects = data.join("objects");
    let artifacts = Artifacts::open(&objects)
        .with_context(|| format!("failed to use the folder {}", objects.display()))?;
    let place =
        state.change(|transaction| Place::settle(transaction, args.region, args.account))?;
    let (key, is_new) = administrator(state.as_ref())?;
    let vault = Arc::new(vault(&data.join(SECRET_KEYS), state.as_ref())?);
    let registry = Registry {
        state,
        artifacts,
        authority: Arc::clone(&authority),
        vault,
        place,
        clock,
        tasks: tasks.clone(),
    };

    let names = names(args.names);
    let server = authority.server(&with_buckets(&names))?;
    let https = bind(args.listen, "--listen").await?;
    let mqtt = bind(args.mqtt_listen, "--mqtt-listen").await?;
    let ready = Ready {
        https: https.address(),
        mqtt: mqtt.address(),
        authority: authority.certificate_file(),
        key: &key,
        is_new,
        place: &registry.place,
        data: &data,
    };
    drop(tasks.spawn(registry.clone().tidy()));
    drop(tasks.spawn(registry.clone().go_on()));
    let (folder, rate) = (data.join("mqtt"), args.messages_per_second);
    let broker = Broker::start(registry.clone(), &folder, rate).await?;
    let (all, devices) = (services::all(&registry), services::devices(&registry));
    let hosts = Hosts::new(&names, &registry.place.region);
    let rate = args.requests_per_second;
    let web = Web::new(registry.clone(), all, devices, hosts, broker.clone(), rate);
    let web = Arc::new(web);
    let (port, mqtt_port) = (ready.https.port(), ready.mqtt.port());
    let endpoint = Endpoint { name: outside(&names), port, mqtt: mqtt_port };
    registry.state.change(|tx| Ok::<_, Refusal>(endpoint::set(tx, &endpoint)?))?;
    let servers = Servers { web, broker };
    let both: Vec<&str> = HTTP.into_iter().chain(MQTT).collect();
    let tls = server.port(Clients::MayHaveCertificates, &both)?;
    https.serve(tls, Speaks::Http, servers.clone(), &tasks);
    let tls = server.port(Clients::HaveCertificates, &MQTT)?;
    mqtt.serve(tls, Speaks::Mqtt, servers, &tasks);
    let text = match args.output {
        Output::Text => ready.text(),
        Output::Json => ready.json(),
    };
    // Who started this may not read.
    let _nobody_reads = writeln!(std::io::stdout(), "{text}");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    if !tasks.finish(GRACE).await {
        tracing::warn!("some requests took too long and were cut off");
    }
    let now = registry.clock.now();
    registry.state.change(|tx| connections::end_all(tx, now))?;
    Ok(())
}

/// What secrets are sealed with. Where there are secrets, a new key would open none of them.
fn vault(file: &Path, state: &dyn State) -> Result<Vault> {
    if !file.exists() && secrets::any(state.snapshot()?.as_ref())? {
        bail!(
            "{} is missing, and without it no secret can be opened; put it back from a backup",
            file.display()
        );
    }
    Ok(Vault::open(file)?)
}

async fn bind(address: SocketAddr, option: &str) -> Result<Listener> {
    let bound = Listener::bind(address).await;
    bound.with_context(|| format!("failed to listen at {address}; choose another with {option}"))
}

/// The first key, and whether it was made now.
fn administrator(state: &dyn State) -> Result<(AccessKey, bool)> {
    let known = keys::of_user(state.snapshot()?.as_ref(), keys::ADMINISTRATOR)?;
    if let Some(key) = known {
        return Ok((key, false));
    }
    let made = state.change(|transaction| keys::create(transaction, keys::ADMINISTRATOR))?;
    Ok((made, true))
}

fn names(mut chosen: Vec<String>) -> Vec<String> {
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let always = ALWAYS.map(str::to_owned);
    // A machine can be called what no certificate can say.
    let own = Some(own).filter(|name| !name.is_empty() && name.is_ascii());
    for name in always.into_iter().chain(own) {
        if !chosen.contains(&name) {
            chosen.push(name);
        }
    }
    chosen
}

/// Also with a bucket before them, for clients of S3. TLS allows for that where names have a dot.
fn with_buckets(names: &[String]) -> Vec<String> {
    let is_address = |name: &String| name.parse::<std::net::IpAddr>().is_ok();
    let is_domain = |name: &String| name.contains('.') && !name.starts_with('*');
    let domains = names.iter().filter(|name| is_domain(name) && !is_address(name));
    names.iter().cloned().chain(domains.map(|name| format!("*.{name}"))).collect()
}

/// The name that others than this machine know it by, if there is one.
fn outside(names: &[String]) -> String {
    let mut others = names.iter().filter(|name| !ALWAYS.contains(&name.as_str()));
    others.next().map_or(ALWAYS[0], String::as_str).to_owned()
}
