//! The workers of all models: how many bytes they take together, and who makes room.

use super::ModelInfo;
use super::error::InferenceError;
use super::model::Model;
use super::served::Served;
use crate::inference::library;
use crate::inference::worker::{self, DEFAULT_MEMORY, Settings, StartError, Worker};
use crate::metrics::Usage;
use crate::tasks::Tasks;
use bytesize::ByteSize;
use gg_inference::backend::Options;
use gg_model::NucleusSettings;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a model may take to load, its golden vectors included.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a worker takes before it has a model.
const OWN: u64 = 8 << 20;

/// What a model takes in memory at the least, as a multiple of its file: once as it came, and once
/// as its engine has it.
const AS_LOADED: u64 = 2;

/// Starts workers within the memory that all may take. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: watch::Receiver<Arc<NucleusSettings>>,
    tasks: Tasks,
    /// The models whose workers may have to make room.
    served: Mutex<Vec<Weak<Served>>>,
    /// The processes that are counted.
    pids: Mutex<BTreeSet<u32>>,
    /// Bytes for those that are being loaded.
    reserved: AtomicU64,
    /// Room is made for one at a time, so that two do not find the same.
    making_room: tokio::sync::Mutex<()>,
}

/// A worker that is counted while it is there.
#[derive(Debug)]
pub(super) struct Held {
    worker: Option<Worker>,
    pool: Pool,
}

impl Held {
    /// The worker. It is there until it is dropped.
    pub(super) fn worker(&mut self) -> Option<&mut Worker> {
        self.worker.as_mut()
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.worker.as_ref().map_or(0, Worker::pid)
    }

    /// End it, on a thread that may wait: the kernel takes its time with the memory of large ones.
    fn end(&mut self) -> Option<JoinHandle<()>> {
        let worker = self.worker.take()?;
        lock(&self.pool.0.pids).remove(&worker.pid());
        Some(self.pool.0.tasks.spawn_blocking_host(move || drop(worker)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.end());
    }
}

/// Room for a worker that is being started.
struct Reserved<'a>(&'a Shared, u64);

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.0.reserved.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(settings: watch::Receiver<Arc<NucleusSettings>>, tasks: Tasks) -> Self {
        Self(Arc::new(Shared {
            settings,
            tasks,
            served: Mutex::default(),
            pids: Mutex::default(),
            reserved: AtomicU64::default(),
            making_room: tokio::sync::Mutex::default(),
        }))
    }

    /// Spawns what serves models.
    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// One more whose worker may have to make room.
    pub(super) fn add(&self, served: &Arc<Served>) {
        let mut all = lock(&self.0.served);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(served));
    }

    /// Start a worker for a model: it is loaded and checked when this is done.
    ///
    /// # Errors
    /// It cannot be run, or there is no room for it.
    pub(super) async fn start(&self, model: &Model) -> Result<(Held, ModelInfo), InferenceError> {
        let failed = |error: &StartError| InferenceError::load(&model.name, error);
        let program = worker::program().map_err(|error| failed(&error))?;
        let limit = self.limit();
        let room = self.reserve(model, limit).await?;
        let declaration = &model.declaration;
        let options = Options {
            backend: declaration.backend.clone(),
            device: declaration.device.clone(),
            threads: declaration.threads,
        };
        let library = library::find(self.0.settings.borrow().inference.onnxruntime.as_ref());
        let settings = Settings {
            program,
            library: library.map_err(|error| failed(&error.into()))?,
            memory: declaration.memory.unwrap_or(DEFAULT_MEMORY).min(limit),
        };
        let started = Worker::start(&settings, &model.files, &options, PATIENCE).await;
        let worker = started.map_err(|error| failed(&error))?;
        let loaded = worker.loaded();
        let info = ModelInfo {
            name: model.name.clone(),
            version: model.version.clone(),
            digest: worker.digest().to_owned(),
            backend: loaded.backend.clone(),
            device: loaded.device.clone(),
            threads: loaded.threads,
            inputs: loaded.seen.inputs.clone(),
            outputs: loaded.seen.outputs.clone(),
        };
        lock(&self.0.pids).insert(worker.pid());
        let held = Held { worker: Some(worker), pool: self.clone() };
        // Now it is known what it takes.
        drop(room);
        self.make_room(limit).await;
        Ok((held, info))
    }

    /// Room for what a model takes at the least.
    async fn reserve(&self, model: &Model, limit: u64) -> Result<Reserved<'_>, InferenceError> {
        // What is wrong with the file is said when it is opened.
        let size = tokio::fs::metadata(&model.files.model).await.map_or(0, |found| found.len());
        let wanted = size.saturating_mul(AS_LOADED).saturating_add(OWN);
        let _alone = self.0.making_room.lock().await;
        let used = self.make_room(limit.saturating_sub(wanted)).await;
        if used > 0 && used.saturating_add(wanted) > limit {
            return Err(InferenceError::NoRoom {
                model: model.name.clone(),
                reason: format!(
                    "models take {} of memory and are busy, and this one would take {} at least; \
                     together they may take {}, which the nucleus's key `inference.memory` says",
                    ByteSize(used),
                    ByteSize(wanted),
                    ByteSize(limit)
                ),
            });
        }
        self.0.reserved.fetch_add(wanted, Ordering::Relaxed);
        Ok(Reserved(&self.0, wanted))
    }

    /// Bytes that all workers may take together: by default half of the machine's.
    fn limit(&self) -> u64 {
        self.0.settings.borrow().inference.memory.unwrap_or_else(|| machine() / 2)
    }

    /// Have idle models make room, those that were not used for longest first, until no more than
    /// so many bytes are taken; gives how many are.
    async fn make_room(&self, most: u64) -> u64 {
        let mut used = self.used();
        if used <= most {
            return used;
        }
        let mut all: Vec<Arc<Served>> =
            lock(&self.0.served).iter().filter_map(Weak::upgrade).collect();
        all.sort_by_key(|one| one.last_used());
        for one in all {
            let Some(mut held) = one.evict() else { continue };
            tracing::info!(model = %one.model().name, "unloaded, to make room for others");
            if let Some(ended) = held.end() {
                let _ended = ended.await;
            }
            used = self.used();
            if used <= most {
                break;
            }
        }
        used
    }

    /// Bytes of memory that all workers take, those included that are being started.
    fn used(&self) -> u64 {
        let taken: u64 = lock(&self.0.pids).iter().filter_map(|pid| memory(*pid)).sum();
        taken.saturating_add(self.0.reserved.load(Ordering::Relaxed))
    }
}

/// Bytes of memory that the machine has.
fn machine() -> u64 {
    let machine = rustix::system::sysinfo();
    (machine.totalram as u64).saturating_mul(machine.mem_unit.into())
}

/// Bytes of memory that a worker takes.
pub(super) fn memory(pid: u32) -> Option<u64> {
    Usage::of_process(i32::try_from(pid).ok()).memory
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
