//! Shadows of things: kept on the device, changed by whoever may, and told of on local topics, as
//! the component shadow manager of Greengrass does (`aws.greengrass.ShadowManager`). What a change
//! means says [`gg_model::shadow`]. A change is on disk before anybody hears of it, and of one shadow
//! everybody hears in the order of its versions.
//!
//! A run keeps its shadows for as long as it lasts.

mod deltas;
pub(crate) mod ipc;
mod rate;
mod serve;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod topics;
pub mod wit;

pub use deltas::Deltas;

use super::caller::{Caller, Operation};
use super::pubsub::{PubSub, Publisher};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Kept, Store, StoreError};
use crate::tasks::Tasks;
use deltas::Watched;
use gg_model::shadow::{
    Before, Refusal, ShadowId, ShadowOperation, ShadowSettings, Synced, shadow_manager,
};
use gg_model::{AccessPolicy, ComponentVersion, Limits, NucleusSettings, ThingName};
use rate::Rates;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use tokio::sync::{OnceCell, OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;

/// Names on a page, unless it is said.
const DEFAULT_PAGE: u32 = 25;

/// Most names on a page.
const MOST_ON_A_PAGE: u32 = 100;

/// Shadows that can be changed at one time; those of one turn follow one another.
const TURNS: usize = 32;

/// The shadows of this device. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shadows {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    place: Place,
    rates: Mutex<Rates>,
    settings: watch::Sender<Arc<ShadowSettings>>,
    /// Who has a shadow's turn changes it and tells of it.
    turns: Vec<Arc<tokio::sync::Mutex<Publisher>>>,
    watched: Watched,
    /// What is to be brought in step with the cloud, if anything is.
    due: OnceLock<Arc<sync::Due>>,
}

/// The turn of a shadow, with what tells of it.
type Turn = OwnedMutexGuard<Publisher>;

/// Where shadows are kept.
#[derive(Debug)]
enum Place {
    Device(Store),
    /// In memory, from the first shadow on.
    Run(Tasks, OnceCell<Store>),
}

/// A page of names.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    /// The names, in order.
    pub names: Vec<String>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
    /// As of when, in milliseconds since the Unix epoch.
    pub at: i64,
}

impl Shadows {
    /// The shadows that a store keeps; a run has none.
    pub fn new(
        clock: Clock,
        store: Option<Store>,
        thing: ThingName,
        pubsub: &PubSub,
        tasks: &Tasks,
    ) -> Self {
        let place = match store {
            Some(store) => Place::Device(store),
            None => Place::Run(tasks.clone(), OnceCell::new()),
        };
        let manager = manager(thing);
        let turn = |_| Arc::new(pubsub.publisher(manager.clone()).into());
        let turns = (0..TURNS).map(turn).collect();
        let inner = Inner {
            clock,
            place,
            rates: Mutex::default(),
            settings: watch::Sender::default(),
            turns,
            watched: Watched::default(),
            due: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Have these settings in force from now on.
    pub fn configure(&self, settings: ShadowSettings) {
        self.inner.settings.send_if_modified(|present| {
            let changed = **present != settings;
            *present = Arc::new(settings);
            changed
        });
    }

    /// Have what the core software is told in force, until asked to stop.
    pub async fn follow(
        self,
        mut settings: watch::Receiver<Arc<NucleusSettings>>,
        stop: CancellationToken,
    ) {
        loop {
            self.configure(settings.borrow_and_update().shadows.clone());
            tokio::select! {
                () = stop.cancelled() => return,
                changed = settings.changed() => if changed.is_err() { return },
            }
        }
    }

    /// A shadow's document.
    ///
    /// # Errors
    /// Unauthorized; a name that is none; too many requests; no such shadow.
    pub async fn get(
        &self,
        caller: &Caller,
        thing: Option<&str>,
        name: Option<&str>,
    ) -> Result<String> {
        let id = self.authorized(caller, Operation::GetThingShadow, thing, name)?;
        self.serve(&id, ShadowOperation::Get, &[]).await
    }

    /// Change a shadow by a request document; gives what was changed.
    ///
    /// # Errors
    /// Unauthorized; a name that is none; too many requests; a document that breaks a rule; another
    /// version than it says.
    pub async fn update(
        &self,
        caller: &Caller,
        thing: Option<&str>,
        name: Option<&str>,
        document: &[u8],
    ) -> Result<String> {
        let id = self.authorized(caller, Operation::UpdateThingShadow, thing, name)?;
        self.serve(&id, ShadowOperation::Update, document).await
    }

    /// Delete a shadow; gives its last version, as a document.
    ///
    /// # Errors
    /// Unauthorized; a name that is none; too many requests; no such shadow.
    pub async fn delete(
        &self,
        caller: &Caller,
        thing: Option<&str>,
        name: Option<&str>,
    ) -> Result<String> {
        let id = self.authorized(caller, Operation::DeleteThingShadow, thing, name)?;
        self.serve(&id, ShadowOperation::Delete, &[]).await
    }

    /// A page of the names of a thing's shadows; the classic one has none.
    ///
    /// # Errors
    /// Unauthorized; a name that is none; too many requests; a page of more than 100 or of none.
    pub async fn list(
        &self,
        caller: &Caller,
        thing: Option<&str>,
        page: Option<u32>,
        after: Option<&str>,
    ) -> Result<Names> {
        let ShadowId { thing, .. } = id(caller, thing, after)?;
        caller.authorize(Operation::ListNamedShadowsForThing, thing.as_ref())?;
        let page = page.unwrap_or(DEFAULT_PAGE);
        if !(1..=MOST_ON_A_PAGE).contains(&page) {
            return Err(Error::invalid(format!(
                "the page size {page} is not from 1 to {MOST_ON_A_PAGE}"
            )));
        }
        self.take(&thing).map_err(to_error)?;
        let store = self.store().await.map_err(not_kept)?;
        let after = after.unwrap_or_default();
        let names = store.shadow_names(thing.as_ref(), after, page + 1).await;
        let mut names = names.map_err(not_kept)?;
        let there_are_more = names.len() > page as usize;
        names.truncate(page as usize);
        let next = names.last().filter(|_| there_are_more).cloned();
        Ok(Names { names, next, at: self.inner.clock.unix_millis() })
    }

    /// Watch what of a shadow's desired state is not reported.
    ///
    /// # Errors
    /// Unauthorized; a name that is none; as many watches as the limits allow.
    pub fn deltas(
        &self,
        caller: &Caller,
        thing: Option<&str>,
        name: Option<&str>,
    ) -> Result<Deltas> {
        let id = self.authorized(caller, Operation::GetThingShadow, thing, name)?;
        let slot = caller.take_watch()?;
        Ok(Deltas::new(self.clone(), id, caller.clone(), slot))
    }

    fn authorized(
        &self,
        caller: &Caller,
        operation: Operation,
        thing: Option<&str>,
        name: Option<&str>,
    ) -> Result<ShadowId> {
        let id = id(caller, thing, name)?;
        caller.authorize(operation, &id.to_string())?;
        Ok(id)
    }

    /// Serve a request of whoever may make it.
    async fn serve(
        &self,
        id: &ShadowId,
        operation: ShadowOperation,
        payload: &[u8],
    ) -> Result<String> {
        let turn = self.turn(id).await;
        self.carry_out(turn, id, operation, payload).await.map_err(to_error)
    }

    /// A shadow as it is.
    async fn read(&self, id: &ShadowId) -> Result<Before, Refusal> {
        let store = self.store().await.map_err(failed)?;
        store.shadow(id.clone()).await.map_err(failed)
    }

    async fn change<T: Send + 'static>(
        &self,
        id: &ShadowId,
        in_step: Option<Synced>,
        change: impl FnOnce(Before) -> Result<(Before, T), Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let store = self.store().await.map_err(failed)?;
        match store.change_shadow(id.clone(), in_step, change).await.map_err(failed)?? {
            Kept::Done(outcome) => Ok(outcome),
            Kept::Full => {
                tracing::warn!(shadow = %id, "not made: there are as many shadows as can be");
                Err(Refusal::Internal)
            }
        }
    }

    async fn store(&self) -> Result<&Store, StoreError> {
        match &self.inner.place {
            Place::Device(store) => Ok(store),
            Place::Run(tasks, store) => {
                store.get_or_try_init(async || Store::in_memory(tasks)).await
            }
        }
    }

    /// Count a request for a thing.
    fn take(&self, thing: &ThingName) -> Result<(), Refusal> {
        let settings = self.settings();
        let mut rates = self.inner.rates.lock().unwrap_or_else(PoisonError::into_inner);
        match rates.take(thing, Instant::now(), &settings) {
            true => Ok(()),
            false => Err(Refusal::TooManyRequests),
        }
    }

    /// Wait for a shadow's turn.
    async fn turn(&self, id: &ShadowId) -> Turn {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let turns = &self.inner.turns;
        Arc::clone(&turns[hasher.finish() as usize % turns.len()]).lock_owned().await
    }

    fn settings(&self) -> Arc<ShadowSettings> {
        Arc::clone(&self.inner.settings.borrow())
    }

    fn seconds(&self) -> u64 {
        self.inner.clock.unix_millis().unsigned_abs() / 1000
    }
}

/// Who tells of shadows, and is asked for them by messages.
fn manager(thing: ThingName) -> Caller {
    /// The documents of the largest shadow, twice, and what is said about each of its leaves.
    const LARGEST: u64 = 4 << 20;
    let mut policy = AccessPolicy::default();
    for operation in [Operation::PublishToTopic, Operation::SubscribeToTopic] {
        // `*` is a pattern.
        let _infallible = policy.allow(operation.service(), operation.name(), "$aws/things/*");
    }
    let limits = Limits { message: LARGEST, queue: 1024, ..Limits::default() };
    Caller::new(shadow_manager(), ComponentVersion::ZERO, thing, policy, limits)
}

/// Which shadow is meant: of this core device unless it is said, and the classic one unless it has
/// a name.
fn id(caller: &Caller, thing: Option<&str>, name: Option<&str>) -> Result<ShadowId> {
    let thing = match thing {
        None => caller.thing().clone(),
        Some(thing) => thing.parse().map_err(|error| Error::invalid(format!("{error}")))?,
    };
    let name = name.filter(|name| !name.is_empty());
    let name = name.map(|name| name.parse().map_err(|error| Error::invalid(format!("{error}"))));
    Ok(ShadowId { thing, name: name.transpose()? })
}

fn to_error(refusal: Refusal) -> Error {
    let kind = match refusal {
        Refusal::NotFound(_) => ErrorKind::NotFound,
        Refusal::Conflict => ErrorKind::Conflict,
        Refusal::Unauthorized => ErrorKind::Unauthorized,
        Refusal::TooManyRequests => ErrorKind::Unavailable,
        Refusal::Internal => ErrorKind::Internal,
        _ => ErrorKind::InvalidArgument,
    };
    Error::new(kind, refusal.to_string())
}

fn failed(error: StoreError) -> Refusal {
    tracing::error!(%error, "a shadow cannot be read or kept");
    Refusal::Internal
}

fn not_kept(error: StoreError) -> Error {
    to_error(failed(error))
}
