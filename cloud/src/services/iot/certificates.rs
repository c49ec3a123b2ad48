//! Certificates.

use super::{done, each, flag, page, paging};
use crate::registry::certificates::{self, Certificate, Status};
use crate::registry::{Place, Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const CERTIFICATES: &str = "/certificates";
const CERTIFICATE: &str = "/certificates/{certificateId}";
const REGISTER: &str = "/certificate/register";
const REGISTER_ALONE: &str = "/certificate/register-no-ca";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, "/keys-and-certificate", "CreateKeysAndCertificate", create),
    Operation::new(Method::POST, CERTIFICATES, "CreateCertificateFromCsr", sign),
    Operation::new(Method::POST, REGISTER, "RegisterCertificate", register),
    Operation::new(Method::POST, REGISTER_ALONE, "RegisterCertificateWithoutCA", register),
    Operation::new(Method::GET, CERTIFICATE, "DescribeCertificate", describe),
    Operation::new(Method::PUT, CERTIFICATE, "UpdateCertificate", update),
    Operation::new(Method::DELETE, CERTIFICATE, "DeleteCertificate", delete),
    Operation::new(Method::GET, CERTIFICATES, "ListCertificates", list),
];

/// Whose AWS's certificates are.
const NAME: &str = "AWS IoT Certificate";

/// Most bytes of a request to sign (AWS IoT API reference).
const LONGEST_REQUEST: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    certificate_signing_request: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Brought {
    certificate_pem: String,
    status: Option<String>,
}

fn show(place: &Place, certificate: &Certificate) -> Value {
    json!({
        "certificateArn": certificates::arn(place, &certificate.id),
        "certificateId": certificate.id,
        "status": certificate.status,
        "certificateMode": "DEFAULT",
        "creationDate": certificate.created.fractional_seconds(),
    })
}

fn keep(registry: &Registry, pem: &str, status: Status) -> Result<Value, Refusal> {
    let now = registry.clock.now();
    let kept =
        registry.state.change_with_others(|tx| certificates::register(tx, pem, status, now))?;
    Ok(json!({
        "certificateArn": certificates::arn(&registry.place, &kept.id),
        "certificateId": kept.id,
    }))
}

/// Whether it is to count at once.
fn status(call: &Call) -> Result<Status, Refusal> {
    let active = flag(call, "setAsActive", false)?;
    Ok(if active { Status::Active } else { Status::Inactive })
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let status = status(call)?;
    let issued = registry.authority.issue(NAME).map_err(|error| Refusal::internal(&error))?;
    let mut answer = keep(registry, &issued.certificate, status)?;
    answer["certificatePem"] = issued.certificate.into();
    answer["keyPair"] =
        json!({ "PublicKey": issued.public_key, "PrivateKey": issued.private_key.as_str() });
    Ok(Answer::ok(answer))
}

fn sign(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (status, asked) = (status(call)?, call.json::<Asked>()?.certificate_signing_request);
    if asked.len() > LONGEST_REQUEST {
        return Err(Refusal::invalid(format!("a request has up to {LONGEST_REQUEST} bytes")));
    }
    let signed = registry.authority.sign(&asked);
    let signed = signed.map_err(|error| Refusal::invalid(format!("{error:#}")))?;
    let mut answer = keep(registry, &signed, status)?;
    answer["certificatePem"] = signed.into();
    Ok(Answer::ok(answer))
}

fn register(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let brought: Brought = call.json()?;
    let status = match &brought.status {
        Some(text) => Status::read(text)?,
        None => status(call)?,
    };
    Ok(Answer::ok(keep(registry, &brought.certificate_pem, status)?))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let found = certificates::require(rows.as_ref(), call.part("certificateId"))?;
    let mut shown = show(&registry.place, &found);
    shown["certificatePem"] = found.pem.into();
    shown["ownedBy"] = registry.place.account.clone().into();
    shown["lastModifiedDate"] = found.modified.fractional_seconds().into();
    shown["customerVersion"] = found.version.into();
    shown["validity"] = json!({
        "notBefore": found.facts.not_before.fractional_seconds(),
        "notAfter": found.facts.not_after.fractional_seconds(),
    });
    Ok(Answer::ok(json!({ "certificateDescription": shown })))
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let status = Status::read(call.query.get("newStatus").unwrap_or_default())?;
    let (id, now) = (call.part("certificateId"), registry.clock.now());
    registry.state.change(|tx| certificates::set_status(tx, id, status, now))?;
    done()
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (id, force) = (call.part("certificateId"), flag(call, "forceDelete", false)?);
    registry.state.change(|tx| certificates::delete(tx, id, force))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let found = certificates::list(rows.as_ref(), &paging(call, "pageSize", "marker")?)?;
    let found = each(found, |certificate| show(&registry.place, &certificate));
    Ok(page("certificates", "nextMarker", found))
}
