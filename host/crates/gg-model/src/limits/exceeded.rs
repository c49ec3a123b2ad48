//! The error of going beyond a limit.

use std::fmt;

/// A component went beyond one of its limits. The text names the limit, its value and how to
/// raise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// The limit's name.
    pub limit: &'static str,
    /// Its value as text.
    pub value: String,
    /// What was asked for, as text.
    pub needed: Option<String>,
    /// Whether the deployment has set it, by `runWith.systemResourceLimits`.
    pub by_deployment: bool,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, value, needed, by_deployment } = self;
        write!(f, "exceeds the limit {limit} = {value}")?;
        if let Some(needed) = needed {
            write!(f, " ({needed} needed)")?;
        }
        if *by_deployment {
            return write!(
                f,
                "; raise it with runWith.systemResourceLimits.{limit} in the component's deployment"
            );
        }
        write!(
            f,
            "; raise it with --limit {limit}=… or sandbox.limits.{limit} in the component's \
             configuration"
        )
    }
}

impl std::error::Error for Exceeded {}
