//! From a trap to words that help: what happened, where, what the guest said last, and which
//! limit stands behind it.

use super::guest::Guest;
use crate::logs::presentable;
use crate::runtime::{CRASHED, Failure};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tracing::warn;
use wasmtime::{FrameInfo, Store, Trap, WasmBacktrace, WasmCoreDump};

/// Longest message and frame that is shown.
const LONGEST: usize = 2000;

/// The report of an error that ended a guest.
pub(super) fn failure(
    error: &wasmtime::Error,
    store: &mut Store<Guest>,
    export: &str,
    core_dumps: Option<&Path>,
) -> Failure {
    note_limit(error, store.data_mut());
    let mut message = match error.downcast_ref::<Trap>() {
        Some(trap) => trap_text(*trap).to_owned(),
        None => error.root_cause().to_string(),
    };
    if let Some(exceeded) = store.data().limiter.exceeded() {
        message = format!("{message}; the component {exceeded}");
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames);
    let component = store.data().caller.name().clone();
    let core_dump =
        core_dumps.and_then(|folder| write_core_dump(error, store, component.as_ref(), folder));
    Failure {
        message: format!("crashed: {}", presentable(&message, LONGEST)),
        export: Some(export.to_owned()),
        backtrace: backtrace.unwrap_or_default().iter().map(frame).collect(),
        last_lines: store.data().logging.sink().recent(),
        core_dump,
        code: CRASHED,
        after: store.data().running_for(),
    }
}

/// Limits that the engine keeps, told from its errors.
fn note_limit(error: &wasmtime::Error, guest: &mut Guest) {
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        guest.limiter.note("stack", None);
        return;
    }
    let text = error.root_cause().to_string();
    let limits = [
        ("fuel allocated for hostcalls", "host-call-data"),
        ("instance count too high", "instances"),
        ("memory count too high", "memories"),
        ("memories count too high", "memories"),
        ("table count too high", "tables"),
        ("tables count too high", "tables"),
        ("store handle limit exceeded", "handles"),
        ("resource table has no free keys", "resources"),
    ];
    if let Some((_, limit)) = limits.iter().find(|(words, _)| text.contains(words)) {
        guest.limiter.note(limit, None);
    }
}

fn trap_text(trap: Trap) -> &'static str {
    match trap {
        Trap::Interrupt => "it was stopped because it ran too long",
        Trap::MemoryOutOfBounds => "it reached outside its memory",
        Trap::StackOverflow => "it used up its stack (endless recursion?)",
        Trap::UnreachableCodeReached => {
            "it gave up (a panic, an abort or an assertion that failed)"
        }
        Trap::IntegerDivisionByZero => "it divided an integer by zero",
        Trap::IntegerOverflow => "a conversion to an integer overflowed",
        Trap::BadConversionToInteger => "it converted something that is no number to an integer",
        Trap::TableOutOfBounds => "it called through a table outside its bounds",
        Trap::IndirectCallToNull => "it called a function that is not there",
        Trap::BadSignature => "it called a function through a pointer of another type",
        Trap::CannotEnterComponent => "it was called while it was inside another call",
        _ => "it broke a rule of WebAssembly",
    }
}

fn frame(frame: &FrameInfo) -> String {
    let symbol = frame.symbols().first();
    let name = symbol
        .and_then(|symbol| symbol.name())
        .or_else(|| frame.func_name())
        .map_or_else(|| format!("function {}", frame.func_index()), demangle);
    let place = symbol.and_then(|symbol| Some((symbol.file()?, symbol.line()?)));
    let name = presentable(&name, LONGEST).into_owned();
    match (place, frame.module().name()) {
        (Some((file, line)), _) => format!("{name} ({}:{line})", presentable(file, 300)),
        (None, Some(module)) => format!("{name} [{}]", presentable(module, 100)),
        (None, None) => name,
    }
}

fn demangle(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(readable) => format!("{readable:#}"),
        Err(_) => name.to_owned(),
    }
}

fn write_core_dump(
    error: &wasmtime::Error,
    store: &mut Store<Guest>,
    component: &str,
    folder: &Path,
) -> Option<PathBuf> {
    let dump = error.downcast_ref::<WasmCoreDump>()?;
    // Composed components make this version of wasmtime panic here; see its issue 13983.
    let bytes = catch_unwind(AssertUnwindSafe(|| dump.serialize(&mut *store, component)));
    let path = folder.join(format!("{component}-{}.core.wasm", std::process::id()));
    let written = match bytes {
        Ok(bytes) => fs::write(&path, bytes).map_err(|error| error.to_string()),
        Err(_) => Err("this component is composed of several, which is not supported".to_owned()),
    };
    match written {
        Ok(()) => Some(path),
        Err(reason) => {
            warn!(path = %path.display(), reason, "the core dump could not be written");
            None
        }
    }
}
