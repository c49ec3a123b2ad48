//! Where deployments come from.

pub mod local;
