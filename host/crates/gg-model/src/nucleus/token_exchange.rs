//! The configuration of `aws.greengrass.TokenExchangeService`.

use crate::shape::{Object, Path, ShapeError, Warnings, whole};
use serde_json::Value;

/// How components are given credentials of AWS (Greengrass developer guide, "Token exchange
/// service"). What is `None` takes the default of whoever uses it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenExchangeSettings {
    /// `port`: where they ask, on this machine; any that is free when `None`.
    pub port: Option<u16>,
    /// `credentialRetryInSec.clientError`: for how long a refusal of the cloud counts, in seconds.
    pub client_error: Option<u64>,
    /// `credentialRetryInSec.serverError`: the same for a failure of the cloud's own.
    pub server_error: Option<u64>,
    /// `credentialRetryInSec.unknownError`: the same for any other answer.
    pub unknown_error: Option<u64>,
}

impl TokenExchangeSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let port = object.read("port", |path, value| whole(path, value, "ports", 0..=65_535))?;
        let mut settings = Self {
            // Greengrass has 0 for any that is free.
            port: port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0),
            ..Self::default()
        };
        object.read("credentialRetryInSec", |path, value| {
            let mut object = Object::open(path, value)?;
            let mut read =
                |name| object.read(name, |path, value| whole(path, value, "seconds", 10..=42_900));
            settings.client_error = read("clientError")?;
            settings.server_error = read("serverError")?;
            settings.unknown_error = read("unknownError")?;
            object.warn_unknown(warnings);
            Ok(())
        })?;
        // Told, not asked for.
        let _told = object.take("activePort");
        object.warn_unknown(warnings);
        Ok(settings)
    }
}
