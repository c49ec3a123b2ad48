//! One task per component: performs what the [`machine`](super::machine) says, through a runtime.

use super::dependencies::Dependencies;
use super::machine::{Action, Event, LifecycleState, Machine, Treatment};
use super::{Command, ComponentStatus, Successor};
use crate::capability::caller::Caller;
use crate::capability::lifecycle::ReportedState;
use crate::capability::pubsub::PubSub;
use crate::logs::{Level, LogSink};
use crate::runtime::{BoxFuture, Errand, Exit, Failure, Running, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// First pause before a failed component is started again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long the next instance has to pick up the subscriptions of the one before.
const PICK_UP: Duration = Duration::from_secs(10);

/// How long a component may take to stop when nobody has said.
const TIME_TO_STOP: Duration = Duration::from_secs(20);

pub(super) struct Worker {
    /// The version that is here.
    present: Successor,
    /// The version that takes its place once it has stopped.
    next: Option<Successor>,
    pubsub: PubSub,
    /// Told of each move from one state to another.
    moves: watch::Sender<u64>,
    log: LogSink,
    machine: Machine,
    dependencies: Dependencies,
    instance: Option<Instance>,
    chore: Option<Chore>,
    /// Told when the component is up or over.
    starting: Vec<oneshot::Sender<LifecycleState>>,
    stopping: Vec<oneshot::Sender<()>>,
    /// Its step `uninstall` is to be carried out when it has stopped.
    uninstall: bool,
    /// What to do when: end an instance that does not stop, start one after a pause, clear what a
    /// new one did not pick up.
    kill_at: Option<Instant>,
    recover_at: Option<Instant>,
    clear_at: Option<Instant>,
    pause: Duration,
    status: watch::Sender<ComponentStatus>,
}

/// What runs.
struct Instance {
    /// The component; each instance has a stop signal of its own.
    caller: Caller,
    running: Running,
    up: bool,
    /// It makes place for this one, which picks up its subscriptions.
    heir: Option<Successor>,
    /// Why it is ended before its time.
    condemned: Option<Failure>,
}

/// A step under way that is over by itself.
struct Chore {
    errand: Errand,
    end: BoxFuture<'static, Result<i32, Failure>>,
}

impl Worker {
    pub(super) fn new(
        present: Successor,
        log: LogSink,
        treatment: Treatment,
        pubsub: PubSub,
        moves: watch::Sender<u64>,
    ) -> (Self, watch::Receiver<ComponentStatus>) {
        let machine = Machine::new(treatment);
        let (status, seen) = watch::channel(ComponentStatus {
            version: present.caller.version().clone(),
            runtime: present.prepared.runtime(),
            state: machine.state(),
            starts: 0,
            errors: 0,
            exit: None,
            last_lines: Vec::new(),
            activity: None,
            hold: None,
        });
        let worker = Self {
            present,
            next: None,
            pubsub,
            moves,
            log,
            machine,
            dependencies: Dependencies::default(),
            instance: None,
            chore: None,
            starting: Vec::new(),
            stopping: Vec::new(),
            uninstall: false,
            kill_at: None,
            recover_at: None,
            clear_at: None,
            pause: FIRST_PAUSE,
            status,
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
                (errand, end) = over(self.chore.as_mut()) => self.chore_over(errand, end),
                () = self.dependencies.changed() => self.look_at_dependencies(),
                () = alarm(self.kill_at) => self.kill(),
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
            Command::Depend(dependencies) => {
                self.dependencies = Dependencies::new(dependencies);
                if self.instance.is_some() {
                    self.dependencies.remember();
                }
                self.look_at_dependencies();
            }
            Command::Start(up) => {
                self.starting.push(up);
                self.on(Event::StartRequested);
            }
            Command::Stop { deadline, uninstall, stopped } => {
                self.stopping.push(stopped);
                self.uninstall |= uninstall;
                self.kill_at = Some(Instant::now() + deadline);
                self.give_up_preparations();
                self.on(Event::StopRequested);
                self.uninstall();
            }
            Command::Report(ReportedState::Running) => {
                if let Some(instance) = &self.instance {
                    instance.caller.say_up();
                }
                self.up();
            }
            Command::Report(ReportedState::Errored) => self.condemn(Failure {
                message: "reported the state ERRORED".to_owned(),
                code: 1,
                ..Failure::default()
            }),
            Command::Replace { successor, deadline } => self.replace(*successor, deadline),
        }
        self.tell();
    }

    fn replace(&mut self, successor: Successor, deadline: Duration) {
        let swaps = self.present.prepared.hands_over() && successor.prepared.hands_over();
        match &mut self.instance {
            Some(instance) if swaps && self.machine.state() == LifecycleState::Running => {
                instance.caller.set_handing_over(true);
                instance.heir = Some(successor);
                instance.caller.ask_to_stop();
                self.kill_at = Some(Instant::now() + deadline);
            }
            _ => {
                self.next = Some(successor);
                self.kill_at = self.instance.is_some().then(|| Instant::now() + deadline);
                self.give_up_preparations();
                self.on(Event::RenewRequested);
            }
        }
    }

    /// End the instance, which is of no use any more.
    fn condemn(&mut self, failure: Failure) {
        let Some(instance) = &mut self.instance else { return };
        self.log.host(Level::Error, failure.to_string());
        instance.condemned = Some(failure);
        instance.running.kill.cancel();
    }

    /// A step that leads to a start is of no use when another version or none is wanted.
    fn give_up_preparations(&mut self) {
        self.recover_at = None;
        let leads_to_start =
            |chore: &Chore| matches!(chore.errand, Errand::Install | Errand::Recover);
        if self.chore.as_ref().is_some_and(leads_to_start) {
            self.chore = None;
        }
    }

    fn on(&mut self, event: Event) {
        if let Some(action) = self.machine.on(event, std::time::Instant::now()) {
            self.perform(action);
        }
        self.tell();
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Await => self.look_at_dependencies(),
            Action::Install => {
                if !(self.present.install && self.begin(Errand::Install)) {
                    self.on(Event::Installed);
                }
            }
            Action::Recover => {
                if !self.begin(Errand::Recover) {
                    self.pause();
                }
            }
            Action::Renew => {
                let leaves = self
                    .next
                    .as_ref()
                    .is_some_and(|next| next.caller.version() != self.present.caller.version());
                if !(leaves && self.begin(Errand::Uninstall)) {
                    self.renew();
                }
            }
            Action::Start => {
                self.dependencies.remember();
                self.status.send_modify(|status| status.starts += 1);
                self.start();
            }
            Action::Stop => {
                self.kill_at.get_or_insert_with(|| Instant::now() + TIME_TO_STOP);
                if !self.begin(Errand::Shutdown) {
                    self.end_instance();
                }
            }
        }
    }

    fn start(&mut self) {
        let caller = self.present.caller.instance();
        // Whatever was halted before is over.
        caller.set_paused(false);
        let running = self.present.prepared.start(caller.clone());
        let instance = Instance { caller, running, up: false, heir: None, condemned: None };
        self.instance = Some(instance);
    }

    /// Begin a step that is over by itself, if the component has it.
    fn begin(&mut self, errand: Errand) -> bool {
        let caller = self.present.caller.instance();
        self.chore = self.present.prepared.errand(errand, caller).map(|end| Chore { errand, end });
        self.chore.is_some()
    }

    fn chore_over(&mut self, errand: Errand, end: Result<i32, Failure>) {
        self.chore = None;
        let failure = match end {
            Ok(0) => None,
            Ok(code) => Some(Failure {
                message: format!("the step `{}` ended with code {code}", errand.step()),
                code,
                ..Failure::default()
            }),
            Err(failure) => Some(failure),
        };
        if let Some(failure) = &failure {
            self.log.host(Level::Error, failure.to_string());
        }
        match (errand, failure) {
            (Errand::Install, None) => {
                self.present.install = false;
                self.on(Event::Installed);
            }
            (Errand::Install, Some(failure)) => self.failed(failure.into()),
            (Errand::Recover, _) => self.pause(),
            (Errand::Shutdown, _) => self.end_instance(),
            (Errand::Uninstall, _) if self.next.is_some() => self.renew(),
            (Errand::Uninstall | Errand::Bootstrap, _) => self.tell(),
        }
    }

    /// The other version is here now.
    fn renew(&mut self) {
        if let Some(next) = self.next.take() {
            self.become_successor(next);
        }
        self.pause = FIRST_PAUSE;
        self.perform(Action::Install);
    }

    fn become_successor(&mut self, successor: Successor) {
        self.present = successor;
        let version = self.present.caller.version().clone();
        let runtime = self.present.prepared.runtime();
        self.status.send_modify(|status| (status.version, status.runtime) = (version, runtime));
    }

    /// After an error, before the next start. Longer each time, and not for all at once.
    fn pause(&mut self) {
        let spread = self.pause.mul_f64(0.2 * fraction(self.present.caller.name().as_str()));
        self.log.host(Level::Warn, format!("will start again in {:?}", self.pause));
        self.recover_at = Some(Instant::now() + self.pause + spread);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn look_at_dependencies(&mut self) {
        match self.machine.state() {
            LifecycleState::Installed if self.machine.is_wanted() => {
                match self.dependencies.missing() {
                    None => self.on(Event::Ready),
                    Some(missing) => self.log.host(Level::Info, format!("waits for {missing}")),
                }
            }
            LifecycleState::Starting | LifecycleState::Running => {
                if let Some(lost) = self.dependencies.lost() {
                    self.log.host(Level::Warn, format!("stops, because {lost} is not up"));
                    self.on(Event::DependencyLost);
                }
            }
            _ => {}
        }
    }

    /// The instance's status has changed.
    fn follow(&mut self) {
        let Some(instance) = &mut self.instance else { return };
        let status = instance.running.status.borrow_and_update().clone();
        match status {
            Status::Starting => {}
            Status::Running => self.up(),
            Status::Exited(exit) => self.ended(exit),
        }
    }

    /// The instance is up, or says so.
    fn up(&mut self) {
        if let Some(instance) = &mut self.instance {
            instance.up = true;
            self.on(Event::Up);
        }
    }

    fn ended(&mut self, exit: Exit) {
        self.log.flush();
        let Some(instance) = self.instance.take() else { return };
        if let Some(heir) = instance.heir {
            self.kill_at = None;
            self.become_successor(heir);
            self.clear_at = Some(Instant::now() + PICK_UP);
            self.perform(Action::Start);
            self.tell();
            return;
        }
        self.clear_shelf();
        if self.machine.state() == LifecycleState::Stopping {
            self.status.send_modify(|status| status.exit = Some(exit));
            self.end_instance();
            return;
        }
        match (instance.condemned, exit) {
            (Some(failure), _) => self.failed(failure.into()),
            (None, Exit::Finished(0)) => {
                self.status.send_modify(|status| status.exit = Some(Exit::Finished(0)));
                self.on(Event::Finished);
            }
            (None, exit) => {
                match &exit {
                    Exit::Finished(code) => {
                        self.log.host(Level::Error, format!("ended with code {code}"));
                    }
                    Exit::Failed(failure) => self.log.host(Level::Error, failure.to_string()),
                    Exit::Killed => {}
                }
                self.failed(exit);
            }
        }
    }

    fn failed(&mut self, exit: Exit) {
        let last_lines = self.present.prepared.last_lines();
        self.status.send_modify(|status| {
            status.exit = Some(exit);
            status.last_lines = last_lines;
            status.errors += 1;
        });
        self.on(Event::Failed);
    }

    /// Ask what runs to end; when nothing does and no step is under way, it has stopped.
    fn end_instance(&mut self) {
        match &self.instance {
            Some(instance) => instance.caller.ask_to_stop(),
            None if self.chore.is_some() => {}
            None => {
                self.kill_at = None;
                self.on(Event::Stopped);
                self.uninstall();
            }
        }
    }

    /// It has taken too long to stop.
    fn kill(&mut self) {
        self.kill_at = None;
        self.log.host(Level::Warn, "did not stop in time and is ended");
        self.chore = None;
        match &self.instance {
            Some(instance) => instance.running.kill.cancel(),
            None => self.end_instance(),
        }
    }

    /// Carry out the last step of a component that is removed, once it has stopped.
    fn uninstall(&mut self) {
        let settled = self.machine.state().is_settled() && self.instance.is_none();
        if self.uninstall && settled && self.chore.is_none() {
            self.uninstall = false;
            self.begin(Errand::Uninstall);
            self.tell();
        }
    }

    fn clear_shelf(&mut self) {
        self.clear_at = None;
        self.pubsub.clear_shelf(self.present.caller.name());
    }

    /// Let the others see how the component stands.
    fn tell(&mut self) {
        let state = self.machine.state();
        let running = self.instance.as_ref().map(|instance| &instance.running);
        let activity = running.and_then(|running| running.activity.clone());
        let hold = running.map(|running| Arc::clone(&running.hold));
        if self.status.borrow().state != state {
            self.moves.send_modify(|moves| *moves += 1);
        }
        self.status.send_modify(|status| {
            status.state = state;
            status.activity = activity;
            status.hold = hold;
        });
        let settled = state.is_settled();
        let up = self.instance.as_ref().is_some_and(|one| one.up && one.heir.is_none());
        if settled || (state == LifecycleState::Running && up) {
            for told in self.starting.drain(..) {
                let _gone = told.send(state);
            }
        }
        if settled && self.instance.is_none() && self.chore.is_none() && !self.uninstall {
            self.kill_at = None;
            for told in self.stopping.drain(..) {
                let _gone = told.send(());
            }
        }
    }
}

/// Between 0 and 1, the same for the same text: spreads what would happen at the same time.
fn fraction(text: &str) -> f64 {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    f64::from(hash) / f64::from(u32::MAX)
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

/// The step under way is over; never, while there is none.
async fn over(chore: Option<&mut Chore>) -> (Errand, Result<i32, Failure>) {
    match chore {
        Some(chore) => (chore.errand, chore.end.as_mut().await),
        None => std::future::pending().await,
    }
}

async fn alarm(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
