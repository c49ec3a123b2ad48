//! Files that come with a component in the cloud: `greengrass:NAME`. The data plane says where each can
//! be downloaded for a while.

use super::{ArtifactSource, Asked, Evidence, Https};
use crate::cloud::data_plane::{DataPlane, DataPlaneError};
use crate::component::artifact::{ArtifactError, Part};
use futures_util::future::BoxFuture;
use gg_trust::signature::{MAX_SIGNATURE_BYTES, SUFFIXES};

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

    /// Where a file of the version that is asked for can be downloaded.
    async fn place(&self, asked: Asked<'_>, ending: &str) -> Result<String, ArtifactError> {
        let uri = || asked.uri.to_owned();
        let name = asked.uri.split_once(':').map_or("", |(_, name)| name);
        let arn = asked.version.ok_or_else(|| ArtifactError::NotOfTheCloud { uri: uri() })?;
        let place = self.plane.artifact(arn, &format!("{name}{ending}")).await;
        place.map_err(|error| ArtifactError::Cloud { uri: uri(), error })
    }

    /// The signatures that belong to the version as well.
    async fn beside(&self, asked: Asked<'_>) -> Result<Evidence, ArtifactError> {
        let mut found = Vec::new();
        for ending in SUFFIXES {
            match self.place(asked, ending).await {
                Ok(place) => found.extend(self.https.small(&place, MAX_SIGNATURE_BYTES).await?),
                Err(ArtifactError::NotOfTheCloud { .. })
                | Err(ArtifactError::Cloud { error: DataPlaneError::NotFound(_), .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Evidence::beside(found))
    }

    async fn download(&self, asked: Asked<'_>, part: &mut Part<'_>) -> Result<(), ArtifactError> {
        let place = self.place(asked, "").await?;
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

    fn evidence<'a>(
        &'a self,
        asked: Asked<'a>,
        _file: gg_trust::Digest,
    ) -> BoxFuture<'a, Result<Evidence, ArtifactError>> {
        Box::pin(self.beside(asked))
    }
}
