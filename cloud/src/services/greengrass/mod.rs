//! AWS IoT Greengrass V2 (API reference, version 2020-11-30).

pub(super) mod components;
mod cores;
mod deployments;
mod effective;
pub(super) mod fault;
mod page;
pub(super) mod resolve;
mod tags;

use crate::registry::Registry;
use crate::web::protocol::{Protocol, rest_json};
use crate::web::{Operation, Service};
use http::Method;

/// Operations, by what they are about.
static OPERATIONS: &[&[Operation]] = &[
    components::OPERATIONS,
    cores::OPERATIONS,
    deployments::OPERATIONS,
    effective::OPERATIONS,
    resolve::OPERATIONS,
    tags::OPERATIONS,
    UNSERVED,
];

/// What AWS has besides.
static UNSERVED: &[Operation] = &[
    Operation::unserved(Method::GET, "/greengrass/servicerole", "GetServiceRoleForAccount"),
    Operation::unserved(Method::PUT, "/greengrass/servicerole", "AssociateServiceRoleToAccount"),
    Operation::unserved(
        Method::DELETE,
        "/greengrass/servicerole",
        "DisassociateServiceRoleFromAccount",
    ),
];

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let router = rest_json::router(registry, OPERATIONS.iter().copied().flatten(), fault::of);
    Service { name: "greengrass", protocol: Protocol::RestJson, router }
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
