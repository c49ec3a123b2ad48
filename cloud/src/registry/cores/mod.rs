//! Core devices: what they say of themselves (Greengrass developer guide, "Fleet status service").
//! One is there from its first message on.
//!
//! [`intake`] takes messages, [`inventory`] is what they come to, pure; [`chunks`] keeps the parts of
//! one that is not whole yet.

mod chunks;
mod intake;
mod inventory;
#[cfg(test)]
mod tests;

pub use intake::handle;
pub use inventory::{Installed, Inventory, ReportedDeployment};

use super::Refusal;
use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use gg_model::fleet_status::DeviceStatus;
use serde::{Deserialize, Serialize};

/// By the names of their things.
const CORES: Table<Core> = Table::new("cores");
/// What is installed on them, alike.
const INVENTORIES: Table<Inventory> = Table::new("cores-inventories");

/// Rows that are read at a time.
const BLOCK: usize = 500;

/// A core device.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Core {
    /// Its thing.
    pub thing: String,
    /// The version of its core software.
    pub version: String,
    /// Its operating system.
    pub platform: String,
    /// Its processor.
    pub architecture: String,
    /// Which core software, if not the Java nucleus.
    pub runtime: Option<String>,
    /// Whether a component of it is broken.
    pub status: DeviceStatus,
    /// When it last said so, by our clock.
    pub updated_at: Time,
    /// The number of its last message.
    pub sequence: u64,
    /// The time of its last message in milliseconds, by its clock.
    pub timestamp: u64,
}

/// Which core devices.
#[derive(Clone, Debug, Default)]
pub struct CoreFilter {
    /// Of a status.
    pub status: Option<DeviceStatus>,
    /// With this core software.
    pub runtime: Option<String>,
    /// Of these things, in the order of their names.
    pub among: Option<Vec<String>>,
}

/// A core device.
///
/// # Errors
/// There is none.
pub fn core(rows: &dyn Rows, thing: &str) -> Result<Core, Refusal> {
    let found = CORES.get(rows, &key(thing))?;
    found.ok_or_else(|| Refusal::not_found("core device", thing))
}

/// Core devices whose names come after one, in the order of their names, so many at most.
///
/// # Errors
/// The state cannot be read.
pub fn list(
    rows: &dyn Rows,
    filter: &CoreFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Core>, Refusal> {
    let is_meant = |core: &Core| {
        filter.status.is_none_or(|status| core.status == status)
            && filter.runtime.as_ref().is_none_or(|runtime| core.runtime.as_ref() == Some(runtime))
    };
    let mut found = Vec::new();
    if let Some(among) = &filter.among {
        for thing in among.iter().filter(|name| after.is_none_or(|after| name.as_str() > after)) {
            if found.len() == limit {
                break;
            }
            found.extend(CORES.get(rows, &key(thing))?.filter(is_meant));
        }
        return Ok(found);
    }
    let mut after = after.map(key);
    while found.len() < limit {
        let block = CORES.scan(rows, &Key::new(), after.as_ref(), BLOCK)?;
        let Some((last, _)) = block.last() else { break };
        after = Some(last.clone());
        let left = limit - found.len();
        found.extend(block.into_iter().map(|(_, core)| core).filter(is_meant).take(left));
    }
    Ok(found)
}

/// What is installed on a core device, and what it said of deployments.
///
/// # Errors
/// There is no such core device.
pub fn inventory(rows: &dyn Rows, thing: &str) -> Result<Inventory, Refusal> {
    core(rows, thing)?;
    Ok(INVENTORIES.get(rows, &key(thing))?.unwrap_or_default())
}

/// Forget a core device, until it says something again.
///
/// # Errors
/// There is none.
pub fn delete(tx: &mut dyn Transaction, thing: &str) -> Result<(), Refusal> {
    core(tx, thing)?;
    Ok(forget(tx, thing)?)
}

/// Forget all that a thing has said, which is deleted.
///
/// # Errors
/// The state fails.
pub fn forget(tx: &mut dyn Transaction, thing: &str) -> Result<(), StateError> {
    chunks::forget(tx, thing)?;
    INVENTORIES.delete(tx, &key(thing))?;
    CORES.delete(tx, &key(thing))
}

fn key(thing: &str) -> Key {
    Key::new().last(thing)
}
