//! Claims that somebody who installs a device gets for a few minutes ("Provisioning by trusted user").
//! They may ask for a certificate and for what one template makes of it, and nothing else.

use super::templates;
use crate::clock::Time;
use crate::pki::{Authority, Issued};
use crate::registry::certificates::{self, Status};
use crate::registry::policies::{self, Target};
use crate::registry::{Kind, Place, Refusal};
use crate::state::{Key, Table, Transaction};
use serde_json::{Value, json};

/// Ids of certificates and names of policies, by when they go.
const DUE: Table<String> = Table::new("provisioning-claims");

/// How long a claim holds, in seconds (AWS IoT API reference, `CreateProvisioningClaim`).
const HOLDS: u64 = 5 * 60;

/// What certificates of claims are called.
const NAME: &str = "provisioning claim";

/// Most that go in one transaction.
const MOST_AT_ONCE: usize = 100;

/// A claim.
#[derive(Debug)]
pub struct Claim {
    /// The certificate's id.
    pub id: String,
    /// Certificate and key.
    pub issued: Issued,
    /// When it holds no more.
    pub expires: Time,
}

/// Make one for a template.
///
/// # Errors
/// There is no such template, or nothing may be asked of it.
pub fn claim(
    tx: &mut dyn Transaction,
    authority: &Authority,
    place: &Place,
    template: &str,
    now: Time,
) -> Result<Claim, Refusal> {
    if !templates::require(tx, template)?.is_enabled {
        let message = format!("the provisioning template {template} is not enabled");
        return Err(Refusal::invalid(message));
    }
    let issued = authority.issue(NAME).map_err(|error| Refusal::internal(&error))?;
    let id = certificates::register(tx, &issued.certificate, Status::Active, now)?.id;
    policies::create(tx, &policy_name(&id), &policy(place, template).to_string(), now)?;
    policies::attach(tx, &policy_name(&id), &Target::Certificate(id.clone()))?;
    let expires = now.plus_seconds(HOLDS);
    DUE.put(tx, &Key::new().number(expires.millis()).text(&id), &id)?;
    Ok(Claim { id, issued, expires })
}

/// That of a claim. No other has such a name.
fn policy_name(id: &str) -> String {
    format!("provisioning-claim-{id}")
}

/// What a claim may do, by any name.
fn policy(place: &Place, template: &str) -> Value {
    let of_template = format!("$aws/provisioning-templates/{template}/provision/*");
    let topics =
        ["$aws/certificates/create/*", "$aws/certificates/create-from-csr/*", &of_template];
    let all = |kind: &str| topics.map(|topic| place.arn("iot", &format!("{kind}/{topic}")));
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "iot:Connect", "Resource": "*" },
        { "Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": all("topic") },
        { "Effect": "Allow", "Action": "iot:Subscribe", "Resource": all("topicfilter") },
    ] })
}

/// Have claims go that hold no more. Gives whether there may be more.
pub(super) fn expire(tx: &mut dyn Transaction, now: Time) -> Result<bool, Refusal> {
    let due = DUE.scan(tx, &Key::new(), None, MOST_AT_ONCE)?;
    let (end, all) = (Key::new().number(now.millis()).past(), due.len() < MOST_AT_ONCE);
    for (key, id) in due {
        if key > end {
            return Ok(false);
        }
        DUE.delete(tx, &key)?;
        // Somebody may have removed or changed either.
        gone(certificates::set_status(tx, &id, Status::Revoked, now))?;
        gone(certificates::delete(tx, &id, true))?;
        gone(policies::delete(tx, &policy_name(&id)))?;
    }
    Ok(!all)
}

fn gone(done: Result<(), Refusal>) -> Result<(), Refusal> {
    match done {
        Err(refusal) if matches!(refusal.kind, Kind::NotFound | Kind::InUse) => Ok(()),
        other => other,
    }
}
