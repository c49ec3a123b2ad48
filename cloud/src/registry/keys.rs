//! Access keys: who may ask, and the secrets by which their requests are signed.

use super::sessions::Session;
use super::{Identity, Kind, Place, Refusal, certificates};
use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const KEYS: Table<AccessKey> = Table::new("keys");

/// Letters of an access key's id after its first four.
const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The user that the first key is made for, who may do everything.
pub const ADMINISTRATOR: &str = "admin";

/// An access key (IAM user guide, "Manage access keys").
#[derive(Clone, Deserialize, Serialize)]
pub struct AccessKey {
    /// 20 letters and digits, `AKIA` first.
    pub id: String,
    /// What requests are signed with.
    pub secret: Secret,
    /// Whose it is.
    pub user: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A text that `Debug` does not show.
#[derive(Clone, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.0.to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Who asks: made of a key by which a request is signed, never of what the request says.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user's ARN.
    pub arn: String,
    /// The user's unique id.
    pub id: String,
    /// The device that it is, if it was known by a certificate.
    pub device: Option<Arc<Identity>>,
}

impl Caller {
    /// Whose key this is.
    pub fn of(key: &AccessKey, place: &Place) -> Self {
        let arn = format!("arn:aws:iam::{}:user/{}", place.account, key.user);
        Self { arn, id: format!("AIDA{}", key.id.get(4..).unwrap_or_default()), device: None }
    }

    /// Whose session this is.
    pub fn of_session(session: &Session, place: &Place) -> Self {
        let id = format!("AROA{}:{}", session.id.get(4..).unwrap_or_default(), session.holder);
        Self { arn: session.arn(place), id, device: None }
    }

    /// A device, by its certificate.
    pub fn of_device(identity: Identity, place: &Place) -> Self {
        let id = identity.certificate.id.clone();
        Self { arn: certificates::arn(place, &id), id, device: Some(Arc::new(identity)) }
    }

    /// The device that it is.
    ///
    /// # Errors
    /// It is none.
    pub fn device(&self) -> Result<&Identity, Refusal> {
        let device = self.device.as_deref();
        device.ok_or_else(|| Refusal::new(Kind::Denied, "only devices may ask for this"))
    }
}

/// Make a key for a user.
///
/// # Errors
/// The state cannot be written.
pub fn create(transaction: &mut dyn Transaction, user: &str) -> Result<AccessKey, Refusal> {
    let key = AccessKey {
        id: format!("AKIA{}", crate::random::text::<16>(ID_LETTERS)?),
        secret: crate::random::text::<40>(SECRET_LETTERS)?.into(),
        user: user.to_owned(),
    };
    KEYS.put(transaction, &Key::new().text(&key.id), &key)?;
    Ok(key)
}

/// The key with this id.
///
/// # Errors
/// The state cannot be read.
pub fn find(rows: &dyn Rows, id: &str) -> Result<Option<AccessKey>, StateError> {
    KEYS.get(rows, &Key::new().text(id))
}

/// Any key of a user.
///
/// # Errors
/// The state cannot be read.
pub fn of_user(rows: &dyn Rows, user: &str) -> Result<Option<AccessKey>, StateError> {
    let keys = KEYS.scan(rows, &Key::new(), None, usize::MAX)?;
    Ok(keys.into_iter().map(|(_, key)| key).find(|key| key.user == user))
}
