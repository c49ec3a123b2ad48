//! Doors for wasm guests: `gg:host/logging`, and `wasi:logging/logging` from the same core.

use super::Logging;
use crate::bindings::gg::host::logging as wit;
use crate::capability::caller::Caller;
use crate::logs::{Level, Source};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, HasData, Lift, Linker};

/// What the doors need of a guest's store.
#[derive(Debug)]
pub struct View<'a> {
    /// The core.
    pub logging: &'a Logging,
    /// Who asks.
    pub caller: &'a Caller,
}

/// Names [`View`] for the linker.
#[derive(Debug)]
pub struct Door;

impl HasData for Door {
    type Data<'a> = View<'a>;
}

/// Serve the interfaces to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds one of them already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Door>(linker, view)?;
    linker.instance("wasi:logging/logging@0.1.0-draft")?.func_wrap(
        "log",
        move |mut store: StoreContextMut<'_, T>,
              (level, context, message): (WasiLevel, String, String)| {
            let view = view(store.data_mut());
            let fields = match context.is_empty() {
                true => Vec::new(),
                false => vec![("context".to_owned(), context)],
            };
            view.logging.log(view.caller, level.into(), Source::Log, &message, fields);
            Ok(())
        },
    )
}

impl wit::Host for View<'_> {
    fn log(
        &mut self,
        level: wit::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.logging.log(self.caller, level.into(), Source::Log, &message, fields);
        Ok(())
    }

    fn enabled(&mut self, level: wit::Level) -> wasmtime::Result<bool> {
        Ok(self.logging.enabled(self.caller, level.into()))
    }
}

impl From<wit::Level> for Level {
    fn from(level: wit::Level) -> Self {
        match level {
            wit::Level::Debug => Self::Debug,
            wit::Level::Error => Self::Error,
            wit::Level::Info => Self::Info,
            wit::Level::Trace => Self::Trace,
            wit::Level::Warn => Self::Warn,
        }
    }
}

/// `level` of wasi:logging 0.1.0-draft.
#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made only by lifting what a guest passes")]
enum WasiLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

impl From<WasiLevel> for Level {
    fn from(level: WasiLevel) -> Self {
        match level {
            WasiLevel::Critical | WasiLevel::Error => Self::Error,
            WasiLevel::Debug => Self::Debug,
            WasiLevel::Info => Self::Info,
            WasiLevel::Trace => Self::Trace,
            WasiLevel::Warn => Self::Warn,
        }
    }
}
