//! What `gg-cloud serve` says once it serves.

use crate::registry::{AccessKey, Place};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;

/// What those who start the server are told.
pub(super) struct Ready<'a> {
    pub(super) https: SocketAddr,
    pub(super) mqtt: SocketAddr,
    pub(super) authority: &'a Path,
    pub(super) key: &'a AccessKey,
    pub(super) is_new: bool,
    pub(super) place: &'a Place,
    pub(super) data: &'a Path,
}

impl Ready<'_> {
    /// The name that is in every certificate.
    fn url(&self) -> String {
        format!("https://localhost:{}", self.https.port())
    }

    pub(super) fn text(&self) -> String {
        let (url, authority) = (self.url(), self.authority.display());
        let (id, region) = (&self.key.id, &self.place.region);
        let secret = match self.is_new {
            true => self.key.secret.reveal(),
            false => "THE-SECRET-SHOWN-WITH-THE-FIRST-START",
        };
        let first = match self.is_new {
            true => "\nThis is the first start. The secret is not shown again: keep it.\n",
            false => "",
        };
        format!(
            "gg-cloud listens at {https} for AWS's APIs and at {mqtt} for MQTT, and keeps everything in {data}.
{first}
To use it, say to a shell:

    export AWS_ACCESS_KEY_ID={id}
    export AWS_SECRET_ACCESS_KEY={secret}
    export AWS_DEFAULT_REGION={region}
    export AWS_ENDPOINT_URL={url}
    export AWS_CA_BUNDLE={authority}
    aws sts get-caller-identity

or, without the last two variables:

    aws --endpoint-url {url} --ca-bundle {authority} sts get-caller-identity
",
            https = self.https,
            mqtt = self.mqtt,
            data = self.data.display(),
        )
    }

    pub(super) fn json(&self) -> String {
        let mut line = json!({
            "address": self.https.to_string(),
            "mqtt": self.mqtt.to_string(),
            "url": self.url(),
            "ca": self.authority,
            "region": self.place.region,
            "account": self.place.account,
            "accessKeyId": self.key.id,
        });
        if self.is_new {
            line["secretAccessKey"] = self.key.secret.reveal().into();
        }
        line.to_string()
    }
}
