//! Durable state: one SQLite file, in which every acknowledged write survives a power cut.
//!
//! One thread owns the connection. Writes that wait at the same time go to disk together
//! ([`Store::write`]), so that many small ones cost few flushes. What is in the tables is typed by
//! the modules here; there is no SQL elsewhere.

mod configuration;
mod deployments;
mod generations;
mod keyvalue;
mod schema;
#[cfg(test)]
mod tests;

pub use configuration::LeafChange;
pub use deployments::{DeploymentRow, DeploymentState};
pub use generations::{Generation, StoredComponent};
pub use keyvalue::Entry;

use crate::metrics::Counter;
use crate::tasks::Tasks;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the thread.
const QUEUE: usize = 256;

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

/// One request: does its work, and gives what tells its sender how it went once it is on disk. It
/// gets an error in place of the connection when no transaction could be begun.
type Job = Box<dyn FnOnce(Result<&Connection, &StoreError>) -> Answer + Send>;

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
        let connection = schema::open(path)?;
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let owned: std::sync::Arc<Path> = path.into();
        let served = std::sync::Arc::clone(&owned);
        let commits = std::sync::Arc::<Counter>::default();
        let counted = std::sync::Arc::clone(&commits);
        // The thread ends when nobody can ask it any more.
        drop(tasks.spawn_blocking(move || serve(connection, &served, receiver, &counted)));
        Ok(Self { jobs, path: owned, commits })
    }

    /// Transactions that were written to disk so far.
    pub fn commits(&self) -> u64 {
        self.commits.total()
    }

    /// Do work in a transaction of its own or together with others. Done when it is on disk, or
    /// when none of it is.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, answer) = oneshot::channel();
        let path = std::sync::Arc::clone(&self.path);
        let job: Job = Box::new(move |connection| {
            let outcome = connection.map_err(StoreError::clone).and_then(|connection| {
                within_savepoint(connection, work).map_err(|error| said(&path, &error))
            });
            Box::new(move |not_on_disk| {
                let outcome = match not_on_disk {
                    None => outcome,
                    Some(error) => Err(error.clone()),
                };
                let _gone = sender.send(outcome);
            })
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
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
    let end = if outcome.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    connection.execute_batch(end)?;
    outcome
}

fn serve(connection: Connection, path: &Path, mut jobs: mpsc::Receiver<Job>, commits: &Counter) {
    while let Some(first) = jobs.blocking_recv() {
        let mut answers = Vec::new();
        let changes = connection.total_changes();
        let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| said(path, &error));
        let mut next = Some(first);
        while let Some(job) = next {
            answers.push(job(begun.as_ref().map(|()| &connection)));
            next = if answers.len() < MOST_TOGETHER { jobs.try_recv().ok() } else { None };
        }
        let failure = connection.execute_batch("COMMIT").err().map(|error| {
            let _nothing_to_undo = connection.execute_batch("ROLLBACK");
            said(path, &error)
        });
        // One that only read has written nothing.
        if failure.is_none() && connection.total_changes() > changes {
            commits.add(1);
        }
        answers.into_iter().for_each(|answer| answer(failure.as_ref()));
    }
}
