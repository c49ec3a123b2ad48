//! AWS Security Token Service: who is it that asks (STS API reference).

use crate::registry::{Caller, Registry};
use crate::web::protocol::{Protocol, query};
use crate::web::{Fault, Service};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

static OPERATIONS: &[query::Operation] = &[("GetCallerIdentity", get_caller_identity)];

/// What AWS has besides.
static UNSERVED: &[&str] = &[
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetSessionToken",
    "GetWebIdentityToken",
];

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let router = query::router(registry, NAMESPACE, OPERATIONS, UNSERVED);
    Service { name: "sts", protocol: Protocol::Query, router }
}

fn get_caller_identity(
    registry: &Registry,
    caller: &Caller,
) -> Result<Vec<(&'static str, String)>, Fault> {
    let account = registry.place.account.clone();
    Ok(vec![("Arn", caller.arn.clone()), ("UserId", caller.id.clone()), ("Account", account)])
}
