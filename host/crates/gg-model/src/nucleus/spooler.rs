//! `mqtt.spooler`: how what is published waits for the broker.

use super::number;
use crate::shape::{Object, Path, ShapeError, Warnings, boolean, choice};
use serde_json::Value;

/// How what is published waits for the broker; what is `None` takes the default of whoever uses it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolerSettings {
    /// `storageType`.
    pub storage: Option<SpoolerStorage>,
    /// `maxSizeInBytes`: how much may wait.
    pub bytes: Option<u64>,
    /// `maxMessages`: how many. Of this host's own, as is `whenFull`.
    pub messages: Option<u64>,
    /// `keepQos0WhenOffline`: whether messages of QoS 0 wait for a connection.
    pub keep_qos0: bool,
    /// `whenFull`.
    pub when_full: WhenSpoolerFull,
}

/// Where messages wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolerStorage {
    /// On disk: they survive a restart.
    Disk,
    /// In memory.
    Memory,
}

/// What happens to a message for which there is no room, and for which none of QoS 0 makes some.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenSpoolerFull {
    /// The oldest message makes room, and is counted as lost.
    DropOldest,
    /// It is refused, as Greengrass does.
    #[default]
    Refuse,
}

const STORAGES: [(&str, SpoolerStorage); 2] =
    [("Disk", SpoolerStorage::Disk), ("Memory", SpoolerStorage::Memory)];
const WHEN_FULL: [(&str, WhenSpoolerFull); 2] =
    [("drop-oldest", WhenSpoolerFull::DropOldest), ("refuse", WhenSpoolerFull::Refuse)];

impl SpoolerSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let keep_qos0 = object.read("keepQos0WhenOffline", boolean)?;
        let when_full = object.read("whenFull", |path, value| choice(path, value, &WHEN_FULL))?;
        let settings = Self {
            storage: object.read("storageType", |path, value| choice(path, value, &STORAGES))?,
            bytes: object.read("maxSizeInBytes", number)?,
            messages: object.read("maxMessages", number)?,
            keep_qos0: keep_qos0.unwrap_or_default(),
            when_full: when_full.unwrap_or_default(),
        };
        // The component that keeps them on disk; here it is built in.
        let _built_in = object.take("pluginName");
        object.warn_unknown(warnings);
        Ok(settings)
    }
}
