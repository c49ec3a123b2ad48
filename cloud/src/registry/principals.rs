//! Which things are known by which certificates (AWS IoT API reference, `AttachThingPrincipal`).

use super::{Refusal, certificates, things};
use crate::state::{Key, Rows, Table, Transaction};

/// Certificates, under their thing's name and their id.
const OF_THING: Table<()> = Table::new("thing-principals");

/// The same the other way round.
pub(super) const THINGS_OF: Table<()> = Table::new("principal-things");

fn pair(one: &str, other: &str) -> Key {
    Key::new().text(one).last(other)
}

/// Let a thing be known by a certificate; it may be.
///
/// # Errors
/// There is no such thing or certificate.
pub fn attach(tx: &mut dyn Transaction, thing: &str, certificate: &str) -> Result<(), Refusal> {
    things::require(tx, thing)?;
    certificates::require(tx, certificate)?;
    OF_THING.put(tx, &pair(thing, certificate), &())?;
    Ok(THINGS_OF.put(tx, &pair(certificate, thing), &())?)
}

/// Let a thing be known by a certificate no more.
///
/// # Errors
/// There is no such thing or certificate.
pub fn detach(tx: &mut dyn Transaction, thing: &str, certificate: &str) -> Result<(), Refusal> {
    things::require(tx, thing)?;
    certificates::require(tx, certificate)?;
    OF_THING.delete(tx, &pair(thing, certificate))?;
    Ok(THINGS_OF.delete(tx, &pair(certificate, thing))?)
}

/// The ids of a thing's certificates, in order.
///
/// # Errors
/// The state cannot be read.
pub fn of_thing(rows: &dyn Rows, thing: &str) -> Result<Vec<String>, Refusal> {
    seconds(&OF_THING, rows, thing)
}

/// The names of the things that are known by a certificate, in order.
///
/// # Errors
/// The state cannot be read.
pub fn things_of(rows: &dyn Rows, certificate: &str) -> Result<Vec<String>, Refusal> {
    seconds(&THINGS_OF, rows, certificate)
}

fn seconds(table: &Table<()>, rows: &dyn Rows, first: &str) -> Result<Vec<String>, Refusal> {
    let prefix = Key::new().text(first);
    let found = table.scan(rows, &prefix, None, usize::MAX)?;
    Ok(found.into_iter().filter_map(|(key, ())| key.last_after(&prefix)).collect())
}
