//! What counts when both sides have changed.

use super::super::sync::{Sent, SyncStep, Synced};
use super::*;

fn side(version: u64, state: &Value) -> Before {
    let mut shadow = shadow(std::slice::from_ref(state));
    shadow.version = version;
    Before::Present(shadow)
}

/// In step at version 5 here and 9 there.
fn last(state: &Value) -> Synced {
    let shadow = shadow(std::slice::from_ref(state));
    Synced { local: 5, cloud: 9, state: Some([shadow.desired, shadow.reported]) }
}

fn update(state: Value) -> SyncStep {
    SyncStep::Update(state)
}

#[test]
fn what_one_side_has_changed_goes_to_the_other() {
    let base = json!({"desired": {"a": 1, "b": 1}, "reported": {"a": 1}});
    let (local, cloud) = (side(5, &base), side(9, &base));
    let plan = |local: &Before, cloud: &Before| {
        let plan = plan_sync(local, cloud, Some(&last(&base)), SyncDirection::Both);
        (plan.local, plan.cloud)
    };
    assert_eq!(plan(&local, &cloud), (SyncStep::Nothing, SyncStep::Nothing));
    let here = side(6, &json!({"desired": {"a": 1, "b": 1}, "reported": {"a": 2, "c": 3}}));
    let change = json!({"reported": {"a": 2, "c": 3}});
    assert_eq!(plan(&here, &cloud), (SyncStep::Nothing, update(change)));
    let there = side(10, &json!({"desired": {"b": 2}, "reported": {"a": 1}}));
    let change = json!({"desired": {"a": null, "b": 2}});
    assert_eq!(plan(&local, &there), (update(change), SyncStep::Nothing));
    // Each its own.
    assert_eq!(
        plan(&here, &there),
        (
            update(json!({"desired": {"a": null, "b": 2}})),
            update(json!({"reported": {"a": 2, "c": 3}}))
        )
    );
    // A version alone is no change of state.
    assert_eq!(plan(&side(8, &base), &side(12, &base)), (SyncStep::Nothing, SyncStep::Nothing));
}

#[test]
fn of_conflicts_the_cloud_has_the_desired_and_the_device_the_reported_ones() {
    let base = json!({"desired": {"a": 0, "keep": 1}, "reported": {"a": 0, "keep": 1}});
    let here = side(6, &json!({"desired": {"a": 1, "keep": 1}, "reported": {"a": 1, "keep": 1}}));
    let there = side(10, &json!({"desired": {"a": 2, "keep": 1}, "reported": {"a": 2, "keep": 1}}));
    let plan = plan_sync(&here, &there, Some(&last(&base)), SyncDirection::Both);
    assert_eq!(plan.local, update(json!({"desired": {"a": 2}})));
    assert_eq!(plan.cloud, update(json!({"reported": {"a": 1}})));
    // A member taken away on one side and changed on the other is a conflict as well.
    let here = side(6, &json!({"desired": {"keep": 1}, "reported": {"keep": 1}}));
    let plan = plan_sync(&here, &there, Some(&last(&base)), SyncDirection::Both);
    assert_eq!(plan.local, update(json!({"desired": {"a": 2}})));
    assert_eq!(plan.cloud, update(json!({"reported": {"a": null}})));
}

#[test]
fn sides_that_never_met_take_each_their_whole_section() {
    let here = side(3, &json!({"desired": {"a": 1}, "reported": {"a": 1}}));
    let there = side(7, &json!({"desired": {"b": 2}, "reported": {"b": 2}}));
    let plan = plan_sync(&here, &there, None, SyncDirection::Both);
    assert_eq!(plan.local, update(json!({"desired": {"a": null, "b": 2}})));
    assert_eq!(plan.cloud, update(json!({"reported": {"a": 1, "b": null}})));
    // What one side alone has is made on the other.
    let state = json!({"desired": {"a": 1}, "reported": {"a": 1}});
    let plan = plan_sync(&here, &Before::default(), None, SyncDirection::Both);
    assert_eq!((plan.local, plan.cloud), (SyncStep::Nothing, update(state.clone())));
    let plan = plan_sync(&Before::default(), &here, None, SyncDirection::Both);
    assert_eq!((plan.local, plan.cloud), (update(state), SyncStep::Nothing));
}

#[test]
fn what_one_side_has_deleted_goes_unless_it_was_changed_since() {
    let base = json!({"reported": {"a": 1}});
    let plan = |local: &Before, cloud: &Before| {
        let plan = plan_sync(local, cloud, Some(&last(&base)), SyncDirection::Both);
        (plan.local, plan.cloud)
    };
    let (here, there) = (side(5, &base), side(9, &base));
    let (gone_here, gone_there) = (Before::Absent(6), Before::Absent(10));
    assert_eq!(plan(&gone_here, &there), (SyncStep::Nothing, SyncStep::Delete));
    assert_eq!(plan(&here, &gone_there), (SyncStep::Delete, SyncStep::Nothing));
    assert_eq!(plan(&gone_here, &gone_there), (SyncStep::Nothing, SyncStep::Nothing));
    assert_eq!(plan(&side(6, &base), &gone_there), (SyncStep::Nothing, update(base.clone())));
    assert_eq!(plan(&gone_here, &side(10, &base)), (update(base.clone()), SyncStep::Nothing));
}

#[test]
fn in_one_direction_the_other_side_is_overwritten() {
    let base = json!({"desired": {"a": 0}, "reported": {"a": 0}});
    let (here, there) = (
        side(6, &json!({"desired": {"a": 1}, "reported": {"a": 1}})),
        side(10, &json!({"desired": {"a": 2}, "reported": {"a": 2}})),
    );
    let up = plan_sync(&here, &there, Some(&last(&base)), SyncDirection::DeviceToCloud);
    let ours = json!({"desired": {"a": 1}, "reported": {"a": 1}});
    assert_eq!((up.local, up.cloud), (SyncStep::Nothing, update(ours)));
    let down = plan_sync(&here, &there, Some(&last(&base)), SyncDirection::CloudToDevice);
    let theirs = json!({"desired": {"a": 2}, "reported": {"a": 2}});
    assert_eq!((down.local, down.cloud), (update(theirs), SyncStep::Nothing));
    // What the device never had is let be; what it has deleted is deleted.
    let never = plan_sync(&Before::default(), &there, None, SyncDirection::DeviceToCloud);
    assert_eq!(never.cloud, SyncStep::Nothing);
    let deleted = plan_sync(&Before::Absent(6), &there, None, SyncDirection::DeviceToCloud);
    assert_eq!(deleted.cloud, SyncStep::Delete);
}

#[test]
fn a_version_that_comes_again_after_a_deletion_is_known_by_its_state() {
    let gone = Synced { local: 6, cloud: 9, state: None };
    let anew = json!({"reported": {"n": 2}});
    let plan = plan_sync(&Before::Absent(6), &side(9, &anew), Some(&gone), SyncDirection::Both);
    assert_eq!((plan.local, plan.cloud), (update(anew.clone()), SyncStep::Nothing));
    // The same for another shadow in place of that which was.
    let base = json!({"reported": {"n": 1}});
    let plan =
        plan_sync(&Before::Absent(6), &side(9, &anew), Some(&last(&base)), SyncDirection::Both);
    assert_eq!((plan.local, plan.cloud), (update(anew), SyncStep::Nothing));
}

#[test]
fn what_was_sent_and_arrived_is_what_both_had_in_common() {
    let base = json!({"reported": {"n": 1}});
    let shadow = shadow(std::slice::from_ref(&base));
    let sent = Sent { local: 5, state: [shadow.desired, shadow.reported] };
    assert_eq!(sent.arrived(&Before::Absent(9)), None);
    assert_eq!(sent.arrived(&side(9, &json!({"reported": {"n": 2}}))), None);
    assert_eq!(sent.arrived(&side(9, &base)), Some(last(&base)));
    // So that what was deleted here since does not come back.
    let arrived = sent.arrived(&side(9, &base));
    let plan =
        plan_sync(&Before::Absent(6), &side(9, &base), arrived.as_ref(), SyncDirection::Both);
    assert_eq!((plan.local, plan.cloud), (SyncStep::Nothing, SyncStep::Delete));
}
