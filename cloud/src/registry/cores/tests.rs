use super::*;
use crate::registry::{Kind, things};
use crate::state::{Sqlite, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: u64 = 1_700_000_000;

struct World {
    _folder: tempfile::TempDir,
    state: Box<dyn State>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state: Box<dyn State> = Box::new(Sqlite::open(&folder.path().join("state")).unwrap());
        state.change(|tx| things::create(tx, "T", None, BTreeMap::new())).unwrap();
        Self { _folder: folder, state }
    }

    /// The device says something, so many seconds after all began.
    fn say(&self, thing: &str, message: &Value, seconds: u64) {
        let thing = thing.parse().unwrap();
        let now = Time::from_seconds(NOW + seconds);
        self.state.change(|tx| handle(tx, &thing, message.to_string().as_bytes(), now)).unwrap();
    }

    fn inventory(&self) -> Inventory {
        inventory(self.state.snapshot().unwrap().as_ref(), "T").unwrap()
    }

    fn names(&self) -> Vec<String> {
        self.inventory().components.into_keys().collect()
    }

    fn core(&self, thing: &str) -> Result<Core, Refusal> {
        core(self.state.snapshot().unwrap().as_ref(), thing)
    }
}

fn component(name: &str, status: &str, arns: &[&str]) -> Value {
    json!({"componentName": name, "version": "1.0.0", "status": status, "isRoot": true,
           "fleetConfigArns": arns})
}

fn message(kind: &str, trigger: &str, sequence: u64, components: &[Value]) -> Value {
    json!({"ggcVersion": "2.14.0", "platform": "linux", "architecture": "amd64", "thing": "T",
           "overallDeviceStatus": "HEALTHY", "sequenceNumber": sequence,
           "timestamp": (NOW + sequence) * 1000, "messageType": kind, "trigger": trigger,
           "components": components})
}

#[test]
fn a_core_device_is_there_from_its_first_message_on() {
    let world = World::new();
    assert_eq!(world.core("T").unwrap_err().kind, Kind::NotFound);
    world.say(
        "T",
        &message("COMPLETE", "NUCLEUS_LAUNCH", 1, &[component("a.b", "RUNNING", &[])]),
        7,
    );
    let core = world.core("T").unwrap();
    assert_eq!((core.version.as_str(), core.status), ("2.14.0", DeviceStatus::Healthy));
    assert_eq!(core.updated_at, Time::from_seconds(NOW + 7));
    assert_eq!(world.names(), ["a.b"]);
    world.state.change(|tx| delete(tx, "T")).unwrap();
    assert_eq!(world.core("T").unwrap_err().kind, Kind::NotFound);
    world.say("T", &message("PARTIAL", "RECONNECT", 2, &[]), 8);
    assert!(world.core("T").is_ok());
}

#[test]
fn partial_messages_merge_and_complete_ones_replace() {
    let world = World::new();
    let all = ["a.a", "a.b", "a.c"].map(|name| component(name, "RUNNING", &["arn"]));
    world.say("T", &message("COMPLETE", "NUCLEUS_LAUNCH", 1, &all), 1);
    world.say(
        "T",
        &message("PARTIAL", "COMPONENT_STATUS_CHANGE", 2, &[component("a.b", "BROKEN", &["arn"])]),
        2,
    );
    let components = world.inventory().components;
    assert_eq!(components["a.b"].status.status, "BROKEN");
    assert_eq!(components["a.b"].changed_at, Time::from_seconds(NOW + 2));
    assert_eq!(components["a.b"].trigger.as_deref(), Some("NUCLEUS_LAUNCH"));
    assert_eq!(components["a.a"].changed_at, Time::from_seconds(NOW + 1));
    world.say("T", &message("COMPLETE", "CADENCE", 3, &all[..1]), 3);
    assert_eq!(world.names(), ["a.a"]);
    assert_eq!(world.inventory().components["a.a"].changed_at, Time::from_seconds(NOW + 1));
}

#[test]
fn what_a_deployment_takes_away_is_gone() {
    let world = World::new();
    let all = ["a.a", "a.b", "TelemetryAgent"].map(|name| component(name, "RUNNING", &["arn"]));
    world.say("T", &message("COMPLETE", "NUCLEUS_LAUNCH", 1, &all), 1);
    let left = ["a.a", "TelemetryAgent"].map(|name| component(name, "FINISHED", &[]));
    // A local deployment brings what no configuration names.
    world.say("T", &message("PARTIAL", "LOCAL_DEPLOYMENT", 2, &left), 2);
    assert_eq!(world.names(), ["TelemetryAgent", "a.a", "a.b"]);
    world.say("T", &message("PARTIAL", "THING_GROUP_DEPLOYMENT", 3, &left), 3);
    assert_eq!(world.names(), ["TelemetryAgent", "a.b"]);
    world.say(
        "T",
        &message(
            "PARTIAL",
            "COMPONENT_STATUS_CHANGE",
            4,
            &[component("a.b", "UNINSTALLED", &["arn"])],
        ),
        4,
    );
    assert_eq!(world.names(), ["TelemetryAgent"]);
}

#[test]
fn a_message_in_chunks_counts_when_it_is_whole() {
    let world = World::new();
    world.say(
        "T",
        &message("COMPLETE", "NUCLEUS_LAUNCH", 1, &[component("old.a", "RUNNING", &[])]),
        1,
    );
    let chunk = |sequence, id, total, name| {
        let mut chunk =
            message("COMPLETE", "CADENCE", sequence, &[component(name, "RUNNING", &[])]);
        chunk["chunkInfo"] = json!({"chunkId": id, "totalChunks": total});
        chunk
    };
    world.say("T", &chunk(2, 2, 2, "new.b"), 2);
    assert_eq!(world.names(), ["old.a"]);
    world.say("T", &chunk(2, 1, 2, "new.a"), 3);
    assert_eq!(world.names(), ["new.a", "new.b"]);
    // Parts of another message, or of one that is too old, are no parts of it.
    world.say("T", &chunk(3, 1, 2, "a.x"), 4);
    world.say("T", &chunk(4, 2, 2, "a.y"), 5);
    assert_eq!(world.names(), ["new.a", "new.b"]);
    world.say("T", &chunk(4, 1, 2, "a.z"), 4000);
    assert_eq!(world.names(), ["new.a", "new.b"]);
    world.say("T", &chunk(4, 2, 2, "a.y"), 4001);
    assert_eq!(world.names(), ["a.y", "a.z"]);
}

#[test]
fn late_messages_are_dropped_and_a_device_can_begin_anew() {
    let world = World::new();
    let say = |sequence: u64, timestamp: u64, name: &str| {
        let mut said = message("COMPLETE", "CADENCE", sequence, &[component(name, "RUNNING", &[])]);
        said["timestamp"] = timestamp.into();
        world.say("T", &said, 1);
    };
    say(9, NOW * 1000, "a.first");
    say(8, NOW * 1000 - 1, "a.late");
    assert_eq!(world.names(), ["a.first"]);
    say(1, NOW * 1000 + 1, "a.anew");
    assert_eq!(world.names(), ["a.anew"]);
    // A clock that is years ahead does not keep the device out for years.
    say(2, u64::MAX, "a.ahead");
    let mut said = message("COMPLETE", "CADENCE", 1, &[component("a.right", "RUNNING", &[])]);
    said["timestamp"] = ((NOW + 2 * AHEAD) * 1000).into();
    world.say("T", &said, 2 * AHEAD);
    assert_eq!(world.names(), ["a.right"]);
}

const AHEAD: u64 = 24 * 3600;

#[test]
fn what_is_said_of_deployments_is_kept_for_each_configuration() {
    let world = World::new();
    for (sequence, revision, status) in
        [(1, 1, "IN_PROGRESS"), (2, 1, "FAILED"), (3, 2, "SUCCEEDED")]
    {
        let mut said = message("PARTIAL", "THING_GROUP_DEPLOYMENT", sequence, &[]);
        said["deploymentInformation"] = json!({"status": status,
            "fleetConfigurationArnForStatus": format!("arn:{revision}"), "deploymentId": "d"});
        world.say("T", &said, sequence);
    }
    let deployments = world.inventory().deployments;
    assert_eq!(deployments["arn:1"].information.status, "FAILED");
    assert_eq!(deployments["arn:2"].information.status, "SUCCEEDED");
    for number in 4..200 {
        let mut said = message("PARTIAL", "THING_DEPLOYMENT", number, &[]);
        said["deploymentInformation"] = json!({"status": "SUCCEEDED",
            "fleetConfigurationArnForStatus": format!("arn:{number}")});
        world.say("T", &said, number);
    }
    assert_eq!(world.inventory().deployments.len(), 100);
    assert!(!world.inventory().deployments.contains_key("arn:4"));
}

#[test]
fn hostile_messages_change_nothing() {
    let world = World::new();
    world.say("unknown", &message("COMPLETE", "CADENCE", 1, &[]), 1);
    world.say("T", &json!({"thing": "T"}), 1);
    let mut other = message("COMPLETE", "CADENCE", 1, &[]);
    other["thing"] = "U".into();
    world.say("T", &other, 1);
    assert!(world.core("T").is_err() && world.core("unknown").is_err());
    for number in 0..3 {
        let names = (0..1000).map(|name| component(&format!("c.{number}-{name}"), "NEW", &[]));
        world.say("T", &message("PARTIAL", "RECONNECT", number, &names.collect::<Vec<_>>()), 2);
    }
    assert_eq!(world.names().len(), 2000);
}

#[test]
fn core_devices_are_listed_in_pages() {
    let world = World::new();
    for thing in ["a", "b", "c", "d"] {
        world.state.change(|tx| things::create(tx, thing, None, BTreeMap::new())).unwrap();
        let mut said = message("COMPLETE", "CADENCE", 1, &[]);
        said["thing"] = thing.into();
        if thing == "b" {
            (said["overallDeviceStatus"], said["runtime"]) = ("UNHEALTHY".into(), "lite".into());
        }
        world.say(thing, &said, 1);
    }
    let rows = world.state.snapshot().unwrap();
    let names = |filter: &CoreFilter, after, limit| -> Vec<String> {
        let found = list(rows.as_ref(), filter, after, limit).unwrap();
        found.into_iter().map(|core| core.thing).collect()
    };
    let all = CoreFilter::default();
    assert_eq!(names(&all, None, 2), ["a", "b"]);
    assert_eq!(names(&all, Some("b"), 9), ["c", "d"]);
    let unhealthy = CoreFilter { status: Some(DeviceStatus::Unhealthy), ..CoreFilter::default() };
    assert_eq!(names(&unhealthy, None, 9), ["b"]);
    let lite = CoreFilter { runtime: Some("lite".into()), ..CoreFilter::default() };
    assert_eq!(names(&lite, None, 9), ["b"]);
    let among = Some(["b", "d", "x"].map(str::to_owned).to_vec());
    let among = CoreFilter { among, ..CoreFilter::default() };
    assert_eq!(names(&among, None, 1), ["b"]);
    assert_eq!(names(&among, Some("b"), 9), ["d"]);
}
