//! AWS IoT Greengrass V2 (API reference, version 2020-11-30).

mod components;
mod fault;
mod page;
mod tags;

use crate::registry::Registry;
use crate::web::protocol::{Protocol, rest_json};
use crate::web::{Operation, Service};
use http::Method;

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
    let operations = [components::OPERATIONS, tags::OPERATIONS, UNSERVED].into_iter().flatten();
    let router = rest_json::router(registry, operations, fault::of);
    Service { name: "greengrass", protocol: Protocol::RestJson, router }
}
