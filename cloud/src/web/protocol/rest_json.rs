//! `restJson1`: operations are methods and paths, bodies are JSON (Smithy, "AWS restJson1 protocol").

use crate::registry::{Caller, Refusal, Registry};
use crate::web::body;
use crate::web::fault::Fault;
use crate::web::service::{Answer, Call, Faults, Operation, OperationName};
use crate::web::sigv4::Query;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};
use http::StatusCode;
use serde_json::Value;

/// Most bytes in a body; more was refused before.
const LARGEST: usize = 1024 * 1024;

/// A service with these operations, which names its refusals so.
pub fn router(
    registry: &Registry,
    operations: impl IntoIterator<Item = &'static Operation>,
    faults: Faults,
) -> Router {
    let unknown = move |request: Request| async move {
        let (method, path) = (request.method(), request.uri().path());
        let message = format!("gg-cloud does not serve an operation at {method} {path}");
        let code = "UnknownOperationException";
        Fault::new(StatusCode::NOT_FOUND, code, message)
    };
    let router = operations.into_iter().fold(Router::new(), |router, operation| {
        let registry = registry.clone();
        let answer = move |parts: Result<RawPathParams, RawPathParamsRejection>,
                           Extension(caller): Extension<Caller>,
                           Extension(query): Extension<Query>,
                           request: Request| async move {
            let path = parts
                .map_err(|error| Refusal::invalid(format!("the path cannot be read: {error}")))
                .map(|parts| {
                    parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
                });
            let answered = match path {
                Ok(path) => run(registry, operation, caller, path, query, request).await,
                Err(refusal) => Err(refusal),
            };
            let mut response = match answered {
                Ok(answer) => write(answer),
                Err(refusal) => faults(&refusal).into_response(),
            };
            response.extensions_mut().insert(OperationName(operation.name));
            response
        };
        match MethodFilter::try_from(operation.method.clone()) {
            Ok(method) => router.route(operation.path, on(method, answer)),
            // A method that HTTP does not know is in no table.
            Err(_) => router,
        }
    });
    // Other methods are those of the routes that are there by now.
    router.fallback(unknown).method_not_allowed_fallback(unknown)
}

async fn run(
    registry: Registry,
    operation: &'static Operation,
    caller: Caller,
    path: Vec<(String, String)>,
    query: Query,
    request: Request,
) -> Result<Answer, Refusal> {
    let (head, body) = request.into_parts();
    let body = body::read(body, LARGEST).await;
    let body = body.map_err(|error| Refusal::invalid(error.to_string()))?;
    let call = Call { caller, path, query, headers: head.headers, body };
    let inside = registry.clone();
    registry.blocking(move || (operation.run)(&inside, &call)).await
}

fn write(answer: Answer) -> Response {
    match answer.body {
        Value::Null => answer.status.into_response(),
        body => {
            let kind = [("content-type", "application/json")];
            (answer.status, kind, body.to_string()).into_response()
        }
    }
}

/// An error, written down.
pub(super) fn fault(fault: &Fault) -> String {
    let mut body = fault.members.clone();
    body.insert("message".to_owned(), fault.message.clone().into());
    Value::Object(body).to_string()
}
