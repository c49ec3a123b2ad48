//! One step of the runtime alone, for the benchmarks.

use super::engine::Entry;
use super::handler::Warm;
use super::{Instances, WasmRuntime};
use crate::bindings::exports::gg::host::message_handler::GuestIndices;
use crate::capability::caller::Caller;
use crate::component::InstalledComponent;
use crate::logs::LogSink;
use crate::runtime::Failure;
use std::sync::Arc;

/// A handler that is loaded and linked, and is never called.
#[expect(missing_debug_implementations, reason = "its parts have nothing to show")]
pub struct Handler {
    instances: Instances,
    indices: GuestIndices,
}

impl Handler {
    /// Load a handler the way a deployment does.
    ///
    /// # Errors
    /// It cannot run, or is no handler.
    pub async fn load(
        runtime: &WasmRuntime,
        component: &Arc<InstalledComponent>,
        log: &LogSink,
    ) -> Result<Self, Failure> {
        let instances = runtime.instances(component, log).await?;
        let Entry::Handler(indices) = &instances.loaded.entry else {
            return Err(Failure::to_start("not a handler"));
        };
        Ok(Self { indices: indices.clone(), instances })
    }

    /// Make an instance that is ready to be called.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn instantiate(&self, caller: &Caller) -> Result<impl Send, Failure> {
        Warm::make(&self.instances, &self.indices, caller).await
    }
}
