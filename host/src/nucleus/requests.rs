//! What components ask of the parts above the capabilities: of the supervisor, and of the queue of
//! deployments.

use crate::capability::configuration::Configuration;
use crate::capability::deployment as deployments;
use crate::capability::lifecycle::{Act, Details, LifecycleState, Request, no_such_component};
use crate::control::server::Control;
use crate::deployment::concrete::PROVIDED_VERSION;
use crate::error::{Error, Result};
use crate::supervisor::Supervisor;
use crate::tasks::Tasks;
use gg_model::{ComponentName, ComponentVersion};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a component may take to stop on request.
const TIME_TO_STOP: Duration = Duration::from_secs(20);

/// Does what components ask of the supervisor. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Lives {
    pub(super) configuration: Configuration,
    pub(super) supervisor: Supervisor,
    pub(super) tasks: Tasks,
    /// The components that are being stopped, and whether they are to start again.
    pub(super) changing: Arc<Mutex<HashMap<ComponentName, bool>>>,
}

impl Lives {
    /// Serve requests until asked to stop.
    pub(super) async fn serve(
        self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) {
        loop {
            let request = tokio::select! {
                request = requests.recv() => request,
                () = stop.cancelled() => return,
            };
            match request {
                Some(Request::UpdateState { component, state }) => {
                    self.supervisor.report(&component, state).await;
                }
                Some(Request::Describe { component, answer }) => {
                    let _gone = answer.send(self.describe(component.as_ref()));
                }
                Some(Request::Act { act, component, answer }) => {
                    let this = self.clone();
                    self.tasks.spawn(async move {
                        let _gone = answer.send(this.act(act, component).await);
                    });
                }
                None => return,
            }
        }
    }

    fn describe(&self, component: Option<&ComponentName>) -> Vec<Details> {
        let statuses = self.supervisor.statuses().into_iter();
        let others = statuses.map(|(name, status)| (name, status.version, status.state));
        // As the Java nucleus shows itself: it has been started, and that is all there is to do.
        let version = PROVIDED_VERSION.parse().unwrap_or(ComponentVersion::ZERO);
        let nucleus = (ComponentName::nucleus(), version, LifecycleState::Finished);
        let all = [nucleus].into_iter().chain(others);
        all.filter(|(name, ..)| component.is_none_or(|wanted| wanted == name))
            .map(|(name, version, state)| Details {
                configuration: self.configuration.tree(&name).to_json(),
                version,
                state,
                name,
            })
            .collect()
    }

    async fn act(&self, act: Act, name: ComponentName) -> Result<()> {
        self.supervisor.status(&name).ok_or_else(|| no_such_component(&name))?;
        match act {
            Act::Pause => self.set_paused(&name, true).await,
            Act::Resume => self.set_paused(&name, false).await,
            Act::Restart => {
                self.change(name, true);
                Ok(())
            }
            Act::Stop => {
                self.change(name, false);
                Ok(())
            }
        }
    }

    /// Stop a component, and start it again perhaps. Of what is asked while it stops, the last
    /// counts.
    fn change(&self, name: ComponentName, start: bool) {
        if self.changing().insert(name.clone(), start).is_some() {
            return;
        }
        let this = self.clone();
        self.tasks.spawn(async move {
            this.supervisor.stop(&name, TIME_TO_STOP).await;
            let start = this.changing().remove(&name);
            if start.unwrap_or_default() {
                this.supervisor.start(&name).await;
            }
        });
    }

    async fn set_paused(&self, name: &ComponentName, paused: bool) -> Result<()> {
        let done = self.supervisor.set_paused(name, paused).await;
        done.map_err(|error| Error::invalid(format!("{name}: {error}")))
    }

    fn changing(&self) -> MutexGuard<'_, HashMap<ComponentName, bool>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Do what components ask of the queue of deployments, until asked to stop.
pub(super) async fn deploy(
    control: Control,
    mut requests: mpsc::Receiver<deployments::Request>,
    stop: CancellationToken,
) {
    loop {
        let request = tokio::select! {
            request = requests.recv() => request,
            () = stop.cancelled() => return,
        };
        match request {
            Some(deployments::Request::Submit { document, answer }) => {
                let submitted = control.submit(document).await;
                let submitted = submitted.map_err(|error| Error::invalid(format!("{error:#}")));
                let _gone = answer.send(submitted);
            }
            Some(deployments::Request::Cancel { id, answer }) => {
                let cancelled = control.queue.cancel(&id).await;
                let cancelled = cancelled.map_err(|error| Error::unavailable(error.to_string()));
                let _gone = answer.send(cancelled);
            }
            None => return,
        }
    }
}
