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
    "GetScopedCredentials",
    "GetSessionToken",
    "GetWebIdentityToken",
];

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let router = query::router(registry, NAMESPACE, OPERATIONS, UNSERVED);
    Service { name: "sts", protocol: Protocol::Query, router }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    let served = OPERATIONS.iter().map(|(name, _)| (*name, true));
    served.chain(UNSERVED.iter().map(|name| (*name, false))).collect()
}

fn get_caller_identity(
    registry: &Registry,
    caller: &Caller,
) -> Result<Vec<(&'static str, String)>, Fault> {
    let account = registry.place.account.clone();
    Ok(vec![("Arn", caller.arn.clone()), ("UserId", caller.id.clone()), ("Account", account)])
}
