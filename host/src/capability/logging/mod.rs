//! Log records of components: who may write, and into which sink.

#[cfg(test)]
mod tests;
pub mod wit;

use super::caller::{Caller, Operation};
use crate::logs::{Level, LogSink, Source};

/// Most key and value pairs kept of one record.
const MOST_FIELDS: usize = 64;

/// A component's way to its log.
#[derive(Clone, Debug)]
pub struct Logging {
    sink: LogSink,
}

impl Logging {
    /// Records go to this sink.
    pub fn new(sink: LogSink) -> Self {
        Self { sink }
    }

    /// The sink, for what the host says about the component.
    pub fn sink(&self) -> &LogSink {
        &self.sink
    }

    /// Write a record; left out without a word when the policy does not grant it.
    pub fn log(
        &self,
        caller: &Caller,
        level: Level,
        source: Source,
        message: &str,
        mut fields: Vec<(String, String)>,
    ) {
        if self.enabled(caller, level) {
            fields.truncate(MOST_FIELDS);
            self.sink.write(level, source, message, fields);
        }
    }

    /// Whether a record of this level would be kept.
    pub fn enabled(&self, caller: &Caller, level: Level) -> bool {
        self.sink.enabled(level)
            && caller.authorize(Operation::WriteLog, caller.name().as_ref()).is_ok()
    }
}
