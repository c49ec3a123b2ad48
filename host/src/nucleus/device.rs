//! What a device's nucleus has before it starts: the folder and the store in it, and what both say of
//! the nucleus itself.

use super::root::Root;
use crate::deployment::outcome::{Detail, Problem};
use crate::deployment::own::{OwnConfiguration, differ};
use crate::store::{DeploymentState, Generation, Store};
use crate::tasks::Tasks;
use anyhow::{Context as _, Result};
use gg_model::NucleusSettings;

/// A device whose nucleus can be started. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Device {
    /// Groups whose members may use the command line, besides the user that it runs as.
    pub(super) operators: Vec<u32>,
    pub(super) own: OwnConfiguration,
    pub(super) root: Root,
    pub(super) store: Store,
    pub(super) tasks: Tasks,
}

impl Device {
    /// Open what is in a root folder. The members of these groups may use the command line.
    ///
    /// # Errors
    /// It cannot be read, or threads cannot be started.
    pub fn open(root: Root, own: OwnConfiguration, operators: Vec<u32>) -> Result<Self> {
        let tasks = Tasks::new(None).context("cannot start the guests' threads")?;
        let store = Store::open(&root.store(), &tasks)?;
        Ok(Self { operators, own, root, store, tasks })
    }

    /// Its folder.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// What spawns its tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The nucleus's own configuration.
    pub fn own(&self) -> &OwnConfiguration {
        &self.own
    }

    /// What the nucleus is to start with.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub async fn settings(&self) -> Result<NucleusSettings> {
        let current = self.store.current().await?;
        Ok(self.own.settings(&self.own.trees(&current.own)?)?)
    }

    /// The nucleus cannot start. If that is what a deployment under way has led to, what was before it
    /// counts again, and the deployment is undone; gives whether it was so.
    ///
    /// # Errors
    /// The store fails.
    pub async fn fall_back(&self, error: &anyhow::Error) -> Result<bool> {
        let under_way = self.store.next_deployment().await?;
        let (current, before) = (self.store.current().await?, self.store.before().await?);
        let changed = |before: Generation| differ(&current.own, &before.own);
        let (Some(row), true) = (
            under_way.filter(|row| row.state == DeploymentState::Activating),
            before.is_some_and(changed),
        ) else {
            return Ok(false);
        };
        let message = format!("the nucleus cannot start with its new configuration: {error:#}");
        tracing::error!(deployment = row.id, "{message}");
        let cause = Detail::cause(&Problem::new("NUCLEUS_RESTART_FAILURE", message));
        self.store.fall_back(&row.id, cause.to_json()).await?;
        Ok(true)
    }
}
