//! What is asked of the queue of deployments.

use super::next;
use crate::capability::deployment::{Event, Planned, Request};
use crate::clock::Clock;
use crate::deployment::assemble::Assembler;
use crate::deployment::plan::Step;
use crate::deployment::progress::Progress;
use crate::deployment::queue::Queue;
use crate::error::{Error, Result};
use crate::store::{DeploymentRow, DeploymentState, StoreError};
use crate::tasks::Tasks;
use gg_model::LocalDeploymentRequest;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Does what is asked of the queue of deployments. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::nucleus) struct Deployments {
    pub(in crate::nucleus) assembler: Assembler,
    pub(in crate::nucleus) clock: Clock,
    pub(in crate::nucleus) progress: Progress,
    pub(in crate::nucleus) queue: Queue,
    pub(in crate::nucleus) tasks: Tasks,
}

impl Deployments {
    /// Serve requests until asked to stop.
    pub(in crate::nucleus) async fn serve(
        self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) {
        while let Some(request) = next(&mut requests, &stop).await {
            let this = self.clone();
            match request {
                // In turn, as they were asked for.
                Request::Submit { document, answer } => {
                    let _gone = answer.send(self.submit(&document).await);
                }
                Request::Cancel { id, answer } => {
                    let _gone = answer.send(self.queue.cancel(&id).await.map_err(unreadable));
                }
                Request::Plan { document, answer } => drop(self.tasks.spawn(async move {
                    let _gone = answer.send(this.plan(&document).await);
                })),
                Request::Follow { id, events } => {
                    let stop = stop.clone();
                    self.tasks.spawn(async move {
                        tokio::select! {
                            _gone = this.follow(&id, &events) => {}
                            () = events.closed() => {}
                            () = stop.cancelled() => {}
                        }
                    });
                }
            }
        }
    }

    /// Ask for a deployment; gives its identity.
    async fn submit(&self, document: &Value) -> Result<String> {
        let row = self.row(document)?;
        let id = row.id.clone();
        match self.queue.submit(row).await.map_err(unreadable)? {
            true => Ok(id),
            false => Err(Error::invalid(format!("there is a deployment {id} already"))),
        }
    }

    async fn plan(&self, document: &Value) -> Result<Vec<Planned>> {
        let row = self.row(document)?;
        let steps = self.assembler.plan(&row).await;
        let steps = steps.map_err(|problem| Error::invalid(problem.to_string()))?;
        let word = |step: Step| format!("{step:?}").to_lowercase();
        Ok(steps
            .into_iter()
            .map(|(step, component)| Planned { component, step: word(step) })
            .collect())
    }

    fn row(&self, document: &Value) -> Result<DeploymentRow> {
        let document = document.to_string();
        let parsed = LocalDeploymentRequest::parse(&document);
        let parsed = parsed.map_err(|error| Error::invalid(error.to_string()))?;
        let now = self.clock.unix_millis();
        Ok(DeploymentRow {
            id: parsed.request_id.to_string(),
            target: parsed.group.to_string(),
            document,
            state: DeploymentState::Queued,
            detail: String::from("{}"),
            created: now,
            updated: now,
            source: String::new(),
            told: String::new(),
        })
    }

    /// Tell how a deployment gets on; `None` when nobody listens any more, or nothing can be told.
    async fn follow(&self, id: &str, events: &mpsc::Sender<Event>) -> Option<()> {
        let mut phases = self.progress.watch();
        let mut ended = std::pin::pin!(self.queue.ended(id));
        loop {
            let event = tokio::select! {
                row = &mut ended => return events.send(Event::Ended(row.ok()??)).await.ok(),
                changed = phases.changed() => {
                    changed.ok()?;
                    let phases = phases.borrow_and_update();
                    let phases = phases.iter().map(|(name, one)| (name.clone(), one.to_string()));
                    Event::Progress(phases.collect())
                }
            };
            events.send(event).await.ok()?;
        }
    }
}

fn unreadable(error: StoreError) -> Error {
    Error::unavailable(error.to_string())
}
