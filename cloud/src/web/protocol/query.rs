//! `awsQuery`: a form with `Action` and its parameters in, XML out (Smithy, "AWS query protocol").

use super::xml::Xml;
use crate::registry::{Caller, Registry};
use crate::web::fault::Fault;
use crate::web::service::OperationName;
use crate::web::{RequestId, body};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use percent_encoding::percent_decode_str;

/// Most bytes in a form.
const LARGEST: usize = 64 * 1024;

/// Gives the members of its result.
pub type Run = fn(&Registry, &Caller) -> Result<Vec<(&'static str, String)>, Fault>;

/// An operation: its name, and what does it.
pub type Operation = (&'static str, Run);

/// A service with these operations, whose answers are in this namespace. Of others that AWS has,
/// which are not served, it says so.
pub fn router(
    registry: &Registry,
    namespace: &'static str,
    operations: &'static [Operation],
    unserved: &'static [&'static str],
) -> Router {
    let registry = registry.clone();
    let answer = move |Extension(caller): Extension<Caller>,
                       Extension(id): Extension<RequestId>,
                       request: Request| async move {
        let done = run(&registry, namespace, operations, unserved, &caller, &id, request).await;
        done.unwrap_or_else(|fault| fault.into_response())
    };
    Router::new().route("/", post(answer)).fallback(|| async {
        Fault::new(StatusCode::NOT_FOUND, "InvalidAction", "operations are asked for with POST /")
    })
}

async fn run(
    registry: &Registry,
    namespace: &str,
    operations: &[Operation],
    unserved: &[&str],
    caller: &Caller,
    id: &RequestId,
    request: Request,
) -> Result<Response, Fault> {
    let invalid = |message: String| Fault::new(StatusCode::BAD_REQUEST, "InvalidAction", message);
    let form = body::read(request.into_body(), LARGEST).await;
    let form = form.map_err(|error| invalid(error.to_string()))?;
    let form = String::from_utf8_lossy(&form);
    let action = form.split('&').find_map(|part| part.strip_prefix("Action="));
    let action = action.map(|action| percent_decode_str(action).decode_utf8_lossy());
    let action = action.unwrap_or_default();
    let Some((name, run)) = operations.iter().find(|(name, _)| *name == action) else {
        return Err(invalid(match unserved.contains(&action.as_ref()) {
            true => format!("gg-cloud does not serve the operation {action} of AWS"),
            false => format!("there is no operation {action:?}"),
        }));
    };
    let inner = run(registry, caller)?;
    let text = Xml::default().element(&format!("{name}Response xmlns=\"{namespace}\""), |xml| {
        xml.element(&format!("{name}Result"), |xml| inner.iter().fold(xml, write))
            .element("ResponseMetadata", |xml| xml.text("RequestId", &id.0))
    });
    let mut response = ([("content-type", "text/xml")], text.finish()).into_response();
    response.extensions_mut().insert(OperationName(name));
    Ok(response)
}

fn write(xml: Xml, (name, text): &(&'static str, String)) -> Xml {
    xml.text(name, text)
}

/// An error, written down.
pub(super) fn fault(fault: &Fault, request_id: &str) -> String {
    let sender = if fault.status.is_server_error() { "Receiver" } else { "Sender" };
    let error = Xml::default().element("ErrorResponse", |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", sender).text("Code", fault.code).text("Message", &fault.message)
        })
        .text("RequestId", request_id)
    });
    error.finish()
}
