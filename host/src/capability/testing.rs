//! Callers for the tests of the cores.

use super::caller::{Caller, Operation, own_affairs};
use gg_model::{AccessPolicy, ComponentName, ComponentVersion, Limits};

/// A component that may do nothing.
pub(crate) fn nobody(name: &str) -> Caller {
    with_policy(name, AccessPolicy::default())
}

/// A component that may use all local topics and its own affairs.
pub(crate) fn somebody(name: &str) -> Caller {
    let mut policy = own_affairs(&component(name));
    for operation in [Operation::PublishToTopic, Operation::SubscribeToTopic] {
        policy.allow(operation.service(), operation.name(), "*").unwrap();
    }
    with_policy(name, policy)
}

/// A component with one grant.
pub(crate) fn granted(name: &str, operation: Operation, resource: &str) -> Caller {
    let mut policy = AccessPolicy::default();
    policy.allow(operation.service(), operation.name(), resource).unwrap();
    with_policy(name, policy)
}

pub(crate) fn with_policy(name: &str, policy: AccessPolicy) -> Caller {
    with_limits(name, policy, Limits::default())
}

pub(crate) fn with_limits(name: &str, policy: AccessPolicy, limits: Limits) -> Caller {
    Caller::new(component(name), ComponentVersion::ZERO, "thing".parse().unwrap(), policy, limits)
}

pub(crate) fn component(name: &str) -> ComponentName {
    name.parse().unwrap()
}
