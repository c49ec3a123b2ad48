//! `networkProxy`: by way of whom a nucleus and its components reach other machines.

use super::secret;
use crate::shape::{Object, Path, ShapeError, Warnings};
use serde_json::Value;
use std::fmt;

/// `networkProxy` (Greengrass developer guide, "Configure a network proxy").
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// `proxy.url`: `scheme://user:password@host:port`.
    pub url: String,
    /// `proxy.username`, where the URL has none.
    pub user: Option<String>,
    /// `proxy.password`.
    pub password: Option<String>,
    /// `noProxyAddresses`: what is reached without it, separated by commas.
    pub except: String,
}

/// Its URL may hold a password.
impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings").field("except", &self.except).finish_non_exhaustive()
    }
}

impl ProxySettings {
    /// None, where there is no URL.
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Option<Self>, ShapeError> {
        let mut object = Object::open(path, value)?;
        let mut settings = Self {
            except: object.text("noProxyAddresses")?.unwrap_or_default().into(),
            ..Self::default()
        };
        if let Some(value) = object.take("proxy") {
            let path = path.key("proxy");
            let mut proxy = Object::open(&path, value)?;
            settings.url = proxy.text("url")?.unwrap_or_default().into();
            let filled = |text: &&str| !text.is_empty();
            settings.user = proxy.text("username")?.filter(filled).map(Into::into);
            settings.password = proxy.read("password", secret)?.filter(filled).map(Into::into);
            proxy.warn_unknown(warnings);
        }
        object.warn_unknown(warnings);
        Ok(Some(settings).filter(|settings| !settings.url.is_empty()))
    }
}
