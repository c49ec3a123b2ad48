//! One task per component: performs what the [`machine`](super::machine) says, through a runtime.

use super::machine::{Action, Event, Machine};
use super::{Command, ComponentStatus, Treatment};
use crate::capability::caller::Caller;
use crate::capability::lifecycle::ReportedState;
use crate::capability::pubsub::PubSub;
use crate::logs::{Level, LogSink};
use crate::runtime::{Exit, Failure, Prepared, Running, Status};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// First pause before a failed component is started again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long the next instance has to pick up the subscriptions of the one before.
const PICK_UP: Duration = Duration::from_secs(10);

pub(super) struct Worker {
    /// The component; each instance has a stop signal of its own.
    caller: Caller,
    prepared: Box<dyn Prepared>,
    log: LogSink,
    machine: Machine,
    instance: Option<Instance>,
    /// Told when the component is up or over.
    starting: Vec<oneshot::Sender<super::LifecycleState>>,
    stopping: Vec<oneshot::Sender<()>>,
    /// What to do when: end an instance that does not stop, start one after a pause, clear what a
    /// new one did not pick up.
    kill_at: Option<Instant>,
    recover_at: Option<Instant>,
    clear_at: Option<Instant>,
    pause: Duration,
    status: watch::Sender<ComponentStatus>,
    pubsub: PubSub,
}

struct Instance {
    caller: Caller,
    running: Running,
    /// It makes place for this one.
    successor: Option<Box<dyn Prepared>>,
}

impl Worker {
    pub(super) fn new(
        caller: Caller,
        prepared: Box<dyn Prepared>,
        log: LogSink,
        treatment: Treatment,
        pubsub: PubSub,
    ) -> (Self, watch::Receiver<ComponentStatus>) {
        let mut machine = Machine::new(treatment.most_errors);
        machine.on(Event::Installed);
        let status = ComponentStatus { state: machine.state(), exit: None, activity: None };
        let (status, seen) = watch::channel(status);
        let worker = Self {
            caller,
            prepared,
            log,
            machine,
            instance: None,
            starting: Vec::new(),
            stopping: Vec::new(),
            kill_at: None,
            recover_at: None,
            clear_at: None,
            pause: FIRST_PAUSE,
            status,
            pubsub,
        };
        (worker, seen)
    }

    /// Serve requests and follow the instance until nobody can ask any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => break,
                },
                () = changed(self.instance.as_mut()) => self.follow(),
                () = alarm(self.kill_at) => {
                    self.kill_at = None;
                    if let Some(instance) = &self.instance {
                        self.log.host(Level::Warn, "did not stop in time and is ended");
                        instance.running.kill.cancel();
                    }
                }
                () = alarm(self.recover_at) => {
                    self.recover_at = None;
                    self.on(Event::Recovered);
                }
                () = alarm(self.clear_at) => self.clear_shelf(),
            }
        }
        if let Some(instance) = self.instance {
            instance.running.kill.cancel();
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Start(up) => {
                self.starting.push(up);
                self.on(Event::StartRequested);
            }
            Command::Stop { deadline, stopped } => {
                self.stopping.push(stopped);
                self.kill_at = Some(Instant::now() + deadline);
                self.on(Event::StopRequested);
            }
            Command::Report(ReportedState::Running) => {}
            Command::Report(ReportedState::Errored) => self.reported_error(),
            Command::Replace { prepared, deadline } => self.replace(prepared, deadline),
        }
        self.tell();
    }

    fn replace(&mut self, prepared: Box<dyn Prepared>, deadline: Duration) {
        match &mut self.instance {
            Some(instance) => {
                self.caller.set_handing_over(true);
                instance.successor = Some(prepared);
                instance.caller.ask_to_stop();
                self.kill_at = Some(Instant::now() + deadline);
            }
            None => {
                self.prepared = prepared;
                self.on(Event::StartRequested);
            }
        }
    }

    /// The component cannot go on, and says so: its instance is of no use any more.
    fn reported_error(&mut self) {
        let Some(instance) = self.instance.take() else { return };
        self.log.host(Level::Error, "reports that it cannot do its work");
        instance.running.kill.cancel();
        let failure = Failure {
            message: "reported the state ERRORED".to_owned(),
            code: 1,
            ..Failure::default()
        };
        self.status.send_modify(|status| status.exit = Some(failure.into()));
        self.on(Event::Failed);
    }

    fn on(&mut self, event: Event) {
        match self.machine.on(event) {
            None => {}
            Some(Action::Start) => self.start(),
            Some(Action::Stop) => {
                if let Some(instance) = &self.instance {
                    instance.caller.ask_to_stop();
                }
            }
            Some(Action::Recover) => {
                self.log.host(Level::Warn, format!("will start again in {:?}", self.pause));
                self.recover_at = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        self.tell();
    }

    fn start(&mut self) {
        let caller = self.caller.instance();
        let running = self.prepared.start(caller.clone());
        self.instance = Some(Instance { caller, running, successor: None });
    }

    /// The instance's status has changed.
    fn follow(&mut self) {
        let Some(instance) = &mut self.instance else { return };
        let status = instance.running.status.borrow_and_update().clone();
        match status {
            Status::Starting => {}
            Status::Running => self.on(Event::Up),
            Status::Exited(exit) => self.ended(exit),
        }
    }

    fn ended(&mut self, exit: Exit) {
        self.kill_at = None;
        let successor = self.instance.take().and_then(|instance| instance.successor);
        self.log.flush();
        if let Some(successor) = successor {
            self.prepared = successor;
            self.caller.set_handing_over(false);
            self.clear_at = Some(Instant::now() + PICK_UP);
            self.start();
            self.tell();
            return;
        }
        self.clear_shelf();
        let event = match &exit {
            Exit::Finished(0) => Event::Finished,
            Exit::Finished(code) => {
                self.log.host(Level::Error, format!("ended with code {code}"));
                Event::Failed
            }
            Exit::Failed(failure) => {
                self.log.host(Level::Error, failure.to_string());
                Event::Failed
            }
            Exit::Killed => Event::Failed,
        };
        self.status.send_modify(|status| status.exit = Some(exit));
        self.on(event);
    }

    fn clear_shelf(&mut self) {
        self.clear_at = None;
        self.pubsub.clear_shelf(self.caller.name());
    }

    /// Let the others see how the component stands.
    fn tell(&mut self) {
        let state = self.machine.state();
        let activity =
            self.instance.as_ref().and_then(|instance| instance.running.activity.clone());
        self.status.send_modify(|status| {
            status.state = state;
            status.activity = activity;
        });
        if state == super::LifecycleState::Running || state.is_settled() {
            for up in self.starting.drain(..) {
                let _gone = up.send(state);
            }
        }
        if state.is_settled() {
            self.kill_at = None;
            for stopped in self.stopping.drain(..) {
                let _gone = stopped.send(());
            }
        }
    }
}

/// The instance's status changes; never, while there is none.
async fn changed(instance: Option<&mut Instance>) {
    match instance {
        Some(instance) => {
            // The runtime always says how it ended before it lets go.
            if instance.running.status.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

async fn alarm(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
