//! The artifacts of a manifest: files that come with the component.

use crate::shape::{Object, Path, ShapeError, Warnings, choice};
use serde_json::Value;

/// A file that comes with a component (Greengrass developer guide, recipe reference,
/// `Artifacts`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it is: `s3://…`, `greengrass:…`, `docker:…`, or another scheme that the host serves.
    pub uri: String,
    /// Whether it is an archive to be unpacked.
    pub unarchive: Unarchive,
    /// The digest of its bytes in base64.
    pub digest: Option<String>,
    /// How the digest was made: `SHA-256`.
    pub algorithm: Option<String>,
    /// Who may read and execute it.
    pub permission: Permission,
}

/// What is done with an artifact after download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unarchive {
    /// Nothing.
    #[default]
    None,
    /// It is a ZIP archive and is unpacked.
    Zip,
}

/// Who may use an artifact's file. Who may execute it may read it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Who may read it.
    pub read: Access,
    /// Who may execute it.
    pub execute: Access,
}

/// A group of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nobody.
    None,
    /// The user that the component runs as.
    Owner,
    /// Every user.
    All,
}

impl Default for Permission {
    fn default() -> Self {
        Self { read: Access::Owner, execute: Access::None }
    }
}

const UNARCHIVE: [(&str, Unarchive); 2] = [("NONE", Unarchive::None), ("ZIP", Unarchive::Zip)];
const ACCESS: [(&str, Access); 3] =
    [("NONE", Access::None), ("OWNER", Access::Owner), ("ALL", Access::All)];

pub(super) fn read(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Artifact, ShapeError> {
    let mut object = Object::open(path, value)?;
    let artifact = Artifact {
        uri: object.required_parsed("URI")?,
        unarchive: match object.take("Unarchive") {
            Some(value) => choice(&path.key("Unarchive"), value, &UNARCHIVE)?,
            None => Unarchive::default(),
        },
        digest: object.text("Digest")?.map(Into::into),
        algorithm: object.text("Algorithm")?.map(Into::into),
        permission: match object.take("Permission") {
            Some(value) => permission(&path.key("Permission"), value, warnings)?,
            None => Permission::default(),
        },
    };
    object.warn_unknown(warnings);
    Ok(artifact)
}

fn permission(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<Permission, ShapeError> {
    let mut object = Object::open(path, value)?;
    let mut permission = Permission::default();
    if let Some(value) = object.take("Read") {
        permission.read = choice(&path.key("Read"), value, &ACCESS)?;
    }
    if let Some(value) = object.take("Execute") {
        permission.execute = choice(&path.key("Execute"), value, &ACCESS)?;
    }
    object.warn_unknown(warnings);
    Ok(permission)
}
