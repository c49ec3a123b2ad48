//! A step of a lifecycle as a script, checked: what is wrong with one is said before anything
//! that runs is touched.

use super::ProcessConfig;
use super::environment::is_name;
use super::skipif::{SkipIf, SkipIfError};
use super::user::{Accounts, User, UserError};
use crate::component::InstalledComponent;
use gg_model::recipe::Step;
use std::time::Duration;

/// Bytes of a script: the kernel takes no longer argument (`MAX_ARG_STRLEN`, its end counted).
const LONGEST: usize = (128 << 10) - 1;

/// The steps, each with the time it may take unless its recipe says otherwise.
const STEPS: [(&str, Option<Duration>); 7] = [
    ("bootstrap", Some(Duration::from_secs(120))),
    ("install", Some(Duration::from_secs(120))),
    ("recover", Some(Duration::from_secs(60))),
    ("run", None),
    ("shutdown", Some(Duration::from_secs(15))),
    ("startup", Some(Duration::from_secs(120))),
    ("uninstall", Some(Duration::from_secs(120))),
];

/// A script that can be run.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) step: Step,
    pub(super) skip_if: Option<SkipIf>,
    pub(super) timeout: Option<Duration>,
    pub(super) user: User,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ScriptError {
    #[error(
        "the step {0} is a script of {1} bytes, and at most {LONGEST} can be handed to a shell; \
         put it into an artifact and run that"
    )]
    Long(&'static str, usize),
    #[error("the step {0} has the character U+0000 in {1}; leave it out")]
    Nul(&'static str, String),
    #[error("{0:?} cannot be the name of an environment variable; see Setenv")]
    Name(String),
    #[error("the step {0}: {1}")]
    SkipIf(&'static str, SkipIfError),
    #[error(transparent)]
    User(#[from] UserError),
}

impl Script {
    /// All steps of a component.
    pub(super) fn all(
        component: &InstalledComponent,
        config: &ProcessConfig,
        accounts: &Accounts,
    ) -> Result<Vec<Self>, ScriptError> {
        let steps = STEPS.iter().filter_map(|(name, timeout)| {
            component.lifecycle.steps.get(*name).map(|step| (*name, *timeout, step))
        });
        steps
            .map(|(name, timeout, step)| {
                check(component, name, step)?;
                let skip_if = step.skip_if.as_deref().map(str::parse).transpose();
                let user = if step.requires_privilege {
                    accounts.root(name)?
                } else {
                    accounts.resolve(component.run_as.as_ref(), config.default_user.as_ref())?
                };
                Ok(Self {
                    name,
                    step: step.clone(),
                    skip_if: skip_if.map_err(|error| ScriptError::SkipIf(name, error))?,
                    timeout: step.timeout.or(timeout),
                    user,
                })
            })
            .collect()
    }
}

fn check(
    component: &InstalledComponent,
    name: &'static str,
    step: &Step,
) -> Result<(), ScriptError> {
    if step.script.len() > LONGEST {
        return Err(ScriptError::Long(name, step.script.len()));
    }
    if step.script.contains('\0') {
        return Err(ScriptError::Nul(name, "its script".to_owned()));
    }
    for (variable, value) in component.lifecycle.environment.iter().chain(&step.environment) {
        if !is_name(variable) {
            return Err(ScriptError::Name(variable.clone()));
        }
        if value.contains('\0') {
            return Err(ScriptError::Nul(name, format!("its variable {variable}")));
        }
    }
    Ok(())
}
