//! Brings a step up and connects it: its output to the log, its token to the caller.

use super::Shared;
use super::cgroup::{Cgroup, StepCgroup};
use super::environment::{Environment, Origin};
use super::gather::GatherError;
use super::group::Group;
use super::harden::view::LatestView;
use super::output::{follow, pipe};
use super::script::Script;
use super::spawn::Spawned;
use super::user::User;
use crate::capability::caller::Caller;
use crate::component::InstalledComponent;
use crate::logs::{Level, LogSink, Source};
use crate::runtime::Failure;
use crate::runtime::token::Issued;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How long it takes to make a process at the most, unless somebody keeps it from it.
const HANGS: Duration = Duration::from_secs(10);

/// One step of a component, to be run for a caller.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) shared: Arc<Shared>,
    pub(super) component: Arc<InstalledComponent>,
    pub(super) script: Arc<Script>,
    /// Whose the work folder is.
    pub(super) owner: Option<Arc<User>>,
    /// The component's cgroup, once there is one.
    pub(super) cgroup: Arc<OnceLock<Cgroup>>,
    /// What its steps see of the root folder.
    pub(super) view: Arc<LatestView>,
    pub(super) caller: Caller,
    pub(super) log: LogSink,
}

/// A step whose process runs.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) group: Arc<Group>,
    pub(super) output: [JoinHandle<()>; 2],
    /// The token counts as long as this is here.
    pub(super) _token: Issued,
    /// Processes that had been ended for want of memory before.
    pub(super) out_of_memory: u64,
}

/// A process, and those that come of it.
pub(super) struct Made {
    pub(super) spawned: Spawned,
    pub(super) group: Group,
    pub(super) out_of_memory: u64,
}

impl Order {
    /// Start the step; gives what is readable when its first process has ended, too. `None`: its
    /// condition says to skip it.
    pub(super) async fn launch(&self) -> Result<Option<(Launched, OwnedFd)>, Failure> {
        self.try_launch().await.map_err(|error| {
            Failure::to_start(format!("cannot start the step {}: {error}", self.script.name))
        })
    }

    async fn try_launch(&self) -> Result<Option<(Launched, OwnedFd)>, GatherError> {
        let token = self.shared.config.tokens.issue(self.caller.clone())?;
        let environment = Environment::new(self.origin(), token.token());
        let (output, output_end) = pipe()?;
        let (errors, errors_end) = pipe()?;
        let made = self.make(environment, [output_end, errors_end]).await?;
        let Some(Made { spawned, group, out_of_memory }) = made else { return Ok(None) };
        let follow = |pipe, level, source| {
            self.shared.tasks.spawn(follow(pipe, level, source, self.log.clone()))
        };
        let output = [
            follow(output, Level::Info, Source::Stdout),
            follow(errors, Level::Warn, Source::Stderr),
        ];
        let launched = Launched { group: Arc::new(group), output, _token: token, out_of_memory };
        Ok(Some((launched, spawned.held)))
    }

    /// Make the process; one that somebody halts on the way is ended.
    async fn make(
        &self,
        environment: Environment,
        ends: [OwnedFd; 2],
    ) -> Result<Option<Made>, GatherError> {
        let cgroup = Arc::new(OnceLock::<Arc<StepCgroup>>::new());
        let (order, known) = (self.clone(), Arc::clone(&cgroup));
        let work = move || order.gather(&environment, ends, &known);
        let is_confined = !self.script.step.requires_privilege;
        let mut making = match self.shared.harden.threads().filter(|_| is_confined) {
            Some(threads) => threads.spawn(work),
            None => self.shared.tasks.spawn_blocking_host(work),
        };
        loop {
            tokio::select! {
                made = &mut making => return made.map_err(io::Error::other)?,
                () = sleep(HANGS) => if let Some(cgroup) = cgroup.get() { cgroup.kill() },
            }
        }
    }

    fn origin(&self) -> Origin<'_> {
        let home = self.script.user.home.as_deref();
        Origin {
            config: &self.shared.config,
            path: &self.shared.path,
            mark: &self.shared.mark,
            component: &self.component,
            name: self.script.name.as_str(),
            step: &self.script.step,
            home: home.unwrap_or(&self.component.work),
        }
    }

    /// Do something that blocks.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        self.shared.tasks.spawn_blocking_host(work).await.map_err(io::Error::other)
    }
}
