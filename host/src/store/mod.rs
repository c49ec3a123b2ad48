//! Durable state: one SQLite file, in which every acknowledged write survives a power cut.
//!
//! One thread owns the connection. Writes that wait at the same time go to disk together
//! ([`Store::write`]), so that many small ones cost few flushes. What is in the tables is typed by
//! the modules here; there is no SQL elsewhere.

mod accepted;
mod configuration;
mod deployments;
mod generations;
mod keyvalue;
mod schema;
mod secrets;
mod shadows;
mod spool;
#[cfg(test)]
mod tests;

pub use configuration::LeafChange;
pub use deployments::{DeploymentRow, DeploymentState, Made};
pub use generations::{Generation, StoredComponent};
pub use keyvalue::Entry;
pub use secrets::{SecretKeyRow, SecretRow};
pub use shadows::Kept;
pub use spool::{Gone, LANES, SpoolLane, SpoolRow, SpoolStamp, Thin, lane_start};

use crate::metrics::Counter;
use crate::tasks::Tasks;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the thread.
const QUEUE: usize = 256;

/// What errors call the file of a store that has none.
const MEMORY: &str = "in memory";

/// Most writes in one transaction.
const MOST_TOGETHER: usize = 64;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The thread has ended, with the host.
    #[error("the store is closed")]
    Closed,
    /// The file holds what this version cannot read.
    #[error(
        "{path} was written by a newer gg-host (schema {found}, this one knows {known}); \
         install that version again, or move the file away to start anew"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// A value in a table is not what belongs there.
    #[error("the store holds a value that does not belong there: {0}")]
    Corrupt(String),
    /// SQLite's own words.
    #[error("the store {path}: {message}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        message: String,
    },
}

/// What a job gives: a value, or SQLite's error.
type Outcome<T> = rusqlite::Result<T>;

/// One request: does its work, and says how it went. It gets an error in place of the connection when
/// no transaction could be begun.
type Job = Box<dyn FnOnce(Result<&Connection, &StoreError>) -> Done + Send>;

/// How the work of a request went, and what tells its sender once it is on disk.
struct Done {
    error: Option<StoreError>,
    answer: Answer,
}

/// Called when it is known whether the work is on disk: with the error if it is not.
type Answer = Box<dyn FnOnce(Option<&StoreError>)>;

/// The store. Cheap to clone; the thread ends with the last.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    path: std::sync::Arc<Path>,
    commits: std::sync::Arc<Counter>,
}

impl Store {
    /// Open a file, which is made if it is not there. Blocks.
    ///
    /// # Errors
    /// It cannot be opened, is no store, or belongs to a newer version.
    pub fn open(path: &Path, tasks: &Tasks) -> Result<Self, StoreError> {
        Ok(Self::serving(schema::open(path)?, path, tasks))
    }

    /// A store that is gone with the host: what a run keeps for as long as it lasts.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory(tasks: &Tasks) -> Result<Self, StoreError> {
        Ok(Self::serving(schema::in_memory()?, Path::new(MEMORY), tasks))
    }

    fn serving(connection: Connection, path: &Path, tasks: &Tasks) -> Self {
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let owned: std::sync::Arc<Path> = path.into();
        let served = std::sync::Arc::clone(&owned);
        let commits = std::sync::Arc::<Counter>::default();
        let counted = std::sync::Arc::clone(&commits);
        // The thread ends when nobody can ask it any more.
        drop(tasks.spawn_blocking(move || serve(connection, &served, receiver, &counted)));
        Self { jobs, path: owned, commits }
    }

    /// Transactions that were written to disk so far.
    pub fn commits(&self) -> u64 {
        self.commits.total()
    }

    /// Behave from now on as on a disk that is full when the file has so many pages.
    #[cfg(test)]
    pub(crate) async fn let_grow_to(&self, pages: u32) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        })
        .await
    }

    /// Do work in a transaction of its own or together with others. Done when it is on disk, or
    /// when none of it is.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, answer) = oneshot::channel();
        let told = move |outcome| {
            let _gone = sender.send(outcome);
        };
        self.place().await?.write(work, told);
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// A place among the requests, once there is one. Work is done in the order in which places are
    /// used, not taken.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn place(&self) -> Result<Place<'_>, StoreError> {
        let permit = self.jobs.reserve().await.map_err(|_| StoreError::Closed)?;
        Ok(Place { permit, path: &self.path })
    }

    /// A place among the requests, if there is one now.
    pub fn try_place(&self) -> Option<Place<'_>> {
        Some(Place { permit: self.jobs.try_reserve().ok()?, path: &self.path })
    }
}

/// A place among the requests for the thread, for one of them.
#[derive(Debug)]
pub struct Place<'s> {
    permit: mpsc::Permit<'s, Job>,
    path: &'s std::sync::Arc<Path>,
}

impl Place<'_> {
    /// Do work as [`Store::write`] does. How it went is told on the store's thread, in the order in
    /// which places were used, and not at all if the thread has ended.
    fn write<T: Send + 'static>(
        self,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
        told: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let path = std::sync::Arc::clone(self.path);
        self.permit.send(Box::new(move |connection| {
            let outcome = connection.map_err(StoreError::clone).and_then(|connection| {
                within_savepoint(connection, work).map_err(|error| said(&path, &error))
            });
            let error = outcome.as_ref().err().cloned();
            let answer = Box::new(move |not_on_disk: Option<&StoreError>| {
                told(match not_on_disk {
                    None => outcome,
                    Some(error) => Err(error.clone()),
                });
            });
            Done { error, answer }
        }));
    }
}

fn said(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, cause) => {
            StoreError::Corrupt(cause.to_string())
        }
        error => StoreError::Sqlite { path: path.to_owned(), message: error.to_string() },
    }
}

/// A failure of one write takes nothing of the others with it.
fn within_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Outcome<T>,
) -> Outcome<T> {
    connection.execute_batch("SAVEPOINT one")?;
    let outcome = work(connection);
    if connection.is_autocommit() {
        return outcome;
    }
    let end = if outcome.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    connection.execute_batch(end)?;
    outcome
}

fn serve(connection: Connection, path: &Path, mut jobs: mpsc::Receiver<Job>, commits: &Counter) {
    // So many are to be alone, since one has failed that may fail again.
    let mut alone = 0_usize;
    while let Some(first) = jobs.blocking_recv() {
        let most = if alone > 0 { 1 } else { MOST_TOGETHER };
        alone = alone.saturating_sub(1);
        let mut answers = Vec::new();
        let changes = connection.total_changes();
        let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| said(path, &error));
        let (mut next, mut failure) = (Some(first), None);
        while let Some(job) = next {
            let Done { error, answer } = job(begun.as_ref().map(|()| &connection));
            answers.push(answer);
            // A disk that is full ends the transaction, and takes what was written before with it.
            if begun.is_ok() && connection.is_autocommit() {
                failure = error;
                break;
            }
            next = if answers.len() < most { jobs.try_recv().ok() } else { None };
        }
        if failure.is_none() {
            failure = connection.execute_batch("COMMIT").err().map(|error| {
                let _nothing_to_undo = connection.execute_batch("ROLLBACK");
                said(path, &error)
            });
        }
        if failure.is_some() {
            alone = QUEUE;
        } else if connection.total_changes() > changes {
            // One that only read has written nothing.
            commits.add(1);
        }
        answers.into_iter().for_each(|answer| answer(failure.as_ref()));
    }
}
