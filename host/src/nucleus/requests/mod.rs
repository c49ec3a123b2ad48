//! What is asked through capabilities of the parts above them: of the supervisor, of the queue of
//! deployments, and of the nucleus itself.

mod deployments;
mod host;
mod lives;

pub(super) use deployments::Deployments;
pub(super) use host::Host;
pub(super) use lives::Lives;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The next request; none when there will be no more, or it is time to stop.
async fn next<R>(requests: &mut mpsc::Receiver<R>, stop: &CancellationToken) -> Option<R> {
    tokio::select! {
        request = requests.recv() => request,
        () = stop.cancelled() => None,
    }
}
