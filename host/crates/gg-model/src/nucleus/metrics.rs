//! `metrics`: who is told what is measured. Of this host's own; Greengrass has no such key.

use super::number;
use crate::shape::{Object, Path, ShapeError, Warnings, boolean, parsed, scalar_text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

/// Who is told what is measured; nobody by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsSettings {
    /// `listen`: where Prometheus may ask.
    pub listen: Option<SocketAddr>,
    /// `allowOtherMachines`: whether other machines may ask there without a password.
    pub other_machines: bool,
    /// `otlp`: where it is sent.
    pub otlp: Option<OtlpSettings>,
}

/// Where what is measured is sent, as OpenTelemetry has it.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpSettings {
    /// `endpoint`: the receiver's URI.
    pub endpoint: String,
    /// `intervalSeconds`.
    pub interval_seconds: Option<u64>,
    /// `headers`: what each request says of itself, for example by whose authority it is sent.
    pub headers: BTreeMap<String, String>,
}

impl fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers may hold what nobody is to read.
        f.debug_struct("OtlpSettings")
            .field("endpoint", &self.endpoint)
            .field("interval_seconds", &self.interval_seconds)
            .field("headers", &self.headers.keys())
            .finish()
    }
}

impl MetricsSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let other_machines = object.read("allowOtherMachines", boolean)?;
        let settings = Self {
            listen: object.read("listen", parsed)?,
            other_machines: other_machines.unwrap_or_default(),
            otlp: object.read("otlp", |path, value| OtlpSettings::read(path, value, warnings))?,
        };
        object.warn_unknown(warnings);
        Ok(settings)
    }
}

impl OtlpSettings {
    fn read(path: &Path<'_>, value: &Value, warnings: &mut Warnings) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let mut settings = Self {
            endpoint: object.required_parsed("endpoint")?,
            interval_seconds: object.read("intervalSeconds", number)?,
            headers: BTreeMap::new(),
        };
        if let Some(value) = object.take("headers") {
            let path = path.key("headers");
            let Value::Object(map) = value else {
                return Err(ShapeError::expected(&path, "an object", value));
            };
            for (name, value) in map {
                settings.headers.insert(name.clone(), scalar_text(&path.key(name), value)?);
            }
        }
        object.warn_unknown(warnings);
        Ok(settings)
    }
}
