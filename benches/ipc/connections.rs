//! What connections take that wait.

use super::client::Client;
use crate::common::Rows;
use crate::common::device::Device;
use crate::common::mosquitto::{self, Mosquitto};
use crate::common::process;
use crate::common::report::{Aim, Row};
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

/// Brokers.
const ROUNDS: usize = 5;

const CONNECTIONS: usize = 1000;

/// All in, for each, in KiB.
const MOST_KIB: f64 = 20.0;

/// Threads that lent a hand with the start are gone after this, and what was freed is given back.
const SETTLED: Duration = Duration::from_secs(4);

/// KiB for each connection.
#[derive(Default)]
struct Measured {
    own: Vec<f64>,
    kernel: Vec<f64>,
}

/// Connections are of one component; some wait for messages of a topic.
pub(crate) fn measure(rows: &mut Rows) -> Result<()> {
    let (mut idle, mut subscribed) = (Measured::default(), Measured::default());
    let (mut peer_idle, mut peer_subscribed) = (Measured::default(), Measured::default());
    for _ in 0..ROUNDS {
        for (measured, subscribe) in [(&mut idle, false), (&mut subscribed, true)] {
            let device = Device::new()?;
            let nucleus = device.start()?;
            let name = "bench.Client".to_owned();
            device.client(&name)?;
            device.deploy(std::slice::from_ref(&name))?;
            let door = device.door(&name)?;
            measured.hold(nucleus.id(), || match subscribe {
                true => Client::subscribed(&door, "bench/data"),
                false => Client::connect(&door),
            })?;
        }
        for (measured, subscribe) in [(&mut peer_idle, false), (&mut peer_subscribed, true)] {
            let Some(broker) = Mosquitto::start()? else { continue };
            measured.hold(broker.id(), || {
                let mut stream = broker.connect_unix()?;
                if subscribe {
                    mosquitto::subscribe(&mut stream)?;
                }
                Ok(stream)
            })?;
        }
    }
    let name = format!("each of {CONNECTIONS} idle connections");
    let aim = Aim::at_most(MOST_KIB);
    for (what, ours, peer) in
        [("", idle, peer_idle), (", subscribed to a topic", subscribed, peer_subscribed)]
    {
        let row = Row::new(format!("IPC, {name}{what}: memory"), "KiB", ours.own, aim);
        rows.add(row.beside(peer.own).note("against mosquitto"));
        let name = format!("IPC, {name}{what}: the kernel's memory for both ends");
        let row = Row::new(name, "KiB", ours.kernel, Aim::NONE);
        rows.add(row.beside(peer.kernel).note("against mosquitto"));
    }
    Ok(())
}

impl Measured {
    /// Open connections to a process, and see what it and the kernel grow by.
    fn hold<T>(&mut self, process: u32, mut open: impl FnMut() -> Result<T>) -> Result<()> {
        // One brings in the code.
        let first = open()?;
        sleep(SETTLED);
        let before = (process::memory(process)?, process::slabs()?);
        let all = (0..CONNECTIONS).map(|_| open()).collect::<Result<Vec<_>>>()?;
        sleep(SETTLED);
        let after = (process::memory(process)?, process::slabs()?);
        drop((first, all));
        self.own.push((after.0 - before.0) / CONNECTIONS as f64);
        self.kernel.push((after.1 - before.1) / CONNECTIONS as f64);
        Ok(())
    }
}
