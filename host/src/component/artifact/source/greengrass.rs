//! Files that come with a component in the cloud: `greengrass:NAME`. The data plane says where each can
//! be downloaded for a while.

use super::{ArtifactSource, Asked, Https};
use crate::cloud::data_plane::{DataPlane, DataPlaneError};
use crate::component::artifact::{ArtifactError, Part};
use futures_util::future::BoxFuture;

/// Downloads them.
#[derive(Debug)]
pub struct Greengrass {
    plane: DataPlane,
    https: Https,
}

impl Greengrass {
    /// Ask this where they are, and download them from there.
    pub fn new(plane: DataPlane, https: Https) -> Self {
        Self { plane, https }
    }

    async fn download(&self, asked: Asked<'_>, part: &mut Part<'_>) -> Result<(), ArtifactError> {
        let uri = asked.uri;
        let failed = |error: DataPlaneError| ArtifactError::Cloud { uri: uri.to_owned(), error };
        let name = uri.split_once(':').map_or("", |(_, name)| name);
        let arn =
            asked.version.ok_or_else(|| ArtifactError::NotOfTheCloud { uri: uri.to_owned() })?;
        let place = self.plane.artifact(arn, name).await.map_err(failed)?;
        self.https.bring(Asked { uri: &place, ..asked }, part).await
    }
}

impl ArtifactSource for Greengrass {
    fn serves(&self, scheme: &str) -> bool {
        scheme == "greengrass"
    }

    fn bring<'a>(
        &'a self,
        asked: Asked<'a>,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>> {
        Box::pin(self.download(asked, part))
    }
}
