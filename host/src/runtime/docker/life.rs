//! The life of one container: followed to its end, which is brought about when asked for, and removed.

use super::engine::{explain, refused_with};
use super::hold::ContainerHold;
use super::launch::{Container, launch};
use super::{Ready, adopt, output};
use crate::capability::caller::Caller;
use crate::runtime::{Exit, Failure, Status};
use bollard::errors::Error;
use bollard::query_parameters::{KillContainerOptionsBuilder, WaitContainerOptionsBuilder};
use bytesize::ByteSize;
use futures_util::StreamExt;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long it may take to write down what a container printed last, and what one did that was
/// killed.
const LAST_WORDS: Duration = Duration::from_secs(30);
const FINAL_WORDS: Duration = Duration::from_secs(1);

/// How long an engine may take to end or to remove a container.
const DEATH: Duration = Duration::from_secs(20);

/// The code of a process that the signal SIGTERM ended.
const TERMINATED: i32 = 128 + 15;

/// Run a component to its end. When this returns, its container is gone, if the engine is not.
pub(super) async fn live(
    ready: &Ready,
    caller: &Caller,
    hold: &ContainerHold,
    status: &watch::Sender<Status>,
    kill: &CancellationToken,
) -> Exit {
    // Not interrupted: whatever the engine has made by then must be known, to be removed.
    let Container { id, output, issued: _issued } = match launch(ready, caller).await {
        Ok(container) => container,
        Err(failure) => return failure.into(),
    };
    hold.set(&id);
    let begin = Instant::now();
    status.send_replace(Status::Running);
    let mut copying = ready.shared.tasks.spawn(output::copy(output, ready.log.clone()));
    let end = follow(ready, &id, caller, hold, kill).await;
    tokio::select! {
        _done = &mut copying => {}
        () = sleep(LAST_WORDS) => copying.abort(),
        () = async { kill.cancelled().await; sleep(FINAL_WORDS).await } => copying.abort(),
    }
    let failed = |message: String, code: i32| {
        let last_lines = ready.log.recent();
        Exit::from(Failure {
            message,
            code,
            last_lines,
            after: begin.elapsed(),
            ..Failure::default()
        })
    };
    let exit = match end {
        Err(reason) => failed(reason, Failure::to_start("").code),
        Ok(_) if kill.is_cancelled() => Exit::Killed,
        Ok(0) => Exit::Finished(0),
        // As it was asked to.
        Ok(TERMINATED) if caller.stop().is_cancelled() => Exit::Finished(0),
        Ok(code) => match out_of_memory(ready, &id).await {
            Some(reason) => failed(reason, code),
            None => Exit::Finished(code),
        },
    };
    let trouble = match timeout(DEATH, adopt::remove(&ready.engine, &id)).await {
        Ok(removed) => removed.err().map(|error| explain(&error)),
        Err(_) => Some(format!("the engine takes longer than {DEATH:?}")),
    };
    if let Some(error) = trouble {
        tracing::warn!(component = %caller.name(), error, "its container cannot be removed");
    }
    exit
}

/// Wait for the end of a container, and bring it about when asked to. Gives its code, or why that
/// cannot be known.
async fn follow(
    ready: &Ready,
    id: &str,
    caller: &Caller,
    hold: &ContainerHold,
    kill: &CancellationToken,
) -> Result<i32, String> {
    let stop = async {
        caller.stop().cancelled().await;
        hold.wake().await;
        signal(ready, id, &ready.image.stop_signal).await;
        pending().await
    };
    let ended = async {
        kill.cancelled().await;
        let dying = async {
            hold.wake().await;
            signal(ready, id, "SIGKILL").await;
            pending::<()>().await;
        };
        let _too_late = timeout(DEATH, dying).await;
        Err("does not end it".to_owned())
    };
    let end = tokio::select! {
        code = wait(ready, id) => code,
        never = stop => never,
        late = ended => late,
    };
    let socket = ready.engine.socket.display();
    end.map_err(|what| format!("lost sight of its container: the engine at {socket} {what}"))
}

/// The code with which a container ends.
async fn wait(ready: &Ready, id: &str) -> Result<i32, String> {
    let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
    // Some engines do not begin their answer before the end.
    let api = ready.engine.api.clone().with_timeout(Duration::MAX);
    let mut answers = pin!(api.wait_container(id, Some(options)));
    let code = match answers.next().await {
        Some(Ok(answer)) => answer.status_code,
        Some(Err(Error::DockerContainerWaitError { code, .. })) => code,
        Some(Err(error)) => return Err(format!("failed: {}", explain(&error))),
        None => return Err("hung up".to_owned()),
    };
    Ok(i32::try_from(code).unwrap_or(i32::MAX))
}

async fn signal(ready: &Ready, id: &str, signal: &str) {
    let options = KillContainerOptionsBuilder::default().signal(signal).build();
    if let Err(error) = ready.engine.api.kill_container(id, Some(options)).await
        // One that has ended takes no signals.
        && !matches!(refused_with(&error), Some(404 | 409))
    {
        let error = explain(&error);
        tracing::warn!(component = %ready.component.name, signal, error, "its container takes no signal");
    }
}

/// Why a container was ended by the system, if it was for its use of memory.
async fn out_of_memory(ready: &Ready, id: &str) -> Option<String> {
    let found = ready.engine.api.inspect_container(id, None).await.ok()?;
    if found.state?.oom_killed != Some(true) {
        return None;
    }
    Some(match ready.component.resources.memory {
        Some(limit) => format!(
            "used more memory than its limit of {} and was ended; raise memory in \
             runWith.systemResourceLimits",
            ByteSize::b(limit)
        ),
        None => "was ended because the machine has no memory left".to_owned(),
    })
}
