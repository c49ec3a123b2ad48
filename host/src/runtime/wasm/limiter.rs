//! Keeps a guest's memories and tables, all together, within its limits, and remembers which
//! limit it ran into, so that the report of a crash can name it.

use super::meter::Meter;
use crate::component::InstalledComponent;
use crate::logs::{Level, LogSink};
use bytesize::ByteSize;
use gg_model::{Exceeded, Limits};
use wasmtime::ResourceLimiter;

/// One guest's budget.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    /// Whether that of memory is the deployment's.
    memory_by_deployment: bool,
    memory: u64,
    table_elements: u64,
    exceeded: Option<Exceeded>,
    log: LogSink,
    /// Counts the memory of all instances.
    meter: Meter,
}

impl Limiter {
    pub(super) fn new(component: &InstalledComponent, log: LogSink, meter: Meter) -> Self {
        Self {
            limits: component.limits,
            memory_by_deployment: component.resources.memory.is_some(),
            memory: 0,
            table_elements: 0,
            exceeded: None,
            log,
            meter,
        }
    }

    /// The limit that was last run into.
    pub(super) fn exceeded(&self) -> Option<&Exceeded> {
        self.exceeded.as_ref()
    }

    /// Remember a limit that something else keeps; said once in the log.
    pub(super) fn note(&mut self, limit: &'static str, needed: Option<String>) {
        let mut exceeded = self.limits.exceeded(limit, needed);
        exceeded.by_deployment = limit == "memory" && self.memory_by_deployment;
        let news = self.exceeded.as_ref().is_none_or(|known| known.limit != limit);
        if news {
            self.log.about(Level::Warn, format!("the component {exceeded}"));
        }
        self.exceeded = Some(exceeded);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.memory + desired.saturating_sub(current) as u64;
        if grown > self.limits.memory {
            self.note("memory", Some(ByteSize(grown).display().iec().to_string()));
            return Ok(false);
        }
        self.meter.take_memory(grown - self.memory);
        self.memory = grown;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.table_elements + desired.saturating_sub(current) as u64;
        if grown > u64::from(self.limits.table_elements) {
            self.note("table-elements", Some(grown.to_string()));
            return Ok(false);
        }
        self.table_elements = grown;
        Ok(true)
    }

    fn instances(&self) -> usize {
        size(self.limits.instances)
    }

    fn tables(&self) -> usize {
        size(self.limits.tables)
    }

    fn memories(&self) -> usize {
        size(self.limits.memories)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.meter.give_memory(self.memory);
    }
}

pub(super) fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
