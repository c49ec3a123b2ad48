//! The data plane: what core devices ask while they carry out a deployment (`GreengrassV2DataClient` of
//! the Java nucleus; Greengrass developer guide, "AWS IoT policies for data plane operations").

use crate::registry::components::ComponentArn;
use crate::registry::policies::Request;
use crate::registry::{Kind, Refusal, Registry, groups};
use crate::services::greengrass::components::{ARTIFACT, artifact};
use crate::services::greengrass::resolve::{RESOLVE, answer, resolved};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde_json::{Value, json};

const GROUPS: &str = "/greengrass/v2/coreDevices/{coreDeviceThingName}/thingGroups";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::GET, ARTIFACT, "GetComponentVersionArtifact", get_artifact),
    Operation::new(Method::GET, GROUPS, "ListThingGroupsForCoreDevice", list_groups),
    Operation::new(Method::POST, RESOLVE, "ResolveComponentCandidates", resolve),
];

/// The policies of the device allow it to do something.
fn check(registry: &Registry, call: &Call, action: &str, resource: &str) -> Result<(), Refusal> {
    let device = call.caller.device()?;
    let client_id = device.thing(None).map(|thing| thing.name.as_str());
    let request = Request { action, resource, client_id, ..Request::default() };
    match device.authorize(&request, registry.clock.now()).is_allowed() {
        true => Ok(()),
        false => {
            let message = format!("no policy of the device allows {action} on {resource}");
            Err(Refusal::new(Kind::Denied, message))
        }
    }
}

fn resolve(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let found = resolved(registry, call)?;
    for one in &found {
        check(registry, call, "greengrass:ResolveComponentCandidates", &one.arn)?;
    }
    Ok(answer(found))
}

fn get_artifact(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (name, version) = ComponentArn::parse_version(call.part("arn"), &registry.place)?;
    let arn = ComponentArn::text(&name, Some(&version), &registry.place);
    check(registry, call, "greengrass:GetComponentVersionArtifact", &arn)?;
    artifact(registry, call)
}

/// The groups that a device is in, itself or by a group that is in them: whose deployments it keeps.
fn list_groups(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (thing, place) = (call.part("coreDeviceThingName"), &registry.place);
    if !call.caller.device()?.is_thing(thing) {
        let message = format!("the certificate is not attached to a thing {thing}");
        return Err(Refusal::new(Kind::Denied, message));
    }
    let arn = place.arn("greengrass", &format!("coreDevices:{thing}"));
    check(registry, call, "greengrass:ListThingGroupsForCoreDevice", &arn)?;
    let rows = registry.state.snapshot()?;
    let mut shown = Vec::new();
    for name in groups::all_of(rows.as_ref(), thing)? {
        let above = groups::above(rows.as_ref(), &name)?;
        let named =
            |name: &String| json!({ "groupName": name, "groupArn": groups::arn(place, name) });
        let above: Value = above.iter().rev().map(named).collect();
        shown.push(json!({
            "thingGroupName": name,
            "thingGroupArn": groups::arn(place, &name),
            "rootToParentThingGroups": above,
        }));
    }
    Ok(Answer::ok(json!({ "thingGroups": shown })))
}
