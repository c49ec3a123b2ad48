//! Certificates by which devices are known (AWS IoT developer guide, "X.509 client certificates"). One
//! that is registered counts, whoever signed it; its private key is never here.

mod parsed;
#[cfg(test)]
mod tests;

pub use parsed::{Facts, id};

use super::page::{self, Page, Paging};
use super::policies::{self, Target};
use super::{Kind, Place, Refusal, principals};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use parsed::Parsed;
use serde::{Deserialize, Serialize};

pub(super) const CERTIFICATES: Table<Certificate> = Table::new("certificates");

/// A certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Certificate {
    /// The SHA-256 of its DER.
    pub id: String,
    /// The certificate.
    pub pem: String,
    /// Whether it counts.
    pub status: Status,
    /// What stands in it.
    pub facts: Facts,
    /// When it came here.
    pub created: Time,
    /// When its status was last set.
    pub modified: Time,
    /// How often that was, and one.
    pub version: u64,
}

/// Whether a certificate counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It does.
    Active,
    /// Not now.
    Inactive,
    /// Not yet: its device is being provisioned.
    PendingActivation,
    /// Not any more.
    Revoked,
}

impl Status {
    /// As AWS writes it.
    ///
    /// # Errors
    /// It is none that can be set.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        match text {
            "ACTIVE" => Ok(Self::Active),
            "INACTIVE" => Ok(Self::Inactive),
            "REVOKED" => Ok(Self::Revoked),
            _ => Err(Refusal::invalid("a status is ACTIVE, INACTIVE or REVOKED")),
        }
    }
}

impl Certificate {
    /// Whether a device may be known by it now.
    pub fn holds(&self, now: Time) -> bool {
        self.status == Status::Active
            && (self.facts.not_before..=self.facts.not_after).contains(&now)
    }
}

fn key(id: &str) -> Key {
    Key::new().text(id)
}

/// What a certificate is called in ARNs.
pub fn arn(place: &Place, id: &str) -> String {
    place.arn("iot", &format!("cert/{id}"))
}

/// Let devices be known by one.
///
/// # Errors
/// It is none, or is here already.
pub fn register(
    transaction: &mut dyn Transaction,
    pem: &str,
    status: Status,
    now: Time,
) -> Result<Certificate, Refusal> {
    let Parsed { id, facts } = Parsed::of(pem)?;
    if get(transaction, &id)?.is_some() {
        let message = format!("the certificate {id} is registered already");
        return Err(Refusal::new(Kind::Exists, message).about("certificate", id));
    }
    let pem = pem.to_owned();
    let certificate =
        Certificate { id, pem, status, facts, created: now, modified: now, version: 1 };
    CERTIFICATES.put(transaction, &key(&certificate.id), &certificate)?;
    Ok(certificate)
}

/// The one with this id.
///
/// # Errors
/// The state cannot be read.
pub fn get(rows: &dyn Rows, id: &str) -> Result<Option<Certificate>, Refusal> {
    Ok(CERTIFICATES.get(rows, &key(id))?)
}

/// The one with this id.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, id: &str) -> Result<Certificate, Refusal> {
    get(rows, id)?.ok_or_else(|| Refusal::not_found("certificate", id))
}

/// Say whether one counts.
///
/// # Errors
/// There is none.
pub fn set_status(
    transaction: &mut dyn Transaction,
    id: &str,
    status: Status,
    now: Time,
) -> Result<(), Refusal> {
    let found = require(transaction, id)?;
    let version = found.version + 1;
    let certificate = Certificate { status, modified: now, version, ..found };
    Ok(CERTIFICATES.put(transaction, &key(id), &certificate)?)
}

/// Remove one. With `force`, policies that are attached to it are detached.
///
/// # Errors
/// There is none, it is active, or something is attached to it.
pub fn delete(transaction: &mut dyn Transaction, id: &str, force: bool) -> Result<(), Refusal> {
    if require(transaction, id)?.status == Status::Active {
        let message = format!("the certificate {id} is active; deactivate or revoke it first");
        return Err(Refusal::new(Kind::State, message).about("certificate", id));
    }
    let attached = |what: &str| {
        let message = format!("the certificate {id} has {what} attached; detach them first");
        Err(Refusal::new(Kind::InUse, message).about("certificate", id))
    };
    if !principals::things_of(transaction, id)?.is_empty() {
        return attached("things");
    }
    let target = Target::Certificate(id.to_owned());
    if !force && !policies::attached_to(transaction, &target)?.is_empty() {
        return attached("policies");
    }
    policies::detach_all(transaction, &target)?;
    Ok(CERTIFICATES.delete(transaction, &key(id))?)
}

/// All of them, by id.
///
/// # Errors
/// The state cannot be read.
pub fn list(rows: &dyn Rows, paging: &Paging) -> Result<Page<Certificate>, Refusal> {
    page::of(&CERTIFICATES, rows, &Key::new(), paging, |_, certificate| Some(certificate))
}
