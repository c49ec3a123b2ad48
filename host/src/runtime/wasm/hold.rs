//! What a wasm component uses.

use super::meter::Meter;
use crate::metrics::Usage;
use crate::runtime::{BoxFuture, Hold, PauseError};
use std::future::ready;

/// A component in the sandbox. It cannot be halted: it may hold what others wait for.
#[derive(Debug)]
pub(super) struct WasmHold(pub(super) Meter);

impl Hold for WasmHold {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(ready(self.0.usage()))
    }

    fn set_paused(&self, _paused: bool) -> BoxFuture<'_, Result<(), PauseError>> {
        Box::pin(ready(Err(PauseError::Unsupported(
            "components in the sandbox (runtime: wasm) cannot be paused; stop it instead",
        ))))
    }
}
