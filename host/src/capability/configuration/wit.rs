//! Doors for wasm guests: `gg:host/configuration`, and `wasi:config/store` from the same core.

use super::{Configuration, Watcher};
use crate::bindings::gg::host::configuration as wit;
use crate::capability::door::{self, Lent, View};
use crate::error::{Error, ErrorKind, Result};
use serde_json::Value;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower, Resource};

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Configuration>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Lent<Configuration>>(linker, view)?;
    add_wasi_config(linker, view)
}

impl wit::Host for View<'_, Configuration> {
    fn get(&mut self, path: Vec<String>) -> Result<String> {
        Ok(self.core.get(self.caller, None, &path)?.to_string())
    }

    fn get_of(&mut self, component: String, path: Vec<String>) -> Result<String> {
        Ok(self.core.get(self.caller, Some(&component), &path)?.to_string())
    }

    async fn update(
        &mut self,
        path: Vec<String>,
        value: String,
        timestamp: Option<f64>,
    ) -> Result<()> {
        let value = serde_json::from_str(&value)
            .map_err(|error| Error::invalid(format!("the value is not JSON: {error}")))?;
        self.core.update(self.caller, &path, &value, timestamp).await
    }

    fn watch(&mut self, path: Vec<String>) -> Result<Resource<wit::Watcher>> {
        let watcher = self.core.watch(self.caller, None, &path)?;
        Ok(door::handle(&self.table.push(watcher)?))
    }
}

impl wit::HostWatcher for View<'_, Configuration> {
    async fn next(&mut self, handle: Resource<wit::Watcher>) -> Result<Option<Vec<String>>> {
        Ok(self.table.get_mut(&door::key::<Watcher, _>(&handle))?.next().await)
    }

    async fn next_timeout(
        &mut self,
        handle: Resource<wit::Watcher>,
        timeout_ms: u32,
    ) -> Result<Option<Vec<String>>> {
        let watcher = self.table.get_mut(&door::key::<Watcher, _>(&handle))?;
        Ok(door::within(timeout_ms, watcher.next()).await.flatten())
    }

    fn drop(&mut self, handle: Resource<wit::Watcher>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Watcher, _>(&handle))?;
        Ok(())
    }
}

/// The spellings of `wasi:config/store` that toolchains emit; their shape is the same.
const WASI_CONFIG: [&str; 3] = [
    "wasi:config/store@0.2.0-rc.1",
    "wasi:config/store@0.2.0-draft",
    "wasi:config/store@0.2.0-draft-2024-09-27",
];

/// `error` of wasi:config.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum StoreError {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    #[expect(dead_code, reason = "part of the interface; nothing here does I/O")]
    Io(String),
}

/// Serve `wasi:config/store`: a key is a key path parted by dots, a text is given as it is, and
/// any other value as JSON.
fn add_wasi_config<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Configuration>,
) -> wasmtime::Result<()> {
    for name in WASI_CONFIG {
        let mut store = linker.instance(name)?;
        store.func_wrap("get", move |mut store: StoreContextMut<'_, T>, (key,): (String,)| {
            let view = view(store.data_mut());
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            Ok((match view.core.get(view.caller, None, &path) {
                Ok(value) => Ok(Some(plain(value))),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(StoreError::Upstream(error.to_string())),
            },))
        })?;
        store.func_wrap("get-all", move |mut store: StoreContextMut<'_, T>, (): ()| {
            let view = view(store.data_mut());
            Ok((match view.core.get(view.caller, None, &[]) {
                Ok(Value::Object(members)) => Ok(members
                    .into_iter()
                    .map(|(key, value)| (key, plain(value)))
                    .collect::<Vec<_>>()),
                Ok(_) => Ok(Vec::new()),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(StoreError::Upstream(error.to_string())),
            },))
        })?;
    }
    Ok(())
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
