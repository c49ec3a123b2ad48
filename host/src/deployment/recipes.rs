//! The recipes of a deployment: those that the device has, and those that the cloud gives it.

use super::assemble::Assembler;
use super::device::Device;
use super::outcome::Problem;
use super::versions::{Choice, Next, satisfies};
use crate::cloud::data_plane::{DataPlane, DataPlaneError};
use crate::component::library::Id;
use crate::store::Generation;
use crate::trust::Kept;
use gg_model::resolve::{Roots, Want};
use gg_model::{ComponentName, DeploymentGroup, DeploymentRequest, Recipe};
use std::time::Duration;

/// The first pause before the cloud is asked again that was out of reach, and the longest; each is twice
/// as long as the one before.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

impl Assembler {
    /// The versions that a deployment comes to. What the cloud asks for it gives: its recipes go before
    /// those that are here, unless it cannot be asked. What is asked for here is looked for here first.
    ///
    /// # Errors
    /// There are none that satisfy everyone.
    pub(super) async fn versions(
        &self,
        request: &DeploymentRequest,
        roots: &Roots,
        current: &Generation,
        device: &Device,
    ) -> Result<Vec<Id>, Problem> {
        let library = self.library.clone();
        let recipes = self.blocking(move || library.recipes()).await?;
        let plane = self.plane.as_ref().filter(|_| !self.only_looks);
        let is_of_cloud = matches!(request, DeploymentRequest::Document(_));
        let mut choice = Choice::new(roots, recipes, current, is_of_cloud && plane.is_some());
        loop {
            let (component, wants) = match choice.next()? {
                Next::Chosen(ids) => return Ok(ids),
                Next::Missing(component, wants) => (component, wants),
            };
            let given = match plane {
                Some(plane) => self.ask(plane, &choice, (&component, &wants), device).await?,
                None => None,
            };
            match given {
                Some(recipe) => choice.add(&recipe),
                None => choice.exhaust(&component),
            }
        }
    }

    /// The roots without those of thing groups that the device has left, as far as the cloud says.
    pub(super) async fn in_groups(&self, request: &DeploymentRequest, mut roots: Roots) -> Roots {
        let DeploymentRequest::Document(_) = request else { return roots };
        let (Some(plane), false) = (&self.plane, self.only_looks) else { return roots };
        match plane.thing_groups().await {
            Ok(groups) => roots.retain(|group, _| match group {
                DeploymentGroup::ThingGroup(name) => {
                    groups.contains(name) || *group == request.group()
                }
                _ => true,
            }),
            Err(error) => {
                tracing::warn!(%error, "the device keeps what its thing groups asked for");
            }
        }
        roots
    }

    /// Have the cloud give a recipe, and keep it. `None`: there is none, or those that are here have to do.
    async fn ask(
        &self,
        plane: &DataPlane,
        choice: &Choice<'_>,
        (component, wants): (&ComponentName, &[Want]),
        device: &Device,
    ) -> Result<Option<Recipe>, Problem> {
        let [mut pause, longest] = PAUSES;
        let resolved = loop {
            match plane.resolve(&device.platform(), component, wants).await {
                Ok(resolved) => break resolved,
                Err(DataPlaneError::NotFound(reason)) => {
                    tracing::debug!(%component, reason, "the cloud has no version that will do");
                    return Ok(None);
                }
                Err(error @ DataPlaneError::Unreached(_))
                    if choice.goes_on_without(component, wants) =>
                {
                    tracing::warn!(%component, %error, "what is here has to do");
                    return Ok(None);
                }
                Err(error @ DataPlaneError::Unreached(_)) => {
                    tracing::warn!(%component, %error, "the cloud is asked again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                Err(error) => {
                    let message = format!("{component}: {error}");
                    return Err(Problem::new("RESOLVE_COMPONENT_CANDIDATES_ERROR", message));
                }
            }
        };
        let bad = |reason: String| {
            let message = format!("{component}: the cloud gives a recipe that {reason}");
            Problem::new("RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE", message)
        };
        let recipe =
            Recipe::parse(&resolved.recipe).map_err(|error| bad(format!("is none: {error}")))?;
        if recipe.name != *component {
            return Err(bad(format!("is of {}", recipe.name)));
        }
        if !satisfies(&recipe.version, wants) {
            return Err(bad(format!(
                "is of the version {}, which was not asked for",
                recipe.version
            )));
        }
        let library = self.library.clone();
        let id = (recipe.name.clone(), recipe.version.clone());
        let (text, signatures) = (resolved.recipe.clone(), Vec::new());
        self.trusted(&id, Kept { text, signatures, is_of_cloud: true }).await?;
        self.blocking(move || library.take_from_cloud(&id, &resolved.recipe, &resolved.arn))
            .await?;
        let version = &recipe.version;
        tracing::debug!(%component, %version, "the cloud has given a recipe");
        Ok(Some(recipe))
    }
}
