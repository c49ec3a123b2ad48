//! What one component may use of the host, each limit by name, with its default.
//!
//! Limits are set by the operator (`--limit NAME=VALUE`) or by the component's configuration
//! (`sandbox.limits.NAME`). This module knows their names, defaults and units; who counts and what
//! happens at the limit is the business of the runtime.

mod exceeded;
mod overrides;
mod table;
mod value;

pub use exceeded::Exceeded;
pub use overrides::LimitOverrides;
pub use table::LimitRow;
pub use value::LimitValueError;

use crate::shape::{Path, ShapeError, scalar_text};
use serde_json::Value;
use std::time::Duration;

/// Bytes, as limits are written: a whole number, with a unit or without.
pub(crate) fn size(path: &Path<'_>, value: &Value) -> Result<u64, ShapeError> {
    let text = scalar_text(path, value)?;
    value::size(&text).map_err(|error| ShapeError::new(path, error))
}

/// The limits of one component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Bytes of all its linear memories together.
    pub memory: u64,
    /// Elements of all its tables together.
    pub table_elements: u32,
    /// Core module instances; a Python guest needs about seventy.
    pub instances: u32,
    /// Linear memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
    /// Handles to resources that its instances hold, as the component model counts them.
    pub handles: u32,
    /// Resources that the host keeps for it, such as subscriptions and streams.
    pub resources: u32,
    /// Bytes that one call to the host may hand over.
    pub host_call_data: u64,
    /// Bytes of stack.
    pub stack: u64,
    /// Subscriptions at one time, local and cloud together.
    pub subscriptions: u32,
    /// Watches of configuration at one time.
    pub watches: u32,
    /// Messages that the queue of one subscription can be made to hold.
    pub queue: u32,
    /// Bytes of the messages that wait in all its queues together.
    pub queue_bytes: u64,
    /// Bytes of one message that it publishes.
    pub message: u64,
    /// Log records in a second.
    pub log_rate: u32,
    /// Bytes of one log line.
    pub log_line: u64,
    /// Share of one processor core; 1 is a whole core.
    pub cpu: f64,
    /// Time for one call of a message handler.
    pub handler_deadline: Duration,
    /// Time to come up.
    pub start_deadline: Duration,
    /// Instances of a message handler at one time.
    pub concurrency: u32,
    /// Times that a message is delivered again after its handler asked for it.
    pub retries: u32,
    /// Outgoing HTTP requests at one time.
    pub http_requests: u32,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 128 * MIB,
            table_elements: 100_000,
            instances: 200,
            memories: 32,
            tables: 64,
            handles: 10_000,
            resources: 4096,
            host_call_data: 16 * MIB,
            stack: 512 * KIB,
            subscriptions: 64,
            watches: 64,
            queue: 10_000,
            queue_bytes: 16 * MIB,
            message: MIB,
            log_rate: 1000,
            log_line: 16 * KIB,
            cpu: 1.0,
            handler_deadline: Duration::from_secs(30),
            start_deadline: Duration::from_secs(30),
            concurrency: 1,
            retries: 5,
            http_requests: 16,
        }
    }
}

impl Limits {
    /// Set one limit by its name, for example `memory` to `64MiB`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitError> {
        let mut overrides = LimitOverrides::default();
        overrides.set(name, value)?;
        self.apply(&overrides);
        Ok(())
    }

    /// Take over every limit that `overrides` names.
    pub fn apply(&mut self, overrides: &LimitOverrides) {
        overrides.write(self);
    }

    /// Every limit with its value, for people to read.
    pub fn describe(&self) -> Vec<LimitRow> {
        table::rows(self)
    }

    /// The error of going beyond the limit called `name`; `needed` is what was asked for, as text.
    pub fn exceeded(&self, name: &'static str, needed: Option<String>) -> Exceeded {
        Exceeded { limit: name, value: table::text(self, name), needed, by_deployment: false }
    }
}

/// Why a limit cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// No limit has this name.
    #[error("there is no limit `{name}`; {}", table::hint(name))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The text has no `=`.
    #[error("the limit `{text}` has no value; write NAME=VALUE, for example `memory=64MiB`")]
    NoValue {
        /// The text.
        text: String,
    },
    /// The value does not fit the limit.
    #[error("the limit {name} cannot be `{value}`: {reason}")]
    Value {
        /// The limit's name.
        name: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: LimitValueError,
    },
}

#[cfg(test)]
mod tests;
