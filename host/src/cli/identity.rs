//! A device without a certificate is given one before it starts.

use crate::cloud::claim::Claim;
use crate::network::ProxySettings;
use crate::nucleus::device::Device;
use anyhow::{Context as _, Result};
use gg_model::{ClaimSettings, NucleusFile, NucleusSettings};

/// Get the device a certificate by its claim, however long that takes.
pub(super) async fn provision(
    file: &mut NucleusFile,
    settings: ClaimSettings,
    nucleus: &NucleusSettings,
    proxies: ProxySettings,
    device: &Device,
) -> Result<()> {
    tracing::info!(
        template = settings.template,
        host = settings.endpoint,
        "the device has no certificate of its own; asking for one by its claim"
    );
    let claim = Claim {
        settings,
        pkcs11: file.identity.pkcs11.clone(),
        nucleus: nucleus.clone(),
        proxies,
        root: device.root().path().to_owned(),
    };
    let provisioned = claim.provision(device.tasks()).await;
    let provisioned = provisioned.context("the device cannot be given a certificate")?;
    tracing::info!(thing = %provisioned.thing, "the device has a certificate of its own");
    provisioned.take_on(file);
    Ok(())
}
