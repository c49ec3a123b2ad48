//! The engine: one for all guests, with its settings and what is loaded into it.

use super::cache::CompileCache;
use super::epoch::Ticker;
use super::guest::Guest;
use super::imports;
use super::linker::linker;
use super::load::{self, Digest};
use crate::bindings::exports::gg::host::message_handler;
use crate::runtime::Failure;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Take};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tracing::warn;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, Inlining};
use wasmtime_wasi::p2::bindings::exports::wasi::cli::run;

/// Stack of host functions that a guest calls, beside the guest's own.
const HOST_STACK: u64 = 512 << 10;

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where compiled components are kept; nowhere when `None`.
    pub cache: Option<PathBuf>,
    /// Bytes of stack for each guest.
    pub stack: u64,
    /// Whether a crash keeps the guest's memory for a core dump.
    pub core_dumps: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { cache: None, stack: gg_model::Limits::default().stack, core_dumps: false }
    }
}

/// What a component is called by.
#[derive(Clone)]
pub(super) enum Entry {
    /// `gg:host/message-handler`: once for each message.
    Handler(message_handler::GuestIndices),
    /// `wasi:cli/run`: once.
    Service(run::GuestIndices),
    /// `wasi:cli/run` of WASI 0.3: once.
    #[cfg(feature = "wasi3")]
    Service3(wasmtime_wasi::p3::bindings::CommandIndices),
}

/// A component in the engine, linked and ready to make instances of.
pub(super) struct Loaded {
    pub(super) entry: Entry,
    pub(super) pre: InstancePre<Guest>,
}

/// The engine and all that hangs on it.
pub struct WasmEngine {
    pub(super) engine: Engine,
    pub(super) ticker: Ticker,
    cache: Option<CompileCache>,
    linker: Linker<Guest>,
    loaded: Mutex<HashMap<Digest, Weak<Loaded>>>,
    /// Held while compiling: it takes all the processors and much memory.
    compiling: Mutex<()>,
}

impl std::fmt::Debug for WasmEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmEngine").field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// The settings that every engine of this host has in common.
pub fn wasmtime_config(config: &EngineConfig) -> Config {
    let mut settings = Config::new();
    settings
        .epoch_interruption(true)
        // Components of WASI 0.2 are synchronous; without this their calls cost half.
        .concurrency_support(cfg!(feature = "wasi3"))
        .wasm_component_model_map(true)
        .wasm_component_model_implements(true)
        .wasm_memory64(false)
        .shared_memory(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(32))
        .max_wasm_stack(usize::try_from(config.stack).unwrap_or(usize::MAX))
        .async_stack_size(
            usize::try_from(config.stack.saturating_add(HOST_STACK)).unwrap_or(usize::MAX),
        )
        .compiler_inlining(Inlining::No)
        .coredump_on_trap(config.core_dumps);
    settings
}

impl WasmEngine {
    /// An engine with its clock thread.
    ///
    /// # Errors
    /// The settings do not fit together, or the thread cannot be started. A cache that cannot be
    /// used is only warned about.
    pub fn new(config: &EngineConfig) -> anyhow::Result<Self> {
        let engine = Engine::new(&wasmtime_config(config))?;
        let ticker = Ticker::start(engine.weak())?;
        let cache = config.cache.as_deref().and_then(|folder| {
            CompileCache::open(folder, &engine)
                .inspect_err(|error| {
                    warn!(folder = %folder.display(), %error, "the cache of compiled components is not used");
                })
                .ok()
        });
        let linker = linker(&engine)?;
        Ok(Self {
            engine,
            ticker,
            cache,
            linker,
            loaded: Mutex::default(),
            compiling: Mutex::default(),
        })
    }

    /// Load a file: from memory, from the cache, or by compiling it, which `compiling` is set for.
    /// Blocks.
    ///
    /// # Errors
    /// The file cannot be read, is no component, or imports what is not served.
    pub(super) fn load(&self, path: &Path, compiling: &AtomicBool) -> Result<Arc<Loaded>, Failure> {
        let failed = |reason: String| Failure::to_start(format!("{}: {reason}", path.display()));
        let mut file = open(path).map_err(failed)?;
        let digest = Digest::of_file(&mut file).map_err(|error| failed(unreadable(&error)))?;
        if let Some(loaded) = self.in_memory(digest) {
            return Ok(loaded);
        }
        let component = match self.cached(digest) {
            Some(component) => component,
            // Read once more, as a whole, and only now: most starts need no more than the digest.
            None => {
                let bytes = read(path).map_err(failed)?;
                self.component(Digest::of(&bytes), &bytes, compiling).map_err(failed)?
            }
        };
        let loaded = Arc::new(self.link(&component).map_err(failed)?);
        let mut all = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, loaded| loaded.strong_count() > 0);
        all.insert(digest, Arc::downgrade(&loaded));
        Ok(loaded)
    }

    fn in_memory(&self, digest: Digest) -> Option<Arc<Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&digest)?.upgrade()
    }

    /// The component of these bytes, from the cache or by compiling them.
    pub(super) fn component(
        &self,
        digest: Digest,
        bytes: &[u8],
        compiling: &AtomicBool,
    ) -> Result<Component, String> {
        if let Some(component) = self.cached(digest) {
            return Ok(component);
        }
        let binary = load::componentize(bytes).map_err(|error| chain(&error))?;
        let _one_at_a_time = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have compiled the same while this waited.
        if let Some(component) = self.cached(digest) {
            return Ok(component);
        }
        compiling.store(true, Ordering::Relaxed);
        let component = Component::from_binary(&self.engine, &binary)
            .map_err(|error| invalid(&format!("{error:#}")))?;
        compiling.store(false, Ordering::Relaxed);
        if let Some(cache) = &self.cache {
            cache.store(digest, &component);
        }
        Ok(component)
    }

    fn cached(&self, digest: Digest) -> Option<Component> {
        self.cache.as_ref()?.load(&self.engine, digest)
    }

    fn link(&self, component: &Component) -> Result<Loaded, String> {
        let imports = imports::imports_of(&self.engine, component);
        if let Some(refusals) = imports::refusals(&imports) {
            return Err(refusals);
        }
        let pre = self.linker.instantiate_pre(component).map_err(|error| {
            format!("its imports do not have the types that this host serves: {error:#}")
        })?;
        let entry = entry(&pre).ok_or_else(|| {
            let exports = imports::exports_of(&self.engine, component);
            format!(
                "exports neither wasi:cli/run (a service) nor gg:host/message-handler (a handler), \
                 so there is nothing to run; it exports {exports:?}"
            )
        })?;
        Ok(Loaded { entry, pre })
    }
}

/// Why bytes are not a component that this engine takes.
fn invalid(reason: &str) -> String {
    if !cfg!(feature = "wasi3") && reason.contains("component model async") {
        return "uses asynchronous functions or streams, as components of WASI 0.3 do, and this \
                host serves WASI 0.2; WASI 0.3 needs a build with the feature wasi3"
            .to_owned();
    }
    format!("not a valid component: {reason}")
}

fn entry(pre: &InstancePre<Guest>) -> Option<Entry> {
    if let Ok(indices) = message_handler::GuestIndices::new(pre) {
        return Some(Entry::Handler(indices));
    }
    #[cfg(feature = "wasi3")]
    if let Ok(indices) = wasmtime_wasi::p3::bindings::CommandIndices::new(pre) {
        return Some(Entry::Service3(indices));
    }
    run::GuestIndices::new(pre).ok().map(Entry::Service)
}

/// The bytes of a wasm file of acceptable size.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    Ok(bytes)
}

/// A wasm file of acceptable size, to be read no further than that.
fn open(path: &Path) -> Result<Take<File>, String> {
    let file = File::open(path).map_err(|error| format!("cannot open: {error}"))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    if metadata.len() > load::LARGEST {
        let length = metadata.len();
        return Err(format!("{length} bytes; a component has at most {}", load::LARGEST));
    }
    Ok(file.take(load::LARGEST))
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot read: {error}")
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
