//! The configuration of the core software itself: the file that a nucleus is started with, as the
//! Java nucleus (`aws.greengrass.Nucleus`) and nucleus lite (`aws.greengrass.NucleusLite`) have it.

mod metrics;
mod proxy;

pub use metrics::{MetricsSettings, OtlpSettings};
pub use proxy::ProxySettings;

use crate::name::ThingName;
use crate::recipe::{RecipeError, parse_value};
use crate::shape::{Object, Path, ShapeError, Warning, Warnings, choice, parsed, scalar_text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The names under which a configuration may stand in `services`.
const SERVICES: [&str; 2] = ["aws.greengrass.Nucleus", "aws.greengrass.NucleusLite"];

/// What a nucleus is told at its start (Greengrass developer guide, "Greengrass nucleus"); what is
/// `None` takes the default of whoever uses it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NucleusSettings {
    /// `system.rootpath`: the folder for everything that it keeps.
    pub root: Option<String>,
    /// `system.thingName`: the core device's name.
    pub thing: Option<ThingName>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// `runWithDefault.posixUser`: who processes run as, `user[:group]`.
    pub posix_user: Option<String>,
    /// `runWithDefault.posixShell`: what runs their scripts.
    pub posix_shell: Option<String>,
    /// `componentStoreMaxSizeBytes`.
    pub store_bytes: Option<u64>,
    /// `networkProxy`.
    pub proxy: Option<ProxySettings>,
    /// `platformOverride`: attributes of the device that are added or replaced.
    pub platform: BTreeMap<String, String>,
    /// `logging`.
    pub logging: LoggingSettings,
    /// `metrics`.
    pub metrics: MetricsSettings,
    /// What the text holds that has no effect.
    pub warnings: Vec<Warning>,
}

/// How a nucleus logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggingSettings {
    /// `level`: DEBUG, INFO, WARN or ERROR.
    pub level: Option<String>,
    /// `format`.
    pub format: Option<LogFormat>,
    /// `fileSizeKB`: when a log file is set aside.
    pub file_kib: Option<u64>,
    /// `totalLogsSizeKB`: how much all files of a component may take.
    pub total_kib: Option<u64>,
    /// `outputDirectory`.
    pub folder: Option<String>,
    /// `outputType`.
    pub output: Option<LogOutput>,
}

/// Where logs go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogOutput {
    /// To the standard output and error of the nucleus, and nowhere else.
    Console,
    /// Into files as well.
    #[default]
    File,
}

/// How records are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

impl NucleusSettings {
    /// Read the settings from JSON or YAML.
    ///
    /// # Errors
    /// The text is neither, or a value is not what its place asks for.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value = parse_value(text)?;
        let mut warnings = Warnings::default();
        let read = Self::read(&value, &mut warnings).map_err(|error| error.in_text(text))?;
        Ok(Self { warnings: warnings.into_vec(text), ..read })
    }

    fn read(value: &Value, warnings: &mut Warnings) -> Result<Self, ShapeError> {
        let root = Path::root("");
        let mut settings = Self::default();
        let mut object = Object::open(&root, value)?;
        if let Some(value) = object.take("system") {
            let path = root.key("system");
            let mut system = Object::open(&path, value)?;
            settings.root = system.text("rootpath")?.map(Into::into);
            let thing = system.take("thingName");
            settings.thing =
                thing.map(|value| parsed(&path.key("thingName"), value)).transpose()?;
            system.warn_unknown(warnings);
        }
        if let Some(value) = object.take("services") {
            let path = root.key("services");
            let mut services = Object::open(&path, value)?;
            for name in SERVICES {
                if let Some(value) = services.take(name) {
                    let path = path.key(name);
                    let mut service = Object::open(&path, value)?;
                    for known in ["componentType", "version", "dependencies"] {
                        let _written_by_installers = service.take(known);
                    }
                    if let Some(value) = service.take("configuration") {
                        settings.nucleus(&path.key("configuration"), value, warnings)?;
                    }
                    service.warn_unknown(warnings);
                }
            }
            services.warn_unknown(warnings);
        }
        object.warn_unknown(warnings);
        Ok(settings)
    }

    fn nucleus(
        &mut self,
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<(), ShapeError> {
        let mut object = Object::open(path, value)?;
        self.region = object.text("awsRegion")?.map(Into::into);
        self.store_bytes = number(&mut object, path, "componentStoreMaxSizeBytes")?;
        if let Some(value) = object.take("runWithDefault") {
            let path = path.key("runWithDefault");
            let mut run_with = Object::open(&path, value)?;
            self.posix_user = run_with.text("posixUser")?.map(Into::into);
            self.posix_shell = run_with.text("posixShell")?.map(Into::into);
            run_with.warn_unknown(warnings);
        }
        if let Some(value) = object.take("networkProxy") {
            self.proxy = ProxySettings::read(&path.key("networkProxy"), value, warnings)?;
        }
        if let Some(value) = object.take("platformOverride") {
            let path = path.key("platformOverride");
            let Value::Object(map) = value else {
                return Err(ShapeError::expected(&path, "an object", value));
            };
            for (name, value) in map {
                self.platform.insert(name.to_lowercase(), scalar_text(&path.key(name), value)?);
            }
        }
        if let Some(value) = object.take("logging") {
            self.logging = logging(&path.key("logging"), value, warnings)?;
        }
        if let Some(value) = object.take("metrics") {
            self.metrics = MetricsSettings::read(&path.key("metrics"), value, warnings)?;
        }
        object.warn_unknown(warnings);
        Ok(())
    }
}

fn logging(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<LoggingSettings, ShapeError> {
    const LEVELS: [(&str, &str); 5] = [
        ("TRACE", "TRACE"),
        ("DEBUG", "DEBUG"),
        ("INFO", "INFO"),
        ("WARN", "WARN"),
        ("ERROR", "ERROR"),
    ];
    const OUTPUTS: [(&str, LogOutput); 2] =
        [("FILE", LogOutput::File), ("CONSOLE", LogOutput::Console)];
    const FORMATS: [(&str, LogFormat); 2] = [("TEXT", LogFormat::Text), ("JSON", LogFormat::Json)];
    let mut object = Object::open(path, value)?;
    let level = object.take("level");
    let format = object.take("format");
    let output = object.take("outputType");
    let settings = LoggingSettings {
        level: level
            .map(|value| choice(&path.key("level"), value, &LEVELS))
            .transpose()?
            .map(Into::into),
        format: format.map(|value| choice(&path.key("format"), value, &FORMATS)).transpose()?,
        file_kib: number(&mut object, path, "fileSizeKB")?,
        total_kib: number(&mut object, path, "totalLogsSizeKB")?,
        folder: object.text("outputDirectory")?.map(Into::into),
        output: output.map(|value| choice(&path.key("outputType"), value, &OUTPUTS)).transpose()?,
    };
    object.warn_unknown(warnings);
    Ok(settings)
}

/// A whole number, written as one or as text.
fn number(
    object: &mut Object<'_>,
    path: &Path<'_>,
    name: &'static str,
) -> Result<Option<u64>, ShapeError> {
    let Some(value) = object.take(name) else { return Ok(None) };
    let number = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let found = number.filter(|number| *number > 0);
    found
        .map(Some)
        .ok_or_else(|| ShapeError::expected(&path.key(name), "a whole number above 0", value))
}

#[cfg(test)]
mod tests;
