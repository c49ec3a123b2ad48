//! A component that is called once for each message: `gg:host/message-handler`.
//!
//! The host subscribes for it and keeps its instances warm. An instance that trapped or ran past
//! its deadline is thrown away, and a fresh one takes the next message.

use super::Instances;
use super::guest::Guest;
use crate::bindings::exports::gg::host::message_handler::{self, Failure as Refusal, GuestIndices};
use crate::bindings::gg::host::types::{MessageParam, Origin};
use crate::capability::caller::Caller;
use crate::capability::pubsub::{Backlog, Message, SubscribeOptions, Subscription};
use crate::logs::Level;
use crate::runtime::{Exit, Failure, Status, Work};
use futures_util::future::join_all;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::time::error::Elapsed;
use tokio::time::timeout_at;
use wasmtime::Store;

const EXPORT: &str = "gg:host/message-handler.handle";

/// Crashes in a row after which the component is given up.
const MOST_CRASHES: u32 = 10;

/// First pause before a message is tried again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The messages of one handler, and how its work stands.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    subscriptions: Mutex<Vec<Subscription>>,
    backlogs: OnceLock<Vec<Backlog>>,
    busy: AtomicUsize,
    done: AtomicU64,
    turn: AtomicUsize,
}

impl Inbox {
    /// How the work stands. Nothing falls between `busy` and the backlog: see [`Inbox::next`].
    pub(super) fn work(&self) -> Work {
        let waiting = self.backlogs.get().is_none_or(|all| all.iter().any(|one| !one.is_empty()));
        let busy = waiting || self.busy.load(Ordering::SeqCst) > 0;
        Work { busy, done: self.done.load(Ordering::SeqCst) }
    }

    /// Subscribe as the component's configuration says.
    async fn open(&self, instances: &Instances, caller: &Caller) -> Result<(), Failure> {
        let surroundings = &instances.surroundings;
        let mut subscriptions = Vec::new();
        for wanted in &surroundings.component.sandbox.subscriptions {
            let options = SubscribeOptions {
                receive_mode: wanted.receive_mode,
                queue: wanted.queue,
                when_full: wanted.when_full,
            };
            let subscription = surroundings
                .capabilities
                .pubsub
                .subscribe(caller, wanted.filter.as_ref(), options)
                .map_err(|error| {
                    Failure::to_start(format!("cannot subscribe to {}: {error}", wanted.filter))
                })?;
            subscriptions.push(subscription);
        }
        let backlogs = subscriptions.iter().map(Subscription::backlog).collect();
        let _first = self.backlogs.set(backlogs);
        *self.subscriptions.lock().await = subscriptions;
        Ok(())
    }

    /// The next message, counted as work from before it leaves its queue. `None`: asked to stop.
    async fn next(&self, caller: &Caller) -> Option<Arc<Message>> {
        let mut subscriptions = self.subscriptions.lock().await;
        let count = subscriptions.len();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let next = poll_fn(|cx| {
            self.busy.fetch_add(1, Ordering::SeqCst);
            for step in 0..count {
                let index = first.wrapping_add(step) % count;
                if let Poll::Ready(message) = subscriptions[index].poll_next(cx) {
                    return Poll::Ready(message);
                }
            }
            self.busy.fetch_sub(1, Ordering::SeqCst);
            Poll::Pending
        });
        if caller.is_handing_over() {
            return None;
        }
        tokio::select! {
            biased;
            message = next => Some(message),
            () = caller.stop().cancelled() => None,
        }
    }

    fn finished(&self) {
        self.done.fetch_add(1, Ordering::SeqCst);
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Subscribe, make the instances, and handle messages until asked to stop.
pub(super) async fn run(
    instances: &Instances,
    indices: &GuestIndices,
    caller: Caller,
    status: &watch::Sender<Status>,
    inbox: &Inbox,
) -> Exit {
    let first = match Warm::make(instances, indices, &caller).await {
        Ok(warm) => warm,
        Err(failure) => return failure.into(),
    };
    if let Err(failure) = inbox.open(instances, &caller).await {
        return failure.into();
    }
    status.send_replace(Status::Running);
    let at_once = instances.surroundings.component.limits.concurrency.max(1);
    let worker =
        |warm| Worker { instances, indices, caller: &caller, inbox, warm, crashes: 0, last: None };
    let others = (1..at_once).map(|_| worker(None).work());
    let mut ends = join_all(std::iter::once(worker(Some(first)).work()).chain(others)).await;
    // Unsubscribed, or handed over, before the end is announced.
    inbox.subscriptions.lock().await.clear();
    match ends.iter_mut().find_map(Option::take) {
        None => Exit::Finished(0),
        Some(failure) => failure.into(),
    }
}

/// An instance between two calls.
pub(super) struct Warm {
    store: Store<Guest>,
    guest: message_handler::Guest,
}

impl Warm {
    pub(super) async fn make(
        instances: &Instances,
        indices: &GuestIndices,
        caller: &Caller,
    ) -> Result<Self, Failure> {
        let (mut store, instance) = instances.make(caller).await?;
        let guest = indices.load(&mut store, &instance).map_err(|error| {
            Failure::to_start(format!("its export {EXPORT} is not as defined: {error:#}"))
        })?;
        Ok(Self { store, guest })
    }
}

/// One instance at a time, and what became of those before it.
struct Worker<'a> {
    instances: &'a Instances,
    indices: &'a GuestIndices,
    caller: &'a Caller,
    inbox: &'a Inbox,
    warm: Option<Warm>,
    /// Crashes in a row.
    crashes: u32,
    last: Option<Failure>,
}

impl Worker<'_> {
    /// Handle messages until asked to stop; gives the last crash, if there was one.
    async fn work(mut self) -> Option<Failure> {
        while let Some(message) = self.inbox.next(self.caller).await {
            self.handle(&message).await;
            self.inbox.finished();
            if self.crashes >= MOST_CRASHES {
                self.caller.ask_to_stop();
                break;
            }
        }
        self.last
    }

    async fn handle(&mut self, message: &Message) {
        let log = self.instances.surroundings.logging.sink();
        let retries = self.instances.surroundings.component.limits.retries;
        let mut pause = FIRST_PAUSE;
        for attempt in 0..=retries {
            match self.call(message).await {
                Ok(Ok(())) => return,
                Ok(Err(Refusal::Reject(reason))) => {
                    let topic = &message.topic;
                    log.about(
                        Level::Warn,
                        format!("rejected a message on {topic}: {}", shown(&reason)),
                    );
                    return;
                }
                Ok(Err(Refusal::Retry(reason))) if attempt == retries => {
                    let topic = &message.topic;
                    let limit = self.caller.limits().exceeded("retries", None);
                    log.about(
                        Level::Error,
                        format!("gave up a message on {topic}: {}; {limit}", shown(&reason)),
                    );
                }
                Ok(Err(Refusal::Retry(reason))) => {
                    let topic = &message.topic;
                    log.about(
                        Level::Warn,
                        format!("will retry a message on {topic} in {pause:?}: {}", shown(&reason)),
                    );
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.caller.stop().cancelled() => return,
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(failure) => {
                    log.about(Level::Error, failure.to_string());
                    self.crashes += 1;
                    self.last = Some(failure);
                    return;
                }
            }
        }
    }

    async fn call(&mut self, message: &Message) -> Result<Result<(), Refusal>, Failure> {
        let mut warm = match self.warm.take() {
            Some(warm) => warm,
            None => Warm::make(self.instances, self.indices, self.caller).await?,
        };
        let limit = self.caller.limits().handler_deadline;
        let deadline = Instant::now() + limit;
        warm.store.data_mut().deadline = Some((deadline, "handler-deadline"));
        let message = MessageParam {
            topic: message.topic.as_ref(),
            payload: &message.payload,
            format: message.format.into(),
            origin: Origin::Local,
        };
        let called = {
            let call = pin!(warm.guest.call_handle(&mut warm.store, message));
            before(deadline, call).await
        };
        match called {
            Ok(Ok(outcome)) => {
                self.crashes = 0;
                self.warm = Some(warm);
                Ok(outcome)
            }
            Ok(Err(error)) => Err(self.instances.failure(&error, &mut warm.store, EXPORT)),
            Err(_) => {
                warm.store.data_mut().limiter.note("handler-deadline", None);
                let error = wasmtime::Error::msg("it waited for the host until its time was up");
                Err(self.instances.failure(&error, &mut warm.store, EXPORT))
            }
        }
    }
}

/// What a call gives, if it does so in time. A call that never waits costs no timer.
async fn before<F: Future>(deadline: Instant, mut call: Pin<&mut F>) -> Result<F::Output, Elapsed> {
    match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => timeout_at(deadline.into(), call).await,
    }
}

fn shown(reason: &str) -> std::borrow::Cow<'_, str> {
    crate::logs::presentable(reason, 1000)
}
