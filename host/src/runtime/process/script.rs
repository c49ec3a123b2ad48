//! A step of a lifecycle as a script, checked: what is wrong with one is said before anything
//! that runs is touched.

use super::environment::is_name;
use super::user::{Accounts, User, UserError};
use crate::component::InstalledComponent;
use gg_model::recipe::{Step, StepName};
use std::time::Duration;

/// Bytes of a script: the kernel takes no longer argument (`MAX_ARG_STRLEN`, its end counted).
const LONGEST: usize = (128 << 10) - 1;

/// A script that can be run.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) name: StepName,
    pub(super) step: Step,
    pub(super) timeout: Option<Duration>,
    pub(super) user: User,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ScriptError {
    #[error(
        "the step {0} is a script of {1} bytes, and at most {LONGEST} can be handed to a shell; \
         put it into an artifact and run that"
    )]
    Long(StepName, usize),
    #[error("the step {0} has the character U+0000 in {1}; leave it out")]
    Nul(StepName, String),
    #[error("{0:?} cannot be the name of an environment variable; see Setenv")]
    Name(String),
    #[error(transparent)]
    User(#[from] UserError),
}

impl Script {
    /// All steps of a component.
    pub(super) fn all(
        component: &InstalledComponent,
        accounts: &Accounts,
    ) -> Result<Vec<Self>, ScriptError> {
        let lifecycle = &component.lifecycle;
        let steps = lifecycle.steps.iter();
        steps
            .map(|(&name, step)| {
                check(component, name, step)?;
                let user = if step.requires_privilege {
                    accounts.root(name.as_str())?
                } else {
                    accounts.resolve(component.run_as.as_ref())?
                };
                Ok(Self { name, step: Step::clone(step), timeout: lifecycle.timeout(name), user })
            })
            .collect()
    }
}

fn check(component: &InstalledComponent, name: StepName, step: &Step) -> Result<(), ScriptError> {
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
