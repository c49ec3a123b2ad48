//! A service of AWS as the HTTP side sees it, and what its operations are made of.

use super::fault::Fault;
use super::protocol::Protocol;
use super::sigv4::Query;
use crate::registry::{Caller, Refusal, Registry};
use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A service.
#[derive(Debug)]
pub struct Service {
    /// The name that requests to it are signed for.
    pub name: &'static str,
    /// How it writes down errors.
    pub protocol: Protocol,
    /// What answers.
    pub router: Router,
}

/// What is asked, its signature verified.
#[derive(Debug)]
pub struct Call {
    /// Who asks.
    pub caller: Caller,
    /// The parts of the path that the operation names, decoded.
    pub path: Vec<(String, String)>,
    /// The query.
    pub query: Query,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A part of the path; empty if the operation names none like it.
    pub fn part(&self, name: &str) -> &str {
        let part = self.path.iter().find(|(found, _)| found == name);
        part.map_or("", |(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is not what the operation takes.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| {
            Refusal::invalid(format!("the body is not what is expected: {error}")).about("body", "")
        })
    }

    /// Most results in a page: `maxResults`, or the most there can be.
    ///
    /// # Errors
    /// It is no number from 1 to the most.
    pub fn page_size(&self, parameter: &str, most: usize) -> Result<usize, Refusal> {
        match self.query.get(parameter).map(str::parse) {
            None => Ok(most),
            Some(Ok(size)) if (1..=most).contains(&size) => Ok(size),
            Some(_) => Err(Refusal::invalid(format!("{parameter} is not from 1 to {most}"))
                .about("field", parameter)),
        }
    }

    /// The host that the client knows this server by, with its port.
    pub fn host(&self) -> &str {
        self.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default()
    }
}

/// What is answered: a status, and JSON or XML.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body; none for `null`.
    pub body: Value,
}

impl Answer {
    /// 200.
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    /// 201.
    pub fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, body }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: Value::Null }
    }
}

/// Does what is asked, on a thread that may block.
pub(super) type Run = fn(&Registry, &Call) -> Result<Answer, Refusal>;

/// An operation: where it is asked for, and what does it.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path; `{name}` is a segment, `{*name}` the rest.
    pub path: &'static str,
    /// The name in AWS's model.
    pub name: &'static str,
    /// What does it.
    pub run: Run,
    /// Whether it is served.
    pub is_served: bool,
}

impl Operation {
    /// One that is served.
    pub const fn new(method: Method, path: &'static str, name: &'static str, run: Run) -> Self {
        Self { method, path, name, run, is_served: true }
    }

    /// One that AWS has and this program does not, which it says when asked.
    pub const fn unserved(method: Method, path: &'static str, name: &'static str) -> Self {
        Self { method, path, name, run: not_served, is_served: false }
    }
}

fn not_served(_: &Registry, _: &Call) -> Result<Answer, Refusal> {
    let message = "gg-cloud does not serve this operation of AWS";
    Err(Refusal::new(crate::registry::Kind::NotServed, message))
}

/// How a service names a refusal.
pub(super) type Faults = fn(&Refusal) -> Fault;

/// The name of the operation that a response is of, for whom counts them.
#[derive(Clone, Copy, Debug)]
pub struct OperationName(pub &'static str);
