//! Where deployments come from.

pub(crate) mod jobs;
pub mod local;
