//! Secrets as AWS Secrets Manager has them: versions with staging labels, and the text in which an
//! operator gives them.

mod answer;
mod file;
mod settings;
#[cfg(test)]
mod tests;

pub use answer::{AnswerError, RoleCredentials};
pub use file::SecretFileError;
pub use settings::{CloudSecret, SECRET_MANAGER, SecretManagerSettings};

use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// The label of the version that counts, unless another is asked for.
pub const CURRENT: &str = "AWSCURRENT";

/// Most bytes of a value (Secrets Manager, quotas).
pub const LARGEST_SECRET: usize = 65_536;

/// Most bytes of a name or an ARN; AWS has 512 for names.
pub const LONGEST_SECRET_ID: usize = 2048;

/// What may be told of one version of a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretHead {
    /// The secret's name.
    pub name: String,
    /// Its ARN; what AWS does not know has none.
    pub arn: Option<String>,
    /// The id of this version.
    pub version: String,
    /// Its staging labels.
    pub stages: Vec<String>,
}

/// One version of a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretVersion {
    /// What may be told of it.
    pub head: SecretHead,
    /// Its value.
    pub value: SecretValue,
}

/// The value of a secret. It is not shown, and its memory is wiped when it goes.
#[derive(Clone, Eq, PartialEq)]
pub enum SecretValue {
    /// Bytes.
    Bytes(Zeroizing<Vec<u8>>),
    /// Text.
    Text(Zeroizing<String>),
}

impl SecretHead {
    /// What the secret is known by: its ARN if it has one, else its name.
    pub fn key(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.name)
    }

    /// Whether a component that asks for this means the secret: its name, its ARN, or its ARN
    /// without the six characters that AWS adds (Secrets Manager, GetSecretValue, `SecretId`).
    pub fn is_meant_by(&self, id: &str) -> bool {
        let arn = |arn: &str| arn == id || without_suffix(arn) == Some(id);
        self.name == id || self.arn.as_deref().is_some_and(arn)
    }
}

impl SecretVersion {
    /// Read the text in which an operator gives secrets: JSON or YAML, an object with the list
    /// `secrets`, each entry of which has the members of what GetSecretValue answers.
    ///
    /// # Errors
    /// It is none of these. What is said of it shows no value.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, SecretFileError> {
        file::parse(text)
    }
}

impl SecretValue {
    /// The bytes, whichever it is.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// An ARN without its hyphen and six characters.
fn without_suffix(arn: &str) -> Option<&str> {
    let (before, suffix) = arn.rsplit_once('-')?;
    let fits = suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (fits && arn.starts_with("arn:")).then_some(before)
}

/// The region in the ARN of a secret: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-123456`,
/// with the six characters that AWS adds or without.
pub fn region_of(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let fits = parts.next() == Some("arn") && parts.next().is_some_and(|part| !part.is_empty());
    let fits = fits && parts.next() == Some("secretsmanager");
    let region = parts.next().filter(|region| !region.is_empty())?;
    let rest: Vec<&str> = parts.collect();
    (fits && rest.len() >= 3 && rest[1] == "secret").then_some(region)
}

/// The name in the ARN of a secret, without the six characters that AWS adds; the whole of what is
/// no ARN.
pub fn name_of(arn: &str) -> &str {
    let whole = without_suffix(arn).unwrap_or(arn);
    whole.splitn(7, ':').nth(6).unwrap_or(whole)
}

/// Wipe all texts of a value.
fn wipe(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
