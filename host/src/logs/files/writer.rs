//! The logs of all components, few of which are open at a time.

use super::LogSettings;
use super::file::{Bounds, LogFile};
use crate::logs::names::{Age, families};
use crate::logs::{Level, Record, Source};
use gg_model::ComponentName;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::time::{SystemTime, UNIX_EPOCH};

/// Files that are open at once.
const OPEN: usize = 64;

#[derive(Debug)]
pub(super) struct Writer {
    settings: LogSettings,
    keep_free: u64,
    bounds: Bounds,
    open: BTreeMap<ComponentName, LogFile>,
    /// Counts uses of files.
    turn: u64,
    /// When the last record was made.
    now: SystemTime,
    line: String,
    /// How many records each log lacks, which it does not say yet.
    left_out: BTreeMap<ComponentName, u64>,
    /// What went wrong and was said to have, since all was well.
    said: Vec<ErrorKind>,
}

impl Writer {
    pub(super) fn new(settings: LogSettings, keep_free: u64) -> Self {
        let bounds = Bounds::new(&settings, keep_free);
        let writer = Self {
            settings,
            keep_free,
            bounds,
            open: BTreeMap::new(),
            turn: 0,
            now: UNIX_EPOCH,
            line: String::new(),
            left_out: BTreeMap::new(),
            said: Vec::new(),
        };
        writer.make_room();
        writer
    }

    /// Go on with other settings.
    pub(super) fn set(&mut self, settings: LogSettings) {
        self.flush();
        self.open.clear();
        self.bounds = Bounds::new(&settings, self.keep_free);
        self.settings = settings;
        self.make_room();
    }

    /// Take a record. It is in its file after the next [`Writer::flush`].
    pub(super) fn write(&mut self, record: &Record) {
        if record.level < self.settings.level {
            return;
        }
        self.now = record.at;
        self.say_left_out(&record.component);
        self.push(record, 1);
    }

    /// Write all that waits.
    pub(super) fn flush(&mut self) {
        let waiting = self.open.iter().filter(|(_, file)| file.waits());
        let names: Vec<_> = waiting.map(|(name, _)| name.clone()).collect();
        let written = names.iter().filter(|name| self.flush_one(name)).count();
        if written == 0 || written < names.len() || self.left_out.is_empty() {
            return;
        }
        // All went well: so it may for the logs that lack something and say nothing now.
        for name in self.left_out.keys().cloned().collect::<Vec<_>>() {
            self.say_left_out(&name);
            self.flush_one(&name);
        }
        if self.left_out.is_empty() {
            self.said.clear();
            tracing::info!("logs are written again; each says how many records it lacks");
        }
    }

    /// The logs of a device that was here before, or had other settings.
    fn make_room(&self) {
        let made = match families(&self.bounds.folder) {
            Ok(mut families) => families.values_mut().try_for_each(|family| {
                family.retain(|found| found.age != Age::Current);
                self.bounds.make_room(family)
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = made {
            let folder = self.bounds.folder.display();
            tracing::warn!(%folder, %error, "cannot look for old logs to delete");
        }
    }

    fn say_left_out(&mut self, component: &ComponentName) {
        let Some(count) = self.left_out.remove(component) else { return };
        let record = Record {
            at: self.now,
            component: component.clone(),
            level: Level::Warn,
            source: Source::Host,
            message: format!("{count} log records left out: they could not be written down"),
            fields: Vec::new(),
            place: None,
        };
        self.push(&record, count);
    }

    fn push(&mut self, record: &Record, records: u64) {
        self.open(&record.component);
        let Some(file) = self.open.get_mut(&record.component) else { return };
        self.line.clear();
        record.line().write(self.settings.format, &mut self.line);
        if let Err(error) = file.push(&self.line, records, record.at, &self.bounds) {
            let lost = file.lose() + records;
            self.lose(&record.component, lost, &error);
        }
    }

    /// See that a component's log is among those that are open.
    fn open(&mut self, component: &ComponentName) {
        self.turn += 1;
        if let Some(file) = self.open.get_mut(component) {
            file.used = self.turn;
            return;
        }
        if self.open.len() >= OPEN {
            let idle = self.open.iter().min_by_key(|(_, file)| file.used);
            if let Some(idle) = idle.map(|(name, _)| name.clone()) {
                self.flush_one(&idle);
                self.open.remove(&idle);
            }
        }
        let mut file = LogFile::new(component.clone());
        file.used = self.turn;
        self.open.insert(component.clone(), file);
    }

    /// Whether all went well.
    fn flush_one(&mut self, component: &ComponentName) -> bool {
        let Some(file) = self.open.get_mut(component) else { return true };
        match file.flush(&self.bounds) {
            Ok(()) => true,
            Err(error) => {
                let lost = file.lose();
                self.lose(component, lost, &error);
                false
            }
        }
    }

    fn lose(&mut self, component: &ComponentName, records: u64, error: &io::Error) {
        *self.left_out.entry(component.clone()).or_default() += records;
        if !self.said.contains(&error.kind()) {
            self.said.push(error.kind());
            let folder = self.bounds.folder.display();
            tracing::error!(%folder, %component, %error, "cannot write logs; counting what is left out");
        }
    }
}
