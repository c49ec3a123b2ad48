//! A worker as the host sees it: started with a model, asked for predictions, ended.

use super::confine::UNCONFINED;
use super::library::LibraryError;
use super::line::{From, Line, To};
use crate::hexadecimal::hexadecimal;
use crate::watched::watched;
use bytes::Bytes;
use gg_inference::Named;
use gg_inference::backend::{Options, Refused, RunError};
use gg_inference::wire::{self, Loaded, Request, Response, Seen, WireError};
use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sha2::{Digest as _, Sha256};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of all outputs of a prediction, and of all inputs.
pub const MOST_TENSORS: u64 = 256 << 20;

/// Bytes of the largest model with its golden vectors.
pub const MOST_MODEL: u64 = 2 << 30;

/// Memory of a worker, where nobody says otherwise.
pub const DEFAULT_MEMORY: u64 = 1 << 30;

/// The worker's program: in the folder that this program is in, or above it for what cargo keeps in
/// a folder below its programs, tests and benchmarks.
///
/// # Errors
/// Nobody knows where that is.
pub fn program() -> Result<PathBuf, StartError> {
    const NAME: &str = "gg-inference-worker";
    let own = std::env::current_exe();
    let own = own.map_err(|error| StartError::Spawn { path: NAME.into(), error })?;
    let folder = own.parent().filter(|folder| folder.ends_with("deps")).unwrap_or(&own);
    Ok(folder.with_file_name(NAME))
}

/// How much longer than its deadline, or than until it was called off, a prediction may take to end by
/// itself, before its worker is ended. Engines look between two operators.
const GRACE: Duration = Duration::from_millis(500);

/// How workers are started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The worker's program.
    pub program: PathBuf,
    /// onnxruntime, if there is one: see [`library`](super::library).
    pub library: Option<PathBuf>,
    /// Bytes of memory that a worker may have.
    pub memory: u64,
}

/// A model and how it is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFiles {
    /// The model.
    pub model: PathBuf,
    /// Its golden vectors, if it has any.
    pub golden: Option<PathBuf>,
}

/// Why a model is not ready.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file is too large.
    #[error("{} has {bytes} bytes; a model has at most {MOST_MODEL}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The worker cannot be started.
    #[error("cannot start {}, which is to be beside gg-host: {error}", path.display())]
    Spawn {
        /// The program.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is no onnxruntime where it is said to be.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The model cannot be run.
    #[error("{}", refusal(reason.as_deref(), refused))]
    Refused {
        /// What is wrong with it, if it is no model at all.
        reason: Option<String>,
        /// What each backend says, otherwise.
        refused: Vec<Refused>,
        /// What could be seen of it nevertheless.
        seen: Option<Box<Seen>>,
    },
    /// The worker ended.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// It took too long.
    #[error("it was not ready within {0:?}")]
    Late(Duration),
}

fn refusal(reason: Option<&str>, refused: &[Refused]) -> String {
    let all = refused.iter().map(|one| match one.backend.as_str() {
        "" => one.reason.clone(),
        backend => format!("{backend}: {}", one.reason),
    });
    let all: Vec<String> = reason.map(str::to_owned).into_iter().chain(all).collect();
    format!("no backend can run it: {}", all.join("; "))
}

/// How a worker came to its end.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Ended {
    /// By itself.
    #[error("its worker ended: {0}")]
    Exit(String),
    /// It says what makes no sense, and was ended.
    #[error("its worker was ended: {0}")]
    Nonsense(String),
}

/// Why there is no prediction.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PredictionError {
    /// The model says so. The worker lives, and can be asked again.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The worker has ended, and another is needed.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// It took too long or was called off, and did not stop when it was told: the worker was ended.
    #[error("the prediction did not end when it was told to, and its worker was ended")]
    Killed,
}

/// A worker with a model that is ready. It ends when this is dropped.
#[derive(Debug)]
pub struct Worker {
    process: Process,
    line: Line,
    loaded: Loaded,
    digest: String,
    next: u64,
}

impl Worker {
    /// Start a worker and have it load a model.
    ///
    /// # Errors
    /// The model is not ready.
    pub async fn start(
        settings: &Settings,
        files: &ModelFiles,
        options: &Options,
        patience: Duration,
    ) -> Result<Self, StartError> {
        let (mut line, mut process) = Process::start(settings)
            .map_err(|error| StartError::Spawn { path: settings.program.clone(), error })?;
        let load = load(&mut line, files, options);
        match timeout(patience, load).await {
            Err(_) => Err(StartError::Late(patience)),
            Ok(Err(LoadFault::Start(error))) => Err(error),
            Ok(Err(LoadFault::Wire(error))) => Err(process.why(&error).await.into()),
            Ok(Ok((Response::Loaded(loaded), digest))) => {
                Ok(Self { process, line, loaded: *loaded, digest, next: 0 })
            }
            Ok(Ok((Response::Refused { reason, refused, seen }, _))) => {
                Err(StartError::Refused { reason, refused, seen: seen.map(Box::new) })
            }
            Ok(Ok(_)) => Err(Ended::Nonsense("a prediction before a model".to_owned()).into()),
        }
    }

    /// What it has loaded.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// SHA-256 of the model's file as it was sent, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Make a prediction. It is called off when `called_off` ends before it. When this is dropped before
    /// its end, or fails with anything but [`PredictionError::Run`], the worker is of no use any more.
    ///
    /// # Errors
    /// There is none.
    pub async fn run(
        &mut self,
        inputs: &[Named],
        deadline: Duration,
        called_off: impl Future<Output = ()>,
    ) -> Result<Vec<Named>, PredictionError> {
        let under_way = self.begin(inputs, deadline).await?;
        self.finish(under_way, called_off).await
    }

    /// Ask for a prediction, whose answer is waited for with [`Worker::hold`] or [`Worker::finish`]
    /// before another is asked for. What is said there of [`Worker::run`] holds for this as well.
    ///
    /// # Errors
    /// There will be none.
    pub async fn begin(
        &mut self,
        inputs: &[Named],
        deadline: Duration,
    ) -> Result<UnderWay, PredictionError> {
        gg_inference::check::check(&self.loaded.seen.inputs, inputs)
            .map_err(|error| RunError::Input(error.to_string()))?;
        let body: Vec<&[u8]> = inputs.iter().map(|(_, tensor)| &**tensor.data()).collect();
        let bytes: u64 = body.iter().map(|part| part.len() as u64).sum();
        if bytes > MOST_TENSORS {
            let error = WireError::TooLarge { bytes, most: MOST_TENSORS };
            return Err(RunError::Input(format!("the inputs: {error}")).into());
        }
        self.next += 1;
        let under_way = UnderWay { id: self.next, until: Instant::now() + deadline + GRACE };
        let millis = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let request =
            Request::Run { id: self.next, inputs: wire::heads(inputs), millis: Some(millis) };
        let sent = timeout_at(under_way.until, self.line.to.send(&request, &body)).await;
        match sent {
            Ok(Ok(())) => Ok(under_way),
            Ok(Err(error)) => Err(self.process.why(&error).await.into()),
            Err(_) => Err(self.killed()),
        }
    }

    /// Hold this thread up for the answer, at most so long. Nobody between the worker and this thread has
    /// to be woken. `None`: it did not come, and [`Worker::finish`] waits for it.
    pub fn hold(
        &mut self,
        under_way: &UnderWay,
        patience: Duration,
    ) -> Option<Result<Vec<Named>, PredictionError>> {
        match self.line.from.receive_within(MOST_TENSORS, patience) {
            Ok(Some((response, body))) => Some(outcome(under_way.id, response, body)),
            Ok(None) => None,
            Err(error) => Some(Err(Ended::Nonsense(error.to_string()).into())),
        }
    }

    /// Wait for the answer. It is called off when `called_off` ends before it.
    ///
    /// # Errors
    /// There is none.
    pub async fn finish(
        &mut self,
        under_way: UnderWay,
        called_off: impl Future<Output = ()>,
    ) -> Result<Vec<Named>, PredictionError> {
        let UnderWay { id, until } = under_way;
        let Line { to, from } = &mut self.line;
        let answer = timeout_at(until, answer(to, from, id, called_off)).await;
        match answer.unwrap_or(Ok(None)) {
            Ok(Some((response, body))) => outcome(id, response, body),
            Ok(None) => Err(self.killed()),
            Err(error) => Err(self.process.why(&error).await.into()),
        }
    }

    fn killed(&mut self) -> PredictionError {
        self.process.end();
        PredictionError::Killed
    }
}

/// A prediction that was asked for and is not yet answered.
#[derive(Debug)]
pub struct UnderWay {
    id: u64,
    until: Instant,
}

/// What an answer says.
fn outcome(id: u64, response: Response, body: Bytes) -> Result<Vec<Named>, PredictionError> {
    match response {
        Response::Done { id: answered, outputs } if answered == id => {
            wire::tensors(outputs, body).map_err(|error| Ended::Nonsense(error.to_string()).into())
        }
        // It ends after these words.
        Response::Failed { id: answered, error: RunError::Broken(reason) } if answered == id => {
            Err(Ended::Exit(reason).into())
        }
        Response::Failed { id: answered, error } if answered == id => Err(error.into()),
        _ => Err(Ended::Nonsense("an answer that was not asked for".to_owned()).into()),
    }
}

/// Hear what becomes of a prediction; nothing in time after it was called off.
async fn answer(
    to: &mut To,
    from: &mut From,
    id: u64,
    called_off: impl Future<Output = ()>,
) -> Result<Option<(Response, Bytes)>, WireError> {
    let mut answer = pin!(from.receive(MOST_TENSORS));
    tokio::select! {
        biased;
        answer = &mut answer => answer.map(Some),
        () = called_off => {
            to.send(&Request::Cancel { id }, &[]).await?;
            timeout(GRACE, answer).await.ok().transpose()
        }
    }
}

#[derive(Debug, Error)]
enum LoadFault {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Send a model, and hear what becomes of it; gives its digest as well.
async fn load(
    line: &mut Line,
    files: &ModelFiles,
    options: &Options,
) -> Result<(Response, String), LoadFault> {
    let (mut model, size) = open(&files.model).await?;
    let golden = match &files.golden {
        Some(path) => Some((path, open(path).await?)),
        None => None,
    };
    let golden_size = golden.as_ref().map(|(_, (_, size))| *size);
    let request = Request::Load { options: options.clone(), model: size, golden: golden_size };
    let whole = size + golden_size.unwrap_or_default();
    if whole > MOST_MODEL {
        return Err(StartError::TooLarge { path: files.model.clone(), bytes: whole }.into());
    }
    line.to.open(&request, whole).await?;
    let mut digest = Sha256::new();
    let sent = |piece: &[u8]| digest.update(piece);
    copy(&files.model, &mut model, size, &mut line.to, sent).await?;
    if let Some((path, (mut golden, size))) = golden {
        copy(path, &mut golden, size, &mut line.to, |_| ()).await?;
    }
    let (response, _) = line.from.receive(MOST_TENSORS).await?;
    Ok((response, hexadecimal(&digest.finalize())))
}

/// A file. What is none, such as a pipe, is not waited for.
async fn open(path: &Path) -> Result<(tokio::fs::File, u64), StartError> {
    let failed = |error| StartError::File { path: path.to_owned(), error };
    let mut options = tokio::fs::OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).await.map_err(failed)?;
    let found = file.metadata().await.map_err(failed)?;
    if !found.is_file() {
        return Err(failed(io::Error::other("it is no file")));
    }
    Ok((file, found.len()))
}

/// Exactly so many bytes of a file: it may be written to meanwhile.
async fn copy(
    path: &Path,
    file: &mut tokio::fs::File,
    size: u64,
    to: &mut To,
    mut sent: impl FnMut(&[u8]),
) -> Result<(), LoadFault> {
    let failed = |error| StartError::File { path: path.to_owned(), error };
    let mut left = size;
    let mut buffer = vec![0; 256 << 10];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = file.read(&mut buffer[..most]).await.map_err(failed)?;
        if got == 0 {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()).into());
        }
        to.continued(&buffer[..got]).await.map_err(WireError::from)?;
        sent(&buffer[..got]);
        left -= got as u64;
    }
    Ok(())
}

/// Has the C library's allocator keep what a prediction has freed, up to 16 MiB, for the next. As a rule it
/// gives arrays back to the kernel at once, and having new pages takes longer than to fill them.
const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "16777216"), ("MALLOC_TRIM_THRESHOLD_", "16777216")];

/// A worker's process. It ends when this is dropped.
#[derive(Debug)]
struct Process {
    child: Child,
    memory: u64,
}

impl Process {
    fn start(settings: &Settings) -> io::Result<(Line, Self)> {
        let Settings { program, library, memory } = settings;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(program);
        command.arg(memory.to_string()).args(library);
        command.env_clear().envs(ALLOCATOR).current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok((Line::new(ours)?, Self { child: command.spawn()?, memory: *memory }))
    }

    /// How it ended, once it has stopped to answer.
    async fn why(&mut self, error: &WireError) -> Ended {
        if !matches!(error, WireError::Io(_)) {
            return Ended::Nonsense(error.to_string());
        }
        match timeout(Duration::from_secs(1), self.wait()).await {
            Ok(Ok(status)) => Ended::Exit(explain(status, self.memory)),
            _ => Ended::Nonsense(error.to_string()),
        }
    }

    fn end(&mut self) {
        let _ended_already = self.child.kill();
    }

    async fn wait(&mut self) -> io::Result<ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
        let process = watched(pidfd_open(pid, PidfdFlags::empty())?, Interest::READABLE)?;
        drop(process.readable().await?);
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        let _status = self.child.wait();
    }
}

/// The end of a process in words.
fn explain(status: ExitStatus, memory: u64) -> String {
    const ABORT: i32 = 6;
    const SEGV: i32 = 11;
    match (status.code(), status.signal()) {
        // What Rust does when there is no more memory; panics are answered.
        (_, Some(ABORT)) => {
            format!("it needs more memory than the {} MiB that it may have", memory >> 20)
        }
        (_, Some(SEGV)) => "it broke off, by reading or writing where there is nothing, or by \
                            calling itself too deeply (signal 11)"
            .to_owned(),
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(UNCONFINED), None) => {
            "it cannot be confined; a library that starts threads when it is loaded is a reason"
                .to_owned()
        }
        (Some(code), None) => format!("code {code}"),
        (None, None) => "nobody knows how".to_owned(),
    }
}
