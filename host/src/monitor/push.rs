//! Sends what is measured to a receiver of OpenTelemetry, at intervals.

use super::Monitor;
use crate::metrics::otlp;
use crate::network::Client;
use crate::tasks::Tasks;
use gg_model::OtlpSettings;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use std::time::Duration;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// The interval unless told otherwise (OpenTelemetry, `OTEL_METRIC_EXPORT_INTERVAL`).
const INTERVAL: Duration = Duration::from_secs(60);

/// Where receivers take metrics (OTLP/HTTP), if the endpoint names no path.
const PATH: &str = "/v1/metrics";

/// Why nothing can be sent.
#[derive(Debug, Error)]
pub enum PushError {
    /// The endpoint is none.
    #[error(
        "the OTLP endpoint {0:?} is not as it must be; write http://HOST:PORT or https://HOST:PORT, \
         with a path if that is not /v1/metrics, and credentials as a header"
    )]
    Endpoint(String),
    /// A header cannot be sent. Its value may be a secret.
    #[error(
        "the OTLP header {0:?} cannot be sent; its name or value has characters that may not be"
    )]
    Header(String),
}

/// A receiver, and how often it is told.
#[derive(Debug)]
pub struct Push {
    client: Client,
    to: Uri,
    headers: HeaderMap,
    interval: Duration,
}

impl Push {
    /// Tell a receiver.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn new(settings: &OtlpSettings, client: Client) -> Result<Self, PushError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let pair = (HeaderName::try_from(name), HeaderValue::try_from(value));
            let (Ok(known), Ok(mut value)) = pair else {
                return Err(PushError::Header(name.clone()));
            };
            value.set_sensitive(true);
            headers.insert(known, value);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let interval = settings.interval_seconds.map_or(INTERVAL, Duration::from_secs);
        Ok(Self { client, to: receiver(&settings.endpoint)?, headers, interval })
    }

    /// Begin to send, until asked to stop.
    pub(crate) fn start(self, monitor: Monitor, tasks: &Tasks, stop: CancellationToken) {
        drop(tasks.spawn(async move {
            tokio::select! {
                () = self.send_for_ever(&monitor) => {}
                () = stop.cancelled() => {}
            }
        }));
    }

    async fn send_for_ever(&self, monitor: &Monitor) {
        let mut arrives = true;
        loop {
            tokio::time::sleep(self.interval).await;
            // What was missed is in what is sent next: everything is counted from the start.
            let problem = self.send(monitor).await.err();
            match &problem {
                Some(problem) if arrives => tracing::warn!("metrics do not arrive: {problem}"),
                Some(problem) => tracing::debug!("metrics do not arrive: {problem}"),
                None if !arrives => tracing::info!("metrics arrive again"),
                None => {}
            }
            arrives = problem.is_none();
        }
    }

    async fn send(&self, monitor: &Monitor) -> Result<(), String> {
        let request = otlp::request(&monitor.look().await).to_string();
        let sent = self.client.send(Method::POST, &self.to, &self.headers, request.into()).await;
        match sent.map_err(|fault| format!("{}: {fault}", self.to))?.status() {
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Ok(()),
            status => Err(format!("the receiver answers {status}")),
        }
    }
}

/// Where an endpoint takes metrics.
fn receiver(endpoint: &str) -> Result<Uri, PushError> {
    let invalid = || PushError::Endpoint(endpoint.split('@').next_back().unwrap_or("").to_owned());
    let mut parts = endpoint.parse::<Uri>().map_err(|_| invalid())?.into_parts();
    let known = parts.scheme.as_ref().is_some_and(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s));
    let password = parts.authority.as_ref().is_some_and(|host| host.as_str().contains('@'));
    if !known || password {
        return Err(invalid());
    }
    if parts.path_and_query.as_ref().is_none_or(|path| path.as_str() == "/") {
        parts.path_and_query = Some(PathAndQuery::from_static(PATH));
    }
    Uri::from_parts(parts).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_go_where_receivers_take_them() {
        let to = |endpoint: &str| receiver(endpoint).map(|uri| uri.to_string());
        let usual = "http://collector:4318/v1/metrics";
        assert_eq!(to("http://collector:4318").unwrap(), usual);
        assert_eq!(to("http://collector:4318/").unwrap(), usual);
        assert_eq!(to("https://a/otlp/metrics?x").unwrap(), "https://a/otlp/metrics?x");
        for wrong in ["collector:4318", "grpc://collector", "/v1/metrics", "http://a:b@host/", ""] {
            let error = to(wrong).unwrap_err().to_string();
            assert!(!error.contains("a:b"), "{error}");
        }
    }
}
