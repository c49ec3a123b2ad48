//! Containers that are there already: of a nucleus that ended without stopping them, or left over.

use super::container::{COMPONENT, ROOT, TOKEN};
use super::engine::{Engine, refused_with};
use crate::runtime::token::Token;
use bollard::errors::Error;
use bollard::models::ContainerSummaryStateEnum as State;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use gg_model::ComponentName;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// How often to look whether a container is gone that another request removes, and how long.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 200;

/// A container that goes on as a component's.
#[derive(Debug)]
pub(super) struct Adopted {
    pub(super) id: String,
    /// The token that it knows.
    pub(super) token: Token,
}

/// The container of this name, if it runs and has these labels.
pub(super) async fn find(
    engine: &Engine,
    name: &str,
    labels: &HashMap<String, String>,
) -> Result<Option<Adopted>, Error> {
    let found = match engine.api.inspect_container(name, None).await {
        Ok(found) => found,
        Err(error) if refused_with(&error) == Some(404) => return Ok(None),
        Err(error) => return Err(error),
    };
    let state = found.state.unwrap_or_default();
    let config = found.config.unwrap_or_default();
    let own = config.labels.unwrap_or_default();
    let is_alike = labels.iter().all(|(name, value)| own.get(name) == Some(value));
    let goes_on = state.running == Some(true) && state.paused != Some(true);
    let variables = config.env.unwrap_or_default();
    let token = variables
        .iter()
        .find_map(|variable| Token::known(variable.strip_prefix(TOKEN)?.strip_prefix('=')?));
    Ok(match (found.id, token) {
        (Some(id), Some(token)) if is_alike && goes_on => Some(Adopted { id, token }),
        _ => None,
    })
}

/// Remove the container of this name or number, whatever it does. Returns when it is gone.
pub(super) async fn remove(engine: &Engine, container: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    let mut looks = 0;
    loop {
        match engine.api.remove_container(container, Some(options.clone())).await {
            Ok(()) => return Ok(()),
            Err(error) => match refused_with(&error) {
                Some(404) => return Ok(()),
                // Somebody else is removing it.
                Some(409) if looks < LOOKS => looks += 1,
                _ => return Err(error),
            },
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Remove the containers of this owner, but for those of `keep` that run. Says how many.
pub(super) async fn sweep(
    engine: &Engine,
    owner: &str,
    keep: &BTreeSet<ComponentName>,
) -> Result<usize, Error> {
    let filters = HashMap::from([("label", vec![format!("{ROOT}={owner}")])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let mut removed = 0;
    for container in engine.api.list_containers(Some(options)).await? {
        let labels = container.labels.unwrap_or_default();
        let stays = labels.get(COMPONENT).is_some_and(|name| keep.contains(name.as_str()));
        if stays && container.state == Some(State::RUNNING) {
            continue;
        }
        if let Some(id) = container.id {
            remove(engine, &id).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
