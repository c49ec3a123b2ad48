//! When a job is to be taken back because too many things fail with it (AWS IoT developer guide, "Job
//! rollout, scheduling, and abort configurations"). Pure.

use super::{Counts, Status};
use crate::registry::Refusal;
use serde::{Deserialize, Serialize};

/// Most criteria of a job.
const MOST: usize = 10;

/// When a job is to be taken back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AbortCriterion {
    /// What counts as a failure; all of them if none is named.
    pub failure: Option<Status>,
    /// How many of a hundred things that have come to an end may fail.
    pub percentage: f64,
    /// How many things must have come to an end before anything is said of them.
    pub least: u64,
}

const FAILURES: [Status; 3] = [Status::Failed, Status::Rejected, Status::TimedOut];

impl AbortCriterion {
    /// Whether this many are too many.
    fn is_due(&self, counts: &Counts) -> bool {
        let all: u64 = FAILURES.map(|status| counts.of(status)).iter().sum();
        let failed = self.failure.map_or(all, |status| counts.of(status));
        let ended = all + counts.of(Status::Succeeded);
        failed > 0 && ended >= self.least && failed as f64 * 100.0 >= self.percentage * ended as f64
    }
}

pub(super) fn is_due(criteria: &[AbortCriterion], counts: &Counts) -> bool {
    criteria.iter().any(|criterion| criterion.is_due(counts))
}

pub(super) fn check(criteria: &[AbortCriterion]) -> Result<(), Refusal> {
    let fine = |criterion: &AbortCriterion| {
        criterion.least > 0
            && (0.0..=100.0).contains(&criterion.percentage)
            && criterion.failure.is_none_or(|status| FAILURES.contains(&status))
    };
    match criteria.len() <= MOST && criteria.iter().all(fine) {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "abortConfig has up to {MOST} criteria, each with a failureType of FAILED, REJECTED, \
             TIMED_OUT or ALL, a thresholdPercentage up to 100 and 1 or more \
             minNumberOfExecutedThings"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(Status, u64)]) -> Counts {
        let mut counts = Counts::default();
        of.iter().for_each(|(status, number)| counts.add(*status, *number));
        counts
    }

    #[test]
    fn too_many_failures_among_enough_are_due() {
        use Status::*;
        let of = |failure, percentage, least| [AbortCriterion { failure, percentage, least }];
        let some = counts(&[(Succeeded, 7), (Failed, 2), (Rejected, 1), (Queued, 90)]);
        for (criteria, due) in [
            (of(None, 30.0, 10), true),
            (of(None, 30.1, 10), false),
            (of(None, 30.0, 11), false),
            (of(Some(Failed), 20.0, 1), true),
            (of(Some(TimedOut), 0.0, 1), false),
        ] {
            assert_eq!(is_due(&criteria, &some), due, "{criteria:?}");
        }
        assert!(!is_due(&[], &some));
        assert!(
            check(&of(Some(Queued), 1.0, 1)).is_err() && check(&of(None, f64::NAN, 1)).is_err()
        );
    }
}
