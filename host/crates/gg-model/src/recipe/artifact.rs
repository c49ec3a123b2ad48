//! The artifacts of a manifest: files that come with the component.

use super::artifact_uri::ArtifactUri;
use crate::shape::{Object, Path, ShapeError, Warnings, choice};
use serde_json::Value;

/// A file that comes with a component (Greengrass developer guide, recipe reference,
/// `Artifacts`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it comes from.
    pub uri: ArtifactUri,
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
    /// It is a tar archive, as it is or compressed with gzip, and is unpacked. Greengrass does not
    /// know it.
    Tar,
}

impl Artifact {
    /// The folder below `{artifacts:decompressedPath}` that it is unpacked into: the name of its
    /// file without the extension.
    pub fn unarchived_folder(&self) -> Option<&str> {
        let name = self.uri.file_name()?;
        let ending = |ending: &str| {
            let at = name.len().checked_sub(ending.len())?;
            let (stem, found) = name.split_at_checked(at)?;
            found.eq_ignore_ascii_case(ending).then_some(stem)
        };
        let stem = match self.unarchive {
            Unarchive::None => return None,
            Unarchive::Zip => None,
            Unarchive::Tar => ending(".tar.gz"),
        };
        stem.or_else(|| name.rsplit_once('.').map(|(stem, _)| stem))
            .or(Some(name))
            .filter(|stem| !matches!(*stem, "" | "." | ".."))
    }
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

const UNARCHIVE: [(&str, Unarchive); 3] =
    [("NONE", Unarchive::None), ("ZIP", Unarchive::Zip), ("TAR", Unarchive::Tar)];
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
