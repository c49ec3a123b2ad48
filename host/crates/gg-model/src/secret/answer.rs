//! What AWS answers: credentials for a role, and the value of a secret.

use super::{SecretVersion, file, wipe};
use crate::shape::{Object, Path, ShapeError};
use serde_json::{Value, json};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// Credentials of AWS for a role, for a time (AWS IoT Core, credentials provider).
#[derive(Clone, Eq, PartialEq)]
pub struct RoleCredentials {
    /// The access key's id.
    pub access_key: String,
    /// The access key.
    pub secret_key: Zeroizing<String>,
    /// What shows that they hold for a time.
    pub token: Zeroizing<String>,
    /// Until when, as ISO 8601 has it.
    pub expiration: String,
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleCredentials")
            .field("access_key", &self.access_key)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// An answer is not what it should be; shows nothing of it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AnswerError {
    /// It is not JSON.
    #[error("what was answered is not JSON")]
    NotJson,
    /// A member is missing or not what its place asks for.
    #[error("what was answered is not as it should be: {0}")]
    Shape(#[from] ShapeError),
}

impl RoleCredentials {
    /// Read what the credentials provider answers.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(answer: &[u8]) -> Result<Self, AnswerError> {
        reading(answer, |value| {
            let root = Path::root("");
            let mut object = Object::open(&root, value)?;
            let path = root.key("credentials");
            let mut inner = Object::open(&path, object.required("credentials")?)?;
            let mut text = |name| match inner.required(name)? {
                Value::String(text) => Ok(text.clone()),
                _ => Err(ShapeError::new(&path.key(name), "is not text")),
            };
            Ok(Self {
                access_key: text("accessKeyId")?,
                secret_key: text("secretAccessKey")?.into(),
                token: text("sessionToken")?.into(),
                expiration: text("expiration")?,
            })
        })
    }

    /// As containers are told them (AWS SDKs, container credentials provider).
    pub fn for_containers(&self) -> Zeroizing<String> {
        let told = json!({
            "AccessKeyId": self.access_key,
            "SecretAccessKey": *self.secret_key,
            "Token": *self.token,
            "Expiration": self.expiration,
        });
        Zeroizing::new(told.to_string())
    }
}

impl SecretVersion {
    /// Read what Secrets Manager answers to GetSecretValue.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse_answer(answer: &[u8]) -> Result<Self, AnswerError> {
        reading(answer, |value| file::version(&Path::root("GetSecretValue"), value, false))
    }
}

fn reading<T>(
    answer: &[u8],
    read: impl FnOnce(&Value) -> Result<T, ShapeError>,
) -> Result<T, AnswerError> {
    let mut value: Value = serde_json::from_slice(answer).map_err(|_| AnswerError::NotJson)?;
    let outcome = read(&value);
    wipe(&mut value);
    Ok(outcome?)
}
