//! How a shadow on the device and the same in the cloud are brought in step.
//!
//! Both are compared with what they had in common when they last were (`SyncNodeMerger.java` of
//! shadow manager). What only one side has changed counts. What both have changed counts as the
//! cloud has it in the desired state, and as the device has it in the reported state. If they never
//! were in step, the whole desired state is the cloud's, and the whole reported state the device's.
//! A shadow that one side has deleted goes on the other, unless it was changed there since
//! (`FullShadowSyncRequest.java`, which compares times where here versions are compared, and states,
//! since AWS IoT counts anew from 1 two days after a deletion).

use super::delta::{same, same_section};
use super::{Before, Section, Shadow, SyncDirection};
use serde_json::{Value, json};

/// What both sides had in common when they last were in step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synced {
    /// The version on the device.
    pub local: u64,
    /// The version in the cloud.
    pub cloud: u64,
    /// The state; `None` when the shadow was on neither side.
    pub state: Option<[Section; 2]>,
}

/// What the cloud was asked to become, until it is known whether it has: whoever is told of no answer,
/// since the power failed or the link, would take its own change for somebody else's.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The version on the device that has this state.
    pub local: u64,
    /// The state.
    pub state: [Section; 2],
}

impl Sent {
    /// What both sides had in common once it arrived; `None`: the cloud is not like it.
    pub fn arrived(&self, cloud: &Before) -> Option<Synced> {
        let Before::Present(shadow) = cloud else { return None };
        is_like(shadow, &self.state).then(|| Synced {
            local: self.local,
            cloud: shadow.version,
            state: Some(self.state.clone()),
        })
    }
}

/// What is to be done on one side.
#[derive(Clone, Debug, PartialEq)]
pub enum SyncStep {
    /// Nothing.
    Nothing,
    /// Update it by this `state` of a request, on the version that was seen; a new one without.
    Update(Value),
    /// Delete it.
    Delete,
}

/// What is to be done on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncPlan {
    /// On the device, first.
    pub local: SyncStep,
    /// In the cloud.
    pub cloud: SyncStep,
    /// The desired and the reported state of both, then.
    pub state: Option<[Section; 2]>,
}

/// Which side counts.
#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Device,
    Cloud,
}

/// Decide what is to be done with a shadow that is like this on both sides.
pub fn plan_sync(
    local: &Before,
    cloud: &Before,
    last: Option<&Synced>,
    direction: SyncDirection,
) -> SyncPlan {
    let unchanged = last.filter(|last| match direction {
        SyncDirection::Both => false,
        SyncDirection::DeviceToCloud => !is_another(local, last.local, last),
        SyncDirection::CloudToDevice => !is_another(cloud, last.cloud, last),
    });
    if let Some(last) = unchanged {
        let state = last.state.clone();
        return SyncPlan { local: SyncStep::Nothing, cloud: SyncStep::Nothing, state };
    }
    let state = match direction {
        SyncDirection::Both => in_common(local, cloud, last),
        SyncDirection::DeviceToCloud => overwriting(local, cloud),
        SyncDirection::CloudToDevice => overwriting(cloud, local),
    };
    let step = |from: &Before, open: bool| match (open, from, &state) {
        (false, ..) | (_, Before::Absent(_), None) => SyncStep::Nothing,
        (_, Before::Present(_), None) => SyncStep::Delete,
        (_, Before::Absent(_), Some(to)) => SyncStep::Update(change(&Shadow::default(), to)),
        (_, Before::Present(from), Some(to)) => match is_like(from, to) {
            true => SyncStep::Nothing,
            false => SyncStep::Update(change(from, to)),
        },
    };
    SyncPlan {
        local: step(local, direction != SyncDirection::DeviceToCloud),
        cloud: step(cloud, direction != SyncDirection::CloudToDevice),
        state,
    }
}

/// What both are to be; `None`: deleted.
fn in_common(local: &Before, cloud: &Before, last: Option<&Synced>) -> Option<[Section; 2]> {
    let local_changed = last.is_none_or(|last| is_another(local, last.local, last));
    let cloud_changed = last.is_none_or(|last| is_another(cloud, last.cloud, last));
    match (local, cloud) {
        (Before::Absent(_), Before::Absent(_)) => None,
        (Before::Present(local), Before::Absent(_)) => local_changed.then(|| sections(local)),
        (Before::Absent(_), Before::Present(cloud)) => cloud_changed.then(|| sections(cloud)),
        (Before::Present(local), Before::Present(cloud)) => {
            let base = last.and_then(|last| last.state.as_ref());
            let [desired, reported] = match base {
                Some([desired, reported]) => [Some(desired), Some(reported)],
                None => [None, None],
            };
            Some([
                merged_section(&local.desired, &cloud.desired, desired, Owner::Cloud),
                merged_section(&local.reported, &cloud.reported, reported, Owner::Device),
            ])
        }
    }
}

/// Whether a side is another than when both were in step, and it had this version.
fn is_another(side: &Before, version: u64, last: &Synced) -> bool {
    side.version() != version
        || match (side, &last.state) {
            (Before::Present(shadow), Some(state)) => !is_like(shadow, state),
            (Before::Absent(_), None) => false,
            _ => true,
        }
}

/// What both are to be where one side alone counts and has changed. What it never had is let be.
fn overwriting(owner: &Before, other: &Before) -> Option<[Section; 2]> {
    match (owner, other) {
        (Before::Present(owner), _) => Some(sections(owner)),
        (Before::Absent(0), Before::Present(other)) => Some(sections(other)),
        (Before::Absent(_), _) => None,
    }
}

fn sections(shadow: &Shadow) -> [Section; 2] {
    [shadow.desired.clone(), shadow.reported.clone()]
}

fn is_like(shadow: &Shadow, [desired, reported]: &[Section; 2]) -> bool {
    same_section(&shadow.desired, desired) && same_section(&shadow.reported, reported)
}

fn merged_section(
    local: &Section,
    cloud: &Section,
    base: Option<&Section>,
    owner: Owner,
) -> Section {
    // A section that is empty is not there.
    let there = |section: &Section| (!section.is_empty()).then(|| Value::from(section.clone()));
    let (local, cloud, base) = (there(local), there(cloud), base.and_then(there));
    match merged(local.as_ref(), cloud.as_ref(), base.as_ref(), owner) {
        Some(Value::Object(members)) => members,
        _ => Section::new(),
    }
}

fn merged(
    local: Option<&Value>,
    cloud: Option<&Value>,
    base: Option<&Value>,
    owner: Owner,
) -> Option<Value> {
    if let (Some(Value::Object(local)), Some(Value::Object(cloud)), Some(Value::Object(base))) =
        (local, cloud, base)
    {
        let mut all = Section::new();
        for key in local.keys().chain(cloud.keys()) {
            if !all.contains_key(key) {
                let value = merged(local.get(key), cloud.get(key), base.get(key), owner);
                all.extend(value.map(|value| (key.clone(), value)));
            }
        }
        return Some(all.into());
    }
    let chosen = match (is_changed(local, base), is_changed(cloud, base), owner) {
        (true, false, _) => local,
        (false, true, _) => cloud,
        (_, _, Owner::Device) => local,
        (_, _, Owner::Cloud) => cloud,
    };
    chosen.cloned()
}

fn is_changed(value: Option<&Value>, base: Option<&Value>) -> bool {
    match (value, base) {
        (None, None) => false,
        (Some(value), Some(base)) => !same(value, base),
        _ => true,
    }
}

/// The `state` of a request that makes a shadow like this.
fn change(from: &Shadow, [desired, reported]: &[Section; 2]) -> Value {
    let mut state = json!({});
    for (name, from, to) in
        [("desired", &from.desired, desired), ("reported", &from.reported, reported)]
    {
        if to.is_empty() && !from.is_empty() {
            state[name] = Value::Null;
        } else if !same_section(from, to) {
            state[name] = difference(from, to).into();
        }
    }
    state
}

/// What merged into one section makes the other of it.
fn difference(from: &Section, to: &Section) -> Section {
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    let mut change: Section = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, to) in to {
        let value = match (from.get(key), to) {
            (Some(from), to) if same(from, to) => continue,
            (Some(Value::Object(from)), Value::Object(to)) => difference(from, to).into(),
            (_, to) => to.clone(),
        };
        change.insert(key.clone(), value);
    }
    change
}
