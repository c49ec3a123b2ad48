//! Follows a step to its end, which has come when nothing of it is left.

use super::group::Group;
use super::hold::NativeHold;
use super::launch::{Launched, Order};
use super::report::{self, End};
use crate::logs::Level;
use crate::runtime::{Exit, Failure, Status};
use crate::watched::watched;
use gg_model::recipe::StepName;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long processes have between being asked to end and being ended.
const GRACE: Duration = Duration::from_secs(5);

/// How long what was printed last may take to be logged.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The pauses between looks whether all are gone.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// After how long processes that do not die of being killed are worth a word.
const STUCK: Duration = Duration::from_secs(10);

/// Why a step is over.
#[derive(Debug)]
enum Over {
    Asked,
    Itself(End),
    Killed,
    /// It could not be followed any further.
    Lost(io::Error),
    TooLong(Duration),
}

/// How it went.
#[derive(Debug)]
enum Outcome {
    Ended(End),
    Failed(Failure),
    Killed,
}

/// Run `startup` or `run`, and say how it stands.
pub(super) async fn serve(
    order: Order,
    hold: &NativeHold,
    status: &watch::Sender<Status>,
    kill: &CancellationToken,
) -> Exit {
    let (name, log, stop) = (order.script.name, order.log.clone(), order.caller.stop().clone());
    let is_run = name == StepName::Run;
    let begin = Instant::now();
    let mut life = match Life::begin(order).await {
        Ok(life) => life,
        Err(failure) => return failure.into(),
    };
    if let Some(running) = &life.running {
        hold.set(&running.launched.group);
    }
    if is_run {
        status.send_replace(Status::Running);
    }
    let mut over = life.follow(&stop, kill).await;
    if !is_run && matches!(over, Over::Itself(End::Code(0))) {
        status.send_replace(Status::Running);
        // What it left behind does the work until it is not wanted any more.
        over = tokio::select! {
            () = stop.cancelled() => Over::Asked,
            () = kill.cancelled() => Over::Killed,
        };
    }
    let asked = matches!(over, Over::Asked);
    match life.end(over, kill).await {
        Outcome::Ended(End::Code(code)) if is_run || asked => Exit::Finished(code),
        Outcome::Ended(End::Signal(libc::SIGTERM)) if asked => Exit::Finished(0),
        Outcome::Ended(end) => Failure {
            last_lines: log.recent(),
            after: begin.elapsed(),
            ..report::failure(name, end, life.starved().as_deref())
        }
        .into(),
        Outcome::Failed(failure) => failure.into(),
        Outcome::Killed => Exit::Killed,
    }
}

/// Run a step to its end; gives its code.
pub(super) async fn errand(order: Order, kill: &CancellationToken) -> Result<i32, Failure> {
    let nobody_asks = CancellationToken::new();
    let mut life = Life::begin(order).await?;
    let over = life.follow(&nobody_asks, kill).await;
    match life.end(over, kill).await {
        Outcome::Ended(end) => Ok(end.code()),
        Outcome::Failed(failure) => Err(failure),
        Outcome::Killed => Err(Failure::to_start("it was ended before it was done")),
    }
}

/// A step on its way.
struct Life {
    order: Order,
    /// `None`: it is skipped, and is over as it begins.
    running: Option<Running>,
}

struct Running {
    launched: Launched,
    /// The process that the step began as.
    first: AsyncFd<OwnedFd>,
    /// How that ended.
    end: Option<End>,
}

impl Life {
    async fn begin(order: Order) -> Result<Self, Failure> {
        let Some((launched, held)) = order.launch().await? else {
            return Ok(Self { order, running: None });
        };
        match watched(held, Interest::READABLE) {
            Ok(first) => Ok(Self { order, running: Some(Running { launched, first, end: None }) }),
            Err(error) => {
                launched.group.kill();
                Err(Failure::to_start(format!("cannot follow its process: {error}")))
            }
        }
    }

    /// Wait until the step is over, for one reason or another.
    async fn follow(&mut self, stop: &CancellationToken, kill: &CancellationToken) -> Over {
        let Some(running) = &mut self.running else { return Over::Itself(End::Code(0)) };
        let limit = self.order.script.timeout;
        let caller = self.order.caller.clone();
        let too_long = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
            if caller.has_said_up() {
                // It has come up, and does its work.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = kill.cancelled() => Over::Killed,
            end = running.wait() => end.map_or_else(Over::Lost, Over::Itself),
            () = stop.cancelled() => Over::Asked,
            () = too_long => Over::TooLong(limit.unwrap_or_default()),
        }
    }

    /// End what is left of the step.
    async fn end(&mut self, over: Over, kill: &CancellationToken) -> Outcome {
        let name = self.order.script.name;
        let mut killed = matches!(over, Over::Killed);
        if let Over::Asked = over {
            killed = !self.ask(kill).await;
        }
        self.clear().await;
        let failed = |failure: Failure| {
            let last_lines = self.order.log.recent();
            Outcome::Failed(Failure { last_lines, ..failure })
        };
        match over {
            Over::TooLong(limit) => failed(report::too_long(name, limit)),
            Over::Lost(error) => {
                let message = format!("the process of the step {name} was lost: {error}");
                failed(Failure::to_start(message))
            }
            _ if killed => Outcome::Killed,
            Over::Itself(end) => Outcome::Ended(end),
            Over::Asked | Over::Killed => {
                let end = self.running.as_ref().and_then(|running| running.end);
                Outcome::Ended(end.unwrap_or(End::Code(0)))
            }
        }
    }

    /// Ask all processes to end; whether they did so within the time.
    async fn ask(&mut self, kill: &CancellationToken) -> bool {
        let Some(running) = &mut self.running else { return true };
        let group = Arc::clone(&running.launched.group);
        let _done = self.order.blocking(move || group.terminate()).await;
        let until = Instant::now() + GRACE;
        let gone = async {
            let mut pause = FIRST_LOOK;
            while !is_empty(&self.order, &running.launched.group).await {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_LOOK);
            }
        };
        tokio::select! {
            () = gone => true,
            () = sleep_until(until) => false,
            () = kill.cancelled() => false,
        }
    }

    /// Kill until nothing is left, and read to the end what was printed.
    async fn clear(&mut self) {
        let Some(running) = &mut self.running else { return };
        let (order, group) = (&self.order, &running.launched.group);
        let (begin, mut pause, mut said) = (Instant::now(), FIRST_LOOK, false);
        while !is_empty(order, group).await {
            let killed = Arc::clone(group);
            let _done = order.blocking(move || killed.kill()).await;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_LOOK);
            if !said && begin.elapsed() > STUCK {
                said = true;
                order.log.host(Level::Warn, "its processes do not end although they were killed");
            }
        }
        // Nobody waits for it any more if it is lost.
        let _lost = running.wait().await;
        for reader in &mut running.launched.output {
            if timeout(LAST_WORDS, &mut *reader).await.is_err() {
                reader.abort();
            }
        }
        if let Some(text) = self.starved() {
            self.order.log.host(Level::Warn, text);
        }
    }

    /// That the kernel ended processes of it for want of memory.
    fn starved(&self) -> Option<String> {
        let launched = &self.running.as_ref()?.launched;
        let Group::Cgroup(cgroup) = &*launched.group else { return None };
        let count = cgroup.component().out_of_memory().saturating_sub(launched.out_of_memory);
        (count > 0).then(|| report::starved(count, self.order.component.resources.memory))
    }
}

impl Running {
    /// Wait for the first process's end.
    async fn wait(&mut self) -> io::Result<End> {
        if let Some(end) = self.end {
            return Ok(end);
        }
        loop {
            let mut ready = self.first.readable().await?;
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let Some(status) = waitid(WaitId::PidFd(self.first.as_fd()), options)? else {
                ready.clear_ready();
                continue;
            };
            let end = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => End::Code(code),
                (None, Some(signal)) => End::Signal(signal),
                (None, None) => continue,
            };
            self.end = Some(end);
            return Ok(end);
        }
    }
}

/// Whether none is left; what has to be looked for is looked for elsewhere.
async fn is_empty(order: &Order, group: &Arc<Group>) -> bool {
    match &**group {
        Group::Cgroup(cgroup) => cgroup.is_empty(),
        Group::Session(_) => {
            let group = Arc::clone(group);
            order.blocking(move || group.is_empty()).await.unwrap_or(false)
        }
    }
}
