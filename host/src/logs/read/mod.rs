//! Log files read back, without the nucleus: the records of all or some components in the order
//! of time, and on request those that come.
//!
//! The files are outside input: whatever they hold, memory stays bounded and nothing is lost of
//! what the nucleus wrote, also when files are set aside meanwhile.

mod changes;
mod cursor;
mod lines;
#[cfg(test)]
mod tests;

use super::names::{Age, Found, families};
use super::{Level, Record};
use changes::Changes;
use cursor::Cursor;
use gg_model::ComponentName;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

/// Which records are wanted.
#[derive(Clone, Debug)]
pub struct Query {
    /// The folder of the log files.
    pub folder: PathBuf,
    /// Of these components; of all when there are none.
    pub components: Vec<ComponentName>,
    /// Not older.
    pub since: Option<SystemTime>,
    /// Not below.
    pub level: Level,
    /// Also those that are yet to come.
    pub follow: bool,
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder cannot be read.
    #[error("cannot read the logs in {}; has a nucleus run with this root folder?", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A component without a log.
    #[error("no log of {component} in {}; there are logs of {there}", folder.display())]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
        /// Whose.
        component: ComponentName,
        /// Those that have one.
        there: String,
    },
}

/// Reads log files.
#[derive(Debug)]
pub struct LogReader {
    query: Query,
    cursors: Vec<Cursor>,
    /// The time of each cursor's next record.
    next: BinaryHeap<Reverse<(SystemTime, usize)>>,
    /// Those that have none at the moment.
    dry: Vec<usize>,
    changes: Option<Changes>,
    /// Records since the dry ones were last looked at.
    given: usize,
}

/// How many records may come of busy logs before quiet ones are looked at again.
const LOOK: usize = 256;

impl LogReader {
    /// Begin at the oldest record.
    ///
    /// # Errors
    /// The folder cannot be read, or a component has no log and none is waited for.
    pub fn open(query: Query) -> Result<Self, ReadError> {
        // First, so that no change is missed.
        let changes = query.follow.then(|| Changes::of(&query.folder));
        let folder = query.folder.clone();
        let mut reader = Self {
            query,
            cursors: Vec::new(),
            next: BinaryHeap::new(),
            dry: Vec::new(),
            changes,
            given: 0,
        };
        reader.find_logs().map_err(|source| ReadError::Folder { folder, source })?;
        match reader.missing() {
            Some(component) if !reader.query.follow => {
                let folder = reader.query.folder.clone();
                let names = families(&folder).unwrap_or_default().into_keys();
                let names: Vec<_> = names.map(|name| name.to_string()).collect();
                let there = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
                Err(ReadError::Missing { folder, component, there })
            }
            _ => Ok(reader),
        }
    }

    /// The next record that is there already.
    pub fn next_record(&mut self) -> Option<Record> {
        self.given += 1;
        if self.query.follow && self.given.is_multiple_of(LOOK) {
            self.look_again();
        }
        self.fill();
        while let Some(Reverse((_, index))) = self.next.pop() {
            let record = self.cursors[index].take();
            self.dry.push(index);
            self.fill();
            if let Some(record) = record.filter(|record| self.wants(record)) {
                return Some(record);
            }
        }
        None
    }

    /// Wait until there may be more; at once when none are to be followed.
    pub fn wait(&mut self) {
        let Some(changes) = &self.changes else { return };
        if changes.wait()
            && let Err(error) = self.find_logs()
        {
            tracing::warn!(folder = %self.query.folder.display(), %error, "cannot look for logs");
        }
        self.look_again();
    }

    fn look_again(&mut self) {
        for index in &self.dry {
            self.cursors[*index].look_again();
        }
    }

    fn wants(&self, record: &Record) -> bool {
        record.level >= self.query.level && self.query.since.is_none_or(|since| record.at >= since)
    }

    /// Have every cursor's next record among the next ones, where it has one.
    fn fill(&mut self) {
        let (cursors, next) = (&mut self.cursors, &mut self.next);
        self.dry.retain(|index| match cursors[*index].peek() {
            Some(record) => {
                next.push(Reverse((record.at, *index)));
                false
            }
            None => true,
        });
    }

    /// Take up the logs that are new.
    fn find_logs(&mut self) -> io::Result<()> {
        let Query { folder, components, since, follow, .. } = &self.query;
        let mut before = families(folder)?;
        for (component, family) in families(folder)? {
            let wanted = components.is_empty() || components.contains(&component);
            let known = self.cursors.iter().any(|cursor| *cursor.component() == component);
            if wanted && !known {
                let certain = certain(before.remove(&component).unwrap_or_default(), family);
                self.dry.push(self.cursors.len());
                self.cursors.push(Cursor::new(folder.clone(), component, certain, *since, *follow));
            }
        }
        Ok(())
    }

    fn missing(&self) -> Option<ComponentName> {
        let known =
            |name: &&ComponentName| self.cursors.iter().any(|cursor| cursor.component() == *name);
        self.query.components.iter().find(|name| !known(name)).cloned()
    }
}

/// The first files of a component of which none is missing. A file that is set aside while a folder
/// is listed may be in no list; but it is in the next, and so is whatever came before one that has
/// its last name in the list before.
fn certain(before: Vec<Found>, mut now: Vec<Found>) -> Vec<Found> {
    if before.iter().map(|found| found.id).eq(now.iter().map(|found| found.id)) {
        return now;
    }
    let last = before.into_iter().map(|found| found.age).filter(|age| *age != Age::Current).max();
    now.retain(|found| Some(&found.age) <= last.as_ref());
    now
}
