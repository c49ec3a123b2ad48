//! The lines of a log file to records: one that is no record, nor the continuation of one, becomes
//! a record like the one before.

use crate::logs::format::{LONGEST, Line, continued};
use crate::logs::{Level, LineSplitter, Record, Source};
use gg_model::ComponentName;
use std::collections::VecDeque;
use std::time::SystemTime;

#[derive(Debug)]
pub(super) struct Lines {
    splitter: LineSplitter,
    records: Records,
}

#[derive(Debug)]
struct Records {
    component: ComponentName,
    /// A record whose further lines may come.
    unfinished: Option<Record>,
    finished: VecDeque<Record>,
    /// Of the last record.
    at: SystemTime,
    level: Level,
}

impl Lines {
    /// Lines that tell no time are from then.
    pub(super) fn new(component: ComponentName, at: SystemTime) -> Self {
        let records = Records {
            component,
            unfinished: None,
            finished: VecDeque::new(),
            at,
            level: Level::Info,
        };
        Self { splitter: LineSplitter::new(LONGEST), records }
    }

    /// What comes next in the file.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes, |line| self.records.line(line));
    }

    /// There is no more for now: a record whose lines were all complete is one.
    pub(super) fn pause(&mut self) {
        self.records.finish();
    }

    /// The unfinished line was taken back.
    pub(super) fn cut(&mut self) {
        self.splitter = LineSplitter::new(LONGEST);
    }

    /// There is no more in this file.
    pub(super) fn end(&mut self) {
        self.splitter.end(|line| self.records.line(line));
        self.records.finish();
    }

    /// The first record that is finished.
    pub(super) fn peek(&self) -> Option<&Record> {
        self.records.finished.front()
    }

    /// Take it.
    pub(super) fn take(&mut self) -> Option<Record> {
        self.records.finished.pop_front()
    }
}

impl Records {
    fn line(&mut self, line: &str) {
        if let (Some(more), Some(record)) = (continued(line), &mut self.unfinished) {
            if record.message.len() + more.len() < LONGEST {
                record.message.push('\n');
                record.message.push_str(more);
            }
            return;
        }
        if line.is_empty() {
            return;
        }
        self.finish();
        let line = Line::parse(line).unwrap_or_else(|| Line {
            at: self.at,
            level: self.level,
            source: Source::Log,
            logger: "".into(),
            message: line.to_owned().into(),
            fields: Vec::new().into(),
        });
        (self.at, self.level) = (line.at, line.level);
        self.unfinished = Some(Record::from_line(self.component.clone(), line));
    }

    fn finish(&mut self) {
        self.finished.extend(self.unfinished.take());
    }
}
