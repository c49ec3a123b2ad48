//! Door for wasm guests: `gg:host/shadow`.

use super::{Deltas, Shadows};
use crate::bindings::gg::host::shadow as wit;
use crate::capability::door::{self, Lent, View};
use crate::error::Result;
use wasmtime::component::{Linker, Resource};

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Shadows>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Lent<Shadows>>(linker, view)
}

impl wit::Host for View<'_, Shadows> {
    async fn get(&mut self, shadow: wit::ShadowId) -> Result<String> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        self.core.get(self.caller, thing, name).await
    }

    async fn update(&mut self, shadow: wit::ShadowId, document: String) -> Result<String> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        self.core.update(self.caller, thing, name, document.as_bytes()).await
    }

    async fn delete(&mut self, shadow: wit::ShadowId) -> Result<String> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        self.core.delete(self.caller, thing, name).await
    }

    async fn list_named(
        &mut self,
        thing_name: Option<String>,
        page_size: u32,
        next_token: Option<String>,
    ) -> Result<wit::Names> {
        let (thing, after) = (thing_name.as_deref(), next_token.as_deref());
        let page = self.core.list(self.caller, thing, Some(page_size), after).await?;
        Ok(wit::Names { names: page.names, next_token: page.next })
    }

    fn on_delta(&mut self, shadow: wit::ShadowId) -> Result<Resource<wit::Deltas>> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        let deltas = self.core.deltas(self.caller, thing, name)?;
        Ok(door::handle(&self.table.push(deltas)?))
    }
}

impl wit::HostDeltas for View<'_, Shadows> {
    async fn next(&mut self, handle: Resource<wit::Deltas>) -> Result<Option<String>> {
        self.table.get_mut(&door::key::<Deltas, _>(&handle))?.next().await
    }

    async fn next_timeout(
        &mut self,
        handle: Resource<wit::Deltas>,
        timeout_ms: u32,
    ) -> Result<Option<String>> {
        let deltas = self.table.get_mut(&door::key::<Deltas, _>(&handle))?;
        door::within(timeout_ms, deltas.next()).await.unwrap_or(Ok(None))
    }

    fn drop(&mut self, handle: Resource<wit::Deltas>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Deltas, _>(&handle))?;
        Ok(())
    }
}
