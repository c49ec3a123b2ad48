//! A nucleus for the tests, as far as a runtime sees it, and what they put into the engine.

use super::super::{DockerConfig, DockerRuntime, container, engine};
use crate::capability::caller::Caller;
use crate::capability::testing::somebody;
use crate::clock::Clock;
use crate::component::{InstalledComponent, Resources};
use crate::logs::{Level, LogSink, Record, Source};
use crate::runtime::token::Tokens;
use crate::runtime::{Exit, Failure, Running, Runtime as _, Status};
use crate::tasks::Tasks;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use bollard::{Docker, body_full};
use futures_util::TryStreamExt;
use gg_model::recipe::{Lifecycle, Step, StepName};
use gg_model::{ComponentVersion, Limits, RuntimeKind, Sandbox};
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, thread};
use tempfile::TempDir;
use tokio::runtime::Runtime as Executor;
use tokio::sync::{OnceCell, mpsc};

/// The image of the tests: a busybox, with nothing but links to it.
pub(super) const IMAGE: &str = "gg-host-test/busybox:1";

/// What it is called by.
const APPLETS: &str = "cat date dd echo grep head id ls printenv pwd seq sh sleep touch yes";

/// Longer than anything takes, on a machine that does much else.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

fn engine_socket() -> Option<PathBuf> {
    env::var_os("GG_TEST_DOCKER").map(PathBuf::from).or_else(|| skip("GG_TEST_DOCKER"))
}

/// The address of a registry to push to and to pull from.
pub(super) fn registry() -> Option<String> {
    env::var("GG_TEST_REGISTRY").ok().or_else(|| skip("GG_TEST_REGISTRY"))
}

/// Say so, around the harness, which shows nothing of tests that pass.
fn skip<T>(variable: &str) -> Option<T> {
    let test = thread::current().name().unwrap_or_default().to_owned();
    let line = format!("SKIPPED, NOTHING TESTED: {test}, since {variable} is not set\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// A nucleus as far as a runtime sees it.
pub(super) struct Bench {
    pub(super) root: TempDir,
    pub(super) api: Docker,
    pub(super) socket: PathBuf,
    pub(super) runtime: DockerRuntime,
    pub(super) tokens: Tokens,
}

impl Bench {
    /// On the engine of the tests; `None` if there is none.
    pub(super) async fn new() -> Option<Self> {
        let socket = engine_socket()?;
        let api = engine::connect(vec![socket.clone()]).await.unwrap().api;
        static MADE: OnceCell<()> = OnceCell::const_new();
        MADE.get_or_init(|| make_image(&api, IMAGE)).await;
        let root = tempfile::tempdir().unwrap();
        let tokens = Tokens::default();
        let runtime = runtime(root.path(), &socket, &tokens);
        Some(Self { root, api, socket, runtime, tokens })
    }

    pub(super) fn component(&self, script: &str) -> InstalledComponent {
        component(self.root.path(), &format!("{IMAGE} sh -c '{script}'"))
    }

    pub(super) async fn start(&self, component: InstalledComponent) -> Started {
        start(&self.runtime, component).await.unwrap()
    }

    /// The container of the component, if there is one.
    pub(super) async fn container(&self) -> Option<String> {
        let name = container::name(&self.runtime.shared.owner, &"a".parse().unwrap());
        self.api.inspect_container(&name, None).await.ok()?.id
    }

    /// End without stopping anything, and begin anew with the same root folder.
    pub(super) fn again(&mut self) {
        self.runtime = runtime(self.root.path(), &self.socket, &self.tokens);
    }
}

pub(super) fn runtime(root: &Path, socket: &Path, tokens: &Tokens) -> DockerRuntime {
    let config = DockerConfig {
        root: root.to_owned(),
        thing: "thing".parse().unwrap(),
        socket: Some(socket.to_owned()),
        credentials: None,
        environment: vec![("AWS_REGION".to_owned(), "eu-central-1".to_owned())],
        tokens: tokens.clone(),
    };
    DockerRuntime::new(config, Tasks::new(None).unwrap())
}

pub(in crate::runtime::docker) fn component(root: &Path, script: &str) -> InstalledComponent {
    let step = Step { script: script.to_owned(), ..Step::default() };
    InstalledComponent {
        name: "a".parse().unwrap(),
        version: ComponentVersion::ZERO,
        runtime: RuntimeKind::Docker,
        artifact: PathBuf::new(),
        arguments: Vec::new(),
        lifecycle: Lifecycle {
            steps: [(StepName::Run, step.into())].into(),
            ..Lifecycle::default()
        },
        files: Vec::new(),
        artifacts: root.join("artifacts"),
        images: Vec::new(),
        archives: Vec::new(),
        unarchived: root.join("unarchived"),
        work: root.join("work/a"),
        run_as: None,
        resources: Resources::default(),
        models: Vec::new(),
        sandbox: Sandbox::default(),
        limits: Limits { log_rate: 1_000_000, ..Limits::default() },
        policy: Arc::default(),
        dependencies: Vec::new(),
    }
}

/// A component that was started, and what is said about it.
pub(super) struct Started {
    pub(super) caller: Caller,
    pub(super) running: Running,
    pub(super) records: mpsc::Receiver<Record>,
    pub(super) said: Vec<Record>,
}

pub(super) async fn start(
    runtime: &DockerRuntime,
    component: InstalledComponent,
) -> Result<Started, Failure> {
    let (sender, records) = mpsc::channel(crate::logs::QUEUE);
    let name = component.name.clone();
    let log = LogSink::new(name, Level::Trace, &component.limits, Clock::system(), sender);
    let caller = somebody("a");
    let prepared = runtime.prepare(&Arc::new(component), &log).await?;
    let running = prepared.start(caller.clone());
    Ok(Started { caller, running, records, said: Vec::new() })
}

impl Started {
    /// Wait for a line.
    pub(super) async fn line(&mut self, text: &str) {
        let looking = async {
            loop {
                let record = self.records.recv().await.expect("the line comes before the end");
                let found = record.message == text;
                self.said.push(written(record));
                if found {
                    return;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        assert!(found.is_ok(), "no line {text:?} among {:?}", self.messages());
    }

    /// Wait for the end.
    pub(super) async fn exit(&mut self) -> Exit {
        let mut status = self.running.status.clone();
        let over = async {
            loop {
                if let Status::Exited(exit) = &*status.borrow_and_update() {
                    return exit.clone();
                }
                tokio::select! {
                    changed = status.changed() => changed.unwrap(),
                    Some(record) = self.records.recv() => self.said.push(written(record)),
                }
            }
        };
        let exit = tokio::time::timeout(PATIENCE, over).await.expect("it ends");
        while let Ok(record) = self.records.try_recv() {
            self.said.push(written(record));
        }
        exit
    }

    pub(super) fn messages(&self) -> Vec<&str> {
        self.said.iter().map(|record| record.message.as_str()).collect()
    }

    /// What it printed to its standard output.
    pub(super) fn printed(&self) -> Vec<&str> {
        let stdout = self.said.iter().filter(|record| record.source == Source::Stdout);
        stdout.map(|record| record.message.as_str()).collect()
    }
}

/// It waits no more.
fn written(record: Record) -> Record {
    Record { place: None, ..record }
}

#[track_caller]
pub(super) fn failure(exit: &Exit) -> &Failure {
    match exit {
        Exit::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Put an image together from this machine's busybox.
pub(super) async fn make_image(api: &Docker, name: &str) {
    let mut tar = Vec::new();
    for folder in ["bin/", "tmp/"] {
        entry(&mut tar, folder, b'5', "", &[]);
    }
    let busybox = fs::read("/bin/busybox").expect("the package busybox-static is installed");
    entry(&mut tar, "bin/busybox", b'0', "", &busybox);
    for applet in APPLETS.split(' ') {
        entry(&mut tar, &format!("bin/{applet}"), b'2', "busybox", &[]);
    }
    tar.extend([0; 1024]);
    let options = CreateImageOptionsBuilder::default().from_src("-").build();
    let news = api.create_image(Some(options), Some(body_full(tar.into())), None);
    let news = news.try_collect::<Vec<_>>().await.unwrap();
    let id = news.into_iter().filter_map(|news| news.status).next_back().unwrap();
    let (repository, tag) = name.rsplit_once(':').unwrap();
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
    api.tag_image(id.trim(), Some(options)).await.unwrap();
}

/// A file, folder or link of a tar archive.
fn entry(tar: &mut Vec<u8>, name: &str, kind: u8, target: &str, bytes: &[u8]) {
    let mut header = [0; 512];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", bytes.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(157, target);
    put(257, "ustar\x0000");
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(header);
    tar.extend(bytes);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

pub(super) async fn remove_image(api: &Docker, name: &str) {
    let options = RemoveImageOptionsBuilder::default().force(true).build();
    let _absent = api.remove_image(name, Some(options), None).await;
}

/// Ends everything of a nucleus without a word to its containers.
pub(super) async fn die(executor: Executor) {
    executor.shutdown_background();
    tokio::task::yield_now().await;
}

/// A component of a nucleus that is to die.
pub(super) async fn doomed(bench: &Bench, component: InstalledComponent) -> (Executor, Started) {
    let executor = Executor::new().unwrap();
    let (root, socket, tokens) =
        (bench.root.path().to_owned(), bench.socket.clone(), Tokens::default());
    let starting =
        async move { start(&runtime(&root, &socket, &tokens), component).await.unwrap() };
    let started = executor.spawn(starting).await.unwrap();
    (executor, started)
}

/// A socket that passes everything on to the engine, until it is cut.
pub(super) struct Wire {
    pub(super) path: PathBuf,
    /// What is connected; `None` once it is cut.
    open: Arc<Mutex<Option<Vec<UnixStream>>>>,
}

impl Wire {
    pub(super) fn new(path: PathBuf, engine: PathBuf) -> Self {
        let listener = UnixListener::bind(&path).unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let all = Arc::clone(&open);
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), UnixStream::connect(&engine).unwrap());
                let Some(open) = &mut *all.lock().unwrap() else { return };
                let twice = |stream: &UnixStream| stream.try_clone().unwrap();
                open.extend([twice(&near), twice(&far)]);
                for (mut from, mut to) in [(twice(&near), twice(&far)), (far, near)] {
                    thread::spawn(move || {
                        let _cut = io::copy(&mut from, &mut to);
                        let _cut = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Self { path, open }
    }

    pub(super) fn cut(&self) {
        for stream in self.open.lock().unwrap().take().unwrap() {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}
