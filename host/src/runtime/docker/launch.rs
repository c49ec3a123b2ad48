//! How a container comes to run: taken over as it is, or made and started.

use super::container::{self, Plan};
use super::engine::explain;
use super::{Ready, adopt, folder};
use crate::capability::caller::Caller;
use crate::logs::Level;
use crate::runtime::Failure;
use crate::runtime::token::Issued;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{AttachContainerOptionsBuilder, CreateContainerOptionsBuilder};
use futures_util::Stream;
use std::io;
use std::pin::Pin;

/// What a container prints.
type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// A container that runs.
pub(super) struct Container {
    pub(super) id: String,
    pub(super) output: Output,
    /// Its token counts while this is kept.
    pub(super) issued: Issued,
}

/// Take over the container that runs, or make one and start it.
pub(super) async fn launch(ready: &Ready, caller: &Caller) -> Result<Container, Failure> {
    let (shared, component) = (&ready.shared, &ready.component);
    let door = shared.door.open().map_err(|error| {
        Failure::to_start(format!("containers cannot be given the socket of the host: {error}"))
    })?;
    let plan = Plan {
        component,
        step: &ready.step,
        image: &ready.image,
        arguments: &ready.arguments,
        owner: &shared.owner,
        thing: &shared.config.thing,
        door: door.as_deref(),
        environment: &shared.config.environment,
        credentials: shared.config.credentials.as_deref(),
    };
    let name = container::name(&shared.owner, &component.name);
    if shared.is_first_start(&component.name)
        && let Some(container) = take_over(ready, caller, &plan, &name).await?
    {
        ready.log.host(Level::Info, "goes on in the container that it had before");
        return Ok(container);
    }
    let clearing = adopt::remove(&ready.engine, &name).await;
    clearing
        .map_err(|error| ready.refused("remove the container that was there before", &error))?;
    let (work, user) = (component.work.clone(), plan.user());
    let making = shared.tasks.spawn_blocking_host(move || folder::make(&work, user));
    making.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
        let work = component.work.display();
        Failure::to_start(format!("the work folder {work} cannot be made ready: {error}"))
    })?;
    let issued = shared.config.tokens.issue(caller.clone()).map_err(indescribable)?;
    let body = plan.body(issued.token()).map_err(indescribable)?;
    let (id, output) = start(ready, &name, body).await?;
    Ok(Container { id, output, issued })
}

/// The container of an earlier nucleus, if it runs and is as one made now would be.
async fn take_over(
    ready: &Ready,
    caller: &Caller,
    plan: &Plan<'_>,
    name: &str,
) -> Result<Option<Container>, Failure> {
    let labels = plan.labels().map_err(indescribable)?;
    let found = adopt::find(&ready.engine, name, &labels).await;
    let found = found.map_err(|error| ready.refused("look for a container", &error))?;
    let Some(found) = found else { return Ok(None) };
    // It may end at any time.
    let Ok(output) = attach(ready, &found.id).await else { return Ok(None) };
    let issued = ready.shared.config.tokens.renew(found.token, caller.clone());
    Ok(Some(Container { id: found.id, output, issued }))
}

/// Make a container, listen to it and start it.
async fn start(
    ready: &Ready,
    name: &str,
    body: ContainerCreateBody,
) -> Result<(String, Output), Failure> {
    let api = &ready.engine.api;
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let made = api.create_container(Some(options), body).await;
    let made = made.map_err(|error| ready.refused("make the container", &error))?;
    for warning in made.warnings.iter().filter(|warning| !warning.is_empty()) {
        tracing::debug!(component = %ready.component.name, warning, "said the container engine");
    }
    let starting = async {
        let output = attach(ready, &made.id).await?;
        api.start_container(&made.id, None).await?;
        Ok(output)
    };
    match starting.await {
        Ok(output) => Ok((made.id, output)),
        Err(error) => {
            // If this fails too, the next start clears up.
            let _left = adopt::remove(&ready.engine, &made.id).await;
            Err(ready.refused("start the container", &error))
        }
    }
}

/// What a container prints from now on.
async fn attach(ready: &Ready, id: &str) -> Result<Output, Error> {
    let options =
        AttachContainerOptionsBuilder::default().stdout(true).stderr(true).stream(true).build();
    Ok(ready.engine.api.attach_container(id, Some(options)).await?.output)
}

impl Ready {
    fn refused(&self, doing: &str, error: &Error) -> Failure {
        let (socket, reason) = (self.engine.socket.display(), explain(error));
        Failure::to_start(format!("the container engine at {socket} cannot {doing}: {reason}"))
    }
}

fn indescribable(error: io::Error) -> Failure {
    Failure::to_start(format!("no container can be described: {error}"))
}
