//! Things in groups.

use super::groups::name_and_arn;
use super::{done, each, flag, named, page, paging};
use crate::registry::page::of_names;
use crate::registry::{Refusal, Registry, groups, things};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::Value;

const ADD: &str = "/thing-groups/addThingToThingGroup";
const REMOVE: &str = "/thing-groups/removeThingFromThingGroup";
const UPDATE: &str = "/thing-groups/updateThingGroupsForThing";
const THINGS: &str = "/thing-groups/{thingGroupName}/things";
const GROUPS: &str = "/things/{thingName}/thing-groups";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::PUT, ADD, "AddThingToThingGroup", add),
    Operation::new(Method::PUT, REMOVE, "RemoveThingFromThingGroup", remove),
    Operation::new(Method::PUT, UPDATE, "UpdateThingGroupsForThing", update),
    Operation::new(Method::GET, THINGS, "ListThingsInThingGroup", things_in),
    Operation::new(Method::GET, GROUPS, "ListThingGroupsForThing", groups_of),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    thing_group_name: Option<String>,
    thing_group_arn: Option<String>,
    thing_name: Option<String>,
    thing_arn: Option<String>,
}

impl Pair {
    /// The thing's and the group's name.
    fn read(registry: &Registry, call: &Call) -> Result<(String, String), Refusal> {
        let (asked, place) = (call.json::<Self>()?, &registry.place);
        let thing = named(place, asked.thing_name, asked.thing_arn.as_deref(), "thing")?;
        let group =
            named(place, asked.thing_group_name, asked.thing_group_arn.as_deref(), "thinggroup")?;
        Ok((thing, group))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Several {
    thing_name: String,
    #[serde(default)]
    thing_groups_to_add: Vec<String>,
    #[serde(default)]
    thing_groups_to_remove: Vec<String>,
}

fn add(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let ((thing, group), now) = (Pair::read(registry, call)?, registry.clock.now());
    registry.state.change_with_others(|tx| groups::join(tx, &thing, &group, now))?;
    done()
}

fn remove(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let ((thing, group), now) = (Pair::read(registry, call)?, registry.clock.now());
    registry.state.change(|tx| groups::leave(tx, &thing, &group, now))?;
    done()
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (asked, now) = (call.json::<Several>()?, registry.clock.now());
    registry.state.change(|tx| {
        let thing = &asked.thing_name;
        asked
            .thing_groups_to_remove
            .iter()
            .try_for_each(|group| groups::leave(tx, thing, group, now))?;
        asked.thing_groups_to_add.iter().try_for_each(|group| groups::join(tx, thing, group, now))
    })?;
    done()
}

fn things_in(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, recursive) = (registry.state.snapshot()?, flag(call, "recursive", false)?);
    let found = groups::things_in(rows.as_ref(), call.part("thingGroupName"), recursive)?;
    let found = of_names(found, &paging(call, "maxResults", "nextToken")?);
    Ok(page("things", "nextToken", each(found, Value::String)))
}

fn groups_of(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, thing) = (registry.state.snapshot()?, call.part("thingName"));
    things::require(rows.as_ref(), thing)?;
    let found = groups::direct_of(rows.as_ref(), thing)?;
    let found = of_names(found, &paging(call, "maxResults", "nextToken")?);
    let found = each(found, |name| name_and_arn(&registry.place, &name));
    Ok(page("thingGroups", "nextToken", found))
}
