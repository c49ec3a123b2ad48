//! Door for wasm guests: `gg:host/secrets`.

use super::{Found, Secrets, Selector};
use crate::bindings::gg::host::{secrets as wit, types};
use crate::capability::caller::Caller;
use crate::capability::door;
use crate::error::{Error, Result};
use gg_model::SecretValue;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// What the door needs of a guest's store.
#[expect(missing_debug_implementations, reason = "borrows for the length of one call")]
pub struct View<'a> {
    /// The core.
    pub secrets: &'a Secrets,
    /// Who asks.
    pub caller: &'a Caller,
    /// The guest's resources.
    pub table: &'a mut ResourceTable,
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
    async fn get(
        &mut self,
        name: String,
        which: Option<wit::Selector>,
    ) -> Result<Resource<wit::Secret>> {
        let found = self.secrets.get(self.caller, &name, &selector(which)).await?;
        Ok(door::handle(&self.table.push(found)?))
    }

    async fn refresh(
        &mut self,
        name: String,
        which: Option<wit::Selector>,
    ) -> Result<Resource<wit::Secret>> {
        let found = self.secrets.refresh(self.caller, &name, &selector(which)).await?;
        Ok(door::handle(&self.table.push(found)?))
    }
}

impl wit::HostSecret for View<'_> {
    fn reveal(&mut self, handle: Resource<wit::Secret>) -> Result<wit::SecretValue> {
        let found = self.table.get(&door::key::<Found, _>(&handle))?;
        Ok(match self.secrets.reveal(self.caller, found)? {
            SecretValue::Bytes(bytes) => wit::SecretValue::Bytes(bytes.to_vec()),
            SecretValue::Text(text) => wit::SecretValue::Text(text.to_string()),
        })
    }

    fn version(&mut self, handle: Resource<wit::Secret>) -> wasmtime::Result<String> {
        Ok(self.table.get(&door::key::<Found, _>(&handle))?.head().version.clone())
    }

    fn stages(&mut self, handle: Resource<wit::Secret>) -> wasmtime::Result<Vec<String>> {
        Ok(self.table.get(&door::key::<Found, _>(&handle))?.head().stages.clone())
    }

    fn drop(&mut self, handle: Resource<wit::Secret>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Found, _>(&handle))?;
        Ok(())
    }
}

fn selector(which: Option<wit::Selector>) -> Selector {
    match which {
        None => Selector::default(),
        Some(wit::Selector::Stage(stage)) => Selector::Stage(stage),
        Some(wit::Selector::Version(version)) => Selector::Version(version),
    }
}
