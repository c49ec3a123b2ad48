//! AWS Secrets Manager (API reference, version 2017-10-17).

mod list;
mod secrets;
mod values;

use crate::registry::{Kind, Refusal, Registry};
use crate::web::protocol::Protocol;
use crate::web::protocol::json::{Json, Operation};
use crate::web::{Fault, Service};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

static OPERATIONS: &[Operation] = &[
    ("BatchGetSecretValue", values::batch),
    ("CreateSecret", secrets::create),
    ("DeleteSecret", secrets::delete),
    ("DescribeSecret", secrets::describe),
    ("GetSecretValue", values::get),
    ("ListSecretVersionIds", list::versions),
    ("ListSecrets", list::secrets),
    ("PutSecretValue", values::put),
    ("RestoreSecret", secrets::restore),
    ("TagResource", secrets::tag),
    ("UntagResource", secrets::untag),
    ("UpdateSecret", secrets::update),
    ("UpdateSecretVersionStage", values::stage),
];

/// What AWS has besides.
static UNSERVED: &[&str] = &[
    "AssociateCrossAccountReplica",
    "CancelRotateSecret",
    "DeleteResourcePolicy",
    "DisassociateCrossAccountReplica",
    "GetRandomPassword",
    "GetResourcePolicy",
    "ListResourcePolicies",
    "PutResourcePolicy",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RotateSecret",
    "StopReplicationToReplica",
    "ValidateResourcePolicy",
];

const NAME: &str = "secretsmanager";

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let json = Json { prefix: NAME, operations: OPERATIONS, unserved: UNSERVED, faults: fault };
    Service { name: NAME, protocol: Protocol::Json, router: json.router(registry) }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    let served = OPERATIONS.iter().map(|(name, _)| (*name, true));
    served.chain(UNSERVED.iter().map(|name| (*name, false))).collect()
}

/// All are 400, but for what is wrong with the server.
fn fault(refusal: &Refusal) -> Fault {
    let status = match refusal.kind {
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    Fault::new(status, code(refusal), refusal.message.clone())
}

/// The name that clients tell errors apart by.
fn code(refusal: &Refusal) -> &'static str {
    let about = refusal.resource.as_ref().map_or("", |resource| resource.kind);
    match (refusal.kind, about) {
        (Kind::Damaged, _) => "DecryptionFailure",
        (Kind::Denied, _) => "AccessDeniedException",
        (Kind::Exists, _) => "ResourceExistsException",
        (Kind::Internal, _) => "InternalServiceError",
        (Kind::Invalid, "body") => "SerializationException",
        (Kind::Invalid, "token") => "InvalidNextTokenException",
        (Kind::Invalid, _) => "InvalidParameterException",
        (Kind::Limit, _) => "LimitExceededException",
        (Kind::NotFound, _) => "ResourceNotFoundException",
        (Kind::Throttled, _) => "ThrottlingException",
        _ => "InvalidRequestException",
    }
}

/// What is asked. What is wrong with it is said without what stands in it, which may be a secret.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = format!("the body is not what is expected, at line {line}, column {column}");
        Refusal::invalid(message).about("body", "")
    })
}

/// An object of members that are said.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let said = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(said.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
