//! `gg-host run hello.wasm` as a whole process, with a warm cache, against `wasmtime run` of
//! compiled code where that is installed, and else against the least program that does the same
//! with wasmtime's API: this one, called with `--floor`.

mod common;

use anyhow::{Context, Result, ensure};
use common::report::{Aim, Row};
use common::{finish, guest, progress};
use gg_host::runtime::wasm::engine::wasmtime_config;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// Measurements of each side, in turn.
const ROUNDS: usize = 60;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, file] = arguments.as_slice()
        && word == "--floor"
    {
        return floor(Path::new(file));
    }
    let hello = guest("bench-hello")?;
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("cache");
    let compiled = folder.path().join("hello.cwasm");

    let ours = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gg-host"));
        command.arg("run").arg(&hello).arg("--cache").arg(&cache);
        command
    };
    let (peer_name, peer): (_, Box<dyn Fn() -> Command>) = match wasmtime() {
        Some(program) => {
            let mut compile = Command::new(&program);
            let status = compile.arg("compile").arg(&hello).arg("-o").arg(&compiled).status()?;
            ensure!(status.success(), "wasmtime compile failed");
            let compiled = compiled.clone();
            let run = move || {
                let mut command = Command::new(&program);
                command.args(["run", "--allow-precompiled"]).arg(&compiled);
                command
            };
            ("wasmtime run", Box::new(run))
        }
        None => {
            let engine = Engine::new(&wasmtime_config(&common::host::engine()))?;
            std::fs::write(&compiled, Component::from_file(&engine, &hello)?.serialize()?)?;
            let (program, compiled) = (std::env::current_exe()?, compiled.clone());
            let run = move || {
                let mut command = Command::new(&program);
                command.arg("--floor").arg(&compiled);
                command
            };
            ("wasmtime's API", Box::new(run))
        }
    };

    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (took, floor) = (time(&mut ours())?, time(&mut peer())?);
        // The first one compiles.
        if round > 0 {
            mine.push(took.as_secs_f64() * 1e3);
            theirs.push(floor.as_secs_f64() * 1e3);
        }
    }
    let name = format!("gg-host run hello.wasm, warm cache, against {peer_name}");
    let row = Row::new(name, "ms", mine, Aim::ratio_at_most(1.2)).beside(theirs);
    progress(&row);
    finish(&[row]);
    Ok(())
}

fn time(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let begin = Instant::now();
    let output = command.output()?;
    let took = begin.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && said.contains("hello"), "{command:?} said {said:?}");
    Ok(took)
}

fn wasmtime() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("wasmtime"))
        .find(|program| program.is_file())
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Load compiled code, link WASI, make an instance, run it.
fn floor(compiled: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::new(&wasmtime_config(&common::host::engine()))?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        // SAFETY: this program's other half has just written the file.
        #[expect(unsafe_code, reason = "what the floor of a start from compiled code is")]
        let component = unsafe { Component::deserialize_file(&engine, compiled) }?;
        let command = CommandPre::new(linker.instantiate_pre(&component)?)?;
        let wasi = WasiCtxBuilder::new().inherit_stdout().build();
        let mut store = Store::new(&engine, State { wasi, table: ResourceTable::new() });
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = command.instantiate_async(&mut store).await?;
        let outcome = instance.wasi_cli_run().call_run(&mut store).await?;
        outcome.ok().context("the guest failed")
    })
}
