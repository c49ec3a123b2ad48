//! Where deployments come from.

pub(crate) mod cloud;
pub(crate) mod jobs;
pub mod local;
pub(crate) mod shadow;
