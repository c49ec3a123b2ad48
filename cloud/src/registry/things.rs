//! Things: the devices that there are, by their names (AWS IoT developer guide, "Managing things with
//! the registry").

use super::page::{self, Page, Paging};
use super::{
    Attributes, Kind, Place, Refusal, connections, cores, groups, jobs, names, principals, shadows,
};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const THINGS: Table<Thing> = Table::new("things");

/// A thing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Thing {
    /// What it is called.
    pub name: String,
    /// What no other was or will be called.
    pub id: String,
    /// What kind of thing it is. Kinds are only words here.
    pub kind: Option<String>,
    /// What is noted of it.
    pub attributes: Attributes,
    /// How often it changed, and one.
    pub version: u64,
}

/// What is to be changed of a thing.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What kind of thing it is from now on; `Some(None)` for none.
    pub kind: Option<Option<String>>,
    /// What is to be noted of it.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Whether what was noted stays.
    pub merge: bool,
    /// The version that the caller saw.
    pub expected: Option<u64>,
}

/// Which things are listed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// An attribute by its name, and its text.
    pub attribute: Option<(String, Option<String>)>,
    /// Whether the text is only how it begins.
    pub by_prefix: bool,
    /// Of this kind.
    pub kind: Option<String>,
}

impl Filter {
    fn shows(&self, thing: &Thing) -> bool {
        let kind = self.kind.is_none() || self.kind == thing.kind;
        let attribute = self.attribute.as_ref().is_none_or(|(name, wanted)| {
            let text = thing.attributes.get(name);
            text.is_some_and(|text| match wanted {
                None => true,
                Some(wanted) if self.by_prefix => text.starts_with(wanted.as_str()),
                Some(wanted) => text == wanted,
            })
        });
        kind && attribute
    }
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// What a thing is called in ARNs.
pub fn arn(place: &Place, name: &str) -> String {
    place.arn("iot", &format!("thing/{name}"))
}

/// Make one; one that is there and the same is made again.
///
/// # Errors
/// There is one that is not the same, or it cannot be called so.
pub fn create(
    transaction: &mut dyn Transaction,
    name: &str,
    kind: Option<String>,
    attributes: BTreeMap<String, String>,
) -> Result<Thing, Refusal> {
    names::check_thing("thing", name)?;
    kind.iter().try_for_each(|kind| names::check_thing("thing type", kind))?;
    let attributes = Attributes::new(attributes)?;
    if let Some(found) = get(transaction, name)? {
        return match found.kind == kind && found.attributes == attributes {
            true => Ok(found),
            false => {
                let message = format!("there is a thing {name} already, with other attributes");
                Err(Refusal::new(Kind::Exists, message).about("thing", name))
            }
        };
    }
    let id = crate::random::uuid()?;
    let thing = Thing { name: name.to_owned(), id, kind, attributes, version: 1 };
    THINGS.put(transaction, &key(name), &thing)?;
    Ok(thing)
}

/// The one with this name.
///
/// # Errors
/// The state cannot be read.
pub fn get(rows: &dyn Rows, name: &str) -> Result<Option<Thing>, Refusal> {
    Ok(THINGS.get(rows, &key(name))?)
}

/// The one with this name.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, name: &str) -> Result<Thing, Refusal> {
    get(rows, name)?.ok_or_else(|| Refusal::not_found("thing", name))
}

/// Change one.
///
/// # Errors
/// There is none, it has changed since, or cannot be so.
pub fn update(
    transaction: &mut dyn Transaction,
    name: &str,
    change: Change,
) -> Result<Thing, Refusal> {
    let mut thing = require(transaction, name)?;
    unchanged("thing", name, thing.version, change.expected)?;
    if let Some(kind) = change.kind {
        kind.iter().try_for_each(|kind| names::check_thing("thing type", kind))?;
        thing.kind = kind;
    }
    match change.attributes {
        Some(given) if change.merge => thing.attributes.merge(given)?,
        Some(given) => thing.attributes = Attributes::new(given)?,
        None => {}
    }
    thing.version += 1;
    THINGS.put(transaction, &key(name), &thing)?;
    Ok(thing)
}

/// Remove one, if there is one, with its shadows. It leaves its groups, and its jobs go on without it.
///
/// # Errors
/// It has certificates, or has changed since.
pub fn delete(
    transaction: &mut dyn Transaction,
    name: &str,
    expected: Option<u64>,
    now: Time,
) -> Result<(), Refusal> {
    let Some(thing) = get(transaction, name)? else { return Ok(()) };
    unchanged("thing", name, thing.version, expected)?;
    if principals::of_thing(transaction, name)?.is_empty() {
        groups::leave_all(transaction, name, now)?;
        jobs::forget(transaction, name, now)?;
        shadows::forget(transaction, name)?;
        cores::forget(transaction, name)?;
        connections::forget(transaction, name)?;
        return Ok(THINGS.delete(transaction, &key(name))?);
    }
    let message = format!("the thing {name} has certificates attached; detach them first");
    Err(Refusal::invalid(message).about("thing", name))
}

/// Those that a filter shows, by name.
///
/// # Errors
/// The state cannot be read.
pub fn list(rows: &dyn Rows, filter: &Filter, paging: &Paging) -> Result<Page<Thing>, Refusal> {
    page::of(&THINGS, rows, &Key::new(), paging, |_, thing| filter.shows(&thing).then_some(thing))
}

/// The version that a caller saw is the one there is, if the caller says one.
pub(super) fn unchanged(
    what: &'static str,
    name: &str,
    version: u64,
    expected: Option<u64>,
) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != version => {
            let message = format!("the {what} {name} has version {version} and not {expected}");
            Err(Refusal::new(Kind::Conflict, message).about(what, name))
        }
        _ => Ok(()),
    }
}
