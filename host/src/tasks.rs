//! The only place that spawns. Guests run on an executor of their own, so that the host's tasks
//! never wait for one; every task ends before [`Tasks::finish`] returns.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Threads for work that blocks: files of guests, and compilation.
const BLOCKING_THREADS: usize = 16;

/// Spawns tasks on the host's or the guests' executor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    host: Handle,
    guests: Handle,
    _owned: Arc<Executor>,
}

/// How long a thread for work that blocks waits for more.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Shuts down without waiting for threads that block.
#[derive(Debug)]
struct Executor(Option<Runtime>);

impl Drop for Executor {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Tasks {
    /// The host's tasks run where this is called; guests get this many threads, or one for each
    /// processor.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(guest_threads: Option<NonZeroUsize>) -> io::Result<Self> {
        let threads = match guest_threads {
            Some(threads) => threads.get(),
            None => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        let guests = Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("gg-guest")
            .thread_keep_alive(KEEP_ALIVE)
            .enable_all()
            .build()?;
        Ok(Self {
            tracker: TaskTracker::new(),
            host: Handle::current(),
            guests: guests.handle().clone(),
            _owned: Arc::new(Executor(Some(guests))),
        })
    }

    /// Run a task of the host.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker.spawn_on(task, &self.host)
    }

    /// Run a task that executes a guest.
    pub fn spawn_guest<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker.spawn_on(task, &self.guests)
    }

    /// Run work that blocks, away from both executors' threads.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.guests.spawn_blocking(work)
    }

    /// Run work of the host that blocks, on threads that no guest can keep busy.
    pub fn spawn_blocking_host<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.host.spawn_blocking(work)
    }

    /// Wait until every task has ended.
    pub async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Threads of their own for work that blocks.
#[derive(Debug)]
pub struct BlockingThreads {
    handle: Handle,
    _owned: Executor,
}

impl BlockingThreads {
    /// None yet; each will do this first.
    ///
    /// # Errors
    /// The system has no more of what it takes.
    pub fn new(name: &str, first: fn()) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(name)
            .thread_keep_alive(KEEP_ALIVE)
            .on_thread_start(first)
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), _owned: Executor(Some(runtime)) })
    }

    /// Run work on one of them.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn_blocking(work)
    }
}
