//! A request to S3: which bucket and key, and what else it says.

use crate::registry::{Refusal, Registry};
use crate::web::sigv4::Query;
use crate::web::{HostBucket, Integrity};
use axum::body::Body;
use axum::extract::Request;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use std::fmt;

/// What a path names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    /// A bucket.
    Bucket,
    /// An object.
    Object,
    /// Nothing.
    Root,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket => "a bucket",
            Self::Object => "an object",
            Self::Root => "/",
        })
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) registry: Registry,
    pub(super) method: Method,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) integrity: Integrity,
    pub(super) body: Body,
}

impl Call {
    /// Read it. The path is decoded here, once and as it is: `a//b` and `../a` are keys.
    pub(super) fn read(registry: Registry, request: Request) -> Result<Self, Refusal> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path().strip_prefix('/').unwrap_or_default();
        let named = head.extensions.remove::<HostBucket>();
        let (bucket, key) = match &named {
            Some(HostBucket(bucket)) => (bucket.as_str(), path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| Refusal::invalid("the path is not UTF-8").about("key", text))
        };
        let (bucket, key) = (decode(bucket)?, decode(key)?);
        Ok(Self {
            registry,
            method: head.method,
            bucket,
            key,
            query: head.extensions.remove().unwrap_or_default(),
            headers: head.headers,
            integrity: head.extensions.remove().unwrap_or(Integrity::Unsigned),
            body,
        })
    }

    pub(super) fn level(&self) -> Level {
        match (self.bucket.is_empty(), self.key.is_empty()) {
            (true, true) => Level::Root,
            (_, true) => Level::Bucket,
            _ => Level::Object,
        }
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// A parameter that is a number.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        let number = self.query.get(name).map(str::parse).transpose();
        number.map_err(|_| Refusal::invalid(format!("{name} is no number")).about("argument", name))
    }
}
