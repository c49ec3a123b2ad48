//! The configuration of a nucleus.

use super::{
    ArtifactSettings, DataPlaneSettings, InferenceSettings, LoggingSettings, MetricsSettings,
    MqttSettings, OTHERS, ProxySettings, SpoolerSettings, TokenExchangeSettings, number,
};
use crate::deployment::{PosixUser, SystemResourceLimits, read_posix_user};
use crate::name::ComponentName;
use crate::secret::{SECRET_MANAGER, SecretManagerSettings};
use crate::shadow::{SHADOW_MANAGER, ShadowSettings};
use crate::shape::{Object, Path, ShapeError, Warning, Warnings, scalar_text, whole};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The configuration of a nucleus (Greengrass developer guide, "Greengrass nucleus"); what is
/// `None` takes the default of whoever uses it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NucleusSettings {
    /// `awsRegion`.
    pub region: Option<String>,
    /// `iotDataEndpoint`: the name of the broker.
    pub endpoint: Option<String>,
    /// `iotCredEndpoint`: who gives credentials.
    pub credentials_endpoint: Option<String>,
    /// `iotRoleAlias`: for what.
    pub role_alias: Option<String>,
    /// `credentialEndpointTimeoutMs`: how long that may take.
    pub credentials_timeout_ms: Option<u64>,
    /// `mqtt`.
    pub mqtt: MqttSettings,
    /// `runWithDefault.posixUser`: who processes run as.
    pub posix_user: Option<PosixUser>,
    /// `runWithDefault.posixShell`: what runs their scripts.
    pub posix_shell: Option<String>,
    /// `runWithDefault.systemResourceLimits`: how much a component may use.
    pub resources: SystemResourceLimits,
    /// `componentStoreMaxSizeBytes`.
    pub store_bytes: Option<u64>,
    /// `networkProxy`.
    pub proxy: Option<ProxySettings>,
    /// `platformOverride`: attributes of the device that are added or replaced.
    pub platform: BTreeMap<String, String>,
    /// `greengrassDataPlaneEndpoint` and `greengrassDataPlanePort`.
    pub data_plane: DataPlaneSettings,
    /// `artifacts`.
    pub artifacts: ArtifactSettings,
    /// `inference`.
    pub inference: InferenceSettings,
    /// `logging`.
    pub logging: LoggingSettings,
    /// `metrics`.
    pub metrics: MetricsSettings,
    /// The configuration of `aws.greengrass.SecretManager`.
    pub secrets: SecretManagerSettings,
    /// The configuration of `aws.greengrass.ShadowManager`.
    pub shadows: ShadowSettings,
    /// The configuration of `aws.greengrass.TokenExchangeService`.
    pub token_exchange: TokenExchangeSettings,
    /// What is there and has no effect.
    pub warnings: Vec<Warning>,
}

/// Keys of Greengrass that mean nothing here.
const NOT_SERVED: [&str; 9] = [
    "deploymentConfigurationTimeSource",
    "deploymentPollingFrequencySeconds",
    "fipsMode",
    "fleetStatus",
    "httpClient",
    "interpolateComponentConfiguration",
    "jvmOptions",
    "s3EndpointType",
    "telemetry",
];

impl NucleusSettings {
    /// Read a configuration, which is an object.
    ///
    /// # Errors
    /// A value is not what its key asks for.
    pub fn read(configuration: &Value) -> Result<Self, ShapeError> {
        let [name, _] = ComponentName::NUCLEUS;
        let mut warnings = Warnings::default();
        let settings = Self::read_at(&Path::root(name), configuration, &mut warnings)?;
        Ok(Self { warnings: warnings.into_vec(""), ..settings })
    }

    /// Read all configurations: the nucleus's own, and those of the components that it stands for.
    ///
    /// # Errors
    /// A value is not what its key asks for.
    pub fn read_all(configurations: &BTreeMap<ComponentName, Value>) -> Result<Self, ShapeError> {
        let (nucleus, empty) = (ComponentName::nucleus(), Value::Object(Map::new()));
        let mut settings = Self::read(configurations.get(&nucleus).unwrap_or(&empty))?;
        let mut warnings = Warnings::default();
        for name in OTHERS {
            if let Some(value) = configurations.get(&ComponentName::of_core(name)) {
                settings.read_other(name, &Path::root(name), value, &mut warnings)?;
            }
        }
        settings.warnings.extend(warnings.into_vec(""));
        Ok(settings)
    }

    pub(super) fn read_other(
        &mut self,
        name: &str,
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<(), ShapeError> {
        match name {
            SECRET_MANAGER => self.secrets = SecretManagerSettings::read(path, value, warnings)?,
            SHADOW_MANAGER => self.shadows = ShadowSettings::read(path, value, warnings)?,
            _ => self.token_exchange = TokenExchangeSettings::read(path, value, warnings)?,
        }
        Ok(())
    }

    /// Whether another configuration is in force only once the nucleus has started again. What
    /// components are made from, how much is logged and how much waits for the broker can change at
    /// any time.
    pub fn takes_restart(&self, next: &Self) -> bool {
        let storage = self.mqtt.spooler.storage;
        let spooler = SpoolerSettings { storage, ..next.mqtt.spooler };
        let alike = Self {
            mqtt: MqttSettings { spooler, ..self.mqtt.clone() },
            artifacts: next.artifacts.clone(),
            inference: next.inference.clone(),
            posix_user: next.posix_user.clone(),
            resources: next.resources,
            store_bytes: next.store_bytes,
            platform: next.platform.clone(),
            secrets: next.secrets.clone(),
            shadows: next.shadows.clone(),
            token_exchange: TokenExchangeSettings {
                port: self.token_exchange.port,
                ..next.token_exchange.clone()
            },
            logging: LoggingSettings { output: self.logging.output, ..next.logging.clone() },
            warnings: next.warnings.clone(),
            ..self.clone()
        };
        alike != *next
    }

    pub(super) fn read_at(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut settings = Self::default();
        let mut object = Object::open(path, value)?;
        settings.region = object.text("awsRegion")?.map(Into::into);
        let filled = |text: &&str| !text.is_empty();
        let mut text =
            |name| Ok::<_, ShapeError>(object.text(name)?.filter(filled).map(Into::into));
        settings.endpoint = text("iotDataEndpoint")?;
        settings.credentials_endpoint = text("iotCredEndpoint")?;
        settings.role_alias = text("iotRoleAlias")?;
        settings.data_plane.endpoint = text("greengrassDataPlaneEndpoint")?;
        let port = object.read("greengrassDataPlanePort", |path, value| {
            whole(path, value, "ports", 1..=65_535)
        })?;
        settings.data_plane.port = port.and_then(|port| u16::try_from(port).ok());
        settings.credentials_timeout_ms = object.read("credentialEndpointTimeoutMs", number)?;
        settings.mqtt = object
            .read("mqtt", |path, value| MqttSettings::read(path, value, warnings))?
            .unwrap_or_default();
        settings.store_bytes = object.read("componentStoreMaxSizeBytes", number)?;
        object.read("runWithDefault", |path, value| settings.run_with(path, value, warnings))?;
        settings.proxy = object
            .read("networkProxy", |path, value| ProxySettings::read(path, value, warnings))?
            .flatten();
        settings.platform = object.read("platformOverride", platform)?.unwrap_or_default();
        settings.artifacts = object
            .read("artifacts", |path, value| ArtifactSettings::read(path, value, warnings))?
            .unwrap_or_default();
        settings.inference = object
            .read("inference", |path, value| InferenceSettings::read(path, value, warnings))?
            .unwrap_or_default();
        settings.logging = object
            .read("logging", |path, value| LoggingSettings::read(path, value, warnings))?
            .unwrap_or_default();
        settings.metrics = object
            .read("metrics", |path, value| MetricsSettings::read(path, value, warnings))?
            .unwrap_or_default();
        for name in NOT_SERVED {
            if object.take(name).is_some() {
                warnings.add(&path.key(name), "has no effect on this host");
            }
        }
        object.warn_unknown(warnings);
        Ok(settings)
    }

    fn run_with(
        &mut self,
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<(), ShapeError> {
        let mut object = Object::open(path, value)?;
        self.posix_user = object.read("posixUser", read_posix_user)?.flatten();
        self.posix_shell = object.text("posixShell")?.map(Into::into);
        self.resources = object
            .read("systemResourceLimits", |path, value| {
                SystemResourceLimits::read(path, value, warnings)
            })?
            .unwrap_or_default();
        // For devices that run Windows.
        let _elsewhere = object.take("windowsUser");
        object.warn_unknown(warnings);
        Ok(())
    }
}

/// Attributes, with their names in lower case.
fn platform(path: &Path<'_>, value: &Value) -> Result<BTreeMap<String, String>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    // One that was taken back by null is not there.
    let attributes = map.iter().filter(|(_, value)| !value.is_null());
    attributes
        .map(|(name, value)| Ok((name.to_lowercase(), scalar_text(&path.key(name), value)?)))
        .collect()
}
