//! Groups of things, and groups within them (AWS IoT developer guide, "Static thing groups").

mod members;
#[cfg(test)]
mod tests;

pub(super) use members::MEMBERSHIPS;
pub(super) use members::leave_all;
pub use members::{above, all_of, direct_of, join, leave, things_in};

use super::page::{self, Page, Paging};
use super::things::unchanged;
use super::{Attributes, Kind, Place, Refusal, deployments, jobs, names, policies, tags};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const GROUPS: Table<Group> = Table::new("groups");

/// The groups in a group, under its name and theirs.
const CHILDREN: Table<()> = Table::new("group-children");

/// Most groups one within the other (AWS IoT quotas).
const DEEPEST: usize = 7;

/// Most letters in a description.
const LONGEST_DESCRIPTION: usize = 2028;

/// A group.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// What no other was or will be called.
    pub id: String,
    /// The group that it is in.
    pub parent: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What is noted of it.
    pub attributes: Attributes,
    /// When it was made.
    pub created: Time,
    /// How often it changed, and one.
    pub version: u64,
}

/// What is said of a group.
#[derive(Clone, Debug, Default)]
pub struct Properties {
    /// For people.
    pub description: Option<String>,
    /// What is to be noted of it.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Whether what was noted stays.
    pub merge: bool,
}

/// Which groups are listed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this group.
    pub parent: Option<String>,
    /// Whose names begin so.
    pub prefix: String,
    /// And groups in such groups.
    pub recursive: bool,
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// What a group is called in ARNs.
pub fn arn(place: &Place, name: &str) -> String {
    place.arn("iot", &format!("thinggroup/{name}"))
}

/// Make one; one that is there and the same is made again.
///
/// # Errors
/// There is one that is not the same, there is no such parent, or it cannot be called so.
pub fn create(
    transaction: &mut dyn Transaction,
    name: &str,
    parent: Option<&str>,
    properties: Properties,
    now: Time,
) -> Result<Group, Refusal> {
    names::check_thing("thing group", name)?;
    check_description(properties.description.as_deref())?;
    let attributes = Attributes::new(properties.attributes.unwrap_or_default())?;
    let description = properties.description;
    if let Some(found) = get(transaction, name)? {
        let same = found.parent.as_deref() == parent
            && found.attributes == attributes
            && found.description == description;
        let message = format!("there is a thing group {name} already, with other properties");
        return match same {
            true => Ok(found),
            false => Err(Refusal::new(Kind::Exists, message).about("thing group", name)),
        };
    }
    if let Some(parent) = parent {
        require(transaction, parent)?;
        if above(transaction, parent)?.len() + 2 > DEEPEST {
            let message = format!("groups are at most {DEEPEST} deep");
            return Err(Refusal::new(Kind::Limit, message));
        }
        CHILDREN.put(transaction, &key(parent).last(name), &())?;
    }
    let (id, parent) = (crate::random::uuid()?, parent.map(str::to_owned));
    let name = name.to_owned();
    let group = Group { name, id, parent, description, attributes, created: now, version: 1 };
    GROUPS.put(transaction, &key(&group.name), &group)?;
    Ok(group)
}

/// The one with this name.
///
/// # Errors
/// The state cannot be read.
pub fn get(rows: &dyn Rows, name: &str) -> Result<Option<Group>, Refusal> {
    Ok(GROUPS.get(rows, &key(name))?)
}

/// The one with this name.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, name: &str) -> Result<Group, Refusal> {
    get(rows, name)?.ok_or_else(|| Refusal::not_found("thing group", name))
}

/// Change one.
///
/// # Errors
/// There is none, it has changed since, or cannot be so.
pub fn update(
    transaction: &mut dyn Transaction,
    name: &str,
    properties: Properties,
    expected: Option<u64>,
) -> Result<Group, Refusal> {
    check_description(properties.description.as_deref())?;
    let mut group = require(transaction, name)?;
    unchanged("thing group", name, group.version, expected)?;
    group.description = properties.description.or(group.description);
    match properties.attributes {
        Some(given) if properties.merge => group.attributes.merge(given)?,
        Some(given) => group.attributes = Attributes::new(given)?,
        None => {}
    }
    group.version += 1;
    GROUPS.put(transaction, &key(name), &group)?;
    Ok(group)
}

/// Remove one, if there is one. Its deployment and the jobs that are for it alone are taken back, and
/// its things leave it.
///
/// # Errors
/// There are groups in it, or it has changed since.
pub fn delete(
    transaction: &mut dyn Transaction,
    name: &str,
    expected: Option<u64>,
    now: Time,
) -> Result<(), Refusal> {
    let Some(group) = get(transaction, name)? else { return Ok(()) };
    unchanged("thing group", name, group.version, expected)?;
    if !children(transaction, name)?.is_empty() {
        let message = format!("there are groups in the thing group {name}; delete them first");
        return Err(Refusal::invalid(message).about("thing group", name));
    }
    deployments::end_of_group(transaction, name, now)?;
    jobs::end_of_group(transaction, name, now)?;
    members::all_leave(transaction, name, now)?;
    policies::detach_all(transaction, &policies::Target::Group(name.to_owned()))?;
    tags::forget_iot(transaction, &format!("thinggroup/{name}"))?;
    if let Some(parent) = &group.parent {
        CHILDREN.delete(transaction, &key(parent).last(name))?;
    }
    Ok(GROUPS.delete(transaction, &key(name))?)
}

/// Those that a filter shows, by name.
///
/// # Errors
/// The state cannot be read, or there is no such parent.
pub fn list(rows: &dyn Rows, filter: &Filter, paging: &Paging) -> Result<Page<String>, Refusal> {
    let begins = |name: &str| name.starts_with(&filter.prefix);
    let Some(parent) = &filter.parent else {
        return page::of(&GROUPS, rows, &Key::new(), paging, |_, group| {
            let shown = (filter.recursive || group.parent.is_none()) && begins(&group.name);
            shown.then_some(group.name)
        });
    };
    require(rows, parent)?;
    let mut found = match filter.recursive {
        true => below(rows, parent)?,
        false => children(rows, parent)?,
    };
    found.retain(|name| begins(name));
    found.sort_unstable();
    Ok(page::of_names(found, paging))
}

/// The groups in a group.
fn children(rows: &dyn Rows, name: &str) -> Result<Vec<String>, Refusal> {
    let prefix = key(name);
    let found = CHILDREN.scan(rows, &prefix, None, usize::MAX)?;
    Ok(found.into_iter().filter_map(|(key, ())| key.last_after(&prefix)).collect())
}

/// The groups in a group, and those in them.
fn below(rows: &dyn Rows, name: &str) -> Result<Vec<String>, Refusal> {
    let mut found = children(rows, name)?;
    let mut next = 0;
    while let Some(name) = found.get(next) {
        let more = children(rows, name)?;
        found.extend(more);
        next += 1;
    }
    Ok(found)
}

fn check_description(text: Option<&str>) -> Result<(), Refusal> {
    match text.is_none_or(|text| text.len() <= LONGEST_DESCRIPTION) {
        true => Ok(()),
        false => {
            Err(Refusal::invalid(format!("a description has up to {LONGEST_DESCRIPTION} bytes")))
        }
    }
}
