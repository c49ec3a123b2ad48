//! AWS IoT Data Plane: shadows, and messages for devices (AWS IoT data plane API reference).

use super::parsed;
use crate::registry::{Kind, Refusal, Registry, reserved, shadows};
use crate::state::outbox::{self, Message, Payload};
use crate::web::protocol::{Protocol, rest_json};
use crate::web::{Answer, Call, Fault, Operation, Service};
use gg_model::shadow::{MAX_REQUEST_BYTES, ShadowId, UpdateRequest};
use gg_model::{ThingName, Topic};
use http::{Method, StatusCode};
use serde_json::json;

const SHADOW: &str = "/things/{thingName}/shadow";
const RETAINED: &str = "/retainedMessage";
const CONNECTION: &str = "/connections/{clientId}";

static OPERATIONS: &[Operation] = &[
    Operation::new(Method::GET, SHADOW, "GetThingShadow", get),
    Operation::new(Method::POST, SHADOW, "UpdateThingShadow", update),
    Operation::new(Method::DELETE, SHADOW, "DeleteThingShadow", delete),
    Operation::new(
        Method::GET,
        "/api/things/shadow/ListNamedShadowsForThing/{thingName}",
        "ListNamedShadowsForThing",
        named,
    ),
    Operation::new(Method::POST, "/topics/{*topic}", "Publish", publish),
    Operation::unserved(Method::GET, RETAINED, "ListRetainedMessages"),
    Operation::unserved(Method::GET, "/retainedMessage/{*topic}", "GetRetainedMessage"),
    Operation::unserved(Method::GET, CONNECTION, "GetConnection"),
    Operation::unserved(Method::DELETE, CONNECTION, "DeleteConnection"),
    Operation::unserved(Method::GET, "/connections/{clientId}/subscriptions", "ListSubscriptions"),
    Operation::unserved(Method::POST, "/connections/{clientId}/messages", "SendDirectMessage"),
];

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let router = rest_json::router(registry, OPERATIONS, fault);
    Service { name: "iotdata", protocol: Protocol::RestJson, router }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    OPERATIONS.iter().map(|operation| (operation.name, operation.is_served)).collect()
}

fn fault(refusal: &Refusal) -> Fault {
    let (status, code) = match refusal.kind {
        Kind::Conflict => (StatusCode::CONFLICT, "ConflictException"),
        Kind::Denied => (StatusCode::FORBIDDEN, "ForbiddenException"),
        Kind::Encoding => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedDocumentEncodingException")
        }
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailureException"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Kind::NotServed => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowedException"),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException"),
        _ => (StatusCode::BAD_REQUEST, "InvalidRequestException"),
    };
    Fault::new(status, code, refusal.message.clone())
}

fn get(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (id, rows) = (shadow(call)?, registry.state.snapshot()?);
    Ok(Answer::ok(shadows::get(rows.as_ref(), &id, None, registry.clock.now())?))
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let id = shadow(call)?;
    let request = UpdateRequest::parse(&call.body)
        .map_err(|rejected| shadows::ShadowError::from(rejected.refusal))?;
    let now = registry.clock.now();
    let updated =
        registry.state.change_with_others(|tx| shadows::update(tx, &id, &request, now))?;
    Ok(Answer::ok(updated))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (id, now) = (shadow(call)?, registry.clock.now());
    Ok(Answer::ok(registry.state.change(|tx| shadows::delete(tx, &id, None, now))?))
}

fn named(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (thing, size) = (thing(call)?, call.page_size("pageSize", 100)?);
    let rows = registry.state.snapshot()?;
    let after = call.query.get("nextToken");
    let mut results = shadows::named(rows.as_ref(), &thing, after, size + 1)?;
    let is_more = results.len() > size;
    results.truncate(size);
    let mut answer = json!({ "timestamp": registry.clock.now().seconds() });
    if let (true, Some(last)) = (is_more, results.last()) {
        answer["nextToken"] = last.clone().into();
    }
    answer["results"] = results.into();
    Ok(Answer::ok(answer))
}

fn publish(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let topic: Topic = parsed(call.part("topic"))?;
    let flag = |name, yes: &[&str], no: &[&str]| match call.query.get(name) {
        Some(value) if yes.contains(&value) => Ok(true),
        Some(value) if !no.contains(&value) => {
            Err(Refusal::invalid(format!("{name} is {value:?}, which it cannot be")))
        }
        _ => Ok(false),
    };
    let careless = !flag("qos", &["1"], &["0"])?;
    let retain = flag("retain", &["true"], &["false"])?;
    if call.body.len() > MAX_REQUEST_BYTES {
        let message = format!("a message has at most {MAX_REQUEST_BYTES} bytes");
        return Err(Refusal::new(Kind::TooLarge, message));
    }
    let payload = Payload(call.body.to_vec());
    let message = Message { topic: topic.to_string(), payload, careless, retain };
    let now = registry.clock.now();
    registry.state.change(|tx| {
        outbox::put(tx, &message)?;
        reserved::handle(tx, &message.topic, &call.body, now)
    })?;
    Ok(Answer::ok(json!({})))
}

fn shadow(call: &Call) -> Result<ShadowId, Refusal> {
    let name = call.query.get("name").map(parsed).transpose()?;
    Ok(ShadowId { thing: thing(call)?, name })
}

fn thing(call: &Call) -> Result<ThingName, Refusal> {
    parsed(call.part("thingName"))
}
