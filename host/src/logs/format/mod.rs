//! A line of a log file, in the two formats that Greengrass has, and back from a file that anybody
//! may have written.

mod json;
#[cfg(test)]
mod tests;
mod text;

use super::level::{Level, Source};
use super::text::{cut, harmless, is_control, presentable, push_json};
use std::borrow::Cow;
use std::time::SystemTime;

/// Bytes of the longest line that is read; what is written is shorter.
pub const LONGEST: usize = 1 << 20;

/// Bytes of a message, and of all fields together, that are written.
const MOST: usize = 64 << 10;

/// Who writes: what a Java nucleus calls its thread.
const THREAD: &str = "gg-host";

/// How lines are written down: as JSON, or as text, where further lines of a message follow after a
/// tab.
pub use gg_model::LogFormat;

/// What a line of a log file says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line<'a> {
    /// When, to the millisecond.
    pub at: SystemTime,
    /// How much it matters.
    pub level: Level,
    /// Which way it came: what Greengrass calls the type of an event.
    pub source: Source,
    /// Who speaks: a component, or a part of the host.
    pub logger: Cow<'a, str>,
    /// What was said.
    pub message: Cow<'a, str>,
    /// Keys and values beside it: what Greengrass calls contexts.
    pub fields: Cow<'a, [(String, String)]>,
}

impl Line<'_> {
    /// Write it, with its end.
    pub fn write(&self, format: LogFormat, out: &mut String) {
        match format {
            LogFormat::Json => json::write(self, out),
            LogFormat::Text => text::write(self, out),
        }
    }

    /// Read the first line of what [`Line::write`] wrote, in whichever format, without its end.
    pub fn parse(line: &str) -> Option<Line<'static>> {
        if line.starts_with('{') { json::parse(line) } else { text::parse(line) }
    }

    fn message(&self) -> &str {
        cut(&self.message, MOST)
    }

    fn fields(&self) -> &[(String, String)] {
        let mut left = MOST;
        let fits = |(key, value): &&(String, String)| {
            let bytes = key.len() + value.len();
            let fits = bytes <= left;
            left = left.saturating_sub(bytes);
            fits
        };
        &self.fields[..self.fields.iter().take_while(fits).count()]
    }
}

/// A further line of a message, if it is one.
pub fn continued(line: &str) -> Option<&str> {
    line.strip_prefix('\t')
}

/// What is known of an event by its name, and the message of one whose name is not.
fn event(name: &str) -> Option<Source> {
    Source::ALL.into_iter().find(|source| source.name() == name)
}
