//! The host, whole, with components to measure.

use anyhow::{Context, Result, anyhow, ensure};
use gg_host::capability::inference::Model;
use gg_host::capability::pubsub::{PayloadFormat, Publisher, SubscribeOptions, Subscription};
use gg_host::clock::Clock;
use gg_host::deployment::Deployment;
use gg_host::deployment::DesiredComponent;
use gg_host::deployment::concrete::{Operator, Places};
use gg_host::deployment::source::local;
use gg_host::logs::{Level, Record};
use gg_host::nucleus::{Nucleus, NucleusConfig};
use gg_host::runtime::process::ProcessConfig;
use gg_host::runtime::wasm::EngineConfig;
use gg_host::supervisor::Treatment;
use gg_model::{InferenceSettings, ReceiveMode, WhenFull};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How much faster than real time the guests' clock goes, so that its coarse steps of 100 µs are
/// 0.1 µs of real time.
pub(crate) const CLOCK_RATE: u32 = 1000;

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A component to run.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: &'static str,
    /// Its file.
    pub(crate) wasm: PathBuf,
    /// Its configuration.
    pub(crate) configuration: Value,
}

impl Component {
    /// A component with a configuration.
    pub(crate) fn new(name: impl Into<String>, wasm: &Path, configuration: Value) -> Self {
        Self { name: name.into(), version: "1.0.0", wasm: wasm.to_owned(), configuration }
    }

    /// A handler that is subscribed to topics; publishers wait for it.
    pub(crate) fn handler(
        name: impl Into<String>,
        wasm: &Path,
        topics: &[&str],
        queue: u32,
    ) -> Self {
        let subscription =
            |topic: &&str| json!({ "topic": topic, "queue": queue, "whenFull": "block" });
        let subscriptions: Vec<Value> = topics.iter().map(subscription).collect();
        let configuration = json!({ "subscriptions": subscriptions, "threshold": 30 });
        Self::new(name, wasm, configuration)
    }
}

/// Where compiled guests are kept between runs.
pub(crate) fn cache() -> PathBuf {
    Path::new(super::ROOT).join("target/bench-cache")
}

/// The engine's settings.
pub(crate) fn engine() -> EngineConfig {
    EngineConfig { cache: Some(cache()), ..EngineConfig::default() }
}

/// Make the components of recipes in a folder.
pub(crate) fn desired(
    folder: &Path,
    components: &[Component],
    clock: &Clock,
    models: &[Model],
) -> Result<Vec<DesiredComponent>> {
    let places = Places { root: folder.to_owned(), thing: "bench".parse()? };
    let models = models.iter().map(|model| model.name.clone()).collect();
    let operator = Operator { local_topics: true, models, ..Operator::default() };
    let mut all = Vec::new();
    for component in components {
        let file = component.wasm.file_name().context("a component has a name")?;
        let here = folder.join(file);
        if !here.exists() {
            fs::copy(&component.wasm, &here)?;
        }
        let recipe = json!({
            "RecipeFormatVersion": "2020-01-25",
            "ComponentName": component.name,
            "ComponentVersion": component.version,
            "ComponentConfiguration": { "DefaultConfiguration": component.configuration },
            "Manifests": [{
                "Platform": { "runtime": "wasm" },
                "Lifecycle": { "run": format!("{{artifacts:path}}/{}", file.display()) },
            }],
        });
        let path = folder.join(format!("{}.json", component.name));
        fs::write(&path, recipe.to_string())?;
        all.push(local::read(&path)?);
    }
    local::desired(&all, &operator, &[], &places, clock)
}

/// A host with its components.
pub(crate) struct Host {
    /// The host.
    pub(crate) nucleus: Nucleus,
    publisher: Publisher,
    done: Subscription,
    records: mpsc::Receiver<Record>,
    clock: Clock,
    folder: TempDir,
}

impl Host {
    /// Start components, and wait until they are up.
    pub(crate) async fn start(components: &[Component]) -> Result<Self> {
        Self::start_with(components, Vec::new()).await
    }

    /// The same, with models that all of them may ask.
    pub(crate) async fn start_with(components: &[Component], models: Vec<Model>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let begin = Instant::now();
        let clock = Clock::from_fn(move || UNIX_EPOCH + begin.elapsed() * CLOCK_RATE);
        let deployment =
            Deployment { components: desired(folder.path(), components, &clock, &models)?, models };
        let config = NucleusConfig {
            inference: InferenceSettings::default(),
            thing: "bench".parse()?,
            engine: engine(),
            guest_threads: None,
            least_level: Level::Info.into(),
            treatment: Treatment { most_errors: 1, error_reset: Duration::MAX },
            process: ProcessConfig::new(folder.path().to_owned(), "bench".parse()?),
            device: None,
            link: None,
            core_dumps: None,
            secrets: None,
            credentials: None,
            data_plane: None,
            clock: clock.clone(),
        };
        let (mut nucleus, records) = Nucleus::start(config).await?;
        let done = subscribe(&nucleus, "done", 1024)?;
        let publisher = nucleus.pubsub().publisher(nucleus.operator().clone());
        nucleus.deploy(deployment.clone()).await.map_err(|error| anyhow!("{error}"))?;
        let operator = nucleus.operator();
        for wanted in &deployment.components {
            let status = nucleus.status(&wanted.component.name).context("it is deployed")?;
            ensure!(status.borrow().exit.is_none(), "{} is over", wanted.component.name);
        }
        for (topic, service) in [
            ("go", "source"),
            ("go", "ping"),
            ("go", "ask"),
            ("data", "sink"),
            ("ping", "pong"),
            ("echo", "echo"),
        ] {
            if components.iter().any(|component| component.configuration["mode"] == service) {
                let topic = topic.parse()?;
                tokio::time::timeout(PATIENCE, nucleus.pubsub().until_subscribed(operator, &topic))
                    .await?;
            }
        }
        Ok(Self { nucleus, publisher, done, records, clock, folder })
    }

    /// Deploy other components in place of those that run.
    pub(crate) async fn deploy(&mut self, components: &[Component]) -> Result<()> {
        let components = desired(self.folder.path(), components, &self.clock, &[])?;
        let deployed =
            self.nucleus.deploy(Deployment { components, ..Deployment::default() }).await;
        deployed.map_err(|error| anyhow!("{error}"))
    }

    /// Publish as the operator.
    pub(crate) async fn publish(&mut self, topic: &str, payload: Vec<u8>) -> Result<()> {
        Ok(self.publisher.publish(topic, payload, PayloadFormat::Binary).await?)
    }

    /// Wait for a message on the topic `done`.
    pub(crate) async fn done(&mut self) -> Result<Vec<u8>> {
        let next = tokio::time::timeout(PATIENCE, self.done.next()).await;
        match next {
            Ok(Some(message)) => Ok(message.payload.clone()),
            Ok(None) => Err(anyhow!("the host is stopping")),
            Err(_) => {
                let mut said = String::new();
                while let Ok(record) = self.records.try_recv() {
                    said += &format!("\n{}: {}", record.component, record.message);
                }
                Err(anyhow!("no answer{said}"))
            }
        }
    }

    /// Publish, and wait for the answer on the topic `done`; gives the time it took.
    pub(crate) async fn ask(&mut self, topic: &str, payload: &str) -> Result<Duration> {
        let begin = Instant::now();
        self.publish(topic, payload.as_bytes().to_vec()).await?;
        self.done().await?;
        Ok(begin.elapsed())
    }

    /// Stop everything.
    pub(crate) async fn end(self) {
        self.nucleus.drain(Duration::from_secs(10)).await;
    }
}

/// Subscribe as the operator; publishers wait for it.
pub(crate) fn subscribe(nucleus: &Nucleus, filter: &str, queue: u32) -> Result<Subscription> {
    let options = SubscribeOptions {
        receive_mode: Some(ReceiveMode::All),
        queue: Some(queue),
        when_full: Some(WhenFull::Block),
    };
    Ok(nucleus.pubsub().subscribe(nucleus.operator(), filter, options)?)
}
