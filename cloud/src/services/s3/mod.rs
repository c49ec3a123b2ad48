//! Amazon S3, as much of it as artifacts take: buckets, objects, uploads in parts (S3 API reference).
//!
//! Operations are told apart by method, by whether the path names an object, and by a parameter of
//! the query ([`OPERATIONS`]); keys are taken from the path byte for byte.

mod buckets;
mod checksum;
mod copy;
mod deletion;
mod documents;
mod fault;
mod headers;
mod list;
mod objects;
mod parts;
mod payload;
mod range;
mod request;

use crate::registry::{Kind, Refusal, Registry};
use crate::web::protocol::Protocol;
use crate::web::{OperationName, Service, body};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::Method;
use request::{Call, Level};
use std::pin::Pin;

/// What is answered, or why not.
type Reply = Result<Response, Refusal>;

/// Does what is asked.
type Run = for<'c> fn(&'c mut Call) -> Pin<Box<dyn Future<Output = Reply> + Send + 'c>>;

/// What tells an operation from others of its method and path.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// Nothing.
    None,
    /// A parameter of the query.
    Parameter(&'static str),
    /// A header that names an object to copy, and no parameter.
    Copy,
    /// That header, and a parameter.
    CopyAnd(&'static str),
}

impl Sign {
    fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Parameter(name) | Self::CopyAnd(name) => Some(name),
            Self::None | Self::Copy => None,
        }
    }

    fn is_in(self, call: &Call) -> bool {
        let copies = matches!(self, Self::Copy | Self::CopyAnd(_));
        self.parameter().is_none_or(|name| call.query.has(name))
            && (!copies || call.headers.contains_key("x-amz-copy-source"))
    }
}

/// Method, what the path names, what tells it from others, the name, and what does it. The first that
/// fits is meant.
type Operation = (Method, Level, Sign, &'static str, Run);

static OPERATIONS: &[Operation] = &[
    (Method::GET, Level::Root, Sign::None, "ListBuckets", |call| Box::pin(buckets::list(call))),
    (Method::GET, Level::Bucket, Sign::Parameter("location"), "GetBucketLocation", |call| {
        Box::pin(buckets::location(call))
    }),
    (Method::GET, Level::Bucket, Sign::Parameter("list-type"), "ListObjectsV2", |call| {
        Box::pin(list::objects(call))
    }),
    (Method::POST, Level::Bucket, Sign::Parameter("delete"), "DeleteObjects", |call| {
        Box::pin(deletion::objects(call))
    }),
    (Method::PUT, Level::Bucket, Sign::None, "CreateBucket", |call| {
        Box::pin(buckets::create(call))
    }),
    (Method::HEAD, Level::Bucket, Sign::None, "HeadBucket", |call| Box::pin(buckets::head(call))),
    (Method::DELETE, Level::Bucket, Sign::None, "DeleteBucket", |call| {
        Box::pin(buckets::delete(call))
    }),
    (Method::POST, Level::Object, Sign::Parameter("uploads"), "CreateMultipartUpload", |call| {
        Box::pin(parts::begin(call))
    }),
    (Method::PUT, Level::Object, Sign::CopyAnd("uploadId"), "UploadPartCopy", |call| {
        Box::pin(copy::part(call))
    }),
    (Method::PUT, Level::Object, Sign::Parameter("uploadId"), "UploadPart", |call| {
        Box::pin(parts::put(call))
    }),
    (Method::POST, Level::Object, Sign::Parameter("uploadId"), "CompleteMultipartUpload", |call| {
        Box::pin(parts::complete(call))
    }),
    (Method::DELETE, Level::Object, Sign::Parameter("uploadId"), "AbortMultipartUpload", |call| {
        Box::pin(parts::abort(call))
    }),
    (Method::PUT, Level::Object, Sign::Copy, "CopyObject", |call| Box::pin(copy::object(call))),
    (Method::PUT, Level::Object, Sign::None, "PutObject", |call| Box::pin(objects::put(call))),
    (Method::GET, Level::Object, Sign::None, "GetObject", |call| Box::pin(objects::get(call))),
    (Method::HEAD, Level::Object, Sign::None, "HeadObject", |call| Box::pin(objects::get(call))),
    (Method::DELETE, Level::Object, Sign::None, "DeleteObject", |call| {
        Box::pin(objects::delete(call))
    }),
];

/// Parameters that ask for something that is not served. One that is in [`OPERATIONS`] is so only for
/// other methods and paths.
const UNSERVED: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let registry = registry.clone();
    let router = Router::new().fallback(move |request: Request| answer(registry.clone(), request));
    Service { name: "s3", protocol: Protocol::RestXml, router }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    OPERATIONS.iter().map(|(.., name, _)| (*name, true)).collect()
}

async fn answer(registry: Registry, request: Request) -> Response {
    let mut call = match Call::read(registry, request) {
        Ok(call) => call,
        Err(refusal) => return fault::response(&refusal),
    };
    let found = OPERATIONS.iter().find(|(method, level, sign, ..)| {
        *method == call.method && *level == call.level() && sign.is_in(&call)
    });
    // A parameter changes what is meant, unless the operation is found by it.
    let by_parameter = found.is_some_and(|(_, _, sign, ..)| sign.parameter().is_some());
    let unserved = match by_parameter {
        true => None,
        false => {
            UNSERVED.iter().copied().find(|name| call.query.has(name)).or_else(|| unknown(&call))
        }
    };
    let response = match (found, unserved) {
        (_, Some(name)) => fault::response(&not_served(&format!("{} ?{name}", call.method))),
        (None, _) => fault::response(&not_served(&format!("{} of {}", call.method, call.level()))),
        (Some((_, _, _, name, run)), None) => {
            let mut response =
                run(&mut call).await.unwrap_or_else(|refusal| fault::response(&refusal));
            response.extensions_mut().insert(OperationName(name));
            response
        }
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        body::discard_rest(&mut call.body).await;
    }
    response
}

/// A parameter without a value, which S3 may have since, where something would be changed.
fn unknown(call: &Call) -> Option<&str> {
    let changes = ![Method::GET, Method::HEAD].contains(&call.method);
    call.query.iter().find(|(_, value)| changes && value.is_empty()).map(|(name, _)| name)
}

fn not_served(what: &str) -> Refusal {
    Refusal::new(Kind::NotServed, format!("gg-cloud does not serve {what}"))
}
