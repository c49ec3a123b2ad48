//! Where devices connect to: here, by the name that the client asks this server by.

use crate::registry::{Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde_json::json;

pub(super) static OPERATIONS: &[Operation] =
    &[Operation::new(Method::GET, "/endpoint", "DescribeEndpoint", describe)];

fn describe(_: &Registry, call: &Call) -> Result<Answer, Refusal> {
    // The ports that devices use unless they are told another.
    let usual: &[&str] = match call.query.get("endpointType").unwrap_or("iot:Data") {
        "iot:Data" | "iot:Data-ATS" | "iot:Jobs" => &["443", "8443"],
        "iot:CredentialProvider" => &["443"],
        _ => {
            return Err(Refusal::invalid(
                "an endpoint is of iot:Data-ATS, iot:Data, iot:CredentialProvider or iot:Jobs",
            ));
        }
    };
    let host = call.host();
    let address = match host.rsplit_once(':') {
        Some((name, port)) if usual.contains(&port) => name,
        _ => host,
    };
    Ok(Answer::ok(json!({ "endpointAddress": address })))
}
