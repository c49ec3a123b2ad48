//! Predictions by machine-learning models, which deployments bring and components ask for by name.
//! Each model runs in a worker of its own ([`crate::inference`]), which is started when it is first
//! asked for, or before a deployment puts it in another's place.

mod batch;
mod counters;
mod error;
pub(crate) mod ipc;
mod loaded;
pub mod model;
pub mod nn;
mod pause;
mod pool;
mod queue;
mod served;
pub mod wit;

pub use error::InferenceError;
pub use loaded::LoadedModel;
pub use model::{Model, ModelInfo};

use super::caller::{Caller, Operation};
use crate::metrics::ModelFigures;
use crate::tasks::Tasks;
use counters::ModelCounters;
use gg_inference::Named;
use gg_model::name::MAX_NAME_LENGTH;
use gg_model::{ModelName, NucleusSettings};
use pool::{Held, Pool};
use served::Served;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The longest that a prediction may be waited for.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How a prediction is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// How long it may take; left out, as the model says.
    pub deadline: Option<Duration>,
    /// How long the caller's thread may be held up for it. A prediction that takes less needs no other
    /// thread to be woken.
    pub hold: Duration,
}

/// Models by name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Inference(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    models: RwLock<BTreeMap<ModelName, Arc<Served>>>,
    pool: Pool,
    /// Those that components hold and brought themselves.
    held: loaded::Held,
    stop: CancellationToken,
}

/// A model that was loaded, checked and warmed, and that nobody can ask for yet.
#[derive(Debug)]
pub struct ReadyModel {
    model: Model,
    held: Held,
    info: ModelInfo,
}

impl Inference {
    /// No model yet. All end with the signal.
    pub fn new(
        settings: watch::Receiver<Arc<NucleusSettings>>,
        tasks: Tasks,
        stop: CancellationToken,
    ) -> Self {
        let pool = Pool::new(settings, tasks);
        Self(Arc::new(Shared {
            models: RwLock::default(),
            pool,
            held: loaded::Held::default(),
            stop,
        }))
    }

    /// Load, check and warm a model, if it is not the one that is served.
    ///
    /// # Errors
    /// It cannot be run.
    pub async fn prepare(&self, model: &Model) -> Result<Option<ReadyModel>, InferenceError> {
        if self.find(&model.name).is_some_and(|served| served.model() == model) {
            return Ok(None);
        }
        let (held, info) = self.0.pool.start(model).await?;
        Ok(Some(ReadyModel { model: model.clone(), held, info }))
    }

    /// Serve these from now on, and no others. Those that are the same go on; what waits for others
    /// is made by those that it waits for. Of two with one name the first counts.
    pub fn install(&self, models: &[Model], ready: Vec<ReadyModel>) {
        let mut ready: BTreeMap<ModelName, ReadyModel> =
            ready.into_iter().map(|ready| (ready.model.name.clone(), ready)).collect();
        let mut all = self.0.models.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *all);
        for model in models {
            let name = &model.name;
            if all.contains_key(name) {
                tracing::warn!(model = %name, "two components bring a model of this name; the first counts");
                continue;
            }
            let old = before.remove(name);
            let served = match old {
                Some(old) if old.model() == model => old,
                old => {
                    let counters = old.as_ref().map(|old| Arc::clone(old.counters()));
                    if let Some(old) = old {
                        old.retire();
                    }
                    let ready = ready.remove(name).filter(|ready| ready.model == *model);
                    if let Some(ModelInfo { version, backend, .. }) =
                        ready.as_ref().map(|ready| &ready.info)
                    {
                        tracing::info!(model = %name, %version, backend, "serves");
                    }
                    self.begin(model, counters.unwrap_or_default(), ready)
                }
            };
            all.insert(name.clone(), served);
        }
        before.values().for_each(|old| old.retire());
    }

    fn begin(
        &self,
        model: &Model,
        counters: Arc<ModelCounters>,
        ready: Option<ReadyModel>,
    ) -> Arc<Served> {
        let ready = ready.map(|ReadyModel { held, info, .. }| (held, info));
        counters.loads.add(ready.is_some().into());
        let served = Arc::new(Served::new(model.clone(), counters, ready));
        self.0.pool.add(&served);
        let serve = Arc::clone(&served).serve(self.0.pool.clone(), self.0.stop.clone());
        self.0.pool.tasks().spawn(serve);
        served
    }

    /// The models that the caller may use.
    pub fn models(&self, caller: &Caller) -> Vec<ModelName> {
        let all = self.0.models.read().unwrap_or_else(PoisonError::into_inner);
        let may = |name: &&ModelName| caller.may(Operation::RunInference, name.as_ref());
        all.keys().filter(may).cloned().collect()
    }

    /// What is measured of each model.
    pub fn figures(&self) -> Vec<ModelFigures> {
        let all = self.0.models.read().unwrap_or_else(PoisonError::into_inner);
        all.values().map(|served| served.figures()).collect()
    }

    /// What is known of a model. Loads it, if it is not loaded.
    ///
    /// # Errors
    /// Unauthorized; there is no such model; it cannot be run.
    pub async fn describe(
        &self,
        caller: &Caller,
        model: &str,
    ) -> Result<Arc<ModelInfo>, InferenceError> {
        self.served(caller, model)?.describe(&self.0.pool).await
    }

    /// Have a prediction made. Dropped before it is done, it is called off.
    ///
    /// # Errors
    /// Unauthorized; there is no such model; inputs are not what it takes; it is late, or failed.
    pub async fn run(
        &self,
        caller: &Caller,
        model: &str,
        inputs: Vec<Named>,
        options: RunOptions,
    ) -> Result<Vec<Named>, InferenceError> {
        let served = self.served(caller, model)?;
        let deadline = options.deadline.map(|deadline| deadline.min(LONGEST));
        let options = RunOptions { deadline, ..options };
        let inputs: Arc<[Named]> = inputs.into();
        match served.run(caller.name(), Arc::clone(&inputs), options).await {
            // Another has taken its place between the look at it and the question.
            Err(InferenceError::Removed(_)) if !self.0.stop.is_cancelled() => {
                self.served(caller, model)?.run(caller.name(), inputs, options).await
            }
            answer => answer,
        }
    }

    /// Load a model that the caller brings itself, for as long as it holds it. Its worker may take as
    /// much memory as the caller.
    ///
    /// # Errors
    /// Unauthorized; it holds too many; it cannot be run.
    pub async fn load(&self, caller: &Caller, bytes: &[u8]) -> Result<LoadedModel, InferenceError> {
        caller.authorize(Operation::LoadModel, "*").map_err(InferenceError::Denied)?;
        // It stands in messages and nowhere else.
        let name = ModelName::of_guest();
        let Some(place) = loaded::Place::take(&self.0.held, caller.name()) else {
            let reason = "the component holds as many models already as it may".to_owned();
            return Err(InferenceError::Load { model: name, reason, too_large: true });
        };
        let (model, file) = loaded::as_model(name, bytes, caller.limits().memory)?;
        let (held, info) = self.0.pool.start(&model).await?;
        let ready = ReadyModel { model: model.clone(), held, info };
        let served = self.begin(&model, Arc::default(), Some(ready));
        Ok(LoadedModel::new(served, place, file))
    }

    /// Have a prediction made by a model that the caller brought itself.
    ///
    /// # Errors
    /// As [`Inference::run`].
    pub async fn run_loaded(
        &self,
        caller: &Caller,
        model: &LoadedModel,
        inputs: Vec<Named>,
        options: RunOptions,
    ) -> Result<Vec<Named>, InferenceError> {
        model.served.run(caller.name(), inputs.into(), options).await
    }

    fn served(&self, caller: &Caller, name: &str) -> Result<Arc<Served>, InferenceError> {
        let not_found = || InferenceError::NotFound(name.chars().take(MAX_NAME_LENGTH).collect());
        // No message repeats what is too long to be a name.
        if name.len() > MAX_NAME_LENGTH {
            return Err(not_found());
        }
        caller.authorize(Operation::RunInference, name).map_err(InferenceError::Denied)?;
        name.parse().ok().and_then(|name| self.find(&name)).ok_or_else(not_found)
    }

    fn find(&self, name: &ModelName) -> Option<Arc<Served>> {
        let all = self.0.models.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned()
    }
}
