//! Door for wasm guests: `gg:host/secrets`.

use super::{Found, Secrets, Selector};
use crate::bindings::gg::host::secrets as wit;
use crate::capability::door::{self, Lent, View};
use crate::error::Result;
use gg_model::SecretValue;
use wasmtime::component::{Linker, Resource};

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Secrets>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Lent<Secrets>>(linker, view)
}

impl wit::Host for View<'_, Secrets> {
    async fn get(
        &mut self,
        name: String,
        which: Option<wit::Selector>,
    ) -> Result<Resource<wit::Secret>> {
        let found = self.core.get(self.caller, &name, &selector(which)).await?;
        Ok(door::handle(&self.table.push(found)?))
    }

    async fn refresh(
        &mut self,
        name: String,
        which: Option<wit::Selector>,
    ) -> Result<Resource<wit::Secret>> {
        let found = self.core.refresh(self.caller, &name, &selector(which)).await?;
        Ok(door::handle(&self.table.push(found)?))
    }
}

impl wit::HostSecret for View<'_, Secrets> {
    fn reveal(&mut self, handle: Resource<wit::Secret>) -> Result<wit::SecretValue> {
        let found = self.table.get(&door::key::<Found, _>(&handle))?;
        Ok(match self.core.reveal(self.caller, found)? {
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
