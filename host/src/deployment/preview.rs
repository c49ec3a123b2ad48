//! What a deployment would do, found out without doing any of it: the component store is seen as it
//! would be, and nothing is brought to it.

use super::assemble::{Assembler, document};
use super::outcome::Problem;
use super::own::differ;
use super::plan::{Step, plan};
use super::progress::Progress;
use crate::store::{DeploymentRow, StoreError};
use gg_model::ComponentName;
use std::path::PathBuf;

impl Assembler {
    /// What a deployment would do, as far as it can be told without doing it.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) async fn plan(
        &self,
        row: &DeploymentRow,
    ) -> Result<Vec<(Step, ComponentName)>, Problem> {
        let read = |error: StoreError| Problem::new("IO_READ_ERROR", error);
        let current = self.store.current().await.map_err(read)?;
        let present = self.as_stored(&current).await.map_err(read)?;
        let view = self.view(row).await?;
        let wanted = view.assemble(row, &current, &Progress::default()).await?;
        let mut steps = plan(&present.deployment.set(), &wanted.deployment.set());
        let before = self.own.trees(&current.own)?;
        if differ(&wanted.generation.own, &before) {
            let restarts = self.own.takes_restart(&wanted.settings);
            let step = if restarts { Step::Restart } else { Step::Reconfigure };
            steps.push((step, ComponentName::nucleus()));
        }
        Ok(steps)
    }

    /// One that sees what a deployment would bring, and brings nothing.
    async fn view(&self, row: &DeploymentRow) -> Result<Self, Problem> {
        let request = document(row)?;
        let library = self.library.clone();
        let [recipes, _] = request.folders().map(|folder| folder.map(PathBuf::from));
        let library = self.blocking(move || match recipes {
            Some(recipes) => library.with(&recipes),
            None => Ok(library),
        });
        Ok(Self { library: library.await?, only_looks: true, ..self.clone() })
    }
}
