//! Memory of warm components that wait, and what a host does that has nothing to do. Each
//! measurement is of a process of its own: this program, called with `--hold`.

mod common;

use anyhow::{Context, Result, bail, ensure};
use common::host::{Component, Host};
use common::raw::{self, RawHandler};
use common::report::{Aim, Row, median};
use common::{finish, guest, process, progress, wanted};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Processes for each number of components.
const ROUNDS: usize = 3;

/// Components at a time.
const COUNTS: [usize; 3] = [1, 100, 1000];

/// All in, for each component.
const MOST_KIB: f64 = 64.0;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, kind, count] = arguments.as_slice()
        && word == "--hold"
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(hold(kind, count.parse()?));
    }
    let mut rows = Vec::new();
    if wanted("memory") {
        memory(&mut rows)?;
    }
    if wanted("idle") {
        idle(&mut rows)?;
    }
    finish(&rows);
    Ok(())
}

/// Hold so many components until standard input ends.
async fn hold(kind: &str, count: usize) -> Result<()> {
    match kind {
        "handlers" => {
            let wasm = guest("filter-rs")?;
            let component =
                |number| Component::handler(format!("filter-{number}"), &wasm, &["reading"], 16);
            let components: Vec<Component> = (0..count).map(component).collect();
            let mut host = Host::start(&components).await?;
            // One call makes each of them warm.
            host.publish("reading", br#"{"value": 1}"#.to_vec()).await?;
            wait_for_end().await?;
        }
        "services" => {
            let wasm = guest("bench-service")?;
            let idle = json!({ "mode": "idle" });
            let component = |number| Component::new(format!("idle-{number}"), &wasm, idle.clone());
            let components: Vec<Component> = (0..count).map(component).collect();
            let _host = Host::start(&components).await?;
            wait_for_end().await?;
        }
        "floor" => {
            let engine = raw::engine()?;
            let compiled = common::host::cache().join("floor.cwasm");
            // SAFETY: written by this program below.
            #[expect(unsafe_code, reason = "compiling would leave memory behind")]
            let component =
                unsafe { wasmtime::component::Component::deserialize_file(&engine, &compiled) }?;
            let handler = RawHandler::link(&raw::linker(&engine)?, &component)?;
            let mut instances = Vec::new();
            for _ in 0..count {
                let mut instance = handler.instantiate().await?;
                instance.handle("reading", br#"{"value": 1}"#).await?;
                instances.push(instance);
            }
            wait_for_end().await?;
        }
        _ => bail!("hold what?"),
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a word to the process that measures this one")]
async fn wait_for_end() -> Result<()> {
    println!("ready");
    // The executor goes on meanwhile.
    let (sender, end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().stack_size(64 << 10).spawn(move || {
        let mut line = String::new();
        let _ended = std::io::stdin().read_line(&mut line);
        let _gone = sender.send(());
    })?;
    end.await.context("the thread ended")
}

fn memory(rows: &mut Vec<Row>) -> Result<()> {
    // Compiles what is not compiled yet, so that no measured process does.
    for kind in ["handlers", "services"] {
        measure(kind, 1)?;
    }
    let engine = raw::engine()?;
    let compiled = wasmtime::component::Component::from_file(&engine, guest("filter-rs")?)?;
    fs::write(common::host::cache().join("floor.cwasm"), compiled.serialize()?)?;

    let kinds =
        [("handlers", "filter-rs handler", ""), ("services", "service", " waiting in next")];
    let mut floors = Vec::new();
    for count in COUNTS {
        floors.push((0..ROUNDS).map(|_| measure("floor", count)).collect::<Result<Vec<_>>>()?);
    }
    for (kind, name, what) in kinds {
        let mut held = Vec::new();
        for count in COUNTS {
            held.push((0..ROUNDS).map(|_| measure(kind, count)).collect::<Result<Vec<_>>>()?);
        }
        for (place, count) in COUNTS.iter().enumerate() {
            let plural = if *count == 1 { "" } else { "s" };
            let mib = |values: &[f64]| values.iter().map(|kib| kib / 1024.0).collect::<Vec<_>>();
            let row = Row::new(
                format!("memory of a host with {count} {name}{plural}{what}"),
                "MiB",
                mib(&held[place]),
                Aim::NONE,
            );
            add(rows, row.beside(mib(&floors[place])));
        }
        for place in 1..COUNTS.len() {
            let growth = |all: &[Vec<f64>]| -> Vec<f64> {
                let first = median(&all[0]);
                let more = (COUNTS[place] - COUNTS[0]) as f64;
                all[place].iter().map(|kib| (kib - first) / more).collect()
            };
            let name = format!("memory for each further {name}{what}, at {}", COUNTS[place]);
            let row = Row::new(name, "KiB", growth(&held), Aim::at_most(MOST_KIB));
            add(rows, row.beside(growth(&floors)));
        }
    }
    Ok(())
}

/// KiB of a process that holds so many: its share of resident memory, page tables included.
fn measure(kind: &str, count: usize) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--hold", kind]).arg(count.to_string());
    let mut held = Held::start(&mut command)?;
    held.line()?;
    // Threads that lent a hand with the start are gone after this.
    std::thread::sleep(Duration::from_secs(3));
    process::memory(held.0.id())
}

fn idle(rows: &mut Vec<Row>) -> Result<()> {
    let filter = guest("filter-rs")?;
    let (mut memory, mut switches) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gg-host"));
        command.arg("run").arg(&filter).arg("--cache").arg(common::host::cache());
        command.args(["--config", "subscriptions=[\"reading\"]"]);
        let held = Held::start(&mut command)?;
        std::thread::sleep(Duration::from_secs(if round == 0 { 10 } else { 5 }));
        let before = process::switches(held.0.id())?;
        std::thread::sleep(Duration::from_secs(10));
        let after = process::switches(held.0.id())?;
        // The first one compiles.
        if round > 0 {
            switches.push(after - before);
            memory.push(process::pss(held.0.id())? / 1000.0 * 1.024);
        }
    }
    let name = "gg-host run filter-rs, idle";
    add(rows, Row::new(format!("{name}: memory (PSS)"), "MB", memory, Aim::at_most(10.0)));
    let row = Row::new(format!("{name}: wake-ups in 10 s"), "", switches, Aim::at_most(0.0));
    add(rows, row);
    Ok(())
}

/// A process that is looked at, and ends when dropped.
struct Held(Child);

impl Held {
    fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().context("a pipe")?).read_line(&mut line)?;
        ensure!(!line.is_empty(), "the process ended early");
        Ok(line)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            let _gone = stdin.flush();
        }
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn add(rows: &mut Vec<Row>, row: Row) {
    progress(&row);
    rows.push(row);
}
