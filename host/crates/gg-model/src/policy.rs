//! What a component may ask of others: the access policy from its configuration's
//! `accessControl`.
//!
//! A policy only ever allows; what nothing allows is denied. This module decides over text and
//! knows neither which operations exist nor which style of resource each of them takes.

pub(crate) mod glob;
mod grant;
mod parse;
mod resource;

pub use grant::{Grant, GrantError};
pub use resource::{ResourceError, ResourceStyle};

use crate::shape::{ShapeError, Warning};
use resource::ResourcePattern;
use std::collections::BTreeMap;

/// Most resources in one policy, those of all services together.
pub const MAX_RESOURCES: usize = 10_000;

/// Most bytes in one resource, of a policy or of a request.
pub const MAX_RESOURCE_BYTES: usize = 4096;

/// Which operations on which resources a component may use (Greengrass developer guide,
/// "Authorize components to perform IPC operations"). The default denies everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccessPolicy {
    services: BTreeMap<String, Vec<Rule>>,
    resources: usize,
    warnings: Vec<Warning>,
}

/// One entry of `accessControl`: each of its operations on each of its resources.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    operations: Vec<String>,
    resources: Vec<ResourcePattern>,
}

/// Why an `accessControl` value or a grant is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The value does not have the shape of an `accessControl`.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The value is text, and the text is not JSON.
    #[error("accessControl is text that is not JSON: line {line}, column {column}: {message}")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// There are too many operations or resources.
    #[error("the policy has more than {MAX_RESOURCES} {what}; join them with the wildcard `*`")]
    TooMany {
        /// `operations` or `resources`.
        what: &'static str,
    },
    /// A resource has too many bytes.
    #[error("a resource has {length} bytes; at most {MAX_RESOURCE_BYTES} are allowed")]
    ResourceTooLong {
        /// How long it is.
        length: usize,
    },
    /// A resource given by hand is not a pattern.
    #[error("the resource `{resource}` {reason}")]
    Resource {
        /// The resource.
        resource: String,
        /// What is wrong with it.
        reason: ResourceError,
    },
}

impl AccessPolicy {
    /// Read the value of the configuration key `accessControl`: an object, or the same as JSON
    /// text. A resource that is not a pattern grants nothing and leaves a warning; anything else
    /// that is wrong refuses the whole policy, as in the Java nucleus.
    pub fn from_access_control(value: &serde_json::Value) -> Result<Self, PolicyError> {
        parse::access_control(value)
    }

    /// Allow one operation of one service (`*`: all of its operations) on the resources that a
    /// pattern covers.
    pub fn allow(
        &mut self,
        service: &str,
        operation: &str,
        resource_pattern: &str,
    ) -> Result<(), PolicyError> {
        self.allow_all(service, &[operation], resource_pattern)
    }

    /// Allow several operations of one service, as [`AccessPolicy::allow`] does one.
    pub fn allow_all(
        &mut self,
        service: &str,
        operations: &[&str],
        resource_pattern: &str,
    ) -> Result<(), PolicyError> {
        let pattern = ResourcePattern::parse(resource_pattern)?;
        self.count(1)?;
        let operations = operations.iter().map(|&operation| operation.into()).collect();
        let rule = Rule { operations, resources: vec![pattern] };
        self.services.entry(service.into()).or_default().push(rule);
        Ok(())
    }

    /// Whether a request is allowed. A resource that is empty or longer than
    /// [`MAX_RESOURCE_BYTES`] never is.
    pub fn allows(
        &self,
        service: &str,
        operation: &str,
        resource: &str,
        style: ResourceStyle,
    ) -> bool {
        if resource.is_empty() || resource.len() > MAX_RESOURCE_BYTES {
            return false;
        }
        let request = resource::Request::new(resource, style);
        self.rules(service, operation)
            .any(|rule| rule.resources.iter().any(|pattern| pattern.covers(&request)))
    }

    /// Whether anything is said of an operation, on whatever resource, or on none: for operations
    /// that have no resource.
    pub fn allows_operation(&self, service: &str, operation: &str) -> bool {
        self.rules(service, operation).next().is_some()
    }

    /// Allow what `other` allows too. The limit on resources is meant for each part by itself.
    pub fn merge(&mut self, other: Self) {
        for (service, rules) in other.services {
            self.services.entry(service).or_default().extend(rules);
        }
        self.resources = self.resources.saturating_add(other.resources);
        self.warnings.extend(other.warnings);
    }

    /// What the policy holds that grants nothing.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn rules(&self, service: &str, operation: &str) -> impl Iterator<Item = &Rule> {
        let rules = self.services.get(service).map(Vec::as_slice).unwrap_or_default();
        rules.iter().filter(move |rule| {
            rule.operations.iter().any(|allowed| allowed == "*" || allowed == operation)
        })
    }

    fn count(&mut self, more: usize) -> Result<(), PolicyError> {
        self.resources = self.resources.saturating_add(more);
        match self.resources {
            0..=MAX_RESOURCES => Ok(()),
            _ => Err(PolicyError::TooMany { what: "resources" }),
        }
    }
}

#[cfg(test)]
mod tests;
