//! Refusals as Greengrass names them (API reference, "Errors" of each operation).

use crate::registry::{Kind, Refusal};
use crate::web::Fault;
use http::StatusCode;
use serde_json::json;

pub(super) fn of(refusal: &Refusal) -> Fault {
    let (status, code) = match refusal.kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Kind::Conflict
        | Kind::Exists
        | Kind::InUse
        | Kind::NotEmpty
        | Kind::Part
        | Kind::Precondition
        | Kind::State
        | Kind::Terminal
        | Kind::Transition => (StatusCode::CONFLICT, "ConflictException"),
        Kind::Denied => (StatusCode::FORBIDDEN, "AccessDeniedException"),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        Kind::Limit => (StatusCode::PAYMENT_REQUIRED, "ServiceQuotaExceededException"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException"),
        Kind::Damaged
        | Kind::Encoding
        | Kind::Invalid
        | Kind::Malformed
        | Kind::NotServed
        | Kind::TooLarge => (StatusCode::BAD_REQUEST, "ValidationException"),
    };
    let fault = Fault::new(status, code, &refusal.message);
    let about = refusal.resource.as_ref();
    let (kind, id) = about.map_or(("", ""), |resource| (resource.kind, resource.id.as_str()));
    match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT => {
            fault.with("resourceId", id).with("resourceType", kind)
        }
        StatusCode::BAD_REQUEST => {
            let reason = match (refusal.kind, kind) {
                (Kind::NotServed, _) => "UNKNOWN_OPERATION",
                (_, "recipe" | "body") => "CANNOT_PARSE",
                (_, "") => "OTHER",
                _ => "FIELD_VALIDATION_FAILED",
            };
            let fault = fault.with("reason", reason);
            match id {
                "" => fault,
                field => {
                    let message = refusal.message.as_str();
                    fault.with("fields", json!([{ "name": field, "message": message }]))
                }
            }
        }
        _ => fault,
    }
}
