//! Jobs that things get one after the other, at a pace (AWS IoT developer guide, "Job rollout,
//! scheduling, and abort configurations"). Those that wait are names in the roster, and have no
//! execution before it is their turn.

use super::{Execution, Job, JobStatus, Selection, job, notice, order, roster, rows};
use crate::clock::Time;
use crate::registry::{Kind, Refusal, groups, things};
use crate::state::{Key, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};

/// How far jobs are that are not with all their things, by their ids.
const PROGRESS: Table<Progress> = Table::new("jobs-rollouts");

/// Most things a minute (AWS IoT API reference, `ExponentialRolloutRate`).
pub const FASTEST: u64 = 1000;
/// Most things at a time: faster jobs go on more often.
const BATCH: u64 = 50;

/// How fast things get a job.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Rollout {
    /// Most of them in a minute.
    pub most: u64,
    /// How it becomes faster; it does not if this is none.
    pub growth: Option<Growth>,
}

/// How a rollout becomes faster.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Growth {
    /// Things a minute at first.
    pub base: u64,
    /// What that is multiplied with, again and again.
    pub factor: f64,
    /// When.
    pub each: Each,
}

/// When a rollout becomes faster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Each {
    /// When so many more things have got the job.
    Notified(u64),
    /// When so many more things have done it.
    Succeeded(u64),
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Progress {
    last: Option<String>,
    notified: u64,
    /// Milliseconds.
    next_at: u64,
}

impl Rollout {
    /// Things a minute, after so many.
    fn rate(&self, notified: u64, succeeded: u64) -> u64 {
        let Some(Growth { base, factor, each }) = self.growth else { return self.most };
        let (done, step) = match each {
            Each::Notified(step) => (notified, step),
            Each::Succeeded(step) => (succeeded, step),
        };
        let times = done.checked_div(step).unwrap_or_default();
        let rate = base as f64 * factor.powf(times.min(1000) as f64);
        (rate as u64).clamp(1, self.most.max(1))
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let fine = self.growth.as_ref().is_none_or(|growth| {
            let (Each::Notified(step) | Each::Succeeded(step)) = growth.each;
            (1..=FASTEST).contains(&growth.base) && (1.1..=5.0).contains(&growth.factor) && step > 0
        });
        match fine && (1..=FASTEST).contains(&self.most) {
            true => Ok(()),
            false => Err(Refusal::invalid(format!(
                "jobExecutionsRolloutConfig is for 1 to {FASTEST} things a minute, with an \
                 incrementFactor from 1.1 to 5, each time 1 or more things have the job"
            ))),
        }
    }
}

/// From now on things get a job at its pace.
pub(super) fn begin(tx: &mut dyn Transaction, job: &str, now: Time) -> Result<(), StateError> {
    let progress = Progress { next_at: now.millis(), ..Progress::default() };
    PROGRESS.put(tx, &rows::job_key(job), &progress)
}

/// Give jobs to those things whose turn it is.
///
/// # Errors
/// The state fails.
pub fn roll(tx: &mut dyn Transaction, now: Time) -> Result<(), Refusal> {
    for (key, progress) in PROGRESS.scan(tx, &Key::new(), None, usize::MAX)? {
        if progress.next_at > now.millis() {
            continue;
        }
        let Some(job) = rows::JOBS.get(tx, &key)? else {
            PROGRESS.delete(tx, &key)?;
            continue;
        };
        match (&job.rollout, job.status) {
            (Some(rollout), JobStatus::InProgress) => {
                let rate = rollout.rate(progress.notified, job.counts.of(super::Status::Succeeded));
                go_on(tx, &key, &job.id, progress, rate, now)?;
            }
            _ => PROGRESS.delete(tx, &key)?,
        }
    }
    Ok(())
}

fn go_on(
    tx: &mut dyn Transaction,
    key: &Key,
    id: &str,
    mut progress: Progress,
    rate: u64,
    now: Time,
) -> Result<(), Refusal> {
    let batch = rate.min(BATCH);
    let names = roster::names(tx, id, progress.last.as_deref())?;
    let most = usize::try_from(batch).unwrap_or(usize::MAX);
    let is_last = names.len() <= most;
    let mut job = job(tx, id)?;
    for name in names.into_iter().take(most) {
        job.waiting = job.waiting.saturating_sub(1);
        if gets(tx, &job, &name)? {
            let queued = Execution::queued(order::next(tx, now)?);
            rows::write(tx, &mut job, &name, None, &queued, now)?;
            notice::tell_one(tx, &name, job.namespace.as_deref(), now)?;
            progress.notified += 1;
        }
        progress.last = Some(name);
    }
    rows::settle(tx, &mut job, now)?;
    progress.next_at = now.millis() + batch * 60_000 / rate.max(1);
    match is_last {
        true => Ok(PROGRESS.delete(tx, key)?),
        false => Ok(PROGRESS.put(tx, key, &progress)?),
    }
}

/// Whether a thing whose turn it is still gets a job.
fn gets(tx: &mut dyn Transaction, job: &Job, thing: &str) -> Result<bool, Refusal> {
    match things::require(tx, thing) {
        Err(refusal) if refusal.kind == Kind::NotFound => return Ok(false),
        required => {
            required?;
        }
    }
    let groups = groups::all_of(tx, thing)?;
    let is_for =
        job.selection == Selection::Snapshot || job.is_for(thing, |group| groups.contains(group));
    Ok(is_for && rows::find(tx, job, thing)?.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollouts_become_faster_up_to_a_limit() {
        let steady = Rollout { most: 7, growth: None };
        assert_eq!(steady.rate(100, 100), 7);
        let growing =
            |each| Rollout { most: 90, growth: Some(Growth { base: 10, factor: 2.0, each }) };
        let by_notified = growing(Each::Notified(20));
        let rates = [0, 19, 20, 40, 60, u64::MAX].map(|notified| by_notified.rate(notified, 0));
        assert_eq!(rates, [10, 10, 20, 40, 80, 90]);
        assert_eq!(growing(Each::Succeeded(5)).rate(1000, 5), 20);
        assert!(growing(Each::Succeeded(0)).check().is_err());
        assert!(growing(Each::Succeeded(1)).check().is_ok());
    }
}
