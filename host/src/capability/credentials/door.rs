//! Door for programs with an SDK of AWS: `GET` of one path over HTTP, with the component's token
//! (Java nucleus, HttpServerImpl and CredentialRequestHandler).

use super::TokenExchange;
use crate::capability::caller::Caller;
use crate::error::ErrorKind;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// The one path there is.
pub(crate) const PATH: &str = "/2016-11-01/credentialprovider/";

/// How long a client waits for the cloud.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Answer a request of a caller, who is `None` if its token is nobody's.
pub(crate) async fn answer<B>(
    exchange: &TokenExchange,
    caller: Option<Caller>,
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "ask with GET\n");
    }
    if request.uri().path() != PATH {
        return plain(StatusCode::BAD_REQUEST, "ask for /2016-11-01/credentialprovider/\n");
    }
    let Some(caller) = caller else {
        let words = "the header Authorization does not hold the token of a component\n";
        return plain(StatusCode::FORBIDDEN, words);
    };
    match timeout(PATIENCE, exchange.get(&caller)).await {
        Err(_) => plain(StatusCode::GATEWAY_TIMEOUT, "the cloud does not answer\n"),
        Ok(Err(error)) if error.kind() == ErrorKind::Unauthorized => {
            plain(StatusCode::FORBIDDEN, format!("{error}\n"))
        }
        Ok(Err(error)) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        Ok(Ok(Err(refusal))) => {
            let status = StatusCode::from_u16(refusal.status);
            plain(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), refusal.reason)
        }
        Ok(Ok(Ok(credentials))) => {
            let told = credentials.for_containers();
            let mut response = plain(StatusCode::OK, Bytes::copy_from_slice(told.as_bytes()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
    }
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
