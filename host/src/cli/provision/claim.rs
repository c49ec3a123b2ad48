//! A device that is to get its certificate by a claim, which it shares with all of its batch.

use super::{Files, read};
use crate::cloud::check_pair;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// What the files of a claim are called in the root folder.
const CERTIFICATE: &str = "claim.pem.crt";
const PRIVATE_KEY: &str = "claim.private.pem.key";
const ROOTS: &str = "claim.roots.pem";

#[derive(Debug, clap::Args)]
pub(super) struct ClaimArgs {
    /// By a claim: the name of the template by which the cloud makes the thing.
    #[arg(long, value_name = "NAME", group = "from",
          requires_all = ["claim_certificate", "claim_key", "endpoint"])]
    template: Option<String>,

    /// The certificate of the claim.
    #[arg(long, value_name = "FILE", requires = "template")]
    claim_certificate: Option<PathBuf>,

    /// Its private key.
    #[arg(long, value_name = "FILE", requires = "template")]
    claim_key: Option<PathBuf>,

    /// The name of the broker (iotDataEndpoint).
    #[arg(long, value_name = "HOST", requires = "template")]
    endpoint: Option<String>,

    /// The broker's port, if it is not 8883.
    #[arg(long, value_name = "PORT", requires = "template")]
    mqtt_port: Option<u16>,

    /// Whose certificates are trusted. Default: those whom browsers trust.
    #[arg(long, value_name = "FILE", requires = "template")]
    root_ca: Option<PathBuf>,

    /// Who gives credentials (iotCredEndpoint), and for which role.
    #[arg(long, value_name = "HOST", requires_all = ["template", "role_alias"])]
    credentials_endpoint: Option<String>,

    /// The alias of that role.
    #[arg(long, value_name = "NAME", requires = "template")]
    role_alias: Option<String>,

    /// The region.
    #[arg(long, value_name = "REGION", requires = "template")]
    region: Option<String>,

    /// What the template is told, such as Serial=7. Repeat for more.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, requires = "template")]
    parameter: Vec<(String, String)>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example Serial=7".to_owned()),
    }
}

impl ClaimArgs {
    /// What is to be written: the claim, and a configuration that names it.
    pub(super) fn files(&self, root: &Path) -> Result<Files> {
        let mut others = Vec::new();
        let mut claim = Map::new();
        for (key, name, from) in [
            ("claimCertificatePath", CERTIFICATE, &self.claim_certificate),
            ("claimCertificatePrivateKeyPath", PRIVATE_KEY, &self.claim_key),
            ("rootCaPath", ROOTS, &self.root_ca),
        ] {
            let Some(from) = from else { continue };
            let content = read(from).with_context(|| format!("cannot read {}", from.display()))?;
            others.push((name, content));
            claim.insert(key.to_owned(), root.join(name).display().to_string().into());
        }
        if let [(_, certificate), (_, key), ..] = others.as_slice() {
            check_pair(certificate, key).map_err(anyhow::Error::msg).context("the claim")?;
        }
        for (key, value) in [
            ("provisioningTemplate", &self.template),
            ("iotDataEndpoint", &self.endpoint),
            ("iotCredentialEndpoint", &self.credentials_endpoint),
            ("iotRoleAlias", &self.role_alias),
            ("awsRegion", &self.region),
        ] {
            claim.extend(value.iter().map(|value| (key.to_owned(), Value::from(value.clone()))));
        }
        let parameters = self.parameter.iter().cloned();
        let parameters: Map<_, _> =
            parameters.map(|(name, value)| (name, Value::from(value))).collect();
        claim.insert("templateParameters".to_owned(), parameters.into());
        let mut own = json!({});
        if let Some(port) = self.mqtt_port {
            claim.insert("mqttPort".to_owned(), port.into());
            own = json!({ "mqtt": { "port": port } });
        }
        let configuration = json!({
            "system": { "rootpath": root.display().to_string() },
            "services": {
                "aws.greengrass.Nucleus": { "configuration": own },
                "aws.greengrass.FleetProvisioningByClaim": { "configuration": claim },
            },
        });
        Ok(Files { configuration: format!("---\n{configuration:#}\n"), others })
    }
}
