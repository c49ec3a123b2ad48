//! Door for wasm guests: `gg:host/shadow`.

use super::{Deltas, Shadows};
use crate::bindings::gg::host::{shadow as wit, types};
use crate::capability::caller::Caller;
use crate::capability::door;
use crate::error::{Error, Result};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// What the door needs of a guest's store.
#[expect(missing_debug_implementations, reason = "borrows for the length of one call")]
pub struct View<'a> {
    /// The core.
    pub shadows: &'a Shadows,
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
    async fn get(&mut self, shadow: wit::ShadowId) -> Result<String> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        self.shadows.get(self.caller, thing, name).await
    }

    async fn update(&mut self, shadow: wit::ShadowId, document: String) -> Result<String> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        self.shadows.update(self.caller, thing, name, document.as_bytes()).await
    }

    async fn delete(&mut self, shadow: wit::ShadowId) -> Result<String> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        self.shadows.delete(self.caller, thing, name).await
    }

    async fn list_named(
        &mut self,
        thing_name: Option<String>,
        page_size: u32,
        next_token: Option<String>,
    ) -> Result<wit::Names> {
        let (thing, after) = (thing_name.as_deref(), next_token.as_deref());
        let page = self.shadows.list(self.caller, thing, Some(page_size), after).await?;
        Ok(wit::Names { names: page.names, next_token: page.next })
    }

    fn on_delta(&mut self, shadow: wit::ShadowId) -> Result<Resource<wit::Deltas>> {
        let (thing, name) = (shadow.thing_name.as_deref(), shadow.shadow_name.as_deref());
        let deltas = self.shadows.deltas(self.caller, thing, name)?;
        Ok(door::handle(&self.table.push(deltas)?))
    }
}

impl wit::HostDeltas for View<'_> {
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
