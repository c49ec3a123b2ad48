//! PURE: the lifecycle of one component, as in Greengrass (developer guide, component lifecycle).
//!
//! ```text
//! New ─installed─▶ Installed ─ready─▶ Starting ─up─▶ Running ─┐
//!  ▲ │                ▲  ▲               │             │      │ ends, is stopped,
//!  │ └──fails──┐      │  │       fails───┴─────fails───┘      │ loses what it depends on
//!  │           ▼      │  │         ▼                          ▼
//!  └─recovered─Errored─recovered───Errored            Stopping ─▶ Finished, or Installed again
//!                 └──────too often──▶ Broken
//! ```
//! A component that is to run goes on by itself as far as it can; one that is not stays where it
//! is, `Finished` once it has stopped. `Renew` puts another version in its place, which begins at
//! `New`.

pub use crate::capability::lifecycle::LifecycleState;

use std::time::{Duration, Instant};

/// What happens to a component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// Something it needs is not up any more.
    DependencyLost,
    /// It ended badly, could not be installed or started, or says that it cannot go on.
    Failed,
    /// It ended well.
    Finished,
    /// It is ready to start.
    Installed,
    /// Everything it needs is up.
    Ready,
    /// What follows an error is over.
    Recovered,
    /// Somebody wants another version in its place.
    RenewRequested,
    /// Somebody wants it to run.
    StartRequested,
    /// Somebody wants it to end.
    StopRequested,
    /// It has stopped.
    Stopped,
    /// It is up.
    Up,
}

/// What the worker has to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Wait for what it needs; answered by [`Event::Ready`].
    Await,
    /// Carry out its step `install`; answered by [`Event::Installed`].
    Install,
    /// Do what follows an error, and pause; answered by [`Event::Recovered`].
    Recover,
    /// Take up the other version, and carry out its step `install`.
    Renew,
    /// Start it now; answered by [`Event::Up`].
    Start,
    /// Ask it to end, and end it when it does not; answered by [`Event::Stopped`].
    Stop,
}

/// How a supervised component is treated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Treatment {
    /// Errors from the same state after which it is broken.
    pub most_errors: u32,
    /// How long an error counts.
    pub error_reset: Duration,
}

/// Errors from one state, and when the last one was.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Errors {
    count: u32,
    last: Option<Instant>,
}

/// One component's state, what it is wanted for, and its errors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Machine {
    state: LifecycleState,
    treatment: Treatment,
    /// It is to run.
    wanted: bool,
    /// Another version is to take its place.
    renew: bool,
    /// It failed before it was installed.
    failed_new: bool,
    installing: Errors,
    starting: Errors,
    running: Errors,
}

impl Machine {
    /// A new component.
    pub fn new(treatment: Treatment) -> Self {
        Self {
            state: LifecycleState::New,
            treatment,
            wanted: false,
            renew: false,
            failed_new: false,
            installing: Errors::default(),
            starting: Errors::default(),
            running: Errors::default(),
        }
    }

    /// Where the component stands.
    pub fn state(&self) -> LifecycleState {
        self.state
    }

    /// Whether it is to run.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Take an event; one that means nothing in the present state changes nothing.
    pub fn on(&mut self, event: Event, now: Instant) -> Option<Action> {
        use LifecycleState as S;
        match event {
            Event::StartRequested => self.wanted = true,
            Event::StopRequested => self.wanted = false,
            Event::RenewRequested => (self.wanted, self.renew) = (true, true),
            _ => {}
        }
        let (state, action) = match (self.state, event) {
            (S::New, Event::StartRequested) => (S::New, Some(Action::Install)),
            (S::New, Event::Installed) => self.installed(),
            (S::Installed, Event::Ready) if self.wanted => (S::Starting, Some(Action::Start)),
            (S::Installed | S::Finished | S::Broken, Event::StartRequested) => self.afresh(),
            (S::Starting, Event::Up) => (S::Running, None),
            (S::Starting | S::Running, Event::Finished) => {
                // It has done what it was wanted for.
                self.wanted = false;
                (S::Stopping, Some(Action::Stop))
            }
            (
                S::Starting | S::Running,
                Event::DependencyLost | Event::StopRequested | Event::RenewRequested,
            ) => (S::Stopping, Some(Action::Stop)),
            (S::Stopping, Event::Stopped) => self.stopped(),
            (S::New | S::Starting | S::Running, Event::Failed) => self.failed(now),
            (S::Errored, Event::Recovered) if self.failed_new => (S::New, Some(Action::Install)),
            (S::Errored, Event::Recovered) => (S::Installed, Some(Action::Await)),
            (S::New | S::Installed | S::Errored, Event::StopRequested) => (S::Finished, None),
            (
                S::New | S::Installed | S::Errored | S::Finished | S::Broken,
                Event::RenewRequested,
            ) => self.renewed(),
            (state, _) => (state, None),
        };
        self.state = state;
        action
    }

    fn installed(&mut self) -> (LifecycleState, Option<Action>) {
        self.installing = Errors::default();
        (LifecycleState::Installed, self.wanted.then_some(Action::Await))
    }

    /// Once more, with the errors forgotten.
    fn afresh(&mut self) -> (LifecycleState, Option<Action>) {
        let new = self.state == LifecycleState::Broken && self.failed_new;
        (self.installing, self.starting, self.running) = Default::default();
        match new {
            true => (LifecycleState::New, Some(Action::Install)),
            false => (LifecycleState::Installed, Some(Action::Await)),
        }
    }

    fn renewed(&mut self) -> (LifecycleState, Option<Action>) {
        self.renew = false;
        (self.installing, self.starting, self.running) = Default::default();
        (LifecycleState::New, Some(Action::Renew))
    }

    fn stopped(&mut self) -> (LifecycleState, Option<Action>) {
        match (self.renew, self.wanted) {
            (true, true) => self.renewed(),
            (false, true) => (LifecycleState::Installed, Some(Action::Await)),
            (_, false) => (LifecycleState::Finished, None),
        }
    }

    fn failed(&mut self, now: Instant) -> (LifecycleState, Option<Action>) {
        self.failed_new = self.state == LifecycleState::New;
        let errors = match self.state {
            LifecycleState::New => &mut self.installing,
            LifecycleState::Starting => &mut self.starting,
            _ => &mut self.running,
        };
        let old = |last: Instant| now.saturating_duration_since(last) > self.treatment.error_reset;
        if errors.last.is_some_and(old) {
            errors.count = 0;
        }
        errors.count += 1;
        errors.last = Some(now);
        if errors.count >= self.treatment.most_errors {
            (LifecycleState::Broken, Some(Action::Stop))
        } else {
            (LifecycleState::Errored, Some(Action::Recover))
        }
    }
}

#[cfg(test)]
mod tests;
