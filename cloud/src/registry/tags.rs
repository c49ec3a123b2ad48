//! Tags: names and values that people give to what has an ARN (AWS, "Tagging your AWS resources").

use super::{
    Kind, Place, Refusal, components, cores, deployments, groups, policies, provisioning,
    role_aliases, thing_types,
};
use crate::state::{Key, Rows, StateError, Table, Transaction};
use std::collections::BTreeMap;

const TAGS: Table<Tags> = Table::new("tags");

/// Names and values.
pub type Tags = BTreeMap<String, String>;

/// Most tags of one thing.
const MOST: usize = 50;

/// Most characters in a name.
const LONGEST_NAME: usize = 128;

/// Most characters in a value.
const LONGEST_VALUE: usize = 256;

fn key(arn: &str) -> Key {
    Key::new().text(arn)
}

/// Those of something that is known to be there.
///
/// # Errors
/// The state cannot be read.
pub fn of(rows: &dyn Rows, arn: &str) -> Result<Tags, StateError> {
    Ok(TAGS.get(rows, &key(arn))?.unwrap_or_default())
}

/// Put some in the place of those that have their names, of something that is known to be there.
///
/// # Errors
/// They are too many, or one cannot be.
pub fn put(transaction: &mut dyn Transaction, arn: &str, new: &Tags) -> Result<(), Refusal> {
    let wrong = |message: String| Refusal::invalid(message).about("field", "tags");
    for (name, value) in new {
        let length = name.chars().count();
        if !(1..=LONGEST_NAME).contains(&length) || name.starts_with("aws:") {
            return Err(wrong(format!(
                "the name of a tag, {name:?}, is not of 1 to {LONGEST_NAME} characters, or begins with aws:"
            )));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(wrong(format!(
                "the tag {name:?} has more than {LONGEST_VALUE} characters"
            )));
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut tags = of(transaction, arn)?;
    tags.extend(new.clone());
    if tags.len() > MOST {
        return Err(wrong(format!("there would be more than {MOST} tags")));
    }
    Ok(TAGS.put(transaction, &key(arn), &tags)?)
}

/// Take away those with these names.
///
/// # Errors
/// The state cannot be written.
pub fn remove<'n>(
    transaction: &mut dyn Transaction,
    arn: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<(), StateError> {
    let mut tags = of(transaction, arn)?;
    for name in names {
        tags.remove(name);
    }
    TAGS.put(transaction, &key(arn), &tags)
}

/// Take away all, with what has them.
///
/// # Errors
/// The state cannot be written.
pub fn forget(transaction: &mut dyn Transaction, arn: &str) -> Result<(), StateError> {
    TAGS.delete(transaction, &key(arn))
}

/// Take away all of something of AWS IoT that goes, by what its ARN ends with: `policy/NAME`.
///
/// # Errors
/// The state fails.
pub(super) fn forget_iot(transaction: &mut dyn Transaction, what: &str) -> Result<(), StateError> {
    match Place::known(transaction)? {
        // Nothing has an ARN where no server was.
        None => Ok(()),
        Some(place) => forget(transaction, &place.arn("iot", what)),
    }
}

/// Whether there is something of AWS IoT with this ARN, which can have tags.
///
/// # Errors
/// There is none.
pub fn check_iot(rows: &dyn Rows, place: &Place, arn: &str) -> Result<(), Refusal> {
    let named = |kind: &str| place.named(arn, "iot", kind);
    if let Some(name) = named("thinggroup") {
        return groups::require(rows, name).map(drop);
    }
    if let Some(name) = named("policy") {
        return policies::require(rows, name).map(drop);
    }
    if let Some(name) = named("rolealias") {
        return role_aliases::require(rows, name).map(drop);
    }
    if let Some(name) = named("thingtype") {
        return thing_types::require(rows, name).map(drop);
    }
    if let Some(name) = named("provisioningtemplate") {
        return provisioning::require(rows, name).map(drop);
    }
    Err(Refusal::not_found("resource", arn))
}

/// Whether there is something of Greengrass's with this ARN, which can have tags.
///
/// # Errors
/// There is none.
pub fn check_greengrass(rows: &dyn Rows, place: &Place, arn: &str) -> Result<(), Refusal> {
    if let Some(id) = arn.strip_prefix(deployments::arn(place, "").as_str()) {
        return deployments::find(rows, id).map(drop);
    }
    if let Some(thing) = place.core_device(arn) {
        return cores::core(rows, thing).map(drop);
    }
    let found = components::find(rows, place, arn);
    found.map(|_| ()).map_err(|refusal| match refusal.kind {
        Kind::Invalid => Refusal::not_found("resource", arn),
        _ => refusal,
    })
}
