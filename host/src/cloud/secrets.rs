//! Asks AWS Secrets Manager for values (API reference, GetSecretValue), with the credentials of the
//! token exchange.

use super::cloud_clock::CloudClock;
use super::credentials::Credentials;
use super::sign::{Request, Scope, sign};
use crate::network::{Client, NetworkFault};
use gg_model::SecretVersion;
use gg_model::secret::{AnswerError, region_of};
use http::{Method, StatusCode, Uri};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};
use thiserror::Error;

/// Most bytes of an answer: a value in base64, and what is told of it.
const LARGEST: usize = 256 << 10;

/// The name of the service, in names and in signatures.
const SERVICE: &str = "secretsmanager";

/// Why there is no value.
#[derive(Debug, Error)]
pub enum AskError {
    /// What was answered is none.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// There are no credentials to ask with.
    #[error("no credentials of AWS: {0}")]
    Credentials(String),
    /// The endpoint is none.
    #[error("the endpoint {0:?} of Secrets Manager is no URI")]
    Endpoint(String),
    /// It is not there.
    #[error("Secrets Manager has no such secret or version")]
    Missing,
    /// It was not reached.
    #[error("Secrets Manager was not reached: {0}")]
    Network(#[from] NetworkFault),
    /// It said no.
    #[error("Secrets Manager refuses: {status} {code}")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// Its own word, if it has one.
        code: String,
    },
}

/// Asks Secrets Manager. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
    clock: CloudClock,
    credentials: Credentials,
    endpoint: Arc<RwLock<Option<String>>>,
}

impl SecretsManager {
    /// With these credentials.
    pub fn new(client: Client, clock: CloudClock, credentials: Credentials) -> Self {
        Self { client, clock, credentials, endpoint: Arc::default() }
    }

    /// Where it answers, if not where AWS has it.
    pub fn set_endpoint(&self, endpoint: Option<String>) {
        *self.endpoint.write().unwrap_or_else(PoisonError::into_inner) = endpoint;
    }

    /// The version of a secret with this staging label.
    ///
    /// # Errors
    /// It is not there, or out of reach.
    pub async fn get(&self, arn: &str, stage: &str) -> Result<SecretVersion, AskError> {
        let region = region_of(arn).ok_or(AskError::Missing)?;
        let endpoint = self.endpoint.read().unwrap_or_else(PoisonError::into_inner).clone();
        let endpoint = endpoint.unwrap_or_else(|| usual_endpoint(arn, region));
        let wrong = || AskError::Endpoint(endpoint.clone());
        let uri: Uri =
            format!("{}/", endpoint.trim_end_matches('/')).parse().map_err(|_| wrong())?;
        let host = uri.authority().ok_or_else(wrong)?.as_str();
        let body = json!({ "SecretId": arn, "VersionStage": stage }).to_string();
        let body = Bytes::from(body);
        let credentials = self.credentials.get().await;
        let credentials = credentials.map_err(|refusal| AskError::Credentials(refusal.reason))?;
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
        ];
        let scope = Scope { service: SERVICE, region, host };
        let mut first = true;
        loop {
            let now = self.clock.now();
            let request =
                Request { method: &Method::POST, path: "/", headers: &headers, body: &body };
            let headers = sign(scope, &credentials, request, now);
            let headers = headers.ok_or_else(wrong)?;
            let sent = self.client.send(Method::POST, &uri, &headers, body.clone());
            let mut answer = sent.await?;
            let text = answer.all(LARGEST).await?.unwrap_or_default();
            match answer.status() {
                StatusCode::OK => return Ok(SecretVersion::parse_answer(&text)?),
                // It was signed by a clock that is wrong.
                status
                    if status.is_client_error()
                        && self.clock.learn(answer.headers())
                        && std::mem::take(&mut first) => {}
                status => return Err(refused(status, &text)),
            }
        }
    }
}

/// Where AWS has it: China's regions have another domain.
fn usual_endpoint(arn: &str, region: &str) -> String {
    let domain = if arn.starts_with("arn:aws-cn:") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{SERVICE}.{region}.{domain}")
}

/// What an error of the protocol says: its kind, as `__type`.
fn refused(status: StatusCode, text: &[u8]) -> AskError {
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    let code = value["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    if code == "ResourceNotFoundException" {
        return AskError::Missing;
    }
    let plain = |c: &char| c.is_ascii_alphanumeric();
    AskError::Refused {
        status: status.as_u16(),
        code: code.chars().filter(plain).take(100).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_says_of_a_failure_is_told_apart() {
        let error = |text: &str| refused(StatusCode::BAD_REQUEST, text.as_bytes());
        let missing = r#"{"__type": "com.amazonaws.x#ResourceNotFoundException", "message": "x"}"#;
        assert!(matches!(error(missing), AskError::Missing));
        let denied = error(r#"{"__type": "AccessDeniedException\n", "Message": "hidden"}"#);
        assert_eq!(denied.to_string(), "Secrets Manager refuses: 400 AccessDeniedException");
        for other in ["", "[]", "<html>", r#"{"__type": 5}"#] {
            assert_eq!(error(other).to_string(), "Secrets Manager refuses: 400 ");
        }
        let usual = usual_endpoint("arn:aws:secretsmanager:eu-west-1:1:secret:a", "eu-west-1");
        assert_eq!(usual, "https://secretsmanager.eu-west-1.amazonaws.com");
    }
}
