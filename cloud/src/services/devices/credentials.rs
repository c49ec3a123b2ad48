//! The credentials provider (AWS IoT developer guide, "Authorizing direct calls to AWS services using
//! AWS IoT Core credential provider").

use crate::registry::policies::Request;
use crate::registry::{Kind, Refusal, Registry, role_aliases, sessions};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde_json::json;

const CREDENTIALS: &str = "/role-aliases/{roleAlias}/credentials";

pub(super) static OPERATIONS: &[Operation] =
    &[Operation::new(Method::GET, CREDENTIALS, "AssumeRoleWithCertificate", credentials)];

fn credentials(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (device, now) = (call.caller.device()?, registry.clock.now());
    let denied = |message: String| Refusal::new(Kind::Denied, message);
    let named = call.headers.get("x-amzn-iot-thingname").map(|name| name.to_str());
    let thing = match named {
        Some(Ok(name)) if device.is_thing(name) => Some(name),
        Some(_) => return Err(denied("the certificate is attached to no such thing".to_owned())),
        None => device.thing(None).map(|thing| thing.name.as_str()),
    };
    let alias = role_aliases::require(registry.state.snapshot()?.as_ref(), call.part("roleAlias"))?;
    let resource = role_aliases::arn(&registry.place, &alias.name);
    let action = "iot:AssumeRoleWithCertificate";
    let request = Request { action, resource: &resource, client_id: thing, ..Request::default() };
    if !device.authorize(&request, now).is_allowed() {
        return Err(denied(format!("no policy of the device allows {action} on {resource}")));
    }
    let holder = thing.unwrap_or(&device.certificate.id);
    let role = alias.role.rsplit('/').next().unwrap_or_default();
    // Whole seconds, as AWS has them.
    let expires = crate::clock::Time::from_seconds(now.seconds() + alias.seconds);
    let made =
        registry.state.change_with_others(|tx| sessions::begin(tx, role, holder, expires))?;
    Ok(Answer::ok(json!({ "credentials": {
        "accessKeyId": made.session.id,
        "secretAccessKey": made.secret.reveal(),
        "sessionToken": made.token.reveal(),
        "expiration": expires.iso8601().replace(".000Z", "Z"),
    } })))
}
