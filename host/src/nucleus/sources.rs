//! Where the files of components are brought from.

use super::proxies;
use crate::cloud::data_plane::DataPlane;
use crate::cloud::s3::S3;
use crate::component::artifact::ArtifactSource;
use crate::component::artifact::source::{
    Bandwidth, Download, Files, Greengrass, Https, Objects, Registries,
};
use crate::deployment::own::OwnConfiguration;
use crate::network::{self, Client, Patience};
use crate::runtime::process::Proxy;
use crate::tasks::Tasks;
use anyhow::Context as _;
use rustls::ClientConfig;
use std::sync::Arc;

/// This machine, web servers and the cloud; all that download share the network as settings say.
pub(super) fn all(
    own: &OwnConfiguration,
    proxy: Option<&Proxy>,
    (plane, s3): (Option<&DataPlane>, Option<S3>),
    tasks: &Tasks,
) -> anyhow::Result<Vec<Box<dyn ArtifactSource>>> {
    let (proxies, bandwidth) = (proxies(proxy)?, Bandwidth::new(own.watch()));
    let download = |tls: Result<Arc<ClientConfig>, rustls::Error>| {
        let tls = tls.context("cannot prepare for TLS")?;
        let client = Client::new([tls.clone(), tls], proxies.clone(), Patience::default());
        anyhow::Ok(Download::new(client, bandwidth.clone()))
    };
    let public = download(network::tls::public())?;
    let s3 = s3.map(|s3| anyhow::Ok((s3.clone(), download(s3.tls())?))).transpose()?;
    let mut sources: Vec<Box<dyn ArtifactSource>> = vec![
        Box::new(Files::new(tasks.clone())),
        Box::new(Https::new(public.clone())),
        Box::new(Objects::new(s3)),
        Box::new(Registries::new(public, tasks.clone(), own.watch())),
    ];
    if let Some(plane) = plane {
        let https = Https::new(download(plane.tls_for_files())?);
        sources.push(Box::new(Greengrass::new(plane.clone(), https)));
    }
    Ok(sources)
}
