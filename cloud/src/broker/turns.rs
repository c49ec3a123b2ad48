//! Changes of many clients in one transaction: while one is written down, others gather, and the next
//! takes them all. A disk that needs milliseconds to keep a transaction keeps hundreds of changes.

use crate::registry::{Refusal, Registry};
use crate::state::{State, Transaction};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Mutex as Turn, Semaphore, oneshot};

/// Most changes at a time; further clients wait.
const MOST: usize = 256;

/// What is to be done in a transaction. It is done again if the transaction fails.
pub(super) type Work = Box<dyn Fn(&mut dyn Transaction) -> Result<(), Refusal> + Send>;

type Waiting = (Work, oneshot::Sender<Result<(), Refusal>>);

/// Where changes gather.
pub(super) struct Turns {
    registry: Registry,
    waiting: Mutex<Vec<Waiting>>,
    places: Semaphore,
    turn: Turn<()>,
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

impl Turns {
    /// Nothing is to be done yet.
    pub(super) fn new(registry: Registry) -> Self {
        let places = Semaphore::new(MOST);
        Self { registry, waiting: Mutex::default(), places, turn: Turn::default() }
    }

    /// Have something done. Once this returns, it lasts.
    ///
    /// # Errors
    /// The work's, or the state's.
    pub(super) async fn change(&self, work: Work) -> Result<(), Refusal> {
        let _place = self.places.acquire().await.map_err(|error| Refusal::internal(&error))?;
        let (sender, mut done) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((work, sender));
        let turn = tokio::select! {
            biased;
            // Who was here before has taken this along. To wait for a turn that is not needed would take as
            // long as all do who stand before it.
            done = &mut done => return done.map_err(|error| Refusal::internal(&error))?,
            turn = self.turn.lock() => turn,
        };
        let all = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if !all.is_empty() {
            let state = self.registry.state.clone();
            let work = move || {
                do_all(state.as_ref(), all);
                Ok(())
            };
            self.registry.blocking(work).await?;
        }
        drop(turn);
        done.await.map_err(|error| Refusal::internal(&error))?
    }
}

fn do_all(state: &dyn State, all: Vec<Waiting>) {
    let together: Result<(), Refusal> =
        state.change(|transaction| all.iter().try_for_each(|(work, _)| work(transaction)));
    for (work, sender) in all {
        // One that fails is not to fail the others.
        let done = match &together {
            Ok(()) => Ok(()),
            Err(_) => state.change(|transaction| work(transaction)),
        };
        let _nobody_waits = sender.send(done);
    }
}
