//! The arguments, and what they mean.

use crate::capability::inference::Model;
use crate::cli::model::{LibraryArg, beside};
use crate::cli::{Format, attribute, default_cache};
use crate::clock::Clock;
use crate::cloud::LinkSettings;
use crate::deployment::Deployment;
use crate::deployment::concrete::{Operator, Places};
use crate::deployment::source::local::Setting;
use crate::inference::worker::ModelFiles;
use crate::logs::Level;
use crate::network::ProxySettings;
use crate::network::proxy::decoded;
use crate::nucleus::NucleusConfig;
use crate::runtime::process::ProcessConfig;
use crate::runtime::wasm::EngineConfig;
use crate::supervisor::Treatment;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use clap::ValueHint;
use gg_model::nucleus::Login;
use gg_model::{
    ComponentName, ComponentVersion, Directory, Grant, HostPort, IdentityFiles, InferenceSettings,
    LimitOverrides, ModelDeclaration, ModelName, MqttSettings, NucleusSettings,
};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

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
pub(in crate::cli) struct Args {
    /// Components: .wasm files or recipes (.yaml, .yml, .json).
    #[arg(required = true, value_name = "COMPONENT", value_hint = ValueHint::FilePath)]
    pub(super) components: Vec<PathBuf>,

    /// Set a configuration value, for all components or one: [COMPONENT:]key.path=JSON. What is
    /// not JSON is taken as text.
    #[arg(long, short = 'c', value_name = "KEY=JSON")]
    pub(super) config: Vec<String>,

    /// Merge a JSON or YAML file into the configuration: [COMPONENT=]FILE.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Vec<String>,

    /// Grant an operation: SERVICE:OPERATION:RESOURCE, for example pubsub:publish:alerts/*.
    #[arg(long, value_name = "SERVICE:OPERATION:RESOURCE")]
    pub(super) allow: Vec<Grant>,

    /// Allow nothing but what recipes and --allow grant.
    #[arg(long)]
    pub(super) deny_all: bool,

    /// Let components see a folder: HOST::GUEST[:ro].
    #[arg(long, value_name = "HOST::GUEST[:ro]")]
    pub(super) dir: Vec<Directory>,

    /// Let components reach a host: HOST:PORT. A name allows HTTP requests, an address sockets too.
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) net: Vec<HostPort>,

    /// Let components talk to a broker of MQTT: mqtt://[USER[:PASSWORD]@]HOST[:PORT].
    #[arg(long, value_name = "URL")]
    pub(super) broker: Option<Broker>,

    /// Let components ask a machine-learning model for predictions: NAME=FILE, a file of ONNX. Its
    /// golden vectors are checked if they lie beside it.
    #[arg(long, value_name = "NAME=FILE")]
    pub(super) model: Vec<NamedModel>,

    #[command(flatten)]
    pub(super) library: LibraryArg,

    /// Set an environment variable: NAME=VALUE, or NAME to pass on this program's.
    #[arg(long, short = 'e', value_name = "NAME[=VALUE]")]
    pub(super) env: Vec<String>,

    /// Say what recipes may ask this device to be, for example runtime=docker.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub(super) platform: Vec<(String, String)>,

    /// Memory of each component, for example 64MiB.
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<String>,

    /// Share of one processor for each component, for example 0.5.
    #[arg(long, value_name = "SHARE")]
    pub(super) cpu: Option<String>,

    /// Set any limit: NAME=VALUE. `gg-host limits` lists them.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) limit: Vec<String>,

    /// End the run after this time, for example 30s (code 124 if a service was not done).
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) timeout: Option<Duration>,

    /// End the run when this component is over, whatever the others do.
    #[arg(long, value_name = "COMPONENT")]
    pub(super) until: Option<ComponentName>,

    /// How long components may take to end when asked to.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    pub(super) grace: Duration,

    /// Swap a component when its file changes, without losing messages.
    #[arg(long, short = 'w')]
    pub(super) watch: bool,

    /// Publish a message when the components are up: TOPIC=PAYLOAD.
    #[arg(long, short = 'p', value_name = "TOPIC=PAYLOAD")]
    pub(super) publish: Vec<String>,

    /// Show the messages of a topic filter.
    #[arg(long, short = 's', value_name = "FILTER")]
    pub(super) subscribe: Vec<String>,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    pub(super) output: Format,

    /// Show more: components' debug records, and what the host does. Repeat for yet more.
    #[arg(long, short = 'v', action = clap::ArgAction::Count)]
    pub(super) verbose: u8,

    /// Keep compiled components in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(super) cache: Option<PathBuf>,

    /// Do not keep compiled components.
    #[arg(long, conflicts_with = "cache")]
    pub(super) no_cache: bool,

    /// Write the memory of a component that crashes to a file in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(super) core_dumps: Option<PathBuf>,

    /// Secrets for components that are granted them (--allow secrets:get:NAME): a file that nobody
    /// else can read, YAML or JSON, with a list `secrets` of {Name, SecretString}.
    #[arg(long, value_name = "FILE")]
    pub(super) secrets: Option<PathBuf>,

    /// Threads that execute components.
    #[arg(long, value_name = "COUNT")]
    pub(super) threads: Option<std::num::NonZeroUsize>,

    /// Arguments for the components.
    #[arg(last = true, value_name = "ARGS")]
    pub(super) arguments: Vec<String>,
}

impl Args {
    /// What the nucleus is started with.
    pub(super) fn nucleus(
        &self,
        deployment: &Deployment,
        places: &Places,
        clock: Clock,
    ) -> Result<NucleusConfig> {
        let stack =
            deployment.components.iter().map(|desired| desired.component.limits.stack).max();
        // One that is named is there before anything is started.
        self.library.find()?;
        let mut engine = EngineConfig {
            cache: if self.no_cache { None } else { self.cache.clone().or_else(default_cache) },
            core_dumps: self.core_dumps.is_some(),
            ..EngineConfig::default()
        };
        engine.stack = stack.unwrap_or(engine.stack);
        Ok(NucleusConfig {
            thing: places.thing.clone(),
            engine,
            guest_threads: self.threads,
            least_level: match self.verbose {
                0 => Level::Info.into(),
                1 => Level::Debug.into(),
                _ => Level::Trace.into(),
            },
            treatment: Treatment { most_errors: 1, error_reset: Duration::MAX },
            core_dumps: self.core_dumps.clone(),
            clock,
            process: ProcessConfig::new(places.root.clone(), places.thing.clone()),
            secrets: self.secrets.clone(),
            credentials: None,
            data_plane: None,
            device: None,
            link: self.link(places),
            inference: InferenceSettings { onnxruntime: self.library.setting(), memory: None },
        })
    }

    /// How the broker is reached.
    fn link(&self, places: &Places) -> Option<LinkSettings> {
        let Broker { host, port, login } = self.broker.clone()?;
        let settings = NucleusSettings {
            endpoint: Some(host),
            mqtt: MqttSettings {
                port: Some(port.into()),
                login,
                tls: Some(false),
                ..MqttSettings::default()
            },
            ..NucleusSettings::default()
        };
        let (files, proxies) = (IdentityFiles::default(), ProxySettings::default());
        LinkSettings::of(places.thing.clone(), &settings, &files, proxies)
    }

    /// What the operator adds to the recipes.
    pub(super) fn operator(&self) -> Result<Operator> {
        let mut limits = LimitOverrides::default();
        let short = [("memory", &self.memory), ("cpu", &self.cpu)];
        for (name, value) in short {
            if let Some(value) = value {
                limits.set(name, value).with_context(|| format!("--{name}"))?;
            }
        }
        for pair in &self.limit {
            limits.set_pair(pair).with_context(|| format!("--limit {pair}"))?;
        }
        Ok(Operator {
            allow: self.allow.clone(),
            local_topics: true,
            models: self.model.iter().map(|model| model.name.clone()).collect(),
            deny_all: self.deny_all,
            directories: self.dir.clone(),
            network: self.net.clone(),
            environment: self.env.iter().map(|pair| variable(pair)).collect::<Result<_>>()?,
            limits,
            arguments: self.arguments.clone(),
            platform: self.platform.iter().cloned().collect(),
            run_as: None,
        })
    }

    /// The models that the operator brings.
    pub(super) fn models(&self) -> Vec<Model> {
        let model = |NamedModel { name, file }: &NamedModel| Model {
            name: name.clone(),
            version: ComponentVersion::ZERO,
            files: ModelFiles { model: file.clone(), golden: beside(file) },
            declaration: ModelDeclaration::default(),
        };
        self.model.iter().map(model).collect()
    }

    /// What the operator sets in the configuration.
    pub(super) fn settings(&self) -> Result<Vec<Setting>> {
        let files = self.config_file.iter().map(|file| config_file(file));
        files.chain(self.config.iter().map(|pair| setting(pair))).collect()
    }
}

/// A model's name and its file.
#[derive(Clone, Debug)]
pub(super) struct NamedModel {
    name: ModelName,
    file: PathBuf,
}

impl FromStr for NamedModel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, file) = text.split_once('=').ok_or("write NAME=FILE")?;
        let name = name.parse::<ModelName>().map_err(|error| error.to_string())?;
        Ok(Self { name, file: file.into() })
    }
}

/// A broker, by its URL.
#[derive(Clone, Debug)]
pub(super) struct Broker {
    host: String,
    port: u16,
    login: Option<Login>,
}

/// `mqtt://[USER[:PASSWORD]@]HOST[:PORT]`.
impl FromStr for Broker {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write mqtt://[USER[:PASSWORD]@]HOST[:PORT], other characters as %41";
        let uri: http::Uri = url.parse().map_err(|_| FORM)?;
        let (Some("mqtt"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(FORM);
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let login = match authority.as_str().rsplit_once('@') {
            None => None,
            Some((known, _)) => {
                let (user, password) = known.split_once(':').unzip();
                let password =
                    password.map(|password| decoded(password).ok_or(FORM)).transpose()?;
                let user = decoded(user.unwrap_or(known)).ok_or(FORM)?;
                Some(Login { user, password })
            }
        };
        Ok(Self { host, port: uri.port_u16().unwrap_or(1883), login })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_has_a_url() {
        let broker = |url: &str| url.parse::<Broker>().unwrap();
        let plain = broker("mqtt://localhost");
        assert_eq!((&*plain.host, plain.port, plain.login), ("localhost", 1883, None));
        let known = broker("mqtt://me:p%40ss@[::1]:7");
        assert_eq!((&*known.host, known.port), ("::1", 7));
        let login = Login { user: "me".to_owned(), password: Some("p@ss".to_owned()) };
        assert_eq!(known.login, Some(login));
        assert!(!format!("{:?}", broker("mqtt://me:hidden@a")).contains("hidden"));
        for wrong in ["", "localhost", "http://a", "mqtt://me%4@a", "mqtt://"] {
            assert!(wrong.parse::<Broker>().is_err(), "{wrong}");
        }
    }
}
