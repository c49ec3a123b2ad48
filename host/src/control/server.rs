//! The nucleus's end.

use super::{LONGEST, Reply, Request, SOCKET};
use crate::deployment::assemble::Assembler;
use crate::deployment::outcome::Detail;
use crate::deployment::plan::Step;
use crate::deployment::progress::Progress;
use crate::deployment::queue::Queue;
use crate::ipc::socket::listen;
use crate::logs::Level;
use crate::monitor::Monitor;
use crate::runtime::Exit;
use crate::store::{DeploymentRow, DeploymentState};
use crate::supervisor::machine::LifecycleState;
use crate::supervisor::{ComponentStatus, Supervisor};
use crate::tasks::Tasks;
use anyhow::{Context as _, Result, anyhow, bail};
use gg_model::{ComponentName, LocalDeploymentRequest};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Clients at one time.
const MOST_CLIENTS: usize = 32;

/// How long a component may take to stop on request.
const TIME_TO_STOP: Duration = Duration::from_secs(20);

/// What the command line can reach. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) clock: crate::clock::Clock,
    pub(crate) assembler: Assembler,
    pub(crate) log_level: watch::Sender<Level>,
    pub(crate) monitor: Monitor,
    pub(crate) progress: Progress,
    pub(crate) queue: Queue,
    pub(crate) supervisor: Supervisor,
}

impl Control {
    /// Serve the socket in a root folder until asked to stop.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(crate) fn serve(self, root: &Path, tasks: &Tasks, stop: CancellationToken) -> Result<()> {
        let path = root.join(SOCKET);
        // For its owner alone; that no other nucleus runs in this folder is known before.
        let listener =
            listen(&path, 0o600).with_context(|| format!("cannot open {}", path.display()))?;
        let clients = std::sync::Arc::new(Semaphore::new(MOST_CLIENTS));
        let spawner = tasks.clone();
        tasks.spawn(async move {
            loop {
                let Ok(place) = std::sync::Arc::clone(&clients).acquire_owned().await else {
                    return;
                };
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stop.cancelled() => break,
                };
                let (control, stop) = (self.clone(), stop.clone());
                match accepted {
                    Ok((stream, _)) => drop(spawner.spawn(async move {
                        let _place = place;
                        tokio::select! {
                            () = control.client(stream) => {}
                            () = stop.cancelled() => {}
                        }
                    })),
                    Err(error) => tracing::warn!(%error, "a client could not be accepted"),
                }
            }
            let _gone = std::fs::remove_file(&path);
        });
        Ok(())
    }

    /// Serve one client. What goes wrong with it is the client's to notice.
    async fn client(&self, stream: UnixStream) {
        let (reader, mut writer) = stream.into_split();
        let mut line = Vec::new();
        let mut reader = BufReader::new(reader).take(LONGEST);
        if reader.read_until(b'\n', &mut line).await.is_err() {
            return;
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(request) => self.answer(request, &mut writer).await,
            Err(error) => Err(anyhow!("this is not a request: {error}")),
        };
        let reply = match answer {
            Ok(value) => Reply::Done(value),
            Err(error) => Reply::Failed(format!("{error:#}")),
        };
        let _gone = send(&mut writer, &reply).await;
    }

    async fn answer(
        &self,
        request: Request,
        writer: &mut (impl tokio::io::AsyncWrite + Unpin),
    ) -> Result<Value> {
        match request {
            Request::Cancel { id } => {
                let known = self.queue.find(&id).await?;
                let row = known.with_context(|| no_such_deployment(&id))?;
                if !self.queue.cancel(&id).await? {
                    bail!("deployment {id} is {} and cannot be called off any more", row.state);
                }
                Ok(json!({ "deploymentId": id }))
            }
            Request::Component { name } => {
                let name = name.parse::<ComponentName>()?;
                let statuses = self.supervisor.statuses();
                let status = statuses.get(&name).with_context(|| no_such_component(&name))?;
                Ok(component(&name, status))
            }
            Request::Components => {
                let statuses = self.supervisor.statuses();
                Ok(statuses.iter().map(|(name, status)| component(name, status)).collect())
            }
            Request::Deploy { request } => self.deploy(request).await,
            Request::Deployment { id, follow } => self.deployment(&id, follow, writer).await,
            Request::Deployments => Ok(self.queue.list().await?.iter().map(deployment).collect()),
            Request::LogLevel { level } => {
                if let Some(level) = level {
                    self.log_level.send_replace(level.parse()?);
                }
                Ok(json!({ "level": self.log_level.borrow().name() }))
            }
            Request::Metrics => Ok(serde_json::to_value(self.monitor.look().await)?),
            Request::Pause { name } => {
                let name = self.known(&name)?;
                let paused = self.supervisor.set_paused(&name, true).await;
                paused.with_context(|| format!("{name} is not paused"))?;
                Ok(json!({ "paused": name }))
            }
            Request::Plan { request } => {
                let row = self.row(request)?;
                let steps = self.assembler.plan(&row).await?;
                let word = |step: &Step| format!("{step:?}").to_lowercase();
                Ok(steps
                    .iter()
                    .map(|(step, name)| json!({ "component": name, "step": word(step) }))
                    .collect())
            }
            Request::Restart { name } => {
                let name = self.known(&name)?;
                self.supervisor.stop(&name, TIME_TO_STOP).await;
                match self.supervisor.start(&name).await {
                    Some(LifecycleState::Broken) => bail!("{name} is broken after the restart"),
                    _ => Ok(json!({ "restarted": name })),
                }
            }
            Request::Resume { name } => {
                let name = self.known(&name)?;
                let resumed = self.supervisor.set_paused(&name, false).await;
                resumed.with_context(|| format!("{name} is not resumed"))?;
                Ok(json!({ "resumed": name }))
            }
            Request::Stop { name } => {
                let name = self.known(&name)?;
                self.supervisor.stop(&name, TIME_TO_STOP).await;
                Ok(json!({ "stopped": name }))
            }
        }
    }

    fn known(&self, name: &str) -> Result<ComponentName> {
        let name = name.parse::<ComponentName>()?;
        self.supervisor.status(&name).with_context(|| no_such_component(&name))?;
        Ok(name)
    }

    fn row(&self, request: Value) -> Result<DeploymentRow> {
        let document = request.to_string();
        let parsed = LocalDeploymentRequest::parse(&document)?;
        let now = self.clock.unix_millis();
        Ok(DeploymentRow {
            id: parsed.request_id.to_string(),
            target: parsed.group.to_string(),
            document,
            state: DeploymentState::Queued,
            detail: String::from("{}"),
            created: now,
            updated: now,
        })
    }

    async fn deploy(&self, request: Value) -> Result<Value> {
        Ok(json!({ "deploymentId": self.submit(request).await? }))
    }

    /// Ask for a deployment; gives its identity.
    ///
    /// # Errors
    /// The request is none, or cannot be kept.
    pub(crate) async fn submit(&self, request: Value) -> Result<String> {
        let row = self.row(request)?;
        let id = row.id.clone();
        if !self.queue.submit(row).await? {
            bail!("there is a deployment {id} already");
        }
        Ok(id)
    }

    async fn deployment(
        &self,
        id: &str,
        follow: bool,
        writer: &mut (impl tokio::io::AsyncWrite + Unpin),
    ) -> Result<Value> {
        let mut phases = self.progress.watch();
        let ended = async {
            match follow {
                true => self.queue.ended(id).await,
                false => self.queue.find(id).await,
            }
        };
        let mut ended = std::pin::pin!(ended);
        loop {
            tokio::select! {
                row = &mut ended => {
                    let row = row?.with_context(|| no_such_deployment(id))?;
                    return Ok(deployment(&row));
                }
                changed = phases.changed(), if follow => {
                    changed?;
                    let told = phases.borrow_and_update().clone();
                    let told = told.iter().map(|(name, phase)| (name.to_string(), phase.to_string()));
                    let told: serde_json::Map<String, Value> =
                        told.map(|(name, phase)| (name, phase.into())).collect();
                    send(writer, &Reply::Progress(told.into())).await?;
                }
            }
        }
    }
}

fn no_such_deployment(id: &str) -> String {
    format!("no deployment {id} is remembered; gg-host deployment list shows those that are")
}

fn no_such_component(name: &ComponentName) -> String {
    format!("{name} is not on this device; gg-host component list shows what is")
}

async fn send(writer: &mut (impl tokio::io::AsyncWrite + Unpin), reply: &Reply) -> Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    Ok(writer.write_all(&line).await?)
}

fn deployment(row: &DeploymentRow) -> Value {
    let detail = serde_json::to_value(Detail::from_json(&row.detail)).unwrap_or_default();
    json!({
        "deploymentId": row.id,
        "target": row.target,
        "status": row.state.to_string(),
        "createdOn": row.created,
        "updatedOn": row.updated,
        "deploymentStatusDetails": detail,
    })
}

fn component(name: &ComponentName, status: &ComponentStatus) -> Value {
    let exit = match &status.exit {
        None => Value::Null,
        Some(Exit::Finished(code)) => json!({ "code": code }),
        Some(Exit::Failed(failure)) => json!({ "code": failure.code, "reason": failure.message }),
        Some(Exit::Killed) => json!({ "reason": "was ended" }),
    };
    json!({
        "componentName": name,
        "version": status.version,
        "state": status.state.to_string(),
        "paused": status.is_paused(),
        "lastExit": exit,
    })
}
