//! Runs the real `gg-host` and reads what it prints: events as they come, and in the end its code
//! and everything it said. No test sleeps; each waits for an event, with a deadline that only a
//! failure reaches.

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything takes, on a machine with better things to do.
pub(crate) const DEADLINE: Duration = Duration::from_secs(300);

/// The code of a run that its time limit ended.
pub(crate) const TIMED_OUT: i32 = 124;

/// The code of a run whose component crashed.
pub(crate) const CRASHED: i32 = 134;

pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

/// A sample component.
pub(crate) fn sample(name: &str) -> PathBuf {
    built(&target().join(format!("samples/{name}.wasm")))
}

/// The recipe of a sample, which lies beside the component.
pub(crate) fn recipe(name: &str) -> PathBuf {
    built(&target().join(format!("samples/{name}.wasm")));
    built(&target().join(format!("samples/{name}.yaml")))
}

/// The recipe of a sample model, which its artifacts lie beside.
pub(crate) fn model_recipe(name: &str) -> PathBuf {
    built(&target().join(format!("samples/models/{name}.yaml")))
}

/// A guest that was made for the tests.
pub(crate) fn guest(name: &str) -> PathBuf {
    built(&target().join(format!("guests/{name}.wasm")))
}

fn built(path: &Path) -> PathBuf {
    assert!(path.is_file(), "{} is not built; run cargo xtask test", path.display());
    path.to_owned()
}

/// An empty folder, gone after the test.
pub(crate) fn folder() -> TempDir {
    tempfile::Builder::new().prefix("it-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The binary form of a component in the text format.
pub(crate) fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Write bytes to a file in a folder.
pub(crate) fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The program with a subcommand, away from the user's own settings and cache.
pub(crate) fn command(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gg-host"));
    command
        .arg(subcommand)
        .env_remove("GG_LOG")
        .env_remove("NO_COLOR")
        // Shared by all tests, because compiling the larger samples takes long.
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    command
}

/// `gg-host run`, about to start.
pub(crate) struct Run {
    command: Command,
    components: Vec<PathBuf>,
    guest_args: Vec<std::ffi::OsString>,
    folder: TempDir,
}

/// Run components.
pub(crate) fn run<P: AsRef<Path>>(components: impl IntoIterator<Item = P>) -> Run {
    let mut command = command("run");
    command.args(["--output", "json"]);
    let components = components.into_iter().map(|path| path.as_ref().to_owned()).collect();
    Run { command, components, guest_args: Vec::new(), folder: folder() }
}

/// Run one component given in the text format.
pub(crate) fn run_text(name: &str, text: &str) -> Run {
    let mut run = run([] as [&str; 0]);
    let path = file(run.folder.path(), &format!("{name}.wasm"), assemble(text));
    run.components.push(path);
    run
}

impl Run {
    /// Components in front of the others.
    pub(crate) fn first<P: AsRef<Path>>(mut self, components: impl IntoIterator<Item = P>) -> Self {
        let first = components.into_iter().map(|path| path.as_ref().to_owned());
        self.components.splice(..0, first);
        self
    }

    /// One more component.
    pub(crate) fn with(mut self, component: impl AsRef<Path>) -> Self {
        self.components.push(component.as_ref().to_owned());
        self
    }

    /// An argument of `run`.
    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Several.
    pub(crate) fn args<A: AsRef<std::ffi::OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.command.args(arguments);
        self
    }

    /// A value of the configuration.
    pub(crate) fn config(self, pair: impl AsRef<str>) -> Self {
        self.arg("--config").arg(pair.as_ref())
    }

    /// A limit.
    pub(crate) fn limit(self, pair: impl AsRef<str>) -> Self {
        self.arg("--limit").arg(pair.as_ref())
    }

    /// A message to publish.
    pub(crate) fn publish(self, topic: &str, payload: &str) -> Self {
        self.arg("--publish").arg(format!("{topic}={payload}"))
    }

    /// A filter whose messages become events.
    pub(crate) fn subscribe(self, filter: &str) -> Self {
        self.arg("--subscribe").arg(filter)
    }

    /// A variable of the program's own environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Arguments of the components.
    pub(crate) fn guest_args<A: AsRef<std::ffi::OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.guest_args.extend(arguments.into_iter().map(|one| one.as_ref().to_owned()));
        self
    }

    /// Start.
    pub(crate) fn start(mut self) -> Host {
        self.command.args(&self.components);
        if !self.guest_args.is_empty() {
            self.command.arg("--").args(&self.guest_args);
        }
        Host::start(self.command, self.folder)
    }

    /// Start, and wait for the end.
    pub(crate) fn finish(self) -> Outcome {
        self.start().finish()
    }
}

/// Start any command.
pub(crate) fn start(command: Command) -> Host {
    Host::start(command, folder())
}

/// Run any command to its end.
pub(crate) fn finish(command: Command) -> Outcome {
    start(command).finish()
}

/// One line of standard output.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// As it was printed.
    pub(crate) line: String,
    /// As JSON; null when it is not.
    pub(crate) json: Value,
}

impl Event {
    fn new(line: String) -> Self {
        let json = serde_json::from_str(&line).unwrap_or(Value::Null);
        Self { line, json }
    }

    /// What was said.
    pub(crate) fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }

    /// Who said it, or who it is about.
    pub(crate) fn component(&self) -> &str {
        self.json["component"].as_str().unwrap_or_default()
    }

    /// Which way it came: `host`, `log`, `message`, `stderr` or `stdout`.
    pub(crate) fn source(&self) -> &str {
        self.json["source"].as_str().unwrap_or_default()
    }

    /// Whether it is a message on a topic.
    pub(crate) fn is_on(&self, topic: &str) -> bool {
        self.source() == "message" && self.json["topic"] == topic
    }

    /// Whether somebody said something that holds these words.
    pub(crate) fn says(&self, component: &str, words: &str) -> bool {
        self.component() == component && self.message().contains(words)
    }
}

/// A running `gg-host`; it is ended when the test is.
pub(crate) struct Host {
    child: Child,
    lines: Receiver<Event>,
    seen: Vec<Event>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    began: Instant,
    /// Asked to end rather than killed.
    gentle: bool,
    _folder: TempDir,
}

/// How a `gg-host` ended, and all it printed.
pub(crate) struct Outcome {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) events: Vec<Event>,
    /// Standard error.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Host {
    fn start(mut command: Command, folder: TempDir) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = Arc::new(Mutex::new(String::new()));
        let stdout: ChildStdout = child.stdout.take().unwrap();
        let errors: ChildStderr = child.stderr.take().unwrap();
        let out = thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n') {
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send(Event::new(line)).is_err() {
                    return;
                }
            }
        });
        let kept = Arc::clone(&stderr);
        let err = thread::spawn(move || {
            let mut errors = BufReader::new(errors);
            let mut line = Vec::new();
            while errors.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
            stderr,
            readers: vec![out, err],
            began: Instant::now(),
            gentle: false,
            _folder: folder,
        }
    }

    /// It has components of its own, which it ends when it is asked to, and not when it is killed.
    pub(crate) fn gentle(mut self) -> Self {
        self.gentle = true;
        self
    }

    /// Everything it has printed so far and was waited for.
    pub(crate) fn seen(&self) -> &[Event] {
        &self.seen
    }

    /// The next event; `None` at the end of its output.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let left = DEADLINE.saturating_sub(self.began.elapsed());
        match self.lines.recv_timeout(left) {
            Ok(event) => {
                self.seen.push(event.clone());
                Some(event)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing new in time\n{}", self.transcript()),
        }
    }

    /// Wait for the next event that is as wanted.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        while let Some(event) = self.next() {
            if wanted(&event) {
                return event;
            }
        }
        panic!("ended without: {what}\n{}", self.transcript());
    }

    /// Wait until a component has said something, unless it has already.
    pub(crate) fn wait_until_said(&mut self, component: &str, words: &str) {
        self.wait_until(words, |event| event.says(component, words));
    }

    /// Wait for an event that is as wanted, unless it has been seen already.
    pub(crate) fn wait_until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) {
        if !self.seen.iter().any(&wanted) {
            self.wait_for(what, wanted);
        }
    }

    /// Wait for so many messages on a topic.
    pub(crate) fn wait_for_messages(&mut self, topic: &str, count: usize) {
        for number in 1..=count {
            self.wait_for(&format!("message {number} of {count} on {topic}"), |e| e.is_on(topic));
        }
    }

    /// Send a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// What it was started with as its environment.
    pub(crate) fn environment(&self) -> Vec<u8> {
        fs::read(format!("/proc/{}/environ", self.child.id())).unwrap()
    }

    /// Let the kernel write core dumps of it, as large as they are.
    pub(crate) fn allow_core_dumps(&self) {
        let most = Rlimit { current: None, maximum: None };
        prlimit(Some(self.pid()), Resource::Core, most).unwrap();
    }

    /// Wait for the end; whether there is a core dump.
    pub(crate) fn leaves_core_dump(mut self) -> bool {
        while self.next().is_some() {}
        std::os::unix::process::ExitStatusExt::core_dumped(&self.child.wait().unwrap())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The highest amount of memory it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that it has and that is no file's, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.status("RssAnon:")
    }

    /// How many files it has open, sockets among them.
    pub(crate) fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// A figure that the kernel has in KiB, in bytes.
    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }

    /// Wait for the end of its output, and give the processor time it has taken.
    pub(crate) fn processor_time(&mut self) -> Duration {
        while self.next().is_some() {}
        // Not reaped yet, so its figures are still there.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Wait for the end.
    pub(crate) fn finish(mut self) -> Outcome {
        while self.next().is_some() {}
        let status = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Outcome {
            code: status.code().unwrap_or_else(|| panic!("{status}\n{}", self.transcript())),
            events: std::mem::take(&mut self.seen),
            stderr: self.stderr.lock().unwrap().clone(),
            took: self.began.elapsed(),
        }
    }

    fn transcript(&self) -> String {
        transcript(&self.seen, &self.stderr.lock().unwrap())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let running = self.child.try_wait().is_ok_and(|ended| ended.is_none());
        if running && self.gentle {
            let _gone = kill_process(self.pid(), Signal::TERM);
        } else {
            let _gone = self.child.kill();
        }
        let _gone = self.child.wait();
    }
}

impl Outcome {
    /// The last line of output, as JSON.
    pub(crate) fn answer(&self) -> &Value {
        &self.events.last().unwrap_or_else(|| panic!("no output\n{self}")).json
    }

    /// The events that are as wanted.
    pub(crate) fn all<'a>(
        &'a self,
        wanted: impl Fn(&Event) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Event> {
        self.events.iter().filter(move |event| wanted(event))
    }

    /// The payloads of the messages on a topic.
    pub(crate) fn payloads(&self, topic: &str) -> Vec<Value> {
        self.all(|event| event.is_on(topic)).map(|event| event.json["payload"].clone()).collect()
    }

    /// Fail unless it ended with this code.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "the code\n{self}");
        self
    }

    /// Fail unless a component, or the host about it, said this; gives the first such event.
    #[track_caller]
    pub(crate) fn expect(&self, component: &str, words: &str) -> &Event {
        self.events
            .iter()
            .find(|event| event.says(component, words))
            .unwrap_or_else(|| panic!("{component} did not say {words:?}\n{self}"))
    }

    /// Fail if it did.
    #[track_caller]
    pub(crate) fn expect_silence(&self, component: &str, words: &str) -> &Self {
        let said = self.events.iter().any(|event| event.says(component, words));
        assert!(!said, "{component} said {words:?}\n{self}");
        self
    }

    /// Fail unless standard error holds these words.
    #[track_caller]
    pub(crate) fn expect_error(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "no {words:?} in the errors\n{self}");
        self
    }

    /// Fail unless a limit was named, with how to raise it.
    #[track_caller]
    pub(crate) fn expect_limit(&self, component: &str, limit: &str) -> &Self {
        let event = self.expect(component, &format!("exceeds the limit {limit} = "));
        let raise = format!("raise it with --limit {limit}=… or sandbox.limits.{limit}");
        assert!(event.message().contains(&raise), "no way to raise it: {}", event.message());
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "code {} after {:?}\n{}",
            self.code,
            self.took,
            transcript(&self.events, &self.stderr)
        )
    }
}

/// What was printed: all of it goes to a file, and its last lines into the message.
fn transcript(events: &[Event], stderr: &str) -> String {
    const SHOWN: usize = 40;
    let mut whole = String::new();
    for event in events {
        let _infallible = writeln!(whole, "{}", event.line);
    }
    let _infallible = write!(whole, "standard error:\n{stderr}");
    let name = thread::current().name().unwrap_or("test").replace("::", "-");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("failed-{name}.log"));
    let kept = fs::write(&path, &whole).is_ok();
    let lines: Vec<&str> = whole.lines().collect();
    let mut shown = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    if kept {
        let _infallible = write!(shown, "\nall of it is in {}", path.display());
    }
    shown
}

/// A small HTTP server on a port of its own: answers every request with the same text, and tells
/// of each one.
pub(crate) struct HttpServer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The first line of every request.
    pub(crate) requests: Receiver<String>,
}

impl HttpServer {
    /// Start; it ends with the test program.
    pub(crate) fn start(body: &'static str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut reader = BufReader::new(&mut stream);
                let mut first = String::new();
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                    if first.is_empty() {
                        first = line.trim_end().to_owned();
                    }
                    line.clear();
                }
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _gone = std::io::Write::write_all(&mut stream, answer.as_bytes());
                if sender.send(first).is_err() {
                    return;
                }
            }
        });
        Self { address, requests }
    }
}
