//! The only place that spawns; every task ends before [`Tasks::finish`] returns.

use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks, and tells them to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Run a task.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        tokio::spawn(self.tracker.track_future(task))
    }

    /// Run work that blocks, away from the executor's threads.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let token = self.tracker.token();
        tokio::task::spawn_blocking(move || {
            let _held = token;
            work()
        })
    }

    /// Is done once tasks are to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Tell every task to stop, and wait until all have ended; those that take longer are left.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        timeout(grace, self.tracker.wait()).await.is_ok()
    }
}
