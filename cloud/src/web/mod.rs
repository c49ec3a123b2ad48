//! The HTTP side: one port with TLS for all services.
//!
//! Paths of AWS's services collide, so who is meant is taken from what a request is signed for, before
//! its path is looked at. Then the signature is held against the caller's secret; only what holds
//! reaches a service. How errors are written down is the protocol's business, once for each.

mod auth;
pub mod body;
mod fault;
mod hosts;
mod listener;
mod metrics;
mod patient;
pub mod protocol;
mod rates;
mod service;
mod session;
pub mod sigv4;

pub use auth::Integrity;
pub use fault::Fault;
pub use hosts::{HostBucket, Hosts};
pub use listener::{HTTP, Listener, MQTT, Servers, Speaks};
pub use metrics::Metrics;
pub use service::{Answer, Call, Operation, OperationName, Service};

use crate::broker::Broker;
use crate::registry::{Caller, Registry};
use crate::state::outbox;
use auth::Peer;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use protocol::Protocol;
use rates::Rates;
use sigv4::{Claim, Query, SignatureError};
use std::time::Instant;
use tower_service::Service as _;

/// Answers requests.
#[derive(Debug)]
pub struct Web {
    registry: Registry,
    services: Vec<Service>,
    devices: Service,
    hosts: Hosts,
    broker: Broker,
    metrics: Metrics,
    rates: Rates,
}

/// What names an answer in logs and to the client.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl Web {
    /// For these services, and the one for devices, which sign nothing, by these names; beside a broker.
    /// Each caller may ask so many times in a second; 0 is any number.
    pub fn new(
        registry: Registry,
        services: Vec<Service>,
        devices: Service,
        hosts: Hosts,
        broker: Broker,
        requests_per_second: u32,
    ) -> Self {
        let metrics = Metrics::new(registry.clock.now());
        let rates = Rates::new(requests_per_second);
        Self { registry, services, devices, hosts, broker, metrics, rates }
    }

    /// Answer one request.
    pub async fn answer(&self, request: Request<Incoming>) -> Response {
        let begun = Instant::now();
        let id = RequestId(crate::random::uuid().unwrap_or_default());
        let (mut head, body) = request.into_parts();
        head.extensions.insert(id.clone());
        if let Some(response) = self.own(&head).await {
            return response;
        }
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let is_device = head.extensions.get::<Peer>().is_some() && !Claim::is_in(&head);
        let (service, protocol, mut response) = match self.service(&head) {
            _ if is_device => {
                let answered = self.serve_device(head, body).await;
                let response = answered.unwrap_or_else(|fault| fault.into_response());
                (self.devices.name, self.devices.protocol, response)
            }
            Ok((service, query, claim)) => {
                let answered = self.serve(service, head, query, claim, body).await;
                let response = answered.unwrap_or_else(|fault| fault.into_response());
                (service.name, service.protocol, response)
            }
            Err((protocol, fault)) => {
                body::discard(body).await;
                ("unknown", protocol, fault.into_response())
            }
        };
        let operation = response.extensions().get::<OperationName>();
        let operation = operation.map_or("unknown", |operation| operation.0);
        if let Some(fault) = response.extensions_mut().remove::<Fault>() {
            tracing::debug!(%method, path, code = fault.code, message = fault.message, "refused");
            response = protocol.fault(&fault, &method, &path, &id.0);
        }
        self.metrics.count(service, operation, response.status().as_u16(), begun.elapsed());
        let header =
            if protocol == Protocol::RestXml { "x-amz-request-id" } else { "x-amzn-requestid" };
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(header, value);
        }
        response
    }

    /// Who is meant; a fault is in the protocol that its reader most likely speaks.
    fn service(&self, head: &Parts) -> Result<(&Service, Query, Claim), (Protocol, Fault)> {
        let query = head.uri.query().unwrap_or_default();
        let to_s3 = head.headers.contains_key("x-amz-content-sha256")
            || ["X-Amz-Algorithm=", "AWSAccessKeyId="].iter().any(|sign| query.contains(sign));
        let fault = |error: SignatureError| match to_s3 {
            true => (Protocol::RestXml, Fault::of_signature_in_s3(&error)),
            false => (Protocol::RestJson, error.into()),
        };
        let query = Query::parse(query).map_err(fault)?;
        let claim = Claim::find(head, &query).map_err(fault)?;
        let meant = self.services.iter().find(|service| service.name == claim.scope.service);
        let service = meant.ok_or_else(|| {
            let names: Vec<&str> = self.services.iter().map(|service| service.name).collect();
            let message = format!(
                "gg-cloud does not serve {:?}; it serves {}",
                claim.scope.service,
                names.join(", ")
            );
            let code = "UnknownOperationException";
            (Protocol::RestJson, Fault::new(StatusCode::NOT_FOUND, code, message))
        })?;
        Ok((service, query, claim))
    }

    async fn serve(
        &self,
        service: &Service,
        mut head: Parts,
        query: Query,
        claim: Claim,
        body: Incoming,
    ) -> Result<Response, Fault> {
        let checked = if service.protocol == Protocol::RestXml {
            let host = head.headers.get("host").and_then(|host| host.to_str().ok());
            if let Some(bucket) = host.and_then(|host| self.hosts.bucket(host)) {
                head.extensions.insert(bucket);
            }
            let known = auth::streamed(&self.registry, &head, &query, &claim).await;
            match known.and_then(|known| self.admit(&known.0, service).map(|()| known)) {
                Ok((caller, integrity)) => {
                    head.extensions.insert(integrity);
                    Ok((caller, Body::new(body)))
                }
                Err(fault) => {
                    body::discard(body).await;
                    Err(fault)
                }
            }
        } else {
            let known = auth::whole(&self.registry, &head, &query, &claim, body).await;
            known.and_then(|known| self.admit(&known.0, service).map(|()| known))
        };
        let (caller, body) = checked?;
        head.extensions.insert(caller);
        head.extensions.insert(query);
        let request = Request::from_parts(head, body);
        let Ok(response) = service.router.clone().call(request).await;
        Ok(response)
    }

    /// Whether a caller may ask once more by now.
    fn admit(&self, caller: &Caller, service: &Service) -> Result<(), Fault> {
        self.rates.check(&caller.arn, service.protocol, Instant::now())
    }

    /// A device is known by its certificate.
    async fn serve_device(&self, mut head: Parts, body: Incoming) -> Result<Response, Fault> {
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let Some(peer) = head.extensions.get::<Peer>() else {
            return Err(SignatureError::Missing.into());
        };
        let known = auth::device(&self.registry, peer).await;
        match known.and_then(|caller| self.admit(&caller, &self.devices).map(|()| caller)) {
            Ok(caller) => drop(head.extensions.insert(caller)),
            Err(fault) => {
                body::discard(body).await;
                return Err(fault);
            }
        }
        head.extensions.insert(query);
        let request = Request::from_parts(head, Body::new(body));
        let Ok(response) = self.devices.router.clone().call(request).await;
        Ok(response)
    }

    /// What is asked by those who run this, without a signature.
    async fn own(&self, head: &Parts) -> Option<Response> {
        if head.method != Method::GET || head.headers.contains_key("authorization") {
            return None;
        }
        match (head.uri.path(), head.uri.query()) {
            ("/healthz", None) => Some("ok\n".into_response()),
            ("/readyz", None) => match self.registry.read(|_| Ok(())).await {
                Ok(()) => Some("ok\n".into_response()),
                Err(_) => {
                    Some((StatusCode::SERVICE_UNAVAILABLE, "the state fails\n").into_response())
                }
            },
            ("/metrics", None) => {
                let kind = [("content-type", "text/plain; version=0.0.4")];
                let waiting = self.registry.read(|rows| Ok(outbox::waiting(rows)?)).await.ok();
                let broker = metrics::Broker { figures: self.broker.figures(), waiting };
                Some((kind, format!("{}{broker}", self.metrics)).into_response())
            }
            _ => None,
        }
    }
}
