//! PURE: the lifecycle of one component, as in Greengrass (developer guide, component lifecycle).
//!
//! ```text
//! New ─install─▶ Installed ─start─▶ Starting ─up─▶ Running ─ends─▶ Finished
//!  │                ▲                  │              │
//!  └───fails────────┼──────────────────┴───fails──────┘
//!                   │                  ▼
//!                   └──recovered── Errored ──too often──▶ Broken
//! ```
//! From any state in which it runs, a request to stop leads over `Stopping` to `Finished`.

use std::fmt;

/// Where a component stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LifecycleState {
    /// It failed too often and is left alone.
    Broken,
    /// It failed and will be started again.
    Errored,
    /// It did what it had to do, or was stopped.
    Finished,
    /// It is ready to start.
    Installed,
    /// Nothing is done yet.
    New,
    /// It does its work.
    Running,
    /// It is coming up.
    Starting,
    /// It is asked to end.
    Stopping,
}

impl LifecycleState {
    /// Whether the component is over until somebody asks for it again.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Broken | Self::Finished)
    }
}

impl fmt::Display for LifecycleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Broken => "BROKEN",
            Self::Errored => "ERRORED",
            Self::Finished => "FINISHED",
            Self::Installed => "INSTALLED",
            Self::New => "NEW",
            Self::Running => "RUNNING",
            Self::Starting => "STARTING",
            Self::Stopping => "STOPPING",
        })
    }
}

/// What happens to a component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// It ended badly, could not be installed or started, or says that it cannot go on.
    Failed,
    /// It ended well.
    Finished,
    /// It is ready to start.
    Installed,
    /// The pause after an error is over.
    Recovered,
    /// Somebody wants it to run.
    StartRequested,
    /// Somebody wants it to end.
    StopRequested,
    /// It is up.
    Up,
}

/// What the worker has to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Start it after a pause.
    Recover,
    /// Start it now.
    Start,
    /// Ask it to end, and end it when it does not.
    Stop,
}

/// One component's state and how often it has failed in a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Machine {
    state: LifecycleState,
    errors: u32,
    most_errors: u32,
}

impl Machine {
    /// A new component, which is broken after so many errors in a row.
    pub fn new(most_errors: u32) -> Self {
        Self { state: LifecycleState::New, errors: 0, most_errors }
    }

    /// Where the component stands.
    pub fn state(&self) -> LifecycleState {
        self.state
    }

    /// Take an event; one that means nothing in the present state changes nothing.
    pub fn on(&mut self, event: Event) -> Option<Action> {
        use LifecycleState as S;
        let (state, action) = match (self.state, event) {
            (S::New, Event::Installed) => (S::Installed, None),
            (S::Installed | S::Finished | S::Broken, Event::StartRequested) => {
                self.errors = 0;
                (S::Starting, Some(Action::Start))
            }
            (S::Errored, Event::Recovered) => (S::Starting, Some(Action::Start)),
            (S::Starting, Event::Up) => (S::Running, None),
            (S::Starting | S::Running | S::Stopping, Event::Finished) => (S::Finished, None),
            (S::Stopping, Event::Failed) => (S::Finished, None),
            (S::New | S::Starting | S::Running, Event::Failed) => {
                self.errors += 1;
                if self.errors >= self.most_errors {
                    (S::Broken, None)
                } else {
                    (S::Errored, Some(Action::Recover))
                }
            }
            (S::Starting | S::Running, Event::StopRequested) => (S::Stopping, Some(Action::Stop)),
            (S::New | S::Installed | S::Errored, Event::StopRequested) => (S::Finished, None),
            (state, _) => (state, None),
        };
        self.state = state;
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Event as E;
    use LifecycleState as S;

    fn after(most_errors: u32, events: &[Event]) -> (LifecycleState, Option<Action>) {
        let mut machine = Machine::new(most_errors);
        let mut last = None;
        for event in events {
            last = machine.on(*event);
        }
        (machine.state(), last)
    }

    #[test]
    fn a_life_without_trouble() {
        let mut machine = Machine::new(3);
        let steps = [
            (E::Installed, S::Installed, None),
            (E::StartRequested, S::Starting, Some(Action::Start)),
            (E::Up, S::Running, None),
            (E::Finished, S::Finished, None),
        ];
        for (event, state, action) in steps {
            assert_eq!(machine.on(event), action, "{event:?}");
            assert_eq!(machine.state(), state, "{event:?}");
        }
    }

    #[test]
    fn the_last_allowed_error_breaks() {
        let start = [E::Installed, E::StartRequested, E::Up];
        let once = [start.as_slice(), &[E::Failed]].concat();
        assert_eq!(after(1, &once), (S::Broken, None));
        assert_eq!(after(2, &once), (S::Errored, Some(Action::Recover)));
        let twice = [once.as_slice(), &[E::Recovered, E::Up, E::Failed]].concat();
        assert_eq!(after(2, &twice), (S::Broken, None));
    }

    #[test]
    fn stopping_ends_in_finished_whatever_happens_on_the_way() {
        let stopping = [E::Installed, E::StartRequested, E::Up, E::StopRequested];
        assert_eq!(after(1, &stopping), (S::Stopping, Some(Action::Stop)));
        for end in [E::Finished, E::Failed] {
            assert_eq!(after(1, &[stopping.as_slice(), &[end]].concat()).0, S::Finished);
        }
        assert_eq!(after(1, &[E::Installed, E::StopRequested]), (S::Finished, None));
    }

    #[test]
    fn a_broken_component_starts_again_only_on_request() {
        let broken = [E::Installed, E::StartRequested, E::Failed];
        assert_eq!(after(1, &[broken.as_slice(), &[E::Recovered]].concat()), (S::Broken, None));
        let asked = [broken.as_slice(), &[E::StartRequested]].concat();
        assert_eq!(after(1, &asked), (S::Starting, Some(Action::Start)));
    }

    #[test]
    fn events_out_of_place_change_nothing() {
        assert_eq!(after(1, &[E::Up]), (S::New, None));
        assert_eq!(after(1, &[E::Finished]), (S::New, None));
        assert_eq!(after(1, &[E::Installed, E::Installed]), (S::Installed, None));
    }
}
