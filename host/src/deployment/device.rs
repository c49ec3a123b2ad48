//! What the nucleus's own configuration says of all components of the device.

use super::concrete::{Files, Operator, RunWith as Settled, platform};
use crate::component::Resources;
use gg_model::recipe::Manifest;
use gg_model::{NucleusSettings, Platform, RunWith, SystemResourceLimits};

/// The device, as its components are made for it.
pub(super) struct Device {
    pub(super) operator: Operator,
    /// Of a component whose deployment says nothing of them.
    limits: SystemResourceLimits,
}

impl Device {
    pub(super) fn new(settings: &NucleusSettings) -> Self {
        let operator = Operator {
            platform: settings.platform.clone(),
            run_as: settings.posix_user.clone(),
            ..Operator::default()
        };
        Self { operator, limits: settings.resources }
    }

    /// What the device says of itself.
    pub(super) fn platform(&self) -> Platform {
        platform(&self.operator.platform)
    }

    /// The manifest that is meant for this device.
    pub(super) fn manifest<'f>(&self, files: &'f Files) -> Option<&'f Manifest> {
        files.recipe.manifest_for(&self.platform())
    }

    pub(super) fn settled(&self, run_with: &RunWith) -> Settled {
        let limits = run_with.limits.value().copied().unwrap_or(self.limits);
        Settled {
            run_as: run_with.posix_user.value().cloned(),
            resources: Resources {
                memory: limits.memory_kb.map(|kb| kb.saturating_mul(1024)),
                cpus: limits.cpus,
                pids: None,
            },
        }
    }
}
