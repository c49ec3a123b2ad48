//! How a device without a certificate of its own gets one: by a claim, which it shares with all
//! devices of its batch (fleet provisioning by claim).

use super::{ProxySettings, number, secret};
use crate::name::ThingName;
use crate::shape::{Object, Path, ShapeError, Warnings, parsed, scalar_text};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The configuration of the plug-in `aws.greengrass.FleetProvisioningByClaim` (Greengrass developer
/// guide, "AWS IoT fleet provisioning plugin"), or of nucleus lite's
/// `aws.greengrass.fleet_provisioning`, which has other names for some of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimSettings {
    /// `rootPath`: the nucleus's root folder, where `system.rootpath` does not say it.
    pub root: Option<String>,
    /// `provisioningTemplate`: by what the cloud makes the thing.
    pub template: String,
    /// `templateParameters`: what the template is told.
    pub parameters: BTreeMap<String, String>,
    /// `claimCertificatePath`.
    pub certificate: String,
    /// `claimCertificatePrivateKeyPath`.
    pub private_key: String,
    /// `rootCaPath`.
    pub root_ca: Option<String>,
    /// `iotDataEndpoint`.
    pub endpoint: String,
    /// `iotCredentialEndpoint`.
    pub credential_endpoint: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// `iotRoleAlias`.
    pub role_alias: Option<String>,
    /// `deviceId`: by which name the device connects for this; any, unless it is told.
    pub client: Option<ThingName>,
    /// `mqttPort`.
    pub port: Option<u64>,
    /// `proxyUrl`, `proxyUserName` and `proxyPassword`.
    pub proxy: Option<ProxySettings>,
    /// `csrPath`: a request that the cloud signs, so that the key need not be made there.
    pub request: Option<String>,
    /// `csrPrivateKeyPath`: the key of that request.
    pub request_key: Option<String>,
    /// `certificatePath`: where the device's certificate is to be.
    pub new_certificate: Option<String>,
    /// `privateKeyPath`: where its key is to be.
    pub new_private_key: Option<String>,
}

impl ClaimSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let filled = |text: &&str| !text.is_empty();
        let mut text = |names: &[&'static str]| {
            for name in names {
                if let Some(text) = object.text(name)?.filter(filled) {
                    return Ok(Some(text.to_owned()));
                }
            }
            Ok(None)
        };
        let needed = |found: Option<String>, name: &str| {
            found.ok_or_else(|| ShapeError::new(&path.key(name), "is missing"))
        };
        let mut settings = Self {
            root: text(&["rootPath"])?,
            template: needed(
                text(&["provisioningTemplate", "templateName"])?,
                "provisioningTemplate",
            )?,
            certificate: needed(
                text(&["claimCertificatePath", "claimCertPath"])?,
                "claimCertificatePath",
            )?,
            private_key: needed(
                text(&["claimCertificatePrivateKeyPath", "claimKeyPath"])?,
                "claimCertificatePrivateKeyPath",
            )?,
            root_ca: text(&["rootCaPath"])?,
            endpoint: needed(text(&["iotDataEndpoint"])?, "iotDataEndpoint")?,
            credential_endpoint: text(&["iotCredentialEndpoint", "iotCredEndpoint"])?,
            region: text(&["awsRegion"])?,
            role_alias: text(&["iotRoleAlias"])?,
            request: text(&["csrPath"])?,
            request_key: text(&["csrPrivateKeyPath"])?,
            new_certificate: text(&["certificatePath"])?,
            new_private_key: text(&["privateKeyPath"])?,
            ..Self::default()
        };
        if settings.template.contains(['/', '+', '#']) {
            return Err(ShapeError::new(
                &path.key("provisioningTemplate"),
                "is no template's name",
            ));
        }
        if settings.request.is_some() != settings.request_key.is_some() {
            return Err(ShapeError::new(path, "csrPath and csrPrivateKeyPath go together"));
        }
        settings.client = object.read("deviceId", parsed)?;
        settings.port = object.read("mqttPort", number)?;
        settings.parameters = object
            .read_either(["templateParameters", "templateParams"], parameters)?
            .unwrap_or_default();
        let url = object.text("proxyUrl")?.filter(filled);
        let user = object.text("proxyUserName")?.filter(filled);
        let password = object.read("proxyPassword", secret)?.filter(filled);
        settings.proxy = url.map(|url| ProxySettings {
            url: url.into(),
            user: user.map(Into::into),
            password: password.map(Into::into),
            except: String::new(),
        });
        object.warn_unknown(warnings);
        Ok(settings)
    }
}

/// An object of texts, or the text of one, as nucleus lite's command line has it.
fn parameters(path: &Path<'_>, value: &Value) -> Result<BTreeMap<String, String>, ShapeError> {
    let value = match value {
        Value::String(text) => Cow::Owned(
            serde_json::from_str(text)
                .map_err(|error| ShapeError::new(path, format_args!("not JSON: {error}")))?,
        ),
        value => Cow::Borrowed(value),
    };
    let Value::Object(members) = &*value else {
        return Err(ShapeError::expected(path, "an object", &value));
    };
    members
        .iter()
        .map(|(name, value)| Ok((name.clone(), scalar_text(&path.key(name), value)?)))
        .collect()
}
