//! How AWS writes down what services say: a file a protocol (Smithy, "AWS protocols").

pub mod json;
pub mod query;
pub mod rest_json;
pub mod rest_xml;
pub mod xml;

use super::fault::Fault;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode};

/// A protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// `awsJson1_1`: a header names the operation, JSON in and out.
    Json,
    /// `awsQuery`: a form in, XML out.
    Query,
    /// `restJson1`: paths, JSON.
    RestJson,
    /// `restXml`, as S3 speaks it: paths, XML, and bodies of any size.
    RestXml,
}

impl Protocol {
    /// An error, written down.
    pub fn fault(self, fault: &Fault, method: &Method, path: &str, request_id: &str) -> Response {
        let (content_type, text) = match self {
            Self::Json => (json::TYPE, json::fault(fault)),
            Self::Query => ("text/xml", query::fault(fault, request_id)),
            Self::RestJson => ("application/json", rest_json::fault(fault)),
            Self::RestXml => ("application/xml", rest_xml::fault(fault, path, request_id)),
        };
        let bodiless = *method == Method::HEAD || fault.status == StatusCode::NOT_MODIFIED;
        let body = if bodiless { Body::empty() } else { Body::from(text) };
        let mut response = Response::new(body);
        *response.status_mut() = fault.status;
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        if self == Self::RestJson {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(fault.code));
        }
        response
    }
}
