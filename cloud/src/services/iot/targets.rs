//! Whom policies are for.

use super::policies::name_and_arn;
use super::{done, each, flag, page, paging};
use crate::registry::page::of_names;
use crate::registry::policies::{self, Target};
use crate::registry::{Refusal, Registry, groups};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use std::collections::BTreeSet;

const TARGETS: &str = "/target-policies/{policyName}";
const ATTACHED: &str = "/attached-policies/{target}";
const TARGETS_OF: &str = "/policy-targets/{policyName}";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::PUT, TARGETS, "AttachPolicy", attach),
    Operation::new(Method::POST, TARGETS, "DetachPolicy", detach),
    Operation::new(Method::POST, ATTACHED, "ListAttachedPolicies", attached),
    Operation::new(Method::POST, TARGETS_OF, "ListTargetsForPolicy", targets),
];

#[derive(Deserialize)]
struct Asked {
    target: String,
}

fn attach(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let target = Target::read(&registry.place, &call.json::<Asked>()?.target)?;
    registry
        .state
        .change_with_others(|tx| policies::attach(tx, call.part("policyName"), &target))?;
    done()
}

fn detach(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let target = Target::read(&registry.place, &call.json::<Asked>()?.target)?;
    registry.state.change(|tx| policies::detach(tx, call.part("policyName"), &target))?;
    done()
}

fn attached(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, recursive) = (registry.state.snapshot()?, flag(call, "recursive", false)?);
    let target = Target::read(&registry.place, call.part("target"))?;
    let mut targets = vec![target.clone()];
    if let (Target::Group(name), true) = (&target, recursive) {
        targets.extend(groups::above(rows.as_ref(), name)?.into_iter().map(Target::Group));
    }
    let mut found = BTreeSet::new();
    for target in targets {
        found.extend(policies::attached_to(rows.as_ref(), &target)?);
    }
    let found = of_names(found, &paging(call, "pageSize", "marker")?);
    Ok(page("policies", "nextMarker", each(found, |name| name_and_arn(registry, &name))))
}

fn targets(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, paging) = (registry.state.snapshot()?, paging(call, "pageSize", "marker")?);
    let found = policies::targets_of(rows.as_ref(), call.part("policyName"), &paging)?;
    let found = each(found, |target| target.arn(&registry.place).into());
    Ok(page("targets", "nextMarker", found))
}
