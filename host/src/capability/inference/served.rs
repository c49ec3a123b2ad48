//! A model that is served, as those who ask it see it: what waits for it, and its worker while it has
//! one. What takes the predictions one after the other is [`serve`].

mod serve;

use super::RunOptions;
use super::batch::rows;
use super::counters::ModelCounters;
use super::error::InferenceError;
use super::model::{Model, ModelInfo};
use super::pause::Pause;
use super::pool::{Held, Pool, memory};
use super::queue::FairQueue;
use crate::inference::worker::UnderWay;
use crate::metrics::ModelFigures;
use futures_util::FutureExt as _;
use gg_inference::Named;
use gg_model::ComponentName;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// How long a prediction may take where neither its caller nor the model says.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Bytes of inputs that a worker that does nothing takes without anybody waiting for it.
const AT_ONCE: usize = 64 << 10;

/// Predictions of one component that may wait, where the model does not say.
const DEFAULT_QUEUE: u32 = 32;

/// A model that is served.
#[derive(Debug)]
pub(super) struct Served {
    model: Model,
    counters: Arc<ModelCounters>,
    queue: Mutex<FairQueue<Job>>,
    work: Notify,
    /// Nobody finds it any more. It ends when nothing waits for it.
    retired: CancellationToken,
    slot: tokio::sync::Mutex<Slot>,
    info: Mutex<Option<Arc<ModelInfo>>>,
    used: Mutex<Instant>,
    /// The worker's process, 0 if there is none.
    pid: AtomicU32,
    /// All is over.
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct Slot {
    held: Option<Held>,
    pause: Pause,
    /// What was asked for by somebody who did not wait long enough, and is answered first.
    left: Option<Left>,
}

/// A prediction that is under way, and whose answer somebody else waits for.
#[derive(Debug)]
struct Left {
    under_way: UnderWay,
    within: Duration,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Vec<Named>, InferenceError>;

/// A prediction that was asked for.
#[derive(Debug)]
struct Job {
    inputs: Arc<[Named]>,
    /// How many rows they have, if they can be part of a batch.
    rows: Option<u32>,
    within: Duration,
    until: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Job {
    /// How long there is still to answer; `None`: nobody waits for it any more.
    fn left(&self) -> Option<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        (!left.is_zero() && !self.answer.is_closed()).then_some(left)
    }
}

impl Served {
    /// A model, with its worker if there is one already.
    pub(super) fn new(
        model: Model,
        counters: Arc<ModelCounters>,
        ready: Option<(Held, ModelInfo)>,
    ) -> Self {
        let (held, info) = ready.unzip();
        let pid = held.as_ref().map_or(0, Held::pid);
        Self {
            model,
            counters,
            queue: Mutex::default(),
            work: Notify::new(),
            retired: CancellationToken::new(),
            slot: tokio::sync::Mutex::new(Slot { held, ..Slot::default() }),
            info: Mutex::new(info.map(Arc::new)),
            used: Mutex::new(Instant::now()),
            pid: pid.into(),
            stopped: AtomicBool::new(false),
        }
    }

    /// What is served.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// What is counted of it.
    pub(super) fn counters(&self) -> &Arc<ModelCounters> {
        &self.counters
    }

    /// What is known of it, if it was loaded.
    pub(super) fn info(&self) -> Option<Arc<ModelInfo>> {
        lock(&self.info).clone()
    }

    /// How many predictions wait.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.queue).len()
    }

    /// What is measured of it.
    pub(super) fn figures(&self) -> ModelFigures {
        let (info, pid) = (self.info(), self.pid.load(Ordering::Relaxed));
        let ModelCounters {
            calls,
            errors,
            late,
            full,
            made,
            micros,
            runs,
            loads,
            evictions,
            crashes,
        } = &*self.counters;
        ModelFigures {
            model_name: self.model.name.to_string(),
            version: self.model.version.to_string(),
            backend: info.as_ref().map(|info| info.backend.clone()),
            device: info.as_ref().map(|info| info.device.clone()),
            loaded: pid != 0,
            memory_bytes: (pid != 0).then(|| memory(pid)).flatten(),
            waiting: self.waiting() as u64,
            calls: calls.total(),
            errors: errors.total(),
            late: late.total(),
            refused: full.total(),
            made: made.total(),
            seconds: micros.total() as f64 / 1e6,
            runs: runs.total(),
            loads: loads.total(),
            evictions: evictions.total(),
            crashes: crashes.total(),
        }
    }

    /// When a prediction was asked for last.
    pub(super) fn last_used(&self) -> Instant {
        *lock(&self.used)
    }

    /// Take its worker away, if it does nothing.
    pub(super) fn evict(&self) -> Option<Held> {
        let mut slot = self.slot.try_lock().ok()?;
        if slot.left.is_some() || self.waiting() > 0 {
            return None;
        }
        let held = slot.held.take()?;
        self.pid.store(0, Ordering::Relaxed);
        self.counters.evictions.add(1);
        Some(held)
    }

    /// Serve nobody any more but those who wait.
    pub(super) fn retire(&self) {
        self.retired.cancel();
    }

    /// What is known of it. Loads it, if it is not.
    ///
    /// # Errors
    /// It cannot be run.
    pub(super) async fn describe(&self, pool: &Pool) -> Result<Arc<ModelInfo>, InferenceError> {
        if let Some(info) = self.info() {
            return Ok(info);
        }
        let mut slot = self.slot.lock().await;
        self.load(&mut slot, pool).await?;
        self.info().ok_or_else(|| InferenceError::Removed(self.model.name.clone()))
    }

    /// Have a prediction made. Dropped, it is called off.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn run(
        &self,
        who: &ComponentName,
        inputs: Arc<[Named]>,
        options: RunOptions,
    ) -> Answer {
        let asked = Instant::now();
        self.counters.calls.add(1);
        *lock(&self.used) = asked;
        let answer = self.ask(who, inputs, options, asked).await;
        match &answer {
            Ok(_) => self.counters.answered(asked.elapsed()),
            Err(error) => {
                self.counters.errors.add(1);
                match error {
                    InferenceError::Late { .. } => self.counters.late.add(1),
                    InferenceError::Full { .. } => self.counters.full.add(1),
                    _ => {}
                }
            }
        }
        answer
    }

    async fn ask(
        &self,
        who: &ComponentName,
        inputs: Arc<[Named]>,
        options: RunOptions,
        asked: Instant,
    ) -> Answer {
        let declaration = &self.model.declaration;
        let name = &self.model.name;
        let within = options.deadline.or(declaration.deadline).unwrap_or(DEFAULT_DEADLINE);
        // Of a model that is known, what is wrong is said before anybody waits.
        if let Some(info) = self.info() {
            gg_inference::check::check(&info.inputs, &inputs)
                .map_err(|error| InferenceError::Input(error.to_string()))?;
        }
        let (answer, answered) = oneshot::channel();
        let answer = match self.at_once(&inputs, within, options.hold, answer) {
            AtOnce::Answered(answer) => return answer,
            AtOnce::Asked => return self.answered(answered, within).await,
            AtOnce::Busy(answer) => answer,
        };
        let rows = rows(&inputs).filter(|_| declaration.batch.is_some());
        let job = Job { inputs, rows, within, until: asked + within, answer };
        let most = declaration.queue.unwrap_or(DEFAULT_QUEUE) as usize;
        if lock(&self.queue).push(who, most, job).is_err() {
            return Err(InferenceError::Full { model: name.clone(), most });
        }
        self.work.notify_one();
        // What was put there after its end stays there.
        if self.stopped.load(Ordering::SeqCst) {
            return Err(InferenceError::Removed(name.clone()));
        }
        self.answered(answered, within).await
    }

    async fn answered(&self, answered: oneshot::Receiver<Answer>, within: Duration) -> Answer {
        let begin = Instant::now();
        let model = self.model.name.clone();
        match tokio::time::timeout(within, answered).await {
            Ok(Ok(answer)) => answer,
            // Those that are late are let go of, too.
            Ok(Err(_)) if begin.elapsed() < within && self.is_over() => {
                Err(InferenceError::Removed(model))
            }
            _ => Err(InferenceError::Late { model, deadline: within }),
        }
    }

    /// Whether nobody is served any more.
    fn is_over(&self) -> bool {
        self.retired.is_cancelled() || self.stopped.load(Ordering::Relaxed)
    }

    /// Have a prediction made without any other thread, if nobody waits and the worker is idle. What
    /// takes longer than this thread may be held up is left to the task that serves.
    fn at_once(
        &self,
        inputs: &[Named],
        within: Duration,
        hold: Duration,
        answer: oneshot::Sender<Answer>,
    ) -> AtOnce {
        let bytes: usize = inputs.iter().map(|(_, tensor)| tensor.data().len()).sum();
        let declaration = &self.model.declaration;
        let plain = declaration.batch.is_none() && declaration.cpu.is_none();
        let suits = !hold.is_zero() && plain && bytes <= AT_ONCE;
        if !suits || self.waiting() > 0 {
            return AtOnce::Busy(answer);
        }
        let Ok(mut slot) = self.slot.try_lock() else { return AtOnce::Busy(answer) };
        let Slot { held: Some(held), left: None, .. } = &mut *slot else {
            return AtOnce::Busy(answer);
        };
        let Some(worker) = held.worker() else { return AtOnce::Busy(answer) };
        let Some(begun) = worker.begin(inputs, within).now_or_never() else {
            // It takes no more bytes, although it has nothing to do.
            slot.held = None;
            return AtOnce::Busy(answer);
        };
        let made = match begun {
            Ok(under_way) => match worker.hold(&under_way, hold.min(within)) {
                Some(made) => made,
                None => {
                    slot.left = Some(Left { under_way, within, answer });
                    drop(slot);
                    self.work.notify_one();
                    return AtOnce::Asked;
                }
            },
            Err(error) => Err(error),
        };
        self.counters.runs.add(1);
        self.note(&mut slot, &made, within);
        AtOnce::Answered(made.map_err(|error| self.error(within, error)))
    }
}

/// What comes of asking at once.
enum AtOnce {
    /// It is answered.
    Answered(Answer),
    /// It was asked for, and is answered later.
    Asked,
    /// Others come first.
    Busy(oneshot::Sender<Answer>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
