//! The core software itself as a component of its device: the file that it is started with, and its
//! configuration, as the Java nucleus (`aws.greengrass.Nucleus`) and nucleus lite
//! (`aws.greengrass.NucleusLite`) have them.

mod artifacts;
mod claim;
mod data_plane;
mod file;
mod inference;
mod logging;
mod metrics;
mod mqtt;
mod pkcs11;
mod proxy;
mod settings;
mod spooler;
mod token_exchange;

pub use artifacts::ArtifactSettings;
pub use claim::ClaimSettings;
pub use data_plane::DataPlaneSettings;
pub use file::{IdentityFiles, NucleusFile};
pub use inference::{InferenceSettings, OnnxruntimeSetting};
pub use logging::{LogFormat, LogOutput, LoggingSettings};
pub use metrics::{MetricsSettings, OtlpSettings};
pub use mqtt::{Login, MqttSettings, MqttVersion, QuotaSettings, Retries};
pub use pkcs11::{Pin, Pkcs11Settings, Pkcs11Uri, Pkcs11UriError};
pub use proxy::ProxySettings;
pub use settings::NucleusSettings;
pub use spooler::{SpoolerSettings, SpoolerStorage, WhenSpoolerFull};
pub use token_exchange::TokenExchangeSettings;

use crate::name::ComponentName;
use crate::secret::SECRET_MANAGER;
use crate::shadow::SHADOW_MANAGER;
use crate::shape::{Path, ShapeError};
use serde_json::Value;

/// Gives components credentials of AWS.
pub const TOKEN_EXCHANGE: &str = "aws.greengrass.TokenExchangeService";

/// Brings the next trust policy: its keys `policy` and `signature` are texts. gg-host's own.
pub const TRUST_POLICY: &str = "gg-host.TrustPolicy";

/// The components that the core software is or stands for, and that have a configuration.
pub fn own_components() -> impl Iterator<Item = ComponentName> {
    [ComponentName::nucleus()].into_iter().chain(OTHERS.map(ComponentName::of_core))
}

/// Those beside the core software itself.
const OTHERS: [&str; 4] = [SECRET_MANAGER, SHADOW_MANAGER, TOKEN_EXCHANGE, TRUST_POLICY];

/// A whole number, written as one or as text.
fn number(path: &Path<'_>, value: &Value) -> Result<u64, ShapeError> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let found = number.filter(|number| *number > 0);
    found.ok_or_else(|| ShapeError::expected(path, "a whole number above 0", value))
}

/// A text that no message shows.
fn secret<'v>(path: &Path<'_>, value: &'v Value) -> Result<&'v str, ShapeError> {
    value.as_str().ok_or_else(|| ShapeError::new(path, "expected text (put it in quotes)"))
}

#[cfg(test)]
mod tests;
