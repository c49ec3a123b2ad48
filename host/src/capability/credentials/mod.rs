//! Credentials of AWS for components that use its SDKs: the token exchange service of Greengrass.
//! Its door is HTTP, as containers have it (AWS SDKs, "Container credential provider").

pub(crate) mod door;
#[cfg(test)]
mod tests;

use super::caller::{Caller, Operation};
use crate::cloud::credentials::{Credentials, Refusal};
use crate::error::Result;
use gg_model::RoleCredentials;
use std::sync::Arc;

/// Gives components credentials. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenExchange(Credentials);

impl TokenExchange {
    /// Give these.
    pub fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }

    /// The credentials of the device's role.
    ///
    /// # Errors
    /// Unauthorized; and what is given then may be a refusal of the cloud.
    pub async fn get(&self, caller: &Caller) -> Result<Result<Arc<RoleCredentials>, Refusal>> {
        caller.authorize(Operation::GetCredentials, "*")?;
        Ok(self.0.get().await)
    }
}
