//! What is asked of the nucleus itself.

use super::next;
use crate::capability::host::Request;
use crate::logs::Level;
use crate::monitor::Monitor;
use crate::tasks::Tasks;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Does what is asked of the nucleus itself.
#[derive(Debug)]
pub(in crate::nucleus) struct Host {
    /// Who watches it hears when it is changed.
    pub(in crate::nucleus) log_level: watch::Sender<Level>,
    pub(in crate::nucleus) monitor: Monitor,
    pub(in crate::nucleus) tasks: Tasks,
}

impl Host {
    /// Serve requests until asked to stop.
    pub(in crate::nucleus) async fn serve(
        self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) {
        while let Some(request) = next(&mut requests, &stop).await {
            match request {
                Request::LogLevel { change, answer } => {
                    if let Some(level) = change {
                        self.log_level.send_replace(level);
                    }
                    let _gone = answer.send(*self.log_level.borrow());
                }
                Request::Metrics { answer } => {
                    let monitor = self.monitor.clone();
                    self.tasks.spawn(async move {
                        let _gone = answer.send(monitor.look().await);
                    });
                }
            }
        }
    }
}
