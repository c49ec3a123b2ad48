//! What devices ask over HTTPS, known by their certificates and without signatures.

mod credentials;
mod greengrass;

use crate::registry::{Kind, Refusal, Registry};
use crate::web::protocol::{Protocol, rest_json};
use crate::web::{Fault, Service};
use http::StatusCode;

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let operations = [credentials::OPERATIONS, greengrass::OPERATIONS].into_iter().flatten();
    let router = rest_json::router(registry, operations, fault);
    Service { name: "devices", protocol: Protocol::RestJson, router }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    [credentials::OPERATIONS, greengrass::OPERATIONS]
        .into_iter()
        .flatten()
        .map(|operation| (operation.name, operation.is_served))
        .collect()
}

fn fault(refusal: &Refusal) -> Fault {
    let (status, code) = match refusal.kind {
        Kind::Denied => (StatusCode::FORBIDDEN, "AccessDeniedException"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        _ => (StatusCode::BAD_REQUEST, "ValidationException"),
    };
    Fault::new(status, code, refusal.message.clone())
}
