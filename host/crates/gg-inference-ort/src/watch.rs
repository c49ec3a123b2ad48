//! Ends a prediction that takes too long or is called off. onnxruntime looks at a flag between two
//! operators, and somebody else has to set it.
//!
//! That somebody is a thread for each session. To wake it for every prediction would cost more than a
//! small model does, so it looks of itself now and then while there are predictions, and sleeps
//! when there have been none for a while; only the first one after that wakes it.

use super::failed;
use gg_inference::backend::{RunError, Until};
use ort::session::RunOptions;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it looks.
const TICK: Duration = Duration::from_millis(10);

/// How often it looks and finds nothing before it sleeps.
const LINGER: u32 = 10;

/// Stack of the thread, which calls next to nothing.
const STACK: usize = 64 << 10;

/// A thread that looks after the predictions of a session.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
    /// What predictions are made with; it has the flag.
    options: RunOptions,
}

#[derive(Default)]
struct State {
    /// Until when the prediction under way may go on.
    until: Option<Until>,
    /// Whether there was one since it looked last.
    busy: bool,
    asleep: bool,
    /// Whether the flag is set.
    ended: bool,
    /// Whether nobody needs the thread any more.
    gone: bool,
}

impl Watch {
    /// Start the thread.
    pub(super) fn start(options: RunOptions) -> io::Result<Self> {
        let state = Mutex::default();
        let shared = Arc::new(Shared { state, news: Condvar::new(), options });
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.name("watch".to_owned()).spawn(move || watched.watch())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Do something, and have it ended when it is time.
    pub(super) fn over<T>(
        &self,
        until: &Until,
        run: impl FnOnce(&RunOptions) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let shared = &*self.shared;
        let mut state = shared.lock();
        state.until = Some(until.clone());
        state.busy = true;
        if state.asleep {
            state.asleep = false;
            shared.news.notify_one();
        }
        drop(state);
        let outcome = run(&shared.options);
        let mut state = shared.lock();
        state.until = None;
        if !std::mem::take(&mut state.ended) {
            return outcome;
        }
        shared.options.unterminate().map_err(failed)?;
        // It may have been done just before.
        outcome.map_err(|error| until.check().err().unwrap_or(error))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut idle = 0;
        let mut state = self.lock();
        while !state.gone {
            if state.until.as_ref().is_some_and(|until| until.check().is_err()) && !state.ended {
                // Where this fails, the host ends the process.
                state.ended = self.options.terminate().is_ok();
            }
            let busy = std::mem::take(&mut state.busy) || state.until.is_some();
            idle = if busy { 0 } else { idle + 1 };
            state = match idle < LINGER {
                true => {
                    let waited = self.news.wait_timeout(state, TICK);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                false => {
                    state.asleep = true;
                    self.news.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().gone = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ended = thread.join();
        }
    }
}
