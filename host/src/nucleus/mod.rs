//! Builds every part, starts them in order and drains them in reverse: the only place that knows
//! how the parts fit together. [`root`] is the folder in which a device's nucleus keeps everything.

pub mod device;
mod memory;
mod requests;
pub mod root;
mod sources;
pub mod time;

use crate::capability::Capabilities;
use crate::capability::caller::Caller;
use crate::capability::configuration::Configuration;
use crate::capability::credentials::TokenExchange;
use crate::capability::debug::DebugPasswords;
use crate::capability::deployment::{self, LocalDeployments};
use crate::capability::host::{self, HostControl};
use crate::capability::inference::Inference;
use crate::capability::keyvalue::KeyValue;
use crate::capability::lifecycle::LifecycleControl;
use crate::capability::metric::Metrics;
use crate::capability::mqtt::Mqtt;
use crate::capability::pubsub::PubSub;
use crate::capability::secrets::Secrets;
use crate::capability::secrets::key_file;
use crate::capability::shadow::sync::Sync;
use crate::capability::shadow::{Shadows, topics};
use crate::clock::Clock;
use crate::cloud::credentials::{Credentials, Source};
use crate::cloud::data_plane::{self, DataPlane};
use crate::cloud::s3::S3;
use crate::cloud::secrets::SecretsManager;
use crate::cloud::spool::Spool;
use crate::cloud::{CloudClock, FileKey, Link, LinkSettings};
use crate::component::InstalledComponent;
use crate::component::artifact::{FetchSettings, Fetcher};
use crate::component::library::Library;
use crate::deployment::assemble::Assembler;
use crate::deployment::bootstrap::Restart;
use crate::deployment::concrete::Places;
use crate::deployment::execute::{DeployError, Executor};
use crate::deployment::own::OwnConfiguration;
use crate::deployment::parts::Parts;
use crate::deployment::progress::Progress;
use crate::deployment::queue::Queue;
use crate::deployment::source::cloud::Cloud;
use crate::deployment::source::jobs::Jobs;
use crate::deployment::source::shadow::OfShadow;
use crate::deployment::worker::{Milestone, Worker};
use crate::deployment::{Deployment, DesiredComponent};
use crate::fleet::FleetStatus;
use crate::ipc;
use crate::ipc::operators::{self, Operators};
use crate::ipc::socket::{self, Socket};
use crate::logs::{self, LeastLevel, Level, LogSink, Record};
use crate::metrics::Registry;
use crate::monitor::Monitor;
use crate::monitor::endpoint::Endpoint;
use crate::monitor::push::Push;
use crate::network::{self, Client, Patience, ProxySettings};
use crate::runtime::docker::{DockerConfig, DockerRuntime};
use crate::runtime::process::{ProcessConfig, ProcessRuntime, Proxy};
use crate::runtime::token::Tokens;
use crate::runtime::wasm::{EngineConfig, WasmEngine, WasmRuntime};
use crate::store::Store;
use crate::supervisor::{ComponentStatus, Runtimes, Supervisor, Treatment};
use crate::tasks::Tasks;
use crate::token_exchange::Exchange;
use crate::trust::Trust;
use anyhow::Context as _;
use device::Device;
use gg_model::{ComponentName, InferenceSettings, NucleusSettings, ThingName};
use requests::{Deployments, Host, Lives};
use root::Root;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What a nucleus is started with.
#[derive(Clone, Debug)]
pub struct NucleusConfig {
    /// The core device's name.
    pub thing: ThingName,
    /// The engine's settings.
    pub engine: EngineConfig,
    /// Threads for guests; one for each processor when `None`.
    pub guest_threads: Option<NonZeroUsize>,
    /// Log records below this level are not kept.
    pub least_level: LeastLevel,
    /// How components are treated that fail.
    pub treatment: Treatment,
    /// Where crashes leave core dumps, if anywhere.
    pub core_dumps: Option<PathBuf>,
    /// The time of day.
    pub clock: Clock,
    /// What native components are run with.
    pub process: ProcessConfig,
    /// Where the operator's own secrets are, if anywhere.
    pub secrets: Option<PathBuf>,
    /// Where credentials of AWS are had, if anywhere.
    pub credentials: Option<Source>,
    /// Where it keeps what must survive it; nowhere when `None`.
    pub device: Option<Device>,
    /// Where components of the cloud are had, if that is configured.
    pub data_plane: Option<data_plane::Place>,
    /// How the broker is reached, if one is configured.
    pub link: Option<LinkSettings>,
    /// How models are run where there is no device whose configuration says so.
    pub inference: InferenceSettings,
}

/// The running whole.
#[derive(Debug)]
pub struct Nucleus {
    executor: Executor,
    /// Gives components credentials of AWS.
    exchange: Option<Credentials>,
    kept: Option<Kept>,
    /// The operator as a caller.
    operator: Caller,
    /// Who may use the command line.
    operators: Option<Operators>,
    started: Instant,
    tasks: Tasks,
    /// What is published and not yet sent, if there is a link.
    spool: Option<Spool>,
    /// What is asked, until somebody reads of it.
    wanted: Option<Wanted>,
}

/// What is asked of a device's nucleus alone; a run has neither.
#[derive(Debug)]
struct Wanted {
    deployments: mpsc::Receiver<deployment::Request>,
    host: mpsc::Receiver<host::Request>,
}

/// What a device's nucleus keeps.
#[derive(Debug)]
struct Kept {
    fetcher: Arc<Fetcher>,
    store: Store,
    library: Library,
    own: OwnConfiguration,
    plane: Option<DataPlane>,
    root: Root,
    tokens: Tokens,
}

/// Who is told what by the nucleus itself.
#[derive(Debug, Default)]
pub struct Telling {
    /// Who asks for it.
    pub endpoint: Option<Endpoint>,
    /// To whom it is sent.
    pub push: Option<Push>,
    /// Where components have credentials of AWS.
    pub exchange: Option<Exchange>,
}

/// How long a deployment may take to be prepared, and as long again to come up.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

impl Nucleus {
    /// Start, with no component. Gives what the components will say beside it.
    ///
    /// # Errors
    /// The engine or a thread cannot be started, or what is kept cannot be read.
    pub async fn start(
        mut config: NucleusConfig,
    ) -> anyhow::Result<(Self, mpsc::Receiver<Record>)> {
        memory::keep_spare();
        let (records, said) = mpsc::channel(logs::QUEUE);
        let tasks = match &config.device {
            Some(device) => device.tasks.clone(),
            None => Tasks::new(config.guest_threads).context("cannot start the guests' threads")?,
        };
        let groups = config.device.as_ref().map(|device| device.operators.clone());
        let process = &config.process;
        let plane = config.data_plane.map(|place| DataPlane::new(place, tasks.clone()));
        let operator = Caller::operator(&operators::own_name(), config.thing.clone());
        let alone = NucleusSettings { inference: config.inference, ..NucleusSettings::default() };
        let alone = watch::channel(Arc::new(alone)).1;
        let own = config.device.as_ref().map(|device| device.own().clone());
        let told = || own.as_ref().map_or_else(|| alone.clone(), |own| own.watch());
        let (mut exchange, mut manager, mut s3, mut keys) = (None, None, None, Vec::new());
        if let Some(source) = config.credentials {
            let proxies = source.proxies.clone();
            let (clock, stop) = (CloudClock::new(config.clock.clone()), operator.stop().clone());
            let credentials = Credentials::new(source, told(), clock.clone(), tasks.clone(), stop);
            keys.extend(credentials.device_key().await);
            let tls = network::tls::public().context("cannot prepare for TLS")?;
            let client = Client::new([tls.clone(), tls], proxies, Patience::default());
            s3 = Some(S3::new(credentials.clone(), clock.clone(), told()));
            manager = Some(SecretsManager::new(client, clock, credentials.clone()));
            exchange = Some(credentials);
        }
        let kept = config.device.map(|device| Kept::open(device, process, (plane, s3), &tasks));
        let kept = kept.transpose()?;
        let store = kept.as_ref().map(|kept| kept.store.clone());
        let keyvalue = match &kept {
            Some(kept) => KeyValue::kept(kept.store.clone(), kept.store.keyvalues().await?),
            None => KeyValue::default(),
        };
        let (lifecycle, requests) = LifecycleControl::new();
        let counters = Registry::default();
        let (deployment, deployments) = LocalDeployments::new(store.clone());
        let (host, of_host) = HostControl::new();
        let wanted = Wanted { deployments, host: of_host };
        let pubsub = PubSub::counted(counters.clone());
        let (clock, thing) = (config.clock.clone(), config.thing.clone());
        let shadows = Shadows::new(clock, store.clone(), thing, &pubsub, &tasks);
        let spool = match &config.link {
            Some(_) => Some(Spool::open(store.clone(), told(), config.clock.clone()).await?),
            None => None,
        };
        let link = config
            .link
            .zip(spool.clone())
            .map(|(settings, spool)| Link::start(settings, spool, &tasks, operator.stop().clone()));
        if let Some(link) = &link {
            Sync::start(&shadows, link, config.thing.clone(), &tasks, operator.stop().clone());
        }
        let secrets = match &kept {
            Some(kept) => {
                let key = key_file(&kept.root.secret_key()).context("state/secrets.key")?;
                keys.push(Box::new(FileKey::new(&key)));
                Secrets::kept(kept.store.clone(), &keys, manager, config.secrets).await
            }
            None => Secrets::new(config.secrets).map_err(anyhow::Error::from),
        };
        let capabilities = Capabilities {
            configuration: Configuration::new(config.clock.clone(), store),
            debug: DebugPasswords::new(config.clock.clone()),
            deployment,
            host,
            inference: Inference::new(told(), tasks.clone(), operator.stop().clone()),
            keyvalue,
            lifecycle,
            metric: Metrics::default(),
            mqtt: Mqtt::new(link, counters.clone()),
            pubsub: pubsub.clone(),
            secrets: secrets.context("cannot keep secrets")?,
            shadows,
        };
        // Before anything is started that is to use it.
        let socket = Socket::open(&config.process.root)
            .with_context(|| format!("cannot open {} in the root folder", socket::NAME))?;
        let operators = groups.map(|groups| {
            let (process, socket) = (&config.process, socket.path());
            Operators::let_in(&process.root, &socket, &process.tokens, &config.thing, &groups)
        });
        let operators = operators.transpose().context("cannot let the command line in")?;
        config.process.socket = Some(socket.path());
        let server = ipc::Server::new(
            capabilities.clone(),
            config.process.tokens.clone(),
            tasks.clone(),
            config.clock.clone(),
            ipc::Patience::default(),
        );
        let engine =
            Arc::new(WasmEngine::new(&config.engine).context("cannot start the wasm engine")?);
        let wasm = WasmRuntime::new(
            engine,
            tasks.clone(),
            capabilities.clone(),
            config.clock.clone(),
            config.core_dumps,
        );
        let docker = DockerRuntime::new(docker_config(&config.process), tasks.clone());
        let process = ProcessRuntime::new(config.process, tasks.clone());
        if let Some(kept) = &kept {
            tasks.spawn(time::keep(kept.root.clone(), operator.stop().clone()));
            // Before anything is started: what another nucleus could not end.
            process.sweep().await;
            let current = kept.store.current().await?;
            docker.sweep(&current.components.into_keys().collect()).await;
        }
        let runtimes = Runtimes {
            docker: Arc::new(docker),
            process: Arc::new(process.clone()),
            wasm: Arc::new(wasm),
        };
        let supervisor = Supervisor::new(runtimes, tasks.clone(), pubsub);
        let configuration = capabilities.configuration.clone();
        let lives = Lives::new(configuration, supervisor.clone(), tasks.clone());
        tasks.spawn(lives.serve(requests, operator.stop().clone()));
        server.serve(socket, operator.stop().clone());
        let shadows = capabilities.shadows.clone();
        let requests =
            topics::Requests::listen(shadows, &capabilities.pubsub, config.thing.clone())?;
        tasks.spawn(requests.serve(tasks.clone(), operator.stop().clone()));
        let parts = Parts {
            supervisor,
            capabilities,
            clock: config.clock,
            counters,
            least_level: config.least_level,
            records,
            thing: config.thing,
            treatment: config.treatment,
        };
        let (executor, started) = (Executor::new(parts), Instant::now());
        let wanted = kept.is_some().then_some(wanted);
        let this =
            Self { executor, exchange, kept, operator, operators, started, tasks, spool, wanted };
        Ok((this, said))
    }

    /// Be a device's nucleus: bring up what is to run and serve the queue of deployments, until asked
    /// to stop, or until a deployment asks for a restart. Who watches the log's level hears when it
    /// is changed.
    ///
    /// # Errors
    /// It was started without a root folder.
    pub async fn serve(
        self,
        telling: Telling,
        log_level: watch::Sender<Level>,
        stop: CancellationToken,
        reached: impl Fn(Milestone),
    ) -> anyhow::Result<(Self, Option<Restart>)> {
        let Self {
            executor,
            exchange,
            kept,
            operator: caller,
            operators,
            started,
            tasks,
            spool,
            wanted,
        } = self;
        let kept = kept.context("a nucleus without a root folder serves no deployments")?;
        let parts = executor.parts();
        let (progress, queue) = (Progress::default(), Queue::new(kept.store.clone()));
        let assembler = Assembler {
            fetcher: Arc::clone(&kept.fetcher),
            configuration: parts.capabilities.configuration.clone(),
            library: kept.library.clone(),
            only_looks: false,
            own: kept.own.clone(),
            plane: kept.plane.clone(),
            places: Places { root: kept.root.path().to_owned(), thing: parts.thing.clone() },
            store: kept.store.clone(),
            tasks: tasks.clone(),
            trust: Trust::new(kept.root.path(), &parts.clock, &kept.store, &tasks),
        };
        let monitor = Monitor {
            models: parts.capabilities.inference.clone(),
            clock: parts.clock.clone(),
            counters: parts.counters.clone(),
            queue: queue.clone(),
            reported: parts.capabilities.metric.clone(),
            spool: spool.clone(),
            link: parts.capabilities.mqtt.link().ok().cloned(),
            started,
            store: kept.store.clone(),
            supervisor: parts.supervisor.clone(),
            thing: parts.thing.clone(),
        };
        if let Some(endpoint) = telling.endpoint {
            let passwords = parts.capabilities.debug.clone();
            endpoint.serve(monitor.clone(), passwords, &tasks, caller.stop().clone());
        }
        let secrets = parts.capabilities.secrets.clone();
        if let Some(credentials) = exchange.clone() {
            let (secrets, stop) = (secrets.clone(), caller.stop().clone());
            drop(tasks.spawn(async move {
                stop.run_until_cancelled(secrets.follow(&credentials)).await
            }));
        }
        if let Some((door, credentials)) = telling.exchange.zip(exchange.clone()) {
            let (exchange, tokens) = (TokenExchange::new(credentials), kept.tokens.clone());
            door.serve(exchange, tokens, &tasks, caller.stop().clone());
        }
        let (settings, stop_secrets) = (kept.own.watch(), caller.stop().clone());
        drop(tasks.spawn(async move {
            stop_secrets.run_until_cancelled(secrets.keep_fresh(settings)).await
        }));
        let (shadows, settings) = (parts.capabilities.shadows.clone(), kept.own.watch());
        tasks.spawn(shadows.follow(settings, caller.stop().clone()));
        if let Ok(link) = parts.capabilities.mqtt.link() {
            let cloud = Cloud {
                clock: parts.clock.clone(),
                link: link.clone(),
                queue: queue.clone(),
                store: kept.store.clone(),
            };
            Jobs::start(cloud.clone(), &parts.thing, &tasks, caller.stop().clone());
            OfShadow::start(cloud, &parts.thing, &tasks, caller.stop().clone());
            let fleet = FleetStatus {
                clock: parts.clock.clone(),
                library: kept.library.clone(),
                link: link.clone(),
                queue: queue.clone(),
                store: kept.store.clone(),
                supervisor: parts.supervisor.clone(),
                tasks: tasks.clone(),
                thing: parts.thing.clone(),
            };
            fleet.start(caller.stop().clone());
        }
        if let Some(push) = telling.push {
            push.start(monitor.clone(), &tasks, caller.stop().clone());
        }
        if let Some(Wanted { deployments, host }) = wanted {
            let requests = Deployments {
                assembler: assembler.clone(),
                clock: parts.clock.clone(),
                progress: progress.clone(),
                queue: queue.clone(),
                tasks: tasks.clone(),
            };
            tasks.spawn(requests.serve(deployments, caller.stop().clone()));
            let requests = Host { log_level, monitor, tasks: tasks.clone() };
            tasks.spawn(requests.serve(host, caller.stop().clone()));
        }
        let worker = Worker {
            queue,
            store: kept.store.clone(),
            assembler,
            executor,
            progress,
            patience: PATIENCE,
        };
        let reached = |milestone| {
            reached(milestone);
            if milestone == Milestone::Idle {
                memory::release();
            }
        };
        let (executor, restart) = worker.run(stop, reached).await;
        let kept = Some(kept);
        Ok((
            Self {
                executor,
                exchange,
                kept,
                operator: caller,
                operators,
                started,
                tasks,
                spool,
                wanted: None,
            },
            restart,
        ))
    }

    /// Make the components of a deployment run, and wait until each is up or over.
    ///
    /// # Errors
    /// Before anything running was touched.
    pub async fn deploy(&mut self, deployment: Deployment) -> Result<(), DeployError> {
        let progress = Progress::default();
        self.executor.configure(&deployment);
        let ready = self.executor.prepare(deployment, &progress).await?;
        // Which of them are broken, their statuses say.
        let _broken = self.executor.carry_out(ready, &progress, || {}).await;
        self.executor.forget_stopped().await;
        Ok(())
    }

    /// Run a component anew from its files, in place of the instance that runs.
    ///
    /// # Errors
    /// The new one cannot run; the old one goes on.
    pub async fn reload(
        &self,
        desired: &DesiredComponent,
        deadline: Duration,
    ) -> Result<(), DeployError> {
        self.executor.reload(desired, deadline).await
    }

    /// How a component stands, now and from now on.
    pub fn status(&self, name: &ComponentName) -> Option<watch::Receiver<ComponentStatus>> {
        self.parts().supervisor.status(name)
    }

    /// The local topics, for the operator's own use.
    pub fn pubsub(&self) -> &PubSub {
        &self.parts().capabilities.pubsub
    }

    /// The operator as a caller, who may publish and subscribe to everything until the end.
    pub fn operator(&self) -> &Caller {
        &self.operator
    }

    /// What the host says about a component goes here.
    pub fn log(&self, component: &InstalledComponent) -> LogSink {
        self.parts().log(component)
    }

    /// Spawns the operator's tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Where records go.
    pub fn records(&self) -> mpsc::Sender<Record> {
        self.parts().records.clone()
    }

    fn parts(&self) -> &Parts {
        self.executor.parts()
    }

    /// Stop all components, each within the deadline, and end.
    pub async fn drain(self, deadline: Duration) {
        let Self { executor, operator, operators, tasks, kept, spool, wanted, .. } = self;
        let supervisor = executor.parts().supervisor.clone();
        supervisor.stop_all(deadline).await;
        operator.ask_to_stop();
        drop(operators);
        // The workers end when nobody can ask them any more.
        drop((executor, kept, wanted));
        supervisor.close();
        drop(supervisor);
        tasks.finish().await;
        // Nothing is sent any more.
        if let Some(spool) = spool
            && let Err(error) = spool.close().await
        {
            tracing::warn!(%error, "what was sent last will be sent again");
        }
    }
}

impl Kept {
    fn open(
        device: Device,
        process: &ProcessConfig,
        (plane, s3): (Option<DataPlane>, Option<S3>),
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let Device { operators: _, own, root, store, tasks: _ } = device;
        let sources = sources::all(&own, process.proxy.as_ref(), (plane.as_ref(), s3), tasks)?;
        let settings = FetchSettings::new(root.path().join("packages"));
        let fetcher = Arc::new(Fetcher::new(tasks.clone(), sources, settings));
        let library = Library::open(root.path()).context("cannot open the component store")?;
        Ok(Self { fetcher, store, library, own, plane, root, tokens: process.tokens.clone() })
    }
}

/// Containers are run with what processes are.
fn docker_config(process: &ProcessConfig) -> DockerConfig {
    let region = process.region.iter();
    let region = region.flat_map(|region| {
        ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (name.to_owned(), region.clone()))
    });
    DockerConfig {
        root: process.root.clone(),
        thing: process.thing.clone(),
        socket: None,
        environment: region.chain(process.environment.iter().cloned()).collect(),
        credentials: process.credentials.clone(),
        tokens: process.tokens.clone(),
    }
}

/// By way of whom other machines are reached.
///
/// # Errors
/// The URL is none of a proxy.
pub fn proxies(proxy: Option<&Proxy>) -> anyhow::Result<ProxySettings> {
    let Some(Proxy { url, except }) = proxy else { return Ok(ProxySettings::default()) };
    let proxy: network::Proxy = url.parse().context("networkProxy.proxy.url")?;
    Ok(ProxySettings::new(Some(proxy.clone()), Some(proxy), except))
}
