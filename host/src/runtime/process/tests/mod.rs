//! Real processes, most of them as root with cgroups; a test that lacks these says so.

mod confinement;
mod ends;
mod limits;
mod steps;
mod surroundings;

use super::harden::What;
use super::{ProcessConfig, ProcessRuntime, mark};
use crate::capability::testing::somebody;
use crate::clock::Clock;
use crate::component::{InstalledComponent, Resources};
use crate::logs::{self, Level, LogSink, Record, Source};
use crate::runtime::token::Tokens;
use crate::runtime::{Errand, Exit, Failure, Prepared, Running, Runtime as _, Status};
use crate::tasks::Tasks;
use gg_model::recipe::{Lifecycle, Step, StepName};
use gg_model::{AccessPolicy, ComponentVersion, Limits, PosixUser, RuntimeKind, Sandbox};
use rustix::process::{Pid, geteuid, test_kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Nothing here takes longer.
const LONG: Duration = Duration::from_secs(30);

/// A root folder with a runtime.
struct Place {
    runtime: ProcessRuntime,
    records: mpsc::Receiver<Record>,
    sender: mpsc::Sender<Record>,
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        Self::below(Path::new("/tmp"))
    }

    fn below(folder: &Path) -> Self {
        let root = tempfile::tempdir_in(folder).unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let (sender, records) = mpsc::channel(logs::QUEUE);
        let config = ProcessConfig {
            root: root.path().to_owned(),
            socket: None,
            thing: "thing".parse().unwrap(),
            region: Some("eu-west-1".into()),
            root_ca: None,
            credentials: None,
            proxy: None,
            shell: "sh".into(),
            environment: Vec::new(),
            tokens: Tokens::default(),
        };
        let runtime = ProcessRuntime::new(config, Tasks::new(None).unwrap());
        Self { runtime, records, sender, root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn component(&self, name: &str, steps: &[(&str, &str)]) -> InstalledComponent {
        let step = |script: &str| Step { script: script.to_owned(), ..Step::default() }.into();
        let named =
            |name: &str| StepName::ALL.into_iter().find(|step| step.as_str() == name).unwrap();
        let steps = steps.iter().map(|(name, script)| (named(name), step(script)));
        let nobody = PosixUser { user: "nobody".into(), group: None };
        InstalledComponent {
            name: name.parse().unwrap(),
            version: ComponentVersion::ZERO,
            runtime: RuntimeKind::Process,
            artifact: PathBuf::new(),
            arguments: Vec::new(),
            lifecycle: Lifecycle { steps: steps.collect(), ..Lifecycle::default() },
            files: Vec::new(),
            images: Vec::new(),
            archives: Vec::new(),
            artifacts: self.path("packages/artifacts").join(name).join("0.0.0"),
            unarchived: self.path("packages/artifacts-unarchived").join(name).join("0.0.0"),
            work: self.path("work").join(name),
            run_as: geteuid().is_root().then_some(nobody),
            resources: Resources::default(),
            models: Vec::new(),
            sandbox: Sandbox::default(),
            limits: Limits::default(),
            policy: Arc::new(AccessPolicy::default()),
            dependencies: Vec::new(),
        }
    }

    async fn try_prepare(
        &self,
        component: InstalledComponent,
    ) -> Result<Box<dyn Prepared>, Failure> {
        let limits = Limits::default();
        let name = component.name.clone();
        let log = LogSink::new(name, Level::Trace, &limits, Clock::system(), self.sender.clone());
        self.runtime.prepare(&Arc::new(component), &log).await
    }

    async fn prepare(&self, component: InstalledComponent) -> Box<dyn Prepared> {
        self.try_prepare(component).await.unwrap()
    }

    /// Start a component; gives its caller too, by which it is asked to stop.
    async fn start(
        &self,
        component: InstalledComponent,
    ) -> (Running, crate::capability::caller::Caller) {
        let caller = somebody(component.name.as_ref());
        (self.prepare(component).await.start(caller.clone()), caller)
    }

    /// Run a script as the step `run` to its end.
    async fn run(&mut self, script: &str) -> (Exit, Vec<String>) {
        self.run_component(self.component("a", &[("run", script)])).await
    }

    async fn run_component(&mut self, component: InstalledComponent) -> (Exit, Vec<String>) {
        let (mut running, _caller) = self.start(component).await;
        let exit = exit(&mut running).await;
        (exit, self.said())
    }

    async fn errand(
        &self,
        component: InstalledComponent,
        errand: Errand,
    ) -> Option<Result<i32, Failure>> {
        let caller = somebody(component.name.as_ref());
        let done = self.prepare(component).await.errand(errand, caller)?;
        Some(tokio::time::timeout(LONG, done).await.unwrap())
    }

    /// The lines so far.
    fn said(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.records.try_recv().ok()).map(|record| record.message).collect()
    }

    /// The next line of standard output.
    async fn line(&mut self) -> String {
        loop {
            let record = tokio::time::timeout(LONG, self.records.recv()).await.unwrap().unwrap();
            if record.source == Source::Stdout {
                return record.message;
            }
        }
    }

    /// The next line, which is the number of a process.
    async fn process(&mut self) -> Pid {
        Pid::from_raw(self.line().await.trim().parse().unwrap()).unwrap()
    }
}

async fn exit(running: &mut Running) -> Exit {
    let over = running.status.wait_for(|status| matches!(status, Status::Exited(_)));
    match &*tokio::time::timeout(LONG, over).await.unwrap().unwrap() {
        Status::Exited(exit) => exit.clone(),
        other => panic!("{other:?}"),
    }
}

async fn up(running: &mut Running) {
    let up = running.status.wait_for(|status| matches!(status, Status::Running));
    let _status = tokio::time::timeout(LONG, up).await.unwrap().unwrap();
}

/// Whether a process is there and not only its remains.
fn lives(process: Pid) -> bool {
    let stat = format!("/proc/{}/stat", process.as_raw_pid());
    let ended = |text: String| text.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'));
    test_kill_process(process).is_ok() && !fs::read_to_string(stat).map_or(true, ended)
}

#[track_caller]
fn failed(exit: Exit) -> Failure {
    match exit {
        Exit::Failed(failure) => Arc::unwrap_or_clone(failure),
        other => panic!("{other:?}"),
    }
}

/// Whether a test can be done that needs root and cgroups; says it if not.
fn can(test: &str, place: &Place) -> bool {
    let can = geteuid().is_root() && place.runtime.shared.cgroups().unwrap().is_some();
    if !can {
        eprintln!("skipped: {test} needs root and cgroups");
    }
    can
}

/// A program that is not everywhere.
fn there_is(program: &str) -> bool {
    let there =
        ["/usr/bin", "/bin", "/usr/sbin"].iter().any(|f| Path::new(f).join(program).exists());
    if !there {
        eprintln!("skipped: needs {program}");
    }
    there
}
