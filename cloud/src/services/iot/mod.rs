//! AWS IoT: things, their groups and certificates, and policies (AWS IoT API reference).

mod certificates;
mod endpoint;
mod groups;
pub(super) mod jobs;
mod members;
mod policies;
mod principals;
mod provisioning;
mod role_aliases;
mod tags;
mod targets;
mod thing_types;
mod things;

use crate::registry::{Kind, Page, Paging, Place, Refusal, Registry};
use crate::web::protocol::{Protocol, rest_json};
use crate::web::{Answer, Call, Fault, Operation, Service};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Operations, by what they are about.
static OPERATIONS: &[&[Operation]] = &[
    certificates::OPERATIONS,
    endpoint::OPERATIONS,
    groups::OPERATIONS,
    jobs::OPERATIONS,
    members::OPERATIONS,
    policies::OPERATIONS,
    principals::OPERATIONS,
    provisioning::OPERATIONS,
    role_aliases::OPERATIONS,
    tags::OPERATIONS,
    targets::OPERATIONS,
    thing_types::OPERATIONS,
    things::OPERATIONS,
];

/// Most results in a page.
const PAGE: usize = 250;

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let router = rest_json::router(registry, OPERATIONS.iter().copied().flatten(), fault);
    Service { name: "iot", protocol: Protocol::RestJson, router }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    OPERATIONS
        .iter()
        .copied()
        .flatten()
        .map(|operation| (operation.name, operation.is_served))
        .collect()
}

fn fault(refusal: &Refusal) -> Fault {
    let (status, code) = match refusal.kind {
        Kind::Conflict => (StatusCode::CONFLICT, "VersionConflictException"),
        Kind::Denied => (StatusCode::UNAUTHORIZED, "UnauthorizedException"),
        Kind::Exists => (StatusCode::CONFLICT, "ResourceAlreadyExistsException"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailureException"),
        Kind::InUse => (StatusCode::CONFLICT, "DeleteConflictException"),
        Kind::Limit => (StatusCode::GONE, "LimitExceededException"),
        Kind::Malformed => (StatusCode::BAD_REQUEST, "MalformedPolicyException"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Kind::NotServed => (StatusCode::NOT_FOUND, "UnknownOperationException"),
        Kind::State => (StatusCode::NOT_ACCEPTABLE, "CertificateStateException"),
        Kind::Throttled => (StatusCode::BAD_REQUEST, "ThrottlingException"),
        Kind::Transition => (StatusCode::CONFLICT, "InvalidStateTransitionException"),
        _ => (StatusCode::BAD_REQUEST, "InvalidRequestException"),
    };
    let code = match &refusal.resource {
        Some(resource) if resource.kind == "policy version" && refusal.kind == Kind::Limit => {
            "VersionsLimitExceededException"
        }
        _ => code,
    };
    let fault = Fault::new(status, code, refusal.message.clone());
    match (&refusal.resource, refusal.kind) {
        (Some(resource), Kind::Exists) => fault.with("resourceId", resource.id.clone()),
        _ => fault,
    }
}

/// Nothing to say: an object without members, which is what AWS answers.
fn done() -> Result<Answer, Refusal> {
    Ok(Answer::ok(json!({})))
}

/// Which page is asked for. Lists differ in how they call its size and its token.
fn paging(call: &Call, size: &str, token: &str) -> Result<Paging, Refusal> {
    Paging::new(call.query.get(token), call.page_size(size, PAGE)?)
}

/// A page, under the names that its list has for what is on it and for the next one's token.
fn page(items: &str, next: &str, page: Page<Value>) -> Answer {
    let mut body = Map::new();
    body.insert(items.to_owned(), page.items.into());
    body.extend(page.next.map(|token| (next.to_owned(), token.into())));
    Answer::ok(Value::Object(body))
}

/// Each item of a page.
fn each<T>(page: Page<T>, show: impl FnMut(T) -> Value) -> Page<Value> {
    Page { items: page.items.into_iter().map(show).collect(), next: page.next }
}

/// An object without the members that are null.
fn object(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
        }
        other => other,
    }
}

/// A flag in the query.
fn flag(call: &Call, name: &str, unsaid: bool) -> Result<bool, Refusal> {
    match call.query.get(name) {
        None => Ok(unsaid),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(Refusal::invalid(format!("{name} is neither true nor false"))),
    }
}

/// The version that the caller saw, in the query.
fn expected(call: &Call) -> Result<Option<u64>, Refusal> {
    let number = call.query.get("expectedVersion").map(str::parse).transpose();
    number.map_err(|_| Refusal::invalid("expectedVersion is no number"))
}

/// Something that a request names by its name or by its ARN.
fn named(
    place: &Place,
    name: Option<String>,
    arn: Option<&str>,
    kind: &str,
) -> Result<String, Refusal> {
    let of_arn = match arn {
        None => None,
        Some(arn) => Some(place.named(arn, "iot", kind).ok_or_else(|| {
            Refusal::invalid(format!("{arn:?} is not the ARN of a {kind} of this server"))
        })?),
    };
    match (name, of_arn) {
        (Some(name), of_arn) if of_arn.is_none_or(|found| found == name) => Ok(name),
        (None, Some(name)) => Ok(name.to_owned()),
        (Some(_), _) => Err(Refusal::invalid(format!("the {kind} has another ARN"))),
        (None, None) => Err(Refusal::invalid(format!("no {kind} is named"))),
    }
}
