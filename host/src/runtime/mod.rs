//! How a component is executed. Each runtime is a folder behind [`Runtime`].

pub mod docker;
#[cfg(target_os = "linux")]
pub mod process;
pub mod token;
pub mod wasm;

use crate::capability::caller::Caller;
use crate::component::InstalledComponent;
use crate::logs::LogSink;
use crate::metrics::Usage;
use gg_model::RuntimeKind;
use gg_model::recipe::StepName;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A future of any kind.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Executes components of one kind.
pub trait Runtime: fmt::Debug + Send + Sync {
    /// Do what takes time and can fail before anything running is touched: read, check, compile,
    /// link.
    fn prepare<'a>(
        &'a self,
        component: &'a Arc<InstalledComponent>,
        log: &'a LogSink,
    ) -> BoxFuture<'a, Result<Box<dyn Prepared>, Failure>>;
}

/// A component that is ready to start.
pub trait Prepared: fmt::Debug + Send + Sync {
    /// What runs it.
    fn runtime(&self) -> RuntimeKind;

    /// Whether it is called with messages, and should be up before those who send them.
    fn waits_for_messages(&self) -> bool {
        false
    }

    /// Whether the next version can pick up where this one left off, its subscriptions with it.
    fn hands_over(&self) -> bool {
        false
    }

    /// What it has said last, in whichever of its steps.
    fn last_lines(&self) -> Vec<String>;

    /// Start it on behalf of a caller: its step `startup` or `run`.
    fn start(&self, caller: Caller) -> Running;

    /// Carry out a step that is over by itself, within its time. Dropping the future ends it.
    /// `None`: the component has no such step.
    ///
    /// # Errors
    /// It could not be carried out, or took too long. How it ended is no error.
    fn errand(
        &self,
        _errand: Errand,
        _caller: Caller,
    ) -> Option<BoxFuture<'static, Result<i32, Failure>>> {
        None
    }
}

/// A step of a lifecycle that is over by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Errand {
    /// Before a deployment is activated; 100 and 101 as codes ask for a restart, of the nucleus and
    /// of the device.
    Bootstrap,
    /// Before the first start.
    Install,
    /// After an error, before the next start.
    Recover,
    /// At the stop.
    Shutdown,
    /// When the component is removed.
    Uninstall,
}

impl Errand {
    /// The step of a recipe.
    pub fn step(self) -> StepName {
        match self {
            Self::Bootstrap => StepName::Bootstrap,
            Self::Install => StepName::Install,
            Self::Recover => StepName::Recover,
            Self::Shutdown => StepName::Shutdown,
            Self::Uninstall => StepName::Uninstall,
        }
    }
}

/// A component that was started.
#[derive(Debug)]
pub struct Running {
    /// Ends it at once, in the middle of whatever it does.
    pub kill: CancellationToken,
    /// How it stands.
    pub status: watch::Receiver<Status>,
    /// Whether it has work; for one that waits to be called.
    pub activity: Option<Activity>,
    /// What it uses, and a way to halt it.
    pub hold: Arc<dyn Hold>,
}

/// A hold on a component that was started: what it uses, and a way to halt it.
pub trait Hold: fmt::Debug + Send + Sync {
    /// What it uses now. Nothing is known of one that is over.
    fn usage(&self) -> BoxFuture<'_, Usage>;

    /// Whether it is halted.
    fn is_paused(&self) -> bool {
        false
    }

    /// Halt it, or let it go on. One that is stopped goes on first.
    fn set_paused(&self, paused: bool) -> BoxFuture<'_, Result<(), PauseError>>;
}

/// Why a component is not halted, or does not go on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PauseError {
    /// It did not work.
    #[error("{0}")]
    Failed(String),
    /// It is not running.
    #[error("it is not running")]
    NotRunning,
    /// It goes on already.
    #[error("it is not paused")]
    NotPaused,
    /// It is halted already.
    #[error("it is paused already")]
    Paused,
    /// Components of this kind cannot be.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// How a started component stands.
#[derive(Clone, Debug)]
pub enum Status {
    /// It is coming up.
    Starting,
    /// It does its work.
    Running,
    /// It is over.
    Exited(Exit),
}

/// How a component ended.
#[derive(Clone, Debug)]
pub enum Exit {
    /// By itself or asked to, with a code for success (0) or failure.
    Finished(i32),
    /// It crashed, or could not start.
    Failed(Arc<Failure>),
    /// It was ended.
    Killed,
}

/// Whether a component that waits to be called has work. Cheap to clone.
#[derive(Clone)]
pub struct Activity(Arc<dyn Fn() -> Work + Send + Sync>);

/// A look at a component's work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Work {
    /// Something waits or is being done.
    pub busy: bool,
    /// Pieces done so far.
    pub done: u64,
}

impl Activity {
    /// What a function says.
    pub fn new(look: impl Fn() -> Work + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Look now.
    pub fn look(&self) -> Work {
        (self.0)()
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.look(), f)
    }
}

/// Why a component crashed or could not start: what a person needs to mend it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Failure {
    /// What happened, with its causes.
    pub message: String,
    /// The export that was running, for example `wasi:cli/run@0.2.6`.
    pub export: Option<String>,
    /// Frames of the guest, innermost first.
    pub backtrace: Vec<String>,
    /// What it said last.
    pub last_lines: Vec<String>,
    /// Where its memory was written.
    pub core_dump: Option<PathBuf>,
    /// The code a shell would see: 134 for a crash, 1 for a failure to start.
    pub code: i32,
    /// How long it ran.
    pub after: Duration,
}

/// The code of a crash, as of a process ended by `abort`.
pub const CRASHED: i32 = 134;

impl Failure {
    /// A component that cannot be started.
    pub fn to_start(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1, ..Self::default() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(export) = &self.export {
            write!(f, "\n  while running: {export}")?;
        }
        for (number, frame) in self.backtrace.iter().enumerate() {
            write!(f, "\n  {number:>4}: {frame}")?;
        }
        if !self.last_lines.is_empty() {
            f.write_str("\n  last lines of its log:")?;
            self.last_lines.iter().try_for_each(|line| write!(f, "\n      {line}"))?;
        }
        if let Some(path) = &self.core_dump {
            write!(f, "\n  core dump: {}", path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Exit {
    fn from(failure: Failure) -> Self {
        Self::Failed(Arc::new(failure))
    }
}
