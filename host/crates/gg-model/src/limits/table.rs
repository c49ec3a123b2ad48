//! The table of limits: name, kind, least value and what it is for.

use super::value::{self, LimitValue};
use super::{LimitError, LimitValueError, Limits};
use crate::text::{excerpt, suggest};
use std::time::Duration;

/// One limit, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRow {
    /// Its name, for example `memory`.
    pub name: &'static str,
    /// Its value, for example `128 MiB`.
    pub value: String,
    /// The unit: `bytes`, `count`, `cores` or `time`.
    pub unit: &'static str,
    /// What it limits.
    pub description: &'static str,
    /// How to raise it: the flag and the configuration key.
    pub raise: String,
}

/// One limit's place in [`Limits`] and its rule.
pub(super) struct Entry {
    pub(super) name: &'static str,
    description: &'static str,
    /// The least value in the base unit: bytes, a count, or milliseconds.
    least: u64,
    slot: fn(&mut Limits) -> Slot<'_>,
}

enum Slot<'a> {
    Size(&'a mut u64),
    Count(&'a mut u32),
    Share(&'a mut f64),
    Time(&'a mut Duration),
}

macro_rules! entry {
    ($name:literal, $kind:ident, $field:ident, $least:literal, $description:literal) => {
        Entry {
            name: $name,
            description: $description,
            least: $least,
            slot: |limits| Slot::$kind(&mut limits.$field),
        }
    };
}

/// All limits, in the order in which they are shown.
#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    entry!("memory", Size, memory, 65536, "linear memory of the component, all memories together"),
    entry!("table-elements", Count, table_elements, 1, "elements of all tables together"),
    entry!("instances", Count, instances, 1, "core module instances (a Python guest needs about 70)"),
    entry!("memories", Count, memories, 1, "linear memories"),
    entry!("tables", Count, tables, 0, "tables"),
    entry!("handles", Count, handles, 1, "handles to resources that the component holds"),
    entry!("resources", Count, resources, 1, "resources that the host keeps for the component"),
    entry!("host-call-data", Size, host_call_data, 1024, "data handed over in one call to the host"),
    entry!("stack", Size, stack, 16384, "stack"),
    entry!("subscriptions", Count, subscriptions, 0, "subscriptions at one time"),
    entry!("watches", Count, watches, 0, "watches of configuration at one time"),
    entry!("queue", Count, queue, 1, "most messages in the queue of one subscription"),
    entry!("queue-bytes", Size, queue_bytes, 1024, "messages that wait in all queues together"),
    entry!("message", Size, message, 1, "one message that the component publishes"),
    entry!("log-rate", Count, log_rate, 0, "log records in a second"),
    entry!("log-line", Size, log_line, 16, "one log line"),
    entry!("cpu", Share, cpu, 0, "share of one processor core"),
    entry!("handler-deadline", Time, handler_deadline, 1, "time for one call of a message handler"),
    entry!("start-deadline", Time, start_deadline, 1, "time to come up"),
    entry!("concurrency", Count, concurrency, 1, "instances of a message handler at one time"),
    entry!("retries", Count, retries, 0, "deliveries after a message handler asked for another"),
    entry!("http-requests", Count, http_requests, 0, "outgoing HTTP requests at one time"),
];

/// The entry of this name; case, `-` and `_` do not matter, so that `logRate` is found too.
pub(super) fn entry(name: &str) -> Result<&'static Entry, LimitError> {
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
    let wanted = if name.len() <= 64 { plain(name) } else { String::new() };
    ENTRIES
        .iter()
        .find(|entry| plain(entry.name) == wanted)
        .ok_or_else(|| LimitError::Unknown { name: excerpt(name) })
}

impl Entry {
    /// Read a value of this limit's kind.
    pub(super) fn parse(&self, text: &str) -> Result<LimitValue, LimitError> {
        self.parse_value(text).map_err(|reason| LimitError::Value {
            name: self.name,
            value: excerpt(text),
            reason,
        })
    }

    fn parse_value(&self, text: &str) -> Result<LimitValue, LimitValueError> {
        let (value, base) = match (self.slot)(&mut Limits::default()) {
            Slot::Size(_) => value::size(text).map(|size| (LimitValue::Size(size), size))?,
            Slot::Count(_) => {
                value::count(text).map(|count| (LimitValue::Count(count), u64::from(count)))?
            }
            Slot::Share(_) => return value::share(text).map(LimitValue::Share),
            Slot::Time(_) => {
                let time = value::time(text)?;
                (LimitValue::Time(time), u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
            }
        };
        if base < self.least {
            return Err(LimitValueError::TooSmall { least: self.least });
        }
        Ok(value)
    }

    /// Put a value where it belongs; one of another kind changes nothing.
    pub(super) fn write(&self, limits: &mut Limits, value: LimitValue) {
        match ((self.slot)(limits), value) {
            (Slot::Size(slot), LimitValue::Size(value)) => *slot = value,
            (Slot::Count(slot), LimitValue::Count(value)) => *slot = value,
            (Slot::Share(slot), LimitValue::Share(value)) => *slot = value,
            (Slot::Time(slot), LimitValue::Time(value)) => *slot = value,
            _ => {}
        }
    }

    fn read(&self, limits: &Limits) -> (LimitValue, &'static str) {
        match (self.slot)(&mut limits.clone()) {
            Slot::Size(value) => (LimitValue::Size(*value), "bytes"),
            Slot::Count(value) => (LimitValue::Count(*value), "count"),
            Slot::Share(value) => (LimitValue::Share(*value), "cores"),
            Slot::Time(value) => (LimitValue::Time(*value), "time"),
        }
    }
}

pub(super) fn rows(limits: &Limits) -> Vec<LimitRow> {
    let row = |entry: &Entry| {
        let (value, unit) = entry.read(limits);
        let Entry { name, description, .. } = *entry;
        let raise = format!("--limit {name}=… or sandbox.limits.{name}");
        LimitRow { name, value: value.text(), unit, description, raise }
    };
    ENTRIES.iter().map(row).collect()
}

/// The value of a limit as text.
pub(super) fn text(limits: &Limits, name: &str) -> String {
    entry(name).map(|entry| entry.read(limits).0.text()).unwrap_or_default()
}

/// The end of the sentence about an unknown name.
pub(super) fn hint(name: &str) -> String {
    let names = ENTRIES.iter().map(|entry| entry.name);
    match suggest(name, names.clone()) {
        Some(near) => format!("is it `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    }
}
