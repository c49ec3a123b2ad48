//! `artifacts`: how files of components are brought. Of this host's own; Greengrass has no such key.

use super::number;
use crate::shape::{Object, Path, ShapeError, Warnings};
use serde_json::Value;

/// How files of components are brought from other machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtifactSettings {
    /// `bytesPerSecond`: most that all downloads together take of the network; as much as there is
    /// when `None`.
    pub bytes_per_second: Option<u64>,
    /// `dockerConfig`: a file as `docker login` writes it, with what registries ask for.
    pub docker_config: Option<String>,
    /// `s3Endpoint`: who has the objects of `s3:`, as a URL or a host; who gives credentials when `None`,
    /// or AWS if that is AWS.
    pub s3_endpoint: Option<String>,
}

impl ArtifactSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let bytes_per_second = object.read("bytesPerSecond", number)?;
        let filled = |text: &&str| !text.is_empty();
        let mut text =
            |name| Ok::<_, ShapeError>(object.text(name)?.filter(filled).map(Into::into));
        let (docker_config, s3_endpoint) = (text("dockerConfig")?, text("s3Endpoint")?);
        object.warn_unknown(warnings);
        Ok(Self { bytes_per_second, docker_config, s3_endpoint })
    }
}
