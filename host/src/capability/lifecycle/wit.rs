//! Door for wasm guests: `gg:host/lifecycle`.

use super::{LifecycleControl, ReportedState};
use crate::bindings::gg::host::{lifecycle as wit, types};
use crate::capability::caller::Caller;
use crate::capability::door;
use crate::error::{Error, Result};
use wasmtime::component::{HasData, Linker};

/// What the door needs of a guest's store.
#[derive(Debug)]
pub struct View<'a> {
    /// The core.
    pub lifecycle: &'a LifecycleControl,
    /// Who asks.
    pub caller: &'a Caller,
}

/// Names [`View`] for the linker.
#[derive(Debug)]
pub struct Door;

impl HasData for Door {
    type Data<'a> = View<'a>;
}

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Door>(linker, view)
}

impl types::Host for View<'_> {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<types::Error> {
        Ok(door::to_wit(error))
    }
}

impl wit::Host for View<'_> {
    fn describe(&mut self) -> wasmtime::Result<wit::Identity> {
        Ok(wit::Identity {
            component: self.caller.name().to_string(),
            version: self.caller.version().to_string(),
            thing_name: self.caller.thing().to_string(),
        })
    }

    fn update_state(&mut self, state: wit::State) -> Result<()> {
        let state = match state {
            wit::State::Errored => ReportedState::Errored,
            wit::State::Running => ReportedState::Running,
        };
        self.lifecycle.update_state(self.caller, state)
    }

    fn stopping(&mut self) -> wasmtime::Result<bool> {
        Ok(self.caller.stop().is_cancelled())
    }
}
