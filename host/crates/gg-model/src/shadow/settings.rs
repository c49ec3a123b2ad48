//! The configuration of the component shadow manager, whose part this host plays.

use super::{ShadowId, ShadowName};
use crate::name::{ComponentName, ThingName};
use crate::shape::{Object, Path, ShapeError, Warnings, boolean, choice, list, parsed, whole};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The component whose configuration it is: `aws.greengrass.ShadowManager`.
pub fn shadow_manager() -> ComponentName {
    ComponentName::of_core(SHADOW_MANAGER)
}

pub(crate) const SHADOW_MANAGER: &str = "aws.greengrass.ShadowManager";

/// The most that a shadow's state may be allowed to have, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 30_720;

/// A limit of a rate, in requests a second.
type Rate = u32;

/// The configuration of `aws.greengrass.ShadowManager` (Greengrass developer guide, "Shadow
/// manager"), with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowSettings {
    /// `strategy`: when shadows are brought in step with the cloud.
    pub strategy: SyncStrategy,
    /// `synchronize.direction`: which side is changed.
    pub direction: SyncDirection,
    /// `rateLimits.maxOutboundSyncUpdatesPerSecond`: updates of the cloud.
    pub outbound_rate: Rate,
    /// `rateLimits.maxTotalLocalRequestsRate`: requests on this device.
    pub total_rate: Rate,
    /// `rateLimits.maxLocalRequestsPerSecondPerThing`: of those, for one thing.
    pub thing_rate: Rate,
    /// `shadowDocumentSizeLimitBytes`: largest state of a shadow.
    pub document_bytes: usize,
    core: Option<Shadows>,
    others: BTreeMap<ThingName, Shadows>,
}

/// Shadows of one thing.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shadows {
    classic: bool,
    named: BTreeSet<ShadowName>,
}

/// When shadows are brought in step with the cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncStrategy {
    /// `realTime`: with each change.
    #[default]
    RealTime,
    /// `periodic`: once in this while.
    Periodic(Duration),
}

/// Which side is changed when both are brought in step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncDirection {
    /// `betweenDeviceAndCloud`.
    #[default]
    Both,
    /// `deviceToCloud`: what the cloud says is overwritten.
    DeviceToCloud,
    /// `cloudToDevice`: what the device says is overwritten.
    CloudToDevice,
}

impl Default for ShadowSettings {
    fn default() -> Self {
        Self {
            strategy: SyncStrategy::default(),
            direction: SyncDirection::default(),
            outbound_rate: 100,
            total_rate: 200,
            thing_rate: 20,
            document_bytes: 8192,
            core: None,
            others: BTreeMap::new(),
        }
    }
}

impl ShadowSettings {
    pub(crate) fn read(
        path: &Path<'_>,
        configuration: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut settings = Self::default();
        let mut object = Object::open(path, configuration)?;
        settings.strategy = object.read("strategy", strategy)?.unwrap_or_default();
        object.read("synchronize", |path, value| settings.synchronize(path, value, warnings))?;
        object.read("rateLimits", |path, value| settings.rates(path, value, warnings))?;
        let bytes =
            |path: &Path<'_>, value: &Value| whole(path, value, "bytes", 1..=MAX_DOCUMENT_BYTES);
        if let Some(bytes) = object.read("shadowDocumentSizeLimitBytes", bytes)? {
            settings.document_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        object.warn_unknown(warnings);
        Ok(settings)
    }

    /// The shadows that are kept in step with the cloud, on a core device of this name.
    pub fn synchronized(&self, core: &ThingName) -> BTreeSet<ShadowId> {
        let own = self.core.iter().map(|shadows| (core, shadows));
        let things = own.chain(&self.others);
        things.flat_map(|(thing, shadows)| shadows.of(thing)).collect()
    }

    fn rates(
        &mut self,
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<(), ShapeError> {
        let mut object = Object::open(path, value)?;
        for (name, rate) in [
            ("maxOutboundSyncUpdatesPerSecond", &mut self.outbound_rate),
            ("maxTotalLocalRequestsRate", &mut self.total_rate),
            ("maxLocalRequestsPerSecondPerThing", &mut self.thing_rate),
        ] {
            let read = |path: &Path<'_>, value: &Value| {
                whole(path, value, "requests a second", 1..=1_000_000)
            };
            if let Some(number) = object.read(name, read)? {
                *rate = Rate::try_from(number).unwrap_or(Rate::MAX);
            }
        }
        object.warn_unknown(warnings);
        Ok(())
    }

    fn synchronize(
        &mut self,
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<(), ShapeError> {
        let mut object = Object::open(path, value)?;
        self.direction = object.read("direction", direction)?.unwrap_or_default();
        self.core = object.read("coreThing", |path, value| {
            let mut object = Object::open(path, value)?;
            let shadows = Shadows::read(&mut object)?;
            object.warn_unknown(warnings);
            Ok(shadows)
        })?;
        object.read("shadowDocuments", |path, value| {
            for (index, element) in list(path, value)?.iter().enumerate() {
                let path = path.index(index);
                let mut object = Object::open(&path, element)?;
                let thing = object.required_parsed("thingName")?;
                let shadows = Shadows::read(&mut object)?;
                object.warn_unknown(warnings);
                self.others.entry(thing).or_default().add(shadows);
            }
            Ok(())
        })?;
        object.read("shadowDocumentsMap", |path, value| {
            let Value::Object(things) = value else {
                return Err(ShapeError::expected(path, "an object", value));
            };
            for (thing, value) in things {
                let path = path.key(thing);
                let thing = thing.parse().map_err(|error| ShapeError::new(&path, error))?;
                let mut object = Object::open(&path, value)?;
                let shadows = Shadows::read(&mut object)?;
                object.warn_unknown(warnings);
                self.others.entry(thing).or_default().add(shadows);
            }
            Ok(())
        })?;
        object.warn_unknown(warnings);
        Ok(())
    }
}

impl Shadows {
    fn read(object: &mut Object<'_>) -> Result<Self, ShapeError> {
        let classic = object.read("classic", boolean)?.unwrap_or(true);
        let named = object.read("namedShadows", |path, value| {
            let names = list(path, value)?.iter().enumerate();
            names.map(|(index, name)| parsed(&path.index(index), name)).collect()
        })?;
        Ok(Self { classic, named: named.unwrap_or_default() })
    }

    fn add(&mut self, other: Self) {
        self.classic |= other.classic;
        self.named.extend(other.named);
    }

    fn of(&self, thing: &ThingName) -> impl Iterator<Item = ShadowId> {
        let classic = self.classic.then_some(None);
        let names = classic.into_iter().chain(self.named.iter().cloned().map(Some));
        let id = |name| ShadowId { thing: thing.clone(), name };
        names.map(id).collect::<Vec<_>>().into_iter()
    }
}

fn strategy(path: &Path<'_>, value: &Value) -> Result<SyncStrategy, ShapeError> {
    /// Shadow manager has none; often enough, and seldom enough for a link that is paid for.
    const DELAY: u64 = 300;
    let mut object = Object::open(path, value)?;
    let kinds = [("realTime", false), ("periodic", true)];
    let periodic = object.read("type", |path, value| choice(path, value, &kinds))?;
    let seconds = |path: &Path<'_>, value: &Value| whole(path, value, "seconds", 1..=86_400);
    let delay = object.read("delay", seconds)?.unwrap_or(DELAY);
    Ok(match periodic.unwrap_or_default() {
        true => SyncStrategy::Periodic(Duration::from_secs(delay)),
        false => SyncStrategy::RealTime,
    })
}

fn direction(path: &Path<'_>, value: &Value) -> Result<SyncDirection, ShapeError> {
    let words = [
        ("betweenDeviceAndCloud", SyncDirection::Both),
        ("deviceToCloud", SyncDirection::DeviceToCloud),
        ("cloudToDevice", SyncDirection::CloudToDevice),
    ];
    choice(path, value, &words)
}
