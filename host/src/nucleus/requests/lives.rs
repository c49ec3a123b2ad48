//! What is asked of the supervisor.

use super::next;
use crate::capability::configuration::Configuration;
use crate::capability::lifecycle::{Act, Details, LastExit, Request, no_such_component};
use crate::deployment::concrete::PROVIDED_VERSION;
use crate::error::{Error, Result};
use crate::runtime::Exit;
use crate::supervisor::Supervisor;
use crate::supervisor::machine::LifecycleState;
use crate::tasks::Tasks;
use gg_model::{ComponentName, ComponentVersion};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How long a component may take to stop on request.
const TIME_TO_STOP: Duration = Duration::from_secs(20);

/// Does what is asked of the supervisor. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::nucleus) struct Lives {
    configuration: Configuration,
    supervisor: Supervisor,
    tasks: Tasks,
    /// The components that are being stopped.
    changing: Arc<Mutex<HashMap<ComponentName, Change>>>,
}

/// What becomes of a component that is being stopped.
#[derive(Debug, Default)]
struct Change {
    /// It is to start again.
    start: bool,
    /// Who wants to know where it stands at the end, if it was started.
    waiting: Vec<oneshot::Sender<Option<LifecycleState>>>,
}

impl Lives {
    pub(in crate::nucleus) fn new(
        configuration: Configuration,
        supervisor: Supervisor,
        tasks: Tasks,
    ) -> Self {
        Self { configuration, supervisor, tasks, changing: Arc::default() }
    }

    /// Serve requests until asked to stop.
    pub(in crate::nucleus) async fn serve(
        self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) {
        while let Some(request) = next(&mut requests, &stop).await {
            match request {
                Request::UpdateState { component, state } => {
                    self.supervisor.report(&component, state).await;
                }
                Request::Describe { component, answer } => {
                    let _gone = answer.send(self.describe(component.as_ref()));
                }
                Request::Act { act, component, answer } => {
                    let this = self.clone();
                    self.tasks.spawn(async move {
                        let _gone = answer.send(this.act(act, component).await);
                    });
                }
            }
        }
    }

    fn describe(&self, component: Option<&ComponentName>) -> Vec<Details> {
        let details = |name: &ComponentName, version, state| Details {
            configuration: self.configuration.tree(name).to_json(),
            name: name.clone(),
            version,
            state,
            paused: false,
            last_exit: None,
        };
        let wanted = |name: &ComponentName| component.is_none_or(|wanted| wanted == name);
        let statuses = self.supervisor.statuses().into_iter().filter(|(name, _)| wanted(name));
        let others = statuses.map(|(name, status)| Details {
            paused: status.is_paused(),
            last_exit: status.exit.as_ref().map(last_exit),
            ..details(&name, status.version, status.state)
        });
        // As the Java nucleus shows itself: it has been started, and that is all there is to do.
        let version = || PROVIDED_VERSION.parse().unwrap_or(ComponentVersion::ZERO);
        let nucleus = Some(ComponentName::nucleus()).filter(wanted);
        let nucleus = nucleus.map(|name| details(&name, version(), LifecycleState::Finished));
        nucleus.into_iter().chain(others).collect()
    }

    async fn act(&self, act: Act, name: ComponentName) -> Result<()> {
        self.supervisor.status(&name).ok_or_else(|| no_such_component(&name))?;
        match act {
            Act::Pause => self.set_paused(&name, true).await,
            Act::Resume => self.set_paused(&name, false).await,
            Act::Restart { wait } => {
                let over = self.change(&name, true);
                if wait && over.await == Ok(Some(LifecycleState::Broken)) {
                    return Err(Error::unavailable(format!("{name} is broken after the restart")));
                }
                Ok(())
            }
            Act::Stop { wait } => {
                let over = self.change(&name, false);
                if wait {
                    let _nucleus_ends = over.await;
                }
                Ok(())
            }
        }
    }

    /// Stop a component, and start it again perhaps. Of what is asked while it stops, the last
    /// counts. Gives what tells of the end of it.
    fn change(
        &self,
        name: &ComponentName,
        start: bool,
    ) -> oneshot::Receiver<Option<LifecycleState>> {
        let (over, told) = oneshot::channel();
        let mut changing = self.changing();
        let under_way = changing.contains_key(name);
        let change = changing.entry(name.clone()).or_default();
        change.start = start;
        change.waiting.push(over);
        drop(changing);
        if !under_way {
            let (this, name) = (self.clone(), name.clone());
            self.tasks.spawn(async move { this.carry_out(&name).await });
        }
        told
    }

    async fn carry_out(&self, name: &ComponentName) {
        self.supervisor.stop(name, TIME_TO_STOP).await;
        let Change { start, waiting } = self.changing().remove(name).unwrap_or_default();
        let state = match start {
            true => self.supervisor.start(name).await,
            false => None,
        };
        for over in waiting {
            let _gone = over.send(state);
        }
    }

    async fn set_paused(&self, name: &ComponentName, paused: bool) -> Result<()> {
        let done = self.supervisor.set_paused(name, paused).await;
        done.map_err(|error| Error::invalid(format!("{name}: {error}")))
    }

    fn changing(&self) -> MutexGuard<'_, HashMap<ComponentName, Change>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last_exit(exit: &Exit) -> LastExit {
    match exit {
        Exit::Finished(code) => LastExit { code: Some(*code), reason: None },
        Exit::Failed(failure) => {
            LastExit { code: Some(failure.code), reason: Some(failure.message.clone()) }
        }
        Exit::Killed => LastExit { code: None, reason: Some("was ended".to_owned()) },
    }
}
