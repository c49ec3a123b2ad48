//! The runtime for what this build cannot execute: it says so.

use super::{BoxFuture, Failure, Prepared, Runtime};
use crate::component::InstalledComponent;
use crate::logs::LogSink;
use gg_model::RuntimeKind;
use std::sync::Arc;

/// Refuses every component.
#[derive(Debug)]
pub struct Unsupported;

impl Runtime for Unsupported {
    fn prepare<'a>(
        &'a self,
        component: &'a Arc<InstalledComponent>,
        _log: &'a LogSink,
    ) -> BoxFuture<'a, Result<Box<dyn Prepared>, Failure>> {
        let what = match component.runtime {
            RuntimeKind::Docker => "a container",
            RuntimeKind::Process => "a native process",
            RuntimeKind::Wasm => "a wasm component",
        };
        let message = format!(
            "{} runs as {what}, which gg-host {} cannot execute yet; give its recipe a manifest \
             with the platform attribute `runtime: wasm`",
            component.name,
            env!("CARGO_PKG_VERSION"),
        );
        Box::pin(async move { Err(Failure::to_start(message)) })
    }
}
