//! `gg-cloud serve`.

use super::{Output, folder};
use crate::artifacts::Artifacts;
use crate::clock::Clock;
use crate::pki::Authority;
use crate::registry::endpoint::{self, Endpoint};
use crate::registry::{AccessKey, Place, Refusal, Registry, keys};
use crate::services;
use crate::state::{Sqlite, State};
use crate::tasks::Tasks;
use crate::web::{Listener, Web};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long what is being answered may still take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// What every machine calls itself.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Serve AWS's APIs over HTTPS, until SIGTERM or SIGINT.
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
    /// How to print where it listens: for people, or a line of JSON.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Log more: what is refused and why.
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let level = if args.verbose { tracing::Level::DEBUG } else { tracing::Level::INFO };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Runtime::new().context("failed to start threads")?;
    runtime.block_on(serve(args))?;
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: Args) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (clock, tasks) = (Clock::system(), Tasks::default());
    let data = folder::find(args.data.as_deref())?;
    let authority = Arc::new(Authority::open(&data.join("pki"), &clock)?);
    let state = Sqlite::open(&data.join("state.sqlite")).context("failed to open the state")?;
    let state: Arc<dyn State> = Arc::new(state);
    let objects = data.join("objects");
    let artifacts = Artifacts::open(&objects)
        .with_context(|| format!("failed to use the folder {}", objects.display()))?;
    let place =
        state.change(|transaction| Place::settle(transaction, args.region, args.account))?;
    let (key, is_new) = administrator(state.as_ref())?;
    let registry = Registry {
        state,
        artifacts,
        authority: Arc::clone(&authority),
        place,
        clock,
        tasks: tasks.clone(),
    };

    let names = names(args.names);
    let tls = authority.server(&names)?;
    let listener = Listener::bind(args.listen).await.with_context(|| {
        format!("failed to listen at {}; choose another with --listen", args.listen)
    })?;
    drop(tasks.spawn(registry.clone().tidy()));
    let web = Web::new(registry.clone(), services::all(&registry), services::devices(&registry));
    let address = listener.address();
    let endpoint = Endpoint { name: outside(&names), port: address.port() };
    registry.state.change(|tx| Ok::<_, Refusal>(endpoint::set(tx, &endpoint)?))?;
    listener.serve(tls, Arc::new(web), &tasks);
    let ready = Ready {
        address,
        authority: authority.certificate_file(),
        key: &key,
        is_new,
        place: &registry.place,
        data: &data,
    };
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
    Ok(())
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

/// The name that others than this machine know it by, if there is one.
fn outside(names: &[String]) -> String {
    let mut others = names.iter().filter(|name| !ALWAYS.contains(&name.as_str()));
    others.next().map_or(ALWAYS[0], String::as_str).to_owned()
}

/// What those who start the server are told.
struct Ready<'a> {
    address: SocketAddr,
    authority: &'a Path,
    key: &'a AccessKey,
    is_new: bool,
    place: &'a Place,
    data: &'a Path,
}

impl Ready<'_> {
    /// The name that is in every certificate.
    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn text(&self) -> String {
        let (url, authority) = (self.url(), self.authority.display());
        let (id, region) = (&self.key.id, &self.place.region);
        let secret = match self.is_new {
            true => self.key.secret.reveal(),
            false => "THE-SECRET-SHOWN-WITH-THE-FIRST-START",
        };
        let first = match self.is_new {
            true => "\nThis is the first start. The secret is not shown again: keep it.\n",
            false => "",
        };
        format!(
            "gg-cloud listens at {address} and keeps everything in {data}.
{first}
To use it, say to a shell:

    export AWS_ACCESS_KEY_ID={id}
    export AWS_SECRET_ACCESS_KEY={secret}
    export AWS_DEFAULT_REGION={region}
    export AWS_ENDPOINT_URL={url}
    export AWS_CA_BUNDLE={authority}
    aws sts get-caller-identity

or, without the last two variables:

    aws --endpoint-url {url} --ca-bundle {authority} sts get-caller-identity
",
            address = self.address,
            data = self.data.display(),
        )
    }

    fn json(&self) -> String {
        let mut line = json!({
            "address": self.address.to_string(),
            "url": self.url(),
            "ca": self.authority,
            "region": self.place.region,
            "account": self.place.account,
            "accessKeyId": self.key.id,
        });
        if self.is_new {
            line["secretAccessKey"] = self.key.secret.reveal().into();
        }
        line.to_string()
    }
}
