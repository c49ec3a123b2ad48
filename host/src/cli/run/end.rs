//! When a run is over, and with which code.

use crate::nucleus::Nucleus;
use crate::runtime::{Activity, CRASHED, Exit, Work};
use crate::supervisor::ComponentStatus;
use crate::supervisor::machine::LifecycleState;
use anyhow::{Result, anyhow};
use gg_model::ComponentName;
use std::time::Duration;
use tokio::sync::watch;

/// The code of a run that its time limit ended, as of `timeout(1)`.
const TIMED_OUT: i32 = 124;

/// The code of a run that was interrupted and did not end in order, as of a shell.
pub(super) const INTERRUPTED: i32 = 130;

/// How the components stand, now and later.
pub(super) type Statuses = [watch::Receiver<ComponentStatus>];

/// Why a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Somebody wanted it to end.
    Interrupted,
    /// There was nothing left to do.
    Over,
    /// Its time was up.
    TimedOut,
}

/// The code of a run: that of the first component that failed. `unfinished`: a service was not
/// done when the run ended.
pub(super) fn code(end: End, unfinished: bool, statuses: &Statuses) -> i32 {
    if end == End::TimedOut && unfinished {
        return TIMED_OUT;
    }
    let killed = if end == End::Interrupted { INTERRUPTED } else { 0 };
    let code = |status: &watch::Receiver<ComponentStatus>| match &status.borrow().exit {
        None => 0,
        Some(Exit::Finished(code)) => *code,
        Some(Exit::Failed(failure)) if failure.code == 0 => CRASHED,
        Some(Exit::Failed(failure)) => failure.code,
        Some(Exit::Killed) => killed,
    };
    statuses.iter().map(code).find(|code| *code != 0).unwrap_or(0)
}

/// Whether a service is not done.
pub(super) fn unfinished(statuses: &Statuses) -> bool {
    statuses.iter().any(|status| {
        let status = status.borrow();
        !status.state.is_settled() && status.activity.is_none()
    })
}

/// Wait until every service has ended and every handler has nothing left to do. Handlers alone
/// are over only when there was something for them; while watching, nothing is ever over.
pub(super) async fn all_over(
    nucleus: &Nucleus,
    names: &[ComponentName],
    watching: bool,
    fed: bool,
) {
    let mut statuses: Vec<_> = names.iter().filter_map(|name| nucleus.status(name)).collect();
    let mut had_service = false;
    for status in &mut statuses {
        let Ok(settled) = status.wait_for(|s| s.state.is_settled() || s.activity.is_some()).await
        else {
            continue;
        };
        had_service |= settled.activity.is_none();
    }
    let any_handler = statuses.iter().any(|status| status.borrow().activity.is_some());
    if watching || (any_handler && !had_service && !fed) {
        return handlers_over(&mut statuses, watching).await;
    }
    quiet(&statuses).await;
}

/// Wait until every component has ended or failed; while watching, each may come back.
pub(super) async fn nobody_left(nucleus: &Nucleus, names: &[ComponentName], watching: bool) {
    let mut statuses: Vec<_> = names.iter().filter_map(|name| nucleus.status(name)).collect();
    handlers_over(&mut statuses, watching).await;
}

/// Wait until one component is over.
pub(super) async fn one_over(nucleus: &Nucleus, until: &ComponentName) -> Result<()> {
    let mut status = nucleus
        .status(until)
        .ok_or_else(|| anyhow!("--until {until}: no component has this name"))?;
    let _gone = status.wait_for(|status| status.state.is_settled()).await;
    Ok(())
}

/// Handlers end by themselves only when they are broken.
async fn handlers_over(statuses: &mut Statuses, watching: bool) {
    if watching {
        return std::future::pending().await;
    }
    for status in statuses {
        let _gone = status.wait_for(|status| status.state.is_settled()).await;
    }
}

/// Wait until no handler has work, and none got any while the others were looked at.
async fn quiet(statuses: &Statuses) {
    const LOOK: Duration = Duration::from_millis(5);
    let look = || -> Vec<Work> {
        statuses
            .iter()
            .filter_map(|status| {
                let status = status.borrow();
                let running = status.state == LifecycleState::Running;
                status.activity.as_ref().filter(|_| running).map(Activity::look)
            })
            .collect()
    };
    loop {
        let first = look();
        if first.iter().all(|work| !work.busy) && look() == first {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Wait until somebody wants the run to end: Ctrl-C, or a request to terminate.
pub(super) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => if result.is_err() { std::future::pending().await },
        _ = terminate.recv() => {}
    }
}

/// Wait for a time; for ever when there is none.
pub(super) async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
