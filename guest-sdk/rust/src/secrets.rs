//! Secrets, as far as the recipe grants them.

use crate::Result;
use crate::bindings::gg::host::secrets as wit;

pub use crate::bindings::gg::host::secrets::{SecretValue, Selector};

/// A secret that has not been looked at: it can be passed around and logged without harm.
#[derive(Debug)]
pub struct Secret(wit::Secret);

/// Find the version of a secret that counts now, by the secret's name or ARN.
///
/// # Errors
/// Unauthorized; no such secret.
pub fn get(name: &str) -> Result<Secret> {
    Ok(Secret(wit::get(name, None)?))
}

/// Find a version of a secret.
///
/// # Errors
/// Unauthorized; no such secret or version.
pub fn get_version(name: &str, which: &Selector) -> Result<Secret> {
    Ok(Secret(wit::get(name, Some(which))?))
}

/// Find the version of a secret that counts now, and ask the cloud first if it is from there.
///
/// # Errors
/// As [`get`]; that the cloud cannot be asked is none.
pub fn refresh(name: &str) -> Result<Secret> {
    Ok(Secret(wit::refresh(name, None)?))
}

impl Secret {
    /// Its value, if the component may still have it.
    ///
    /// # Errors
    /// Unauthorized.
    pub fn reveal(&self) -> Result<SecretValue> {
        Ok(self.0.reveal()?)
    }

    /// Its value where that is text.
    ///
    /// # Errors
    /// Unauthorized; [`crate::Error::InvalidArgument`] when it is bytes.
    pub fn text(&self) -> Result<String> {
        match self.reveal()? {
            SecretValue::Text(text) => Ok(text),
            SecretValue::Bytes(_) => {
                Err(crate::Error::InvalidArgument("the secret is not text".to_owned()))
            }
        }
    }

    /// The id of this version.
    pub fn version(&self) -> String {
        self.0.version()
    }

    /// The staging labels of this version.
    pub fn stages(&self) -> Vec<String> {
        self.0.stages()
    }
}
