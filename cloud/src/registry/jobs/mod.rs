//! Jobs: documents that things are to act upon, and what has come of each (AWS IoT developer guide,
//! "Jobs").
//!
//! In reading order:
//!
//! * [`job`]: what a job is; [`execution`]: what becomes of it on a thing, a pure state machine.
//! * [`order`]: the place of an execution among all, and when it was queued.
//! * [`roster`]: the things of a group's job, by hundreds. An execution that nothing has happened to
//!   yet is no row: it is a name in the roster.
//! * [`rows`]: executions as they are kept, with their indices and counts; [`pending`]: what a thing
//!   has before it.
//! * [`notice`]: telling things, after the state is written, in the same transaction; of many things,
//!   what is to be told is put down for [`spread`], which tells them by hundreds.
//! * [`create`], [`cancel`], [`membership`], [`update`], [`expire`]: what happens to jobs; [`abort`]:
//!   when too much has gone wrong; [`rollout`]: one thing after the other.
//! * [`list`]: looking at them. [`door`]: requests that come as messages; [`shape`]: as JSON has it.

mod abort;
mod cancel;
mod create;
mod delete;
mod door;
mod execution;
mod expire;
mod job;
mod list;
mod membership;
mod notice;
mod order;
mod pending;
mod rollout;
mod roster;
mod rows;
pub mod shape;
#[cfg(test)]
mod tests;
mod update;

pub use abort::AbortCriterion;
pub use cancel::{ABORTED, Cancel, cancel, cancel_execution, deleted_group, end_of_group, replace};
pub use create::{NewJob, create};
pub use delete::delete;
pub use door::handle;
pub use execution::{Change, Execution, Status};
pub use expire::expire;
pub use job::{Counts, Job, JobStatus, Selection, Target};
pub use list::{ExecutionFilter, JobFilter, jobs, of_job, of_thing};
pub use membership::{forget, joined, left};
pub use notice::{TO_BE_TOLD, spread};
pub use order::Queued;
pub use pending::{Pending, pending};
pub use rollout::{Each, FASTEST, Growth, Rollout, roll};
pub use rows::{document, execution, job};
pub use update::{describe, start_next, update};
