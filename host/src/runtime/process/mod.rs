//! Native components: the scripts of a recipe as processes of the system, supervised, as in
//! Greengrass.
//!
//! [`script`] checks a recipe's steps. [`launch`] and [`gather`] bring one up: with the [`user`]
//! and the [`environment`] that Greengrass gives it, in its [`work`] folder, in a [`cgroup`] with
//! its limits, and confined as [`harden`] says; [`spawn`] makes the process. [`output`] logs what
//! it prints. [`life`] follows it, and ends all that came of it. [`sweep`] does so for a gg-host
//! that could not.

pub mod cgroup;
mod environment;
mod gather;
mod group;
mod harden;
mod hold;
mod launch;
mod life;
mod output;
mod report;
mod script;
mod skipif;
mod spawn;
mod survey;
mod sweep;
#[cfg(test)]
mod tests;

mod user;
mod work;

pub use survey::{Part, survey};
pub use user::{group, runs_as};

use super::token::Tokens;
use super::{BoxFuture, Errand, Exit, Failure, Prepared, Running, Runtime, Status};
use crate::capability::caller::Caller;
use crate::component::InstalledComponent;
use crate::component::artifact::{ArtifactError, Folders, permission};
use crate::logs::LogSink;
use crate::network::encoded;
use crate::tasks::Tasks;
use cgroup::{Cgroup, Cgroups};
use gg_model::nucleus::ProxySettings;
use gg_model::recipe::StepName;
use gg_model::{ComponentName, RuntimeKind, ThingName};
use harden::view::LatestView;
use harden::{Harden, What};
use hold::NativeHold;
use launch::Order;
use script::Script;
use sha2::{Digest as _, Sha256};
use skipif::Places;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use user::{Accounts, User};

/// What native components are run with.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// gg-host's root folder. It must be there, and so must its `ipc.socket` when a component
    /// starts that is to use it.
    pub root: PathBuf,
    /// Where processes find that socket; in the root folder when `None`.
    pub socket: Option<PathBuf>,
    /// The core device's name.
    pub thing: ThingName,
    /// The cloud's region (`awsRegion`).
    pub region: Option<String>,
    /// The file with the cloud's root certificates (`rootCaPath`).
    pub root_ca: Option<PathBuf>,
    /// The proxy (`networkProxy`).
    pub proxy: Option<Proxy>,
    /// Where components that may have credentials of AWS ask for them.
    pub credentials: Option<String>,
    /// What runs scripts (`runWithDefault.posixShell`): a program that takes `-c SCRIPT`.
    pub shell: String,
    /// More variables for every process.
    pub environment: Vec<(String, String)>,
    /// The tokens that processes identify themselves by.
    pub tokens: Tokens,
}

impl ProcessConfig {
    /// For a root folder and a device, with the defaults of everything else.
    pub fn new(root: PathBuf, thing: ThingName) -> Self {
        Self {
            root,
            socket: None,
            thing,
            region: None,
            root_ca: None,
            proxy: None,
            credentials: None,
            shell: "sh".to_owned(),
            environment: Vec::new(),
            tokens: Tokens::default(),
        }
    }
}

/// A proxy for components.
#[derive(Clone)]
pub struct Proxy {
    /// Its address, which may hold a password.
    pub url: String,
    /// What is reached without it, separated by commas.
    pub except: String,
}

impl Proxy {
    /// The proxy of a nucleus, with the name and the password in its URL, which is how programs are
    /// told of them.
    pub fn of(settings: &ProxySettings) -> Self {
        let ProxySettings { url, user, password, except } = settings;
        let url = match (user, url.split_once("://")) {
            (Some(user), Some((scheme, host))) if !host.contains('@') => {
                let password = encoded(password.as_deref().unwrap_or_default());
                format!("{scheme}://{}:{password}@{host}", encoded(user))
            }
            _ => url.clone(),
        };
        Self { url, except: except.clone() }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("except", &self.except).finish_non_exhaustive()
    }
}

/// Executes native components. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProcessRuntime {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: ProcessConfig,
    tasks: Tasks,
    /// By this, what belongs to this root folder is known: a few digits.
    mark: String,
    /// The variable `PATH` of processes.
    path: String,
    harden: Harden,
    /// Made when they are needed first.
    cgroups: OnceLock<Cgroups>,
    /// Held by who makes them.
    making: Mutex<()>,
    /// Counts what was started.
    next: AtomicU64,
}

impl ProcessRuntime {
    /// A runtime for one root folder, which no other gg-host uses.
    pub fn new(mut config: ProcessConfig, tasks: Tasks) -> Self {
        if let Ok(root) = config.root.canonicalize() {
            config.root = root;
        }
        let own_path = std::env::var("PATH").unwrap_or_default();
        let shared = Shared {
            tasks,
            mark: mark(&config.root),
            path: environment::search_path(&own_path),
            harden: Harden::new(),
            cgroups: OnceLock::new(),
            making: Mutex::default(),
            next: AtomicU64::new(1),
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// End what an earlier gg-host with this root folder left running. To be done before anything
    /// is started.
    pub async fn sweep(&self) {
        let shared = Arc::clone(&self.shared);
        let swept = self.shared.tasks.spawn_blocking_host(move || sweep::sweep(&shared));
        if let Err(error) = swept.await {
            tracing::error!(%error, "looking for processes of an earlier gg-host failed");
        }
    }

    /// The cgroup of a component that runs, to see what it uses, to halt it, or to change its
    /// limits.
    pub fn cgroup(&self, component: &ComponentName) -> Option<Cgroup> {
        self.shared.cgroups.get()?.find(component.as_ref())
    }
}

impl Runtime for ProcessRuntime {
    fn prepare<'a>(
        &'a self,
        component: &'a Arc<InstalledComponent>,
        log: &'a LogSink,
    ) -> BoxFuture<'a, Result<Box<dyn Prepared>, Failure>> {
        Box::pin(async move {
            let ready = Ready::check(&self.shared, component, log);
            ready.map(|ready| Box::new(ready) as Box<dyn Prepared>).map_err(|error| {
                Failure::to_start(format!(
                    "{} cannot run as a native process: {error}",
                    component.name
                ))
            })
        })
    }
}

impl Shared {
    /// The name of the folder of cgroups.
    fn folder(&self) -> String {
        format!("gg-host-{}", self.mark)
    }

    /// The cgroups, where there can be any.
    fn cgroups(&self) -> io::Result<Option<&Cgroups>> {
        if !self.harden.has(What::Cgroups) {
            return Ok(None);
        }
        // One alone: with those that are not kept, the folder of both would go.
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cgroups.get().is_none() {
            let opened = Cgroups::open(&self.folder());
            let Some(opened) = self.harden.or_without(What::Cgroups, opened)? else {
                return Ok(None);
            };
            let _kept = self.cgroups.set(opened);
        }
        Ok(self.cgroups.get())
    }

    fn shell(&self) -> Result<PathBuf, ShellError> {
        let (path, root) = (self.path.as_str(), Path::new("/"));
        let found = Places { path, home: root, folder: root }.find(&self.config.shell);
        found.ok_or_else(|| ShellError(self.config.shell.clone()))
    }
}

/// Eight digits for a folder.
fn mark(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_bytes());
    format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

#[derive(Debug, thiserror::Error)]
#[error("there is no shell {0:?} on PATH; set runWithDefault.posixShell to one that there is")]
struct ShellError(String);

#[derive(Debug, thiserror::Error)]
enum PrepareError {
    #[error(transparent)]
    Script(#[from] script::ScriptError),
    #[error(transparent)]
    Shell(#[from] ShellError),
    #[error(transparent)]
    User(#[from] user::UserError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// Give a component's files to the user that it runs as, with the modes that its recipe asks for.
fn give_files(component: &InstalledComponent, owner: Option<&User>) -> Result<(), ArtifactError> {
    let folders = Folders {
        artifacts: component.artifacts.clone(),
        unarchived: component.unarchived.clone(),
    };
    let owner = owner.map(|user| permission::Owner { uid: user.uid, gid: user.gid });
    component.files.iter().try_for_each(|file| permission::apply(file, &folders, owner))
}

/// A native component that can run.
#[derive(Debug)]
struct Ready {
    shared: Arc<Shared>,
    component: Arc<InstalledComponent>,
    scripts: Vec<Arc<Script>>,
    /// Whose its work folder is; `None`: gg-host's own user's.
    owner: Option<Arc<User>>,
    cgroup: Arc<OnceLock<Cgroup>>,
    view: Arc<LatestView>,
    log: LogSink,
}

impl Ready {
    fn check(
        shared: &Arc<Shared>,
        component: &Arc<InstalledComponent>,
        log: &LogSink,
    ) -> Result<Self, PrepareError> {
        let accounts = Accounts::read()?;
        let scripts = Script::all(component, &accounts)?;
        shared.shell()?;
        // Its folder is its user's, also while a step runs as root.
        let own = scripts.iter().find(|script| !script.step.requires_privilege);
        let owner = own.or_else(|| scripts.first()).map(|script| Arc::new(script.user.clone()));
        let owner = owner.filter(|_| accounts.can_give());
        give_files(component, owner.as_deref())?;
        Ok(Self {
            shared: Arc::clone(shared),
            component: Arc::clone(component),
            scripts: scripts.into_iter().map(Arc::new).collect(),
            owner,
            cgroup: Arc::default(),
            view: Arc::default(),
            log: log.clone(),
        })
    }

    fn order(&self, step: StepName, caller: Caller) -> Option<Order> {
        let script = self.scripts.iter().find(|script| script.name == step)?;
        Some(Order {
            shared: Arc::clone(&self.shared),
            component: Arc::clone(&self.component),
            script: Arc::clone(script),
            owner: self.owner.clone(),
            cgroup: Arc::clone(&self.cgroup),
            view: Arc::clone(&self.view),
            caller,
            log: self.log.clone(),
        })
    }
}

impl Prepared for Ready {
    fn runtime(&self) -> RuntimeKind {
        RuntimeKind::Process
    }

    fn last_lines(&self) -> Vec<String> {
        self.log.recent()
    }

    fn start(&self, caller: Caller) -> Running {
        let kill = CancellationToken::new();
        let (sender, status) = watch::channel(Status::Starting);
        let order = self
            .order(StepName::Startup, caller.clone())
            .or_else(|| self.order(StepName::Run, caller));
        let (killed, log) = (kill.clone(), self.log.clone());
        let hold = NativeHold::new(self.shared.tasks.clone());
        let held = hold.clone();
        self.shared.tasks.spawn(async move {
            let exit = match order {
                Some(order) => life::serve(order, &held, &sender, &killed).await,
                // A component that is only installed.
                None => Exit::Finished(0),
            };
            log.flush();
            sender.send_replace(Status::Exited(exit));
        });
        Running { kill, status, activity: None, hold: Arc::new(hold) }
    }

    fn errand(
        &self,
        errand: Errand,
        caller: Caller,
    ) -> Option<BoxFuture<'static, Result<i32, Failure>>> {
        let order = self.order(errand.step(), caller)?;
        Some(Box::pin(async move {
            let kill = CancellationToken::new();
            let _dropped = kill.clone().drop_guard();
            // In a task of its own, which sees to the end of what it started.
            let tasks = order.shared.tasks.clone();
            let done = tasks.spawn(async move { life::errand(order, &kill).await });
            done.await.unwrap_or_else(|error| {
                Err(Failure::to_start(format!("the step {} failed: {error}", errand.step())))
            })
        }))
    }
}
