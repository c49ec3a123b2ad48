//! What a nucleus takes of the machine when nothing happens.

use crate::common::Rows;
use crate::common::device::{Device, Nucleus};
use crate::common::lite::Lite;
use crate::common::report::{Aim, Row, median};
use crate::common::{guest, process};
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

/// Processes for each number of components.
const ROUNDS: usize = 3;

/// Components at a time.
const COUNTS: [u32; 3] = [0, 10, 100];

/// Threads that lent a hand with the start are gone after this.
const SETTLED: Duration = Duration::from_secs(4);

/// How long wake-ups are counted, in seconds.
const WATCHED: u64 = 5;

/// A nucleus with an engine loaded, in MiB.
const MOST_MIB: f64 = 12.0;

/// All in, for each further component, in KiB.
const MOST_KIB: f64 = 64.0;

/// What is measured of one process.
#[derive(Default)]
struct Measured {
    kib: Vec<f64>,
    /// Of page tables, which are no part of a proportional set size.
    tables: Vec<f64>,
    wakes: Vec<f64>,
}

/// Components are services that wait in `next`; their code comes from the compile cache.
pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let wasm = guest("bench-service")?;
    let mut devices = Vec::new();
    for count in COUNTS {
        let device = Device::new()?;
        let nucleus = device.start()?;
        let names: Vec<String> = (0..count).map(|number| format!("bench.Idle{number}")).collect();
        for name in &names {
            device.wasm(name, &wasm, "idle")?;
        }
        if count > 0 {
            device.deploy(&names)?;
        }
        nucleus.stop()?;
        devices.push((device, count, Measured::default()));
    }
    let mut peer = Vec::new();
    for _ in 0..ROUNDS {
        for (device, _, measured) in &mut devices {
            let nucleus = device.start()?;
            nucleus.until_up()?;
            measured.look(&nucleus)?;
            nucleus.stop()?;
        }
        if let Some(lite) = Lite::find()? {
            let lite = lite.start()?;
            sleep(SETTLED);
            peer.push(lite.memory()?);
        }
    }
    let mib = |kib: &[f64]| kib.iter().map(|kib| kib / 1024.0).collect::<Vec<_>>();
    let mut before: Option<(u32, f64, f64)> = None;
    for (_, count, Measured { kib, tables, wakes }) in devices {
        let name = format!("gg-host start, idle, with {count} wasm components");
        let aim = if count == 0 { Aim::at_most(MOST_MIB) } else { Aim::NONE };
        let mut memory = Row::new(format!("{name}: memory"), "MiB", mib(&kib), aim);
        if count == 0 {
            memory = memory.beside(mib(&peer)).note("against nucleus lite");
        }
        rows.add(memory);
        // The first few bring in code that all share.
        if let Some((fewer, kib_before, tables_before)) = before.filter(|before| before.0 > 0) {
            let each = |all: &[f64], least: f64| {
                all.iter().map(|one| (one - least) / f64::from(count - fewer)).collect()
            };
            let row = format!("{name}: memory for each beyond {fewer}");
            rows.add(Row::new(row, "KiB", each(&kib, kib_before), Aim::at_most(MOST_KIB)));
            let row = format!("{name}: page tables for each beyond {fewer}");
            rows.add(Row::new(row, "KiB", each(&tables, tables_before), Aim::NONE));
        }
        before = Some((count, median(&kib), median(&tables)));
        let name = format!("{name}: wake-ups a second");
        rows.add(Row::new(name, "", wakes, Aim::at_most(0.0)));
    }
    Ok(())
}

impl Measured {
    fn look(&mut self, nucleus: &Nucleus) -> Result<()> {
        sleep(SETTLED);
        let before = process::switches(nucleus.id())?;
        sleep(Duration::from_secs(WATCHED));
        let after = process::switches(nucleus.id())?;
        self.wakes.push((after - before) / WATCHED as f64);
        self.kib.push(process::pss(nucleus.id())?);
        self.tables.push(process::page_tables(nucleus.id())?);
        Ok(())
    }
}
