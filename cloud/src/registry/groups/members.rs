//! Which things are in which groups.

use super::{below, get, key, require};
use crate::clock::Time;
use crate::registry::page::{self, Page, Paging};
use crate::registry::{Kind, Refusal, jobs, things};
use crate::state::{Key, Rows, Table, Transaction};
use std::collections::BTreeSet;

/// Since when things are in groups, under the group's name and theirs.
const MEMBERS: Table<Time> = Table::new("group-members");

/// The same the other way round.
pub(in crate::registry) const MEMBERSHIPS: Table<Time> = Table::new("thing-groups");

/// Most groups that a thing is in itself (AWS IoT quotas).
const MOST_GROUPS: usize = 10;

/// What happens to a thing and a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    Joins,
    Leaves,
}

/// The one place in which things join groups and leave them, where the jobs of the group, and of those
/// that it is in, learn of it.
fn change(
    transaction: &mut dyn Transaction,
    thing: &str,
    group: &str,
    change: Change,
    now: Time,
) -> Result<(), Refusal> {
    let (member, membership) = (key(group).last(thing), key(thing).last(group));
    match change {
        Change::Joins => {
            MEMBERS.put(transaction, &member, &now)?;
            MEMBERSHIPS.put(transaction, &membership, &now)?;
        }
        Change::Leaves => {
            MEMBERS.delete(transaction, &member)?;
            MEMBERSHIPS.delete(transaction, &membership)?;
        }
    }
    let mut groups = above(transaction, group)?;
    groups.insert(0, group.to_owned());
    groups.iter().try_for_each(|group| match change {
        Change::Joins => jobs::joined(transaction, thing, group, now),
        Change::Leaves => jobs::left(transaction, thing, group, now),
    })
}

/// Put a thing into a group; it may be there.
///
/// # Errors
/// There is no such thing or group, the thing is in a group of the same hierarchy, or in as many as
/// there can be.
pub fn join(
    transaction: &mut dyn Transaction,
    thing: &str,
    group: &str,
    now: Time,
) -> Result<(), Refusal> {
    things::require(transaction, thing)?;
    require(transaction, group)?;
    let others = direct_of(transaction, thing)?;
    if others.iter().any(|other| other == group) {
        return Ok(());
    }
    if others.len() >= MOST_GROUPS {
        let message =
            format!("the thing {thing} is in {MOST_GROUPS} groups, and cannot be in more");
        return Err(Refusal::new(Kind::Limit, message).about("thing", thing));
    }
    let root = root(transaction, group)?;
    for other in others {
        if self::root(transaction, &other)? == root {
            let message = format!(
                "the thing {thing} is in the thing group {other} of the same hierarchy as {group}"
            );
            return Err(Refusal::invalid(message).about("thing group", group));
        }
    }
    change(transaction, thing, group, Change::Joins, now)
}

/// Take a thing out of a group; it may be in another.
///
/// # Errors
/// There is no such thing or group.
pub fn leave(
    transaction: &mut dyn Transaction,
    thing: &str,
    group: &str,
    now: Time,
) -> Result<(), Refusal> {
    things::require(transaction, thing)?;
    require(transaction, group)?;
    match direct_of(transaction, thing)?.iter().any(|found| found == group) {
        true => change(transaction, thing, group, Change::Leaves, now),
        false => Ok(()),
    }
}

/// Take a thing out of all its groups.
pub(in crate::registry) fn leave_all(
    transaction: &mut dyn Transaction,
    thing: &str,
    now: Time,
) -> Result<(), Refusal> {
    let groups = direct_of(transaction, thing)?;
    groups.iter().try_for_each(|group| change(transaction, thing, group, Change::Leaves, now))
}

/// Take all things out of a group.
pub(super) fn all_leave(
    transaction: &mut dyn Transaction,
    group: &str,
    now: Time,
) -> Result<(), Refusal> {
    let things = things_in(transaction, group, false)?;
    things.iter().try_for_each(|thing| change(transaction, thing, group, Change::Leaves, now))
}

/// The things in a group, and those in the groups in it if wanted, by name.
///
/// # Errors
/// There is no such group.
pub fn things_in(
    rows: &dyn Rows,
    group: &str,
    recursive: bool,
) -> Result<BTreeSet<String>, Refusal> {
    require(rows, group)?;
    let mut groups = if recursive { below(rows, group)? } else { Vec::new() };
    groups.push(group.to_owned());
    let mut things = BTreeSet::new();
    for group in groups {
        things.extend(seconds(&MEMBERS, rows, &key(&group), &Paging::all())?.items);
    }
    Ok(things)
}

/// The groups that a thing is in itself, by name.
///
/// # Errors
/// The state cannot be read.
pub fn direct_of(rows: &dyn Rows, thing: &str) -> Result<Vec<String>, Refusal> {
    Ok(seconds(&MEMBERSHIPS, rows, &key(thing), &Paging::all())?.items)
}

/// The groups that a thing is in, itself or by a group that is in them.
///
/// # Errors
/// The state cannot be read.
pub fn all_of(rows: &dyn Rows, thing: &str) -> Result<BTreeSet<String>, Refusal> {
    let mut all = BTreeSet::new();
    for group in direct_of(rows, thing)? {
        all.extend(above(rows, &group)?);
        all.insert(group);
    }
    Ok(all)
}

/// The groups that a group is in: its parent first, the root last.
///
/// # Errors
/// The state cannot be read.
pub fn above(rows: &dyn Rows, group: &str) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    let mut parent = get(rows, group)?.and_then(|group| group.parent);
    while let Some(name) = parent {
        parent = get(rows, &name)?.and_then(|group| group.parent);
        found.push(name);
    }
    Ok(found)
}

fn root(rows: &dyn Rows, group: &str) -> Result<String, Refusal> {
    Ok(above(rows, group)?.pop().unwrap_or_else(|| group.to_owned()))
}

/// What stands second in keys whose first part is known.
fn seconds(
    table: &Table<Time>,
    rows: &dyn Rows,
    first: &Key,
    paging: &Paging,
) -> Result<Page<String>, Refusal> {
    page::of(table, rows, first, paging, |key, _| key.last_after(first))
}
