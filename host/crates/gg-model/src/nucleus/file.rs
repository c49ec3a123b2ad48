//! The file that a nucleus is started with.

use super::{ClaimSettings, NucleusSettings, OTHERS, Pkcs11Settings};
use crate::name::{ComponentName, ThingName};
use crate::recipe::{RecipeError, parse_value};
use crate::shape::{Object, Path, ShapeError, Warning, Warnings, parsed};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whose configuration says who may use the command line.
const CLI: &str = "aws.greengrass.Cli";

/// Whose configuration says by which library tokens are spoken to.
const PKCS11: &str = "aws.greengrass.crypto.Pkcs11Provider";

/// Whose configuration says how the device gets its certificate: the Java nucleus's plug-in, and
/// the part of nucleus lite.
const CLAIM: [&str; 2] =
    ["aws.greengrass.FleetProvisioningByClaim", "aws.greengrass.fleet_provisioning"];

/// What a nucleus is told at its start (Greengrass developer guide, "Greengrass nucleus").
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NucleusFile {
    /// `system.rootpath`: the folder for everything that it keeps.
    pub root: Option<String>,
    /// `system.thingName`: the core device's name.
    pub thing: Option<ThingName>,
    /// What of `system` says who the device is.
    pub identity: IdentityFiles,
    /// How it gets what says so, if it is not there yet.
    pub claim: Option<ClaimSettings>,
    /// Its configuration and that of the components that it stands for, which [`NucleusSettings`]
    /// can be read from.
    pub configurations: BTreeMap<ComponentName, Value>,
    /// `AuthorizedPosixGroups` of `aws.greengrass.Cli`: groups, by name or number, whose members may
    /// use the command line.
    pub cli_groups: Vec<String>,
    /// What the text holds that has no effect.
    pub warnings: Vec<Warning>,
}

/// By which files, or objects in tokens (`pkcs11:`), a device shows who it is, and knows the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityFiles {
    /// `certificateFilePath`: the device's certificate, and those between it and a root.
    pub certificate: Option<String>,
    /// `privateKeyPath`: its key.
    pub private_key: Option<String>,
    /// `rootCaPath`: whose certificates are trusted.
    pub root_ca: Option<String>,
    /// The library by which tokens are spoken to.
    pub pkcs11: Option<Pkcs11Settings>,
}

impl NucleusFile {
    /// Read the file from JSON or YAML.
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
        let mut file = Self::default();
        let mut object = Object::open(&root, value)?;
        if let Some(value) = object.take("system") {
            let path = root.key("system");
            let mut system = Object::open(&path, value)?;
            file.root = system.text("rootpath")?.map(Into::into);
            file.thing = system.read("thingName", parsed)?;
            // What an installer leaves empty is not there.
            let filled = |text: &&str| !text.is_empty();
            let mut path = |name| Ok(system.text(name)?.filter(filled).map(Into::into));
            file.identity = IdentityFiles {
                certificate: path("certificateFilePath")?,
                private_key: path("privateKeyPath")?,
                root_ca: path("rootCaPath")?,
                pkcs11: None,
            };
            system.warn_unknown(warnings);
        }
        if let Some(value) = object.take("services") {
            let path = root.key("services");
            let mut services = Object::open(&path, value)?;
            let mut own = Map::new();
            for name in ComponentName::NUCLEUS {
                service(&mut services, name, warnings, |path, value, warnings| {
                    let _whole = NucleusSettings::read_at(path, value, warnings)?;
                    own.extend(value.as_object().cloned().unwrap_or_default());
                    Ok(())
                })?;
            }
            file.configurations.insert(ComponentName::nucleus(), own.into());
            for name in OTHERS {
                service(&mut services, name, warnings, |path, value, warnings| {
                    NucleusSettings::default().read_other(name, path, value, warnings)?;
                    file.configurations.insert(ComponentName::of_core(name), value.clone());
                    Ok(())
                })?;
            }
            service(&mut services, PKCS11, warnings, |path, value, warnings| {
                file.identity.pkcs11 = Some(Pkcs11Settings::read(path, value, warnings)?);
                Ok(())
            })?;
            for name in CLAIM {
                service(&mut services, name, warnings, |path, value, warnings| {
                    file.claim = Some(ClaimSettings::read(path, value, warnings)?);
                    Ok(())
                })?;
            }
            service(&mut services, CLI, warnings, |path, value, warnings| {
                file.cli_groups = groups(path, value, warnings)?;
                Ok(())
            })?;
            services.warn_unknown(warnings);
        }
        object.warn_unknown(warnings);
        Ok(file)
    }
}

/// Read the configuration of a service, if it is there.
fn service(
    services: &mut Object<'_>,
    name: &'static str,
    warnings: &mut Warnings,
    read: impl FnOnce(&Path<'_>, &Value, &mut Warnings) -> Result<(), ShapeError>,
) -> Result<(), ShapeError> {
    services
        .read(name, |path, value| {
            let mut service = Object::open(path, value)?;
            for known in ["componentType", "version", "dependencies"] {
                let _written_by_installers = service.take(known);
            }
            service.read("configuration", |path, value| read(path, value, warnings))?;
            service.warn_unknown(warnings);
            Ok(())
        })
        .map(Option::unwrap_or_default)
}

/// `AuthorizedPosixGroups`: names and numbers, with commas between them.
fn groups(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Vec<String>, ShapeError> {
    let mut configuration = Object::open(path, value)?;
    let groups = configuration.text("AuthorizedPosixGroups")?.unwrap_or_default();
    configuration.warn_unknown(warnings);
    let groups = groups.split(',').map(str::trim).filter(|group| !group.is_empty());
    Ok(groups.map(Into::into).collect())
}
