//! The floor: the same guests on wasmtime alone, with the engine's settings and the same
//! interfaces, behind which host functions take their arguments and do nothing.

use anyhow::Result;
use gg_host::bindings::exports::gg::host::message_handler::{Guest, GuestIndices};
use gg_host::bindings::gg::host::types::{self, MessageParam, Origin, PayloadFormat};
use gg_host::bindings::gg::host::{configuration, lifecycle, logging, pubsub};
use gg_host::error::Error;
use gg_host::runtime::wasm::engine::wasmtime_config;
use std::path::Path;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Resource, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

type Answer<T> = std::result::Result<T, Error>;

/// Data of a store: WASI and nothing else.
pub(crate) struct Raw {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Raw {
    fn new() -> Self {
        Self { wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() }
    }
}

impl WasiView for Raw {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// An engine with the host's settings.
pub(crate) fn engine() -> Result<Engine> {
    Ok(Engine::new(&wasmtime_config(&super::host::engine()))?)
}

/// All interfaces.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Raw>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    linker.instance("gg:host/types@0.1.0")?;
    pubsub::add_to_linker::<Raw, HasSelf<Raw>>(&mut linker, |raw| raw)?;
    configuration::add_to_linker::<Raw, HasSelf<Raw>>(&mut linker, |raw| raw)?;
    lifecycle::add_to_linker::<Raw, HasSelf<Raw>>(&mut linker, |raw| raw)?;
    logging::add_to_linker::<Raw, HasSelf<Raw>>(&mut linker, |raw| raw)?;
    Ok(linker)
}

/// A handler, linked.
#[derive(Clone)]
pub(crate) struct RawHandler {
    pre: InstancePre<Raw>,
    indices: GuestIndices,
}

impl RawHandler {
    /// Compile and link a file.
    pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Self> {
        Self::link(&linker(engine)?, &Component::from_file(engine, path)?)
    }

    /// Link a component.
    pub(crate) fn link(linker: &Linker<Raw>, component: &Component) -> Result<Self> {
        let pre = linker.instantiate_pre(component)?;
        let indices = GuestIndices::new(&pre)?;
        Ok(Self { pre, indices })
    }

    /// An instance.
    pub(crate) async fn instantiate(&self) -> Result<RawInstance> {
        let mut store = Store::new(self.pre.engine(), Raw::new());
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let guest = self.indices.load(&mut store, &instance)?;
        Ok(RawInstance { store, guest })
    }
}

/// An instance of a handler.
pub(crate) struct RawInstance {
    store: Store<Raw>,
    guest: Guest,
}

impl RawInstance {
    /// Call it with a message.
    pub(crate) async fn handle(&mut self, topic: &str, payload: &[u8]) -> Result<()> {
        let message =
            MessageParam { topic, payload, format: PayloadFormat::Binary, origin: Origin::Local };
        let outcome = self.guest.call_handle(&mut self.store, message).await?;
        outcome.map_err(|failure| anyhow::anyhow!("{failure:?}"))
    }
}

impl types::Host for Raw {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<types::Error> {
        Ok(types::Error::Internal(error.to_string()))
    }
}

impl pubsub::Host for Raw {
    async fn publish(&mut self, _: String, _: Vec<u8>, _: PayloadFormat) -> Answer<()> {
        Ok(())
    }

    fn subscribe(&mut self, _: String) -> Answer<Resource<pubsub::Subscription>> {
        Ok(Resource::new_own(1))
    }

    fn subscribe_with(
        &mut self,
        _: String,
        _: pubsub::SubscribeOptions,
    ) -> Answer<Resource<pubsub::Subscription>> {
        Ok(Resource::new_own(1))
    }

    async fn next_any(
        &mut self,
        _: Vec<Resource<pubsub::Subscription>>,
        _: Option<u32>,
    ) -> Answer<Option<pubsub::Arrival>> {
        std::future::pending().await
    }
}

impl pubsub::HostSubscription for Raw {
    async fn next(
        &mut self,
        _: Resource<pubsub::Subscription>,
    ) -> Answer<Option<types::MessageResult>> {
        std::future::pending().await
    }

    async fn next_timeout(
        &mut self,
        _: Resource<pubsub::Subscription>,
        _: u32,
    ) -> Answer<Option<types::MessageResult>> {
        Ok(None)
    }

    fn dropped(&mut self, _: Resource<pubsub::Subscription>) -> wasmtime::Result<u32> {
        Ok(0)
    }

    fn drop(&mut self, _: Resource<pubsub::Subscription>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl configuration::Host for Raw {
    fn get(&mut self, _: Vec<String>) -> Answer<String> {
        Ok("30".to_owned())
    }

    fn get_of(&mut self, _: String, _: Vec<String>) -> Answer<String> {
        Ok("30".to_owned())
    }

    async fn update(&mut self, _: Vec<String>, _: String, _: Option<f64>) -> Answer<()> {
        Ok(())
    }

    fn watch(&mut self, _: Vec<String>) -> Answer<Resource<configuration::Watcher>> {
        Ok(Resource::new_own(1))
    }
}

impl configuration::HostWatcher for Raw {
    async fn next(&mut self, _: Resource<configuration::Watcher>) -> Answer<Option<Vec<String>>> {
        std::future::pending().await
    }

    async fn next_timeout(
        &mut self,
        _: Resource<configuration::Watcher>,
        _: u32,
    ) -> Answer<Option<Vec<String>>> {
        Ok(None)
    }

    fn drop(&mut self, _: Resource<configuration::Watcher>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl lifecycle::Host for Raw {
    fn describe(&mut self) -> wasmtime::Result<lifecycle::Identity> {
        let text = String::new;
        Ok(lifecycle::Identity { component: text(), version: text(), thing_name: text() })
    }

    fn update_state(&mut self, _: lifecycle::State) -> Answer<()> {
        Ok(())
    }

    fn stopping(&mut self) -> wasmtime::Result<bool> {
        Ok(false)
    }
}

impl logging::Host for Raw {
    fn log(
        &mut self,
        _: logging::Level,
        _: String,
        _: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        Ok(())
    }

    fn enabled(&mut self, _: logging::Level) -> wasmtime::Result<bool> {
        Ok(false)
    }
}
