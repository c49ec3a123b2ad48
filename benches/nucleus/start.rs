//! From the start of a nucleus to its word that it is ready.

use crate::common::Rows;
use crate::common::device::Device;
use crate::common::lite::Lite;
use crate::common::report::{Aim, Row};
use anyhow::Result;
use std::time::Duration;

/// Devices.
const ROUNDS: usize = 20;

/// Milliseconds.
const AIM: Aim = Aim::at_most(50.0);

/// Each round is a device of its own, on which a nucleus is started twice.
pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let (mut peer_first, mut peer_again) = (Vec::new(), Vec::new());
    // None is removed before the end: new files are slow to make where many have just gone.
    let mut devices = Vec::new();
    for _ in 0..ROUNDS {
        let device = Device::new()?;
        for times in [&mut first, &mut again] {
            let nucleus = device.start()?;
            times.push(milliseconds(nucleus.took));
            nucleus.stop()?;
        }
        if let Some(lite) = Lite::find()? {
            for times in [&mut peer_first, &mut peer_again] {
                times.push(milliseconds(lite.start()?.took));
            }
        }
        devices.push(device);
    }
    let name = "gg-host start to ready, against nucleus lite";
    rows.add(Row::new(format!("{name}: first start"), "ms", first, AIM).beside(peer_first));
    rows.add(Row::new(format!("{name}: restart"), "ms", again, AIM).beside(peer_again));
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
