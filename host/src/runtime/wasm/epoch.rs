//! The clock that interrupts guests: a thread that advances the engine's epoch while a guest
//! runs, and sleeps without a single wake-up while none does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use wasmtime::EngineWeak;

/// The length of an epoch: how long a guest runs before another gets its turn.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Ticks without a running guest after which the thread goes to sleep, so that guests which run
/// for moments do not wake it each time.
const LINGER: u32 = 5;

/// Shared by everything that runs guests; the thread ends with the last. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Ticker {
    users: Arc<Users>,
}

#[derive(Debug)]
struct Users {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Guests on a thread at this moment.
    running: AtomicUsize,
    /// Somebody ran since the last tick.
    ran: AtomicBool,
    asleep: AtomicBool,
    ended: AtomicBool,
    wake: Mutex<()>,
    woken: Condvar,
}

impl Ticker {
    /// Start the thread.
    pub(super) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let ticking = Arc::clone(&shared);
        thread::Builder::new()
            .name("gg-epoch".to_owned())
            // It calls nothing deep.
            .stack_size(64 << 10)
            .spawn(move || ticking.tick(&engine))?;
        Ok(Self { users: Arc::new(Users { shared }) })
    }

    /// A guest begins to run on this thread.
    pub(super) fn enter(&self) {
        let shared = &self.users.shared;
        shared.running.fetch_add(1, Ordering::SeqCst);
        if shared.asleep.load(Ordering::SeqCst) {
            let _guard = shared.wake.lock().unwrap_or_else(PoisonError::into_inner);
            shared.asleep.store(false, Ordering::SeqCst);
            shared.woken.notify_one();
        }
    }

    /// The guest no longer runs on this thread.
    pub(super) fn leave(&self) {
        let shared = &self.users.shared;
        if !shared.ran.load(Ordering::Relaxed) {
            shared.ran.store(true, Ordering::Relaxed);
        }
        shared.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn tick(&self, engine: &EngineWeak) {
        let mut quiet = 0;
        loop {
            thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) if !self.ended.load(Ordering::SeqCst) => engine.increment_epoch(),
                _ => return,
            }
            let active =
                self.running.load(Ordering::SeqCst) > 0 || self.ran.swap(false, Ordering::Relaxed);
            quiet = if active { 0 } else { quiet + 1 };
            if quiet > LINGER {
                self.sleep();
                quiet = 0;
            }
        }
    }

    fn sleep(&self) {
        let mut guard = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(true, Ordering::SeqCst);
        // A guest that came in before the line above was seen by nobody: look again.
        while self.asleep.load(Ordering::SeqCst)
            && self.running.load(Ordering::SeqCst) == 0
            && !self.ended.load(Ordering::SeqCst)
        {
            guard = self.woken.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        let _guard = self.shared.wake.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.woken.notify_all();
    }
}
