//! The things that a group's job was made for: names in order, some hundreds to a row, since a row for
//! each would be most of the work of making a job. It does not change.

use crate::state::{Key, Rows, StateError, Table, Transaction};

/// A job's blocks by the last name in each.
const ROSTERS: Table<Vec<String>> = Table::new("jobs-rosters");

/// Names to a row.
const BLOCK: usize = 500;

fn key(job: &str, last: &str) -> Key {
    Key::new().text(job).last(last)
}

/// Write names down, which are in order.
pub(super) fn write(
    tx: &mut dyn Transaction,
    job: &str,
    names: &[String],
) -> Result<(), StateError> {
    for block in names.chunks(BLOCK) {
        if let Some(last) = block.last() {
            ROSTERS.put(tx, &key(job, last), &block.to_vec())?;
        }
    }
    Ok(())
}

/// Whether a name is there.
pub(super) fn has(rows: &dyn Rows, job: &str, name: &str) -> Result<bool, StateError> {
    if ROSTERS.get(rows, &key(job, name))?.is_some() {
        return Ok(true);
    }
    let blocks = ROSTERS.scan(rows, &Key::new().text(job), Some(&key(job, name)), 1)?;
    let found = |(_, names): &(Key, Vec<String>)| {
        names.binary_search_by(|found| found.as_str().cmp(name)).is_ok()
    };
    Ok(blocks.first().is_some_and(found))
}

/// The names after one, in order.
pub(super) fn names(
    rows: &dyn Rows,
    job: &str,
    after: Option<&str>,
) -> Result<Vec<String>, StateError> {
    let prefix = Key::new().text(job);
    let from = after.map(|after| key(job, after));
    let blocks = ROSTERS.scan(rows, &prefix, from.as_ref(), usize::MAX)?;
    let names = blocks.into_iter().flat_map(|(_, names)| names);
    Ok(names.filter(|name| after.is_none_or(|after| name.as_str() > after)).collect())
}

/// Forget it.
pub(super) fn delete(tx: &mut dyn Transaction, job: &str) -> Result<(), StateError> {
    for (key, _) in ROSTERS.scan(tx, &Key::new().text(job), None, usize::MAX)? {
        ROSTERS.delete(tx, &key)?;
    }
    Ok(())
}
