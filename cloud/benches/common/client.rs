//! Who asks gg-cloud over REST: a connection that is kept, and requests that are signed (AWS General
//! Reference, "Create a signed AWS API request").

use super::tls::Trust;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use gg_cloud::clock::Clock;
use gg_cloud::tasks::Tasks;
use gg_cloud::web::sigv4::{Scope, SigningKey};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use std::fmt::Write as _;

/// An access key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) region: String,
}

/// What is asked. The path and the query are as they are signed: with nothing that is to be encoded.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) service: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// `x-amzn-principal`, where an operation is about one.
    pub(crate) principal: Option<&'a str>,
    pub(crate) body: Bytes,
}

impl<'a> Ask<'a> {
    /// To read something.
    pub(crate) fn get(service: &'a str, path: &'a str) -> Self {
        let body = Bytes::new();
        Self { service, method: Method::GET, path, query: "", principal: None, body }
    }

    /// To make something.
    pub(crate) fn post(service: &'a str, path: &'a str, body: &Value) -> Self {
        Self { method: Method::POST, body: body.to_string().into(), ..Self::get(service, path) }
    }

    /// To keep an object, or with no bytes make a bucket.
    pub(crate) fn put_object(path: &'a str, body: Bytes) -> Self {
        Self { method: Method::PUT, body, ..Self::get("s3", path) }
    }

    /// To change something.
    pub(crate) fn put(service: &'a str, path: &'a str, body: &Value) -> Self {
        Self { method: Method::PUT, ..Self::post(service, path, body) }
    }
}

/// A request as it is sent.
pub(crate) type Asked = Request<Full<Bytes>>;

/// A connection, and what it signs with.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    key: Key,
    clock: Clock,
    /// The key of a day and service, of which most are the same as before.
    signing: Option<(Scope, SigningKey)>,
}

impl Client {
    pub(super) async fn connect(trust: &Trust, port: u16, key: Key, tasks: &Tasks) -> Result<Self> {
        let stream = trust.connect(port, None).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        drop(tasks.spawn(connection));
        let host = format!("localhost:{port}");
        Ok(Self { sender, host, key, clock: Clock::system(), signing: None })
    }

    /// Ask with a signature. What is answered, read.
    pub(crate) async fn call(&mut self, ask: &Ask<'_>) -> Result<Value> {
        let request = self.signed(ask)?;
        let (status, body) = self.send(request).await?;
        let said = || String::from_utf8_lossy(&body).into_owned();
        ensure!(status.is_success(), "{} {}: {status}: {}", ask.method, ask.path, said());
        match body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&body).with_context(said),
        }
    }

    /// Send once more what was signed before, or needs no signature.
    pub(crate) async fn repeat(&mut self, asked: &Asked) -> Result<()> {
        let (status, _) = self.send(asked.clone()).await?;
        ensure!(status.is_success(), "{}: {status}", asked.uri());
        Ok(())
    }

    /// What needs no signature.
    pub(crate) fn unsigned(&self, path: &str) -> Result<Asked> {
        Ok(Request::get(path).header("host", &self.host).body(Full::default())?)
    }

    async fn send(&mut self, request: Asked) -> Result<(StatusCode, Bytes)> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// With a signature, which holds for some minutes.
    pub(crate) fn signed(&mut self, ask: &Ask<'_>) -> Result<Asked> {
        let Ask { service, method, path, query, principal, body } = ask;
        let date = self.clock.now().basic();
        let day = date.get(..8).unwrap_or_default().to_owned();
        let scope = Scope { day, region: self.key.region.clone(), service: (*service).to_owned() };
        if self.signing.as_ref().is_none_or(|(known, _)| *known != scope) {
            self.signing = Some((scope.clone(), SigningKey::new(&self.key.secret, &scope)));
        }
        let (_, signing) = self.signing.as_ref().context("there is a key")?;
        let (host, payload) = (&self.host, hexadecimal(body));
        // S3 alone is told of the payload in a header (Amazon S3 API reference, "Authenticating requests").
        let (told, names) = match *service {
            "s3" => (
                format!("x-amz-content-sha256:{payload}\n"),
                "host;x-amz-content-sha256;x-amz-date",
            ),
            _ => (String::new(), "host;x-amz-date"),
        };
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\n{told}x-amz-date:{date}\n\n{names}\n{payload}"
        );
        let canonical = hexadecimal(canonical.as_bytes());
        let signature = signing.sign(&format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}"));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, \
             Signature={signature}",
            self.key.id
        );
        let target = if query.is_empty() { (*path).to_owned() } else { format!("{path}?{query}") };
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", host)
            .header("x-amz-date", date)
            .header("authorization", authorization);
        if *service == "s3" {
            request = request.header("x-amz-content-sha256", payload);
        }
        if let Some(principal) = principal {
            request = request.header("x-amzn-principal", *principal);
        }
        Ok(request.body(Full::new(body.clone()))?)
    }
}

/// The SHA-256 of some bytes, in hexadecimal digits.
fn hexadecimal(of: &[u8]) -> String {
    digest(&SHA256, of).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
