//! Thing types: words for what things are (AWS IoT developer guide, "Thing types"). A thing may be of one
//! that was never made.

use super::page::{self, Page, Paging};
use super::{Kind, Place, Refusal, names, tags};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const TYPES: Table<ThingType> = Table::new("thing-types");

/// Most letters in a description.
const LONGEST_DESCRIPTION: usize = 2028;

/// Most attributes that things are looked for by (AWS IoT API reference, `ThingTypeProperties`).
const MOST_SEARCHABLE: usize = 3;

/// A thing type.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ThingType {
    /// Its name.
    pub name: String,
    /// What no other was or will be called.
    pub id: String,
    /// For people.
    pub description: Option<String>,
    /// Attributes by which things are looked for; all are, here.
    pub searchable: BTreeSet<String>,
    /// When it was made.
    pub created: Time,
    /// Since when it is not to be used any more.
    pub deprecated: Option<Time>,
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// What a thing type is called in ARNs.
pub fn arn(place: &Place, name: &str) -> String {
    place.arn("iot", &format!("thingtype/{name}"))
}

/// Make one; one that is there and the same is made again.
///
/// # Errors
/// There is one that is not the same, or it cannot be so.
pub fn create(
    tx: &mut dyn Transaction,
    name: &str,
    description: Option<String>,
    searchable: BTreeSet<String>,
    now: Time,
) -> Result<ThingType, Refusal> {
    names::check_thing("thing type", name)?;
    if description.as_ref().is_some_and(|text| text.len() > LONGEST_DESCRIPTION) {
        let message = format!("a description has up to {LONGEST_DESCRIPTION} bytes");
        return Err(Refusal::invalid(message));
    }
    if searchable.len() > MOST_SEARCHABLE {
        let message = format!("there are at most {MOST_SEARCHABLE} searchable attributes");
        return Err(Refusal::invalid(message));
    }
    if let Some(found) = TYPES.get(tx, &key(name))? {
        return match found.description == description && found.searchable == searchable {
            true => Ok(found),
            false => {
                let message =
                    format!("there is a thing type {name} already, with other properties");
                Err(Refusal::new(Kind::Exists, message).about("thing type", name))
            }
        };
    }
    let (name, id) = (name.to_owned(), crate::random::uuid()?);
    let made = ThingType { name, id, description, searchable, created: now, deprecated: None };
    TYPES.put(tx, &key(&made.name), &made)?;
    Ok(made)
}

/// The one with this name.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, name: &str) -> Result<ThingType, Refusal> {
    TYPES.get(rows, &key(name))?.ok_or_else(|| Refusal::not_found("thing type", name))
}

/// Say that one is not to be used any more, or that it is.
///
/// # Errors
/// There is none.
pub fn deprecate(
    tx: &mut dyn Transaction,
    name: &str,
    is_over: bool,
    now: Time,
) -> Result<(), Refusal> {
    let mut found = require(tx, name)?;
    found.deprecated = is_over.then(|| found.deprecated.unwrap_or(now));
    Ok(TYPES.put(tx, &key(name), &found)?)
}

/// Remove one, if there is one. Things that are of it stay so.
///
/// # Errors
/// The state cannot be written.
pub fn delete(tx: &mut dyn Transaction, name: &str) -> Result<(), Refusal> {
    tags::forget_iot(tx, &format!("thingtype/{name}"))?;
    Ok(TYPES.delete(tx, &key(name))?)
}

/// All of them, by name, or the one with a name.
///
/// # Errors
/// The state cannot be read.
pub fn list(
    rows: &dyn Rows,
    name: Option<&str>,
    paging: &Paging,
) -> Result<Page<ThingType>, Refusal> {
    page::of(&TYPES, rows, &Key::new(), paging, |_, found| {
        name.is_none_or(|name| found.name == name).then_some(found)
    })
}
