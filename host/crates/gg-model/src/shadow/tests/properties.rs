//! What holds of any states, one after the other.

use super::super::delta::{delta, same_section};
use super::super::sync::{SyncStep, Synced};
use super::*;
use proptest::prelude::*;

/// Values of few keys and few leaves, so that they meet.
fn value(levels: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        Just(json!(0.5)),
        "[ab]{0,2}".prop_map(Value::from),
        Just(json!([1, {"a": 2}])),
        Just(json!({})),
    ];
    leaf.prop_recursive(levels, 16, 3, |inner| {
        prop::collection::btree_map("[abc]", inner, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

fn section() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[abc]", value(3), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn state() -> impl Strategy<Value = Value> {
    let part = || prop_oneof![8 => section(), 1 => Just(Value::Null)];
    prop_oneof![
        1 => Just(Value::Null),
        4 => part().prop_map(|desired| json!({"desired": desired})),
        4 => part().prop_map(|reported| json!({"reported": reported})),
        4 => (part(), part()).prop_map(|(d, r)| json!({"desired": d, "reported": r})),
    ]
}

/// Whether what is said about leaves is said about these, and about no others.
fn mirrors(state: &Value, metadata: &Value) -> bool {
    match state {
        Value::Object(members) => metadata.as_object().is_some_and(|about| {
            about.len() == members.len()
                && members
                    .iter()
                    .all(|(key, value)| about.get(key).is_some_and(|about| mirrors(value, about)))
        }),
        Value::Array(elements) => metadata.as_array().is_some_and(|about| {
            about.len() == elements.len()
                && elements.iter().zip(about).all(|(value, about)| mirrors(value, about))
        }),
        _ => metadata["timestamp"].is_u64() && metadata.as_object().is_some_and(|m| m.len() == 1),
    }
}

/// Whether no member is null.
fn is_clean(section: &Section) -> bool {
    section.values().all(|value| match value {
        Value::Null => false,
        Value::Object(members) => is_clean(members),
        _ => true,
    })
}

fn merged(from: &Shadow, change: &Value) -> Shadow {
    let request = request(&json!({ "state": change }));
    Before::Present(from.clone()).update(&request, AT, LIMIT).unwrap().shadow
}

fn present(shadow: &Shadow) -> Before {
    match shadow.version {
        0 => Before::default(),
        _ => Before::Present(shadow.clone()),
    }
}

proptest! {
    #[test]
    fn metadata_mirrors_the_state_and_no_null_stays(
        states in prop::collection::vec(state(), 1..6)
    ) {
        let shadow = shadow(&states);
        prop_assert_eq!(shadow.version, states.len() as u64);
        for (state, about) in [
            (&shadow.desired, &shadow.desired_metadata),
            (&shadow.reported, &shadow.reported_metadata),
        ] {
            prop_assert!(is_clean(state), "{:?}", state);
            prop_assert!(mirrors(&state.clone().into(), &about.clone().into()), "{:?}", about);
        }
        if let Some(delta) = shadow.delta_message(AT, None) {
            prop_assert!(mirrors(&delta["state"], &delta["metadata"]), "{}", delta);
        }
    }

    #[test]
    fn the_same_again_changes_the_version_alone(states in prop::collection::vec(state(), 1..4)) {
        let once = shadow(&states);
        let again = merged(&once, states.last().unwrap());
        prop_assert_eq!(&again.desired, &once.desired);
        prop_assert_eq!(&again.reported, &once.reported);
    }

    #[test]
    fn who_reports_the_delta_has_none_left(states in prop::collection::vec(state(), 1..5)) {
        let before = shadow(&states);
        if let Some(message) = before.delta_message(AT, None) {
            let after = merged(&before, &json!({"reported": message["state"]}));
            prop_assert_eq!(after.delta_message(AT, None), None, "{:?}", after);
        }
        let [none, _] = delta(&before.desired, &before.desired, &before.desired_metadata);
        prop_assert!(none.is_empty());
    }

    #[test]
    fn what_is_written_and_read_again_is_the_same(states in prop::collection::vec(state(), 1..4)) {
        let text = shadow(&states).document(AT, None).to_string();
        let request = UpdateRequest::parse(text.as_bytes()).unwrap();
        let copy = Before::default().update(&UpdateRequest { version: None, ..request }, AT, LIMIT);
        let (copy, first) = (copy.unwrap().shadow, shadow(&states));
        prop_assert!(same_section(&copy.desired, &first.desired));
        prop_assert!(same_section(&copy.reported, &first.reported));
    }

    /// Whatever both sides did since, carrying the plan out brings them in step, and they stay so.
    #[test]
    fn a_plan_brings_both_sides_in_step(
        common in prop::collection::vec(state(), 0..3),
        here in prop::collection::vec(prop::option::weighted(0.9, state()), 0..3),
        there in prop::collection::vec(prop::option::weighted(0.9, state()), 0..3),
        direction in prop_oneof![
            Just(SyncDirection::Both),
            Just(SyncDirection::DeviceToCloud),
            Just(SyncDirection::CloudToDevice)
        ],
    ) {
        let start = present(&if common.is_empty() { Shadow::default() } else { shadow(&common) });
        let last = matches!(start, Before::Present(_)).then(|| synced(&start, &start));
        let (mut local, mut cloud) = (changed(start.clone(), &here), changed(start, &there));
        let plan = plan_sync(&local, &cloud, last.as_ref(), direction);
        carry_out(&mut local, &plan.local);
        carry_out(&mut cloud, &plan.cloud);
        if direction == SyncDirection::Both {
            prop_assert_eq!(states(&local), states(&cloud));
        }
        prop_assert!(direction != SyncDirection::DeviceToCloud || plan.local == SyncStep::Nothing);
        prop_assert!(direction != SyncDirection::CloudToDevice || plan.cloud == SyncStep::Nothing);
        let last = Synced { state: plan.state, ..synced(&local, &cloud) };
        let again = plan_sync(&local, &cloud, Some(&last), direction);
        prop_assert_eq!(again.local, SyncStep::Nothing);
        prop_assert_eq!(again.cloud, SyncStep::Nothing);
    }

    /// A plan that was carried out in part and is made anew comes to the same.
    #[test]
    fn a_plan_that_is_cut_off_is_made_again(
        common in prop::collection::vec(state(), 1..3),
        here in prop::collection::vec(prop::option::weighted(0.9, state()), 1..3),
        there in prop::collection::vec(prop::option::weighted(0.9, state()), 1..3),
    ) {
        let start = present(&shadow(&common));
        let last = synced(&start, &start);
        let (mut local, mut cloud) = (changed(start.clone(), &here), changed(start, &there));
        let whole = plan_sync(&local, &cloud, Some(&last), SyncDirection::Both);
        carry_out(&mut local, &whole.local);
        let rest = plan_sync(&local, &cloud, Some(&last), SyncDirection::Both);
        carry_out(&mut local, &rest.local);
        carry_out(&mut cloud, &rest.cloud);
        prop_assert_eq!(states(&local), states(&cloud));
        prop_assert_eq!(states(&local), whole.state.map(|[d, r]| (d, r)));
    }
}

fn states(side: &Before) -> Option<(Section, Section)> {
    match side {
        Before::Absent(_) => None,
        Before::Present(shadow) => Some((shadow.desired.clone(), shadow.reported.clone())),
    }
}

fn synced(local: &Before, cloud: &Before) -> Synced {
    let state = states(local).map(|(desired, reported)| [desired, reported]);
    Synced { local: local.version(), cloud: cloud.version(), state }
}

/// A side after these states of requests; `None` deletes.
fn changed(mut side: Before, changes: &[Option<Value>]) -> Before {
    for change in changes {
        carry_out(
            &mut side,
            &match change {
                Some(state) => SyncStep::Update(state.clone()),
                None => SyncStep::Delete,
            },
        );
    }
    side
}

fn carry_out(side: &mut Before, step: &SyncStep) {
    let before = std::mem::take(side);
    *side = match (step, before) {
        (SyncStep::Update(state), before) => {
            let request = request(&json!({ "state": state }));
            Before::Present(before.update(&request, AT, LIMIT).unwrap().shadow)
        }
        (SyncStep::Delete, Before::Present(shadow)) => Before::Absent(shadow.version + 1),
        (_, before) => before,
    };
}
