//! Fleet provisioning: devices that share a certificate, a claim, get their own, and become what a
//! template says (AWS IoT developer guide, "Provisioning devices that don't have device certificates
//! using fleet provisioning").
//!
//! * [`template`]: the language of templates. [`templates`]: those that there are.
//! * [`claims`]: certificates that hold for minutes and may only ask for their own.
//! * [`device`]: what devices ask, and what they are answered. *An answer is for who asked: it can have
//!   a private key in it, so it is in no row and no outbox.*

mod claims;
mod device;
pub mod template;
mod templates;
#[cfg(test)]
mod tests;

pub use claims::{Claim, claim};
pub use device::{Answer, Asked, answer};
pub use templates::{Change, Creation, Stored, arn, create, delete, list, require, update};

use super::Refusal;
use crate::clock::Time;
use crate::state::Transaction;

/// Have go what nobody came for: certificates that were not registered, and claims that hold no more.
/// Gives whether there may be more.
///
/// # Errors
/// The state cannot be written.
pub fn expire(tx: &mut dyn Transaction, now: Time) -> Result<bool, Refusal> {
    Ok(device::expire(tx, now)? | claims::expire(tx, now)?)
}
