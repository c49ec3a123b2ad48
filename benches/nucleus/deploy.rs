//! From the start of `gg-host deploy --wait` to its end, on a nucleus that runs already.

use crate::common::Rows;
use crate::common::device::Device;
use crate::common::guest;
use crate::common::report::{Aim, Row, median};
use anyhow::Result;
use std::path::Path;

/// Devices for each kind and number of components.
const ROUNDS: usize = 5;

/// Components at a time.
const COUNTS: [u32; 3] = [1, 10, 100];

/// What is deployed.
enum Kind<'a> {
    /// A file, and the mode that its configuration names.
    Wasm(&'a Path, &'a str),
    /// A script.
    Native(&'a str),
}

/// Each round is a device of its own, on which nothing else was deployed but, so that it is compiled
/// already, one component of the same code.
pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let (hello, service) = (guest("bench-hello")?, guest("bench-service")?);
    let kinds = [
        ("wasm, over at once", Kind::Wasm(&hello, "")),
        ("wasm, stays up", Kind::Wasm(&service, "idle")),
        ("native, over at once", Kind::Native("true")),
        ("native, stays up", Kind::Native("exec sleep 1000000")),
    ];
    // None is removed before the end: new files are slow to make where many have just gone.
    let mut devices = Vec::new();
    for (name, kind) in kinds {
        let mut one = 0.0;
        for count in COUNTS {
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                let device = Device::new()?;
                times.push(deploy(&device, &kind, count)?);
                devices.push(device);
            }
            let plural = if count == 1 { "" } else { "s" };
            let what = format!("gg-host deploy --wait of {count} component{plural} ({name})");
            rows.add(Row::new(what, "ms", times.clone(), Aim::NONE));
            if count == 1 {
                one = median(&times);
            } else {
                let each = times.iter().map(|time| (time - one) / f64::from(count - 1)).collect();
                let what = format!("the same, for each beyond the first of {count} ({name})");
                rows.add(Row::new(what, "ms", each, Aim::NONE));
            }
        }
    }
    Ok(())
}

/// Milliseconds that so many components take.
fn deploy(device: &Device, kind: &Kind<'_>, count: u32) -> Result<f64> {
    let add = |name: &str| match kind {
        Kind::Wasm(file, mode) => device.wasm(name, file, mode),
        Kind::Native(script) => device.native(name, script),
    };
    let nucleus = device.start()?;
    add("bench.Before")?;
    device.deploy(&["bench.Before".to_owned()])?;
    let names: Vec<String> = (0..count).map(|number| format!("bench.Component{number}")).collect();
    names.iter().try_for_each(|name| add(name))?;
    let took = device.deploy(&names)?;
    nucleus.stop()?;
    Ok(took.as_secs_f64() * 1e3)
}
