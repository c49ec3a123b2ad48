//! `awsJson1_1`: the header `X-Amz-Target` names the operation, JSON in and out (Smithy, "AWS JSON 1.1
//! protocol").

use crate::registry::{Refusal, Registry};
use crate::web::fault::Fault;
use crate::web::service::OperationName;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;

/// What bodies are.
pub(super) const TYPE: &str = "application/x-amz-json-1.1";

/// Does what is asked with a body, on a thread that may block.
pub type Run = fn(&Registry, &[u8]) -> Result<Value, Refusal>;

/// An operation: its name, and what does it.
pub type Operation = (&'static str, Run);

/// A service: what stands before the names of its operations, these, those that AWS has besides, and
/// how it names its refusals.
#[derive(Clone, Copy, Debug)]
pub struct Json {
    /// Before the dot.
    pub prefix: &'static str,
    /// What is served.
    pub operations: &'static [Operation],
    /// What is not.
    pub unserved: &'static [&'static str],
    /// The names of refusals.
    pub faults: fn(&Refusal) -> Fault,
}

impl Json {
    /// What answers.
    pub fn router(self, registry: &Registry) -> Router {
        let registry = registry.clone();
        let answer = move |request: Request| async move { self.run(registry, request).await };
        Router::new().route("/", post(answer)).fallback(|| async {
            unknown("operations are asked for with POST /".to_owned()).into_response()
        })
    }

    async fn run(self, registry: Registry, request: Request) -> Response {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        let named = target.and_then(|target| target.strip_prefix(self.prefix)?.strip_prefix('.'));
        let named = named.unwrap_or_default();
        let Some((name, run)) = self.operations.iter().find(|(name, _)| *name == named) else {
            return unknown(match self.unserved.iter().find(|name| **name == named) {
                Some(name) => format!("gg-cloud does not serve the operation {name} of AWS"),
                None => "X-Amz-Target names no operation".to_owned(),
            })
            .into_response();
        };
        // It was read before, within limits.
        let body = request.into_body().collect().await;
        let body = body.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
        let inside = registry.clone();
        let done = registry.blocking(move || run(&inside, &body)).await;
        let mut response = match done {
            Ok(answer) => ([("content-type", TYPE)], answer.to_string()).into_response(),
            Err(refusal) => (self.faults)(&refusal).into_response(),
        };
        response.extensions_mut().insert(OperationName(name));
        response
    }
}

fn unknown(message: String) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, "UnknownOperationException", message)
}

/// An error, written down.
pub(super) fn fault(fault: &Fault) -> String {
    let mut body = fault.members.clone();
    body.insert("__type".to_owned(), fault.code.into());
    body.insert("Message".to_owned(), fault.message.clone().into());
    Value::Object(body).to_string()
}
