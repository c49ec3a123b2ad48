//! What the device's trust policy says of a deployment's components, and the next policy that a
//! deployment may bring.

use super::assemble::Assembler;
use super::outcome::Problem;
use super::own::Trees;
use crate::component::library::{Id, NewRecipe};
use crate::store::Generation;
use crate::trust::{Judge, Kept, TrustError};
use gg_model::nucleus::TRUST_POLICY;
use gg_model::{ComponentName, DeploymentRequest};
use gg_trust::{Requirement, Source};
use std::collections::BTreeSet;

impl Assembler {
    /// Have the trust policy that a deployment brings take the place of the one there is.
    pub(super) async fn take_policy(
        &self,
        request: &DeploymentRequest,
        own: &Trees,
    ) -> Result<(), Problem> {
        let name = ComponentName::of_core(TRUST_POLICY);
        let is_named = request.configuration_update(&name).is_some();
        let Some(tree) = own.get(&name).filter(|_| is_named && !self.only_looks) else {
            return Ok(());
        };
        let text = |key: &str| tree.get(&[key]).and_then(|value| value.as_str().map(str::to_owned));
        let (Some(policy), Some(signature)) = (text("policy"), text("signature")) else {
            let message = format!("{name}: it takes the texts `policy` and `signature`");
            return Err(Problem::new("COMPONENT_CONFIGURATION_NOT_VALID", message));
        };
        let replaced = self.trust.replace(&policy, &signature).await;
        replaced.map(drop).map_err(|error| problem(&error))
    }

    /// Judge the recipes that a deployment brings, before they take the place of others. Gives the
    /// versions whose files must stay as they are.
    pub(super) async fn judge_new(
        &self,
        recipes: &[NewRecipe],
        current: &Generation,
    ) -> Result<BTreeSet<Id>, Problem> {
        let policy = self.trust.policy().await.map_err(|error| problem(&error))?;
        let Some(policy) = policy else { return Ok(BTreeSet::new()) };
        for new in recipes {
            self.trusted(&new.id(), new.kept()).await?;
        }
        let components = current.components.iter();
        Ok(match policy.requirement(Source::Local) {
            Requirement::Off => BTreeSet::new(),
            _ => components.map(|(name, stored)| (name.clone(), stored.version.clone())).collect(),
        })
    }

    /// Who judges the files of a version in the library. `None`: there is no policy.
    pub(super) async fn judge(&self, id: &Id) -> Result<Option<Judge>, Problem> {
        let (library, wanted) = (self.library.clone(), id.clone());
        let kept = self.blocking(move || library.kept(&wanted)).await?;
        match kept {
            Some(kept) => self.trusted(id, kept).await,
            None => Ok(None),
        }
    }

    /// The same of one that is not in the library yet.
    pub(super) async fn trusted(&self, id: &Id, kept: Kept) -> Result<Option<Judge>, Problem> {
        let judge = self.trust.judge(id, kept, !self.only_looks).await;
        judge.map_err(|error| problem(&error))
    }
}

fn problem(error: &TrustError) -> Problem {
    Problem::new(error.code(), error)
}
