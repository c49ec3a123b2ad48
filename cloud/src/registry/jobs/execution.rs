//! What becomes of a job on a thing, as a pure state machine (AWS IoT developer guide, "Job execution
//! states"):
//!
//! ```text
//! QUEUED ──▶ IN_PROGRESS ──▶ SUCCEEDED | FAILED | REJECTED    as the thing says
//!     └────────────┴───────▶ TIMED_OUT | REMOVED | CANCELED   as happens to it
//! ```

use super::order::Queued;
use crate::registry::{Kind, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most details.
const MOST_DETAILS: usize = 10;
/// Most bytes in the name of one.
const LONGEST_NAME: usize = 128;
/// Most bytes in one. AWS has 1,024 characters; what a device says of a failure must not be refused.
const LONGEST_DETAIL: usize = 4096;
/// Most minutes that anything may take (AWS IoT API reference, `TimeoutConfig`).
pub(super) const MOST_MINUTES: u64 = 10_080;

/// Where an execution stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It was taken back.
    Canceled,
    /// The thing failed.
    Failed,
    /// The thing is at it.
    InProgress,
    /// The thing has it before it.
    Queued,
    /// The thing will not do it.
    Rejected,
    /// It is no longer this thing's.
    Removed,
    /// The thing has done it.
    Succeeded,
    /// The thing took too long.
    TimedOut,
}

impl Status {
    /// All there are, in the order in which they are counted.
    pub const ALL: [Self; 8] = [
        Self::Canceled,
        Self::Failed,
        Self::InProgress,
        Self::Queued,
        Self::Rejected,
        Self::Removed,
        Self::Succeeded,
        Self::TimedOut,
    ];

    /// Whether more can come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::InProgress)
    }

    /// As AWS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Canceled => "CANCELED",
            Self::Failed => "FAILED",
            Self::InProgress => "IN_PROGRESS",
            Self::Queued => "QUEUED",
            Self::Rejected => "REJECTED",
            Self::Removed => "REMOVED",
            Self::Succeeded => "SUCCEEDED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// Read AWS's word for one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A job on a thing. Times are in seconds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Execution {
    /// Where it stands.
    pub status: Status,
    /// Counted up with each change.
    pub version: u64,
    /// Counted up when the thing gets the job once more.
    pub number: u64,
    /// Its place among all.
    pub queued: Queued,
    /// When the thing began.
    pub started_at: Option<u64>,
    /// When it last changed.
    pub updated_at: u64,
    /// What the thing says of it.
    pub details: BTreeMap<String, String>,
    /// When the thing has taken too long.
    pub deadline: Option<u64>,
    /// When it has taken too long for the step that it is at.
    pub step_deadline: Option<u64>,
    /// Whether it was canceled while the thing was at it.
    pub force_canceled: bool,
}

/// What a thing says of an execution.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// Where it stands.
    pub status: Option<Status>,
    /// In place of what was said before.
    pub details: Option<BTreeMap<String, String>>,
    /// The version that it must have.
    pub expected_version: Option<u64>,
    /// Which time of the same job is meant.
    pub number: Option<u64>,
    /// How long the next step may take; -1 is as long as it wants.
    pub step_minutes: Option<i64>,
}

impl Execution {
    /// One that nothing has happened to yet.
    pub fn queued(queued: Queued) -> Self {
        Self {
            status: Status::Queued,
            version: 1,
            number: 1,
            queued,
            started_at: None,
            updated_at: queued.at,
            details: BTreeMap::new(),
            deadline: None,
            step_deadline: None,
            force_canceled: false,
        }
    }

    /// The same job once more.
    pub(super) fn again(&self, queued: Queued) -> Self {
        Self { number: self.number + 1, ..Self::queued(queued) }
    }

    /// When it has taken too long.
    pub fn times_out(&self) -> Option<u64> {
        [self.deadline, self.step_deadline].into_iter().flatten().min()
    }

    /// What comes of what the thing says; `minutes` is how long the job lets it take.
    ///
    /// # Errors
    /// It has another version, has come to its end, or cannot come to that state.
    pub fn changed(
        &self,
        change: &Change,
        minutes: Option<u64>,
        now: u64,
    ) -> Result<Self, Refusal> {
        self.check(change.expected_version, change.number)?;
        let to = change.status.unwrap_or(self.status);
        let possible = match to {
            Status::Queued => self.status == Status::Queued,
            Status::InProgress | Status::Succeeded | Status::Failed | Status::Rejected => true,
            Status::Canceled | Status::Removed | Status::TimedOut => false,
        };
        if !possible || !self.status.is_open() {
            return Err(Refusal::new(
                Kind::Transition,
                format!("an execution that is {} cannot become {}", self.status.word(), to.word()),
            ));
        }
        let mut next = self.moved(to, now);
        if let Some(details) = &change.details {
            check_details(details)?;
            next.details.clone_from(details);
        }
        if to == Status::InProgress {
            if self.status == Status::Queued {
                next.started_at = Some(now);
                next.deadline = minutes.map(|minutes| now + minutes * 60);
            }
            next.step_deadline = match change.step_minutes {
                None => self.step_deadline,
                Some(-1) => None,
                Some(minutes) => {
                    let minutes = u64::try_from(minutes).unwrap_or_default();
                    if !(1..=MOST_MINUTES).contains(&minutes) {
                        let message = format!("a step takes 1 to {MOST_MINUTES} minutes, or -1");
                        return Err(Refusal::invalid(message));
                    }
                    Some(now + minutes * 60)
                }
            };
        }
        Ok(next)
    }

    /// What comes of it when it ends by no doing of the thing.
    pub(super) fn ended(&self, status: Status, now: u64) -> Self {
        let force_canceled = status == Status::Canceled && self.status == Status::InProgress;
        Self { force_canceled, ..self.moved(status, now) }
    }

    /// It is the one that is meant.
    pub(super) fn check(&self, version: Option<u64>, number: Option<u64>) -> Result<(), Refusal> {
        if number.is_some_and(|number| number != self.number) {
            let message = format!("there is no execution of that number, but {}", self.number);
            return Err(Refusal::new(Kind::NotFound, message));
        }
        if version.is_some_and(|version| version != self.version) {
            let message = format!("the execution has the version {}", self.version);
            return Err(Refusal::new(Kind::Conflict, message));
        }
        Ok(())
    }

    fn moved(&self, status: Status, now: u64) -> Self {
        let mut next = self.clone();
        (next.status, next.version, next.updated_at) = (status, self.version + 1, now);
        if !status.is_open() {
            (next.deadline, next.step_deadline) = (None, None);
        }
        next
    }
}

pub(super) fn check_details(details: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
    let named =
        |name: &String| (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(letter);
    if details.len() > MOST_DETAILS || !details.keys().all(named) {
        return Err(Refusal::invalid(format!(
            "statusDetails has at most {MOST_DETAILS} members, whose names are 1 to {LONGEST_NAME} \
             letters, digits and any of `:_-`"
        )));
    }
    if details.values().any(|detail| detail.len() > LONGEST_DETAIL) {
        let message = format!("a detail has at most {LONGEST_DETAIL} bytes");
        return Err(Refusal::invalid(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(status: Status) -> Execution {
        Execution { status, ..Execution::queued(Queued { at: 5, order: 1 }) }
    }

    fn to(status: Status) -> Change {
        Change { status: Some(status), ..Change::default() }
    }

    #[test]
    fn a_thing_can_say_only_what_it_does() {
        use Status::*;
        for from in Status::ALL {
            for status in Status::ALL {
                let done = at(from).changed(&to(status), None, 9);
                let possible = match from {
                    Queued => matches!(status, Queued | InProgress | Succeeded | Failed | Rejected),
                    InProgress => matches!(status, InProgress | Succeeded | Failed | Rejected),
                    _ => false,
                };
                assert_eq!(done.is_ok(), possible, "{from:?} {status:?}");
                match done {
                    Ok(next) => assert_eq!((next.version, next.updated_at), (2, 9)),
                    Err(refusal) => assert_eq!(refusal.kind, Kind::Transition),
                }
            }
        }
    }

    #[test]
    fn another_version_or_number_is_refused() {
        let stale = Change { expected_version: Some(7), ..to(Status::InProgress) };
        let refused = at(Status::Queued).changed(&stale, None, 9).unwrap_err();
        assert_eq!(refused.kind, Kind::Conflict);
        let other = Change { number: Some(2), ..to(Status::InProgress) };
        let refused = at(Status::Queued).changed(&other, None, 9).unwrap_err();
        assert_eq!(refused.kind, Kind::NotFound);
    }

    #[test]
    fn time_runs_out_for_a_job_and_for_a_step() {
        let begun = at(Status::Queued).changed(&to(Status::InProgress), Some(10), 100).unwrap();
        assert_eq!((begun.started_at, begun.times_out()), (Some(100), Some(700)));
        let step = |minutes| Change { step_minutes: Some(minutes), ..to(Status::InProgress) };
        let stepped = begun.changed(&step(2), Some(10), 200).unwrap();
        assert_eq!(stepped.times_out(), Some(320));
        assert_eq!(stepped.changed(&step(-1), Some(10), 300).unwrap().times_out(), Some(700));
        assert_eq!(stepped.changed(&step(0), None, 300).unwrap_err().kind, Kind::Invalid);
        let done = stepped.changed(&to(Status::Succeeded), None, 310).unwrap();
        assert_eq!(done.times_out(), None);
    }

    #[test]
    fn details_replace_what_was_said_and_are_limited() {
        let say = |details: &[(&str, String)]| Change {
            details: Some(details.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()),
            ..to(Status::InProgress)
        };
        let first = at(Status::Queued).changed(&say(&[("a", "1".into())]), None, 1).unwrap();
        let second = first.changed(&say(&[("b", String::new())]), None, 2).unwrap();
        assert_eq!(second.details.into_keys().collect::<Vec<_>>(), ["b"]);
        for wrong in [("", String::new()), ("a b", String::new()), ("a", "x".repeat(5000))] {
            assert_eq!(first.changed(&say(&[wrong]), None, 2).unwrap_err().kind, Kind::Invalid);
        }
    }
}
