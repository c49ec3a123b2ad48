use super::*;
use crate::registry::groups::Properties;
use crate::registry::{Kind, groups, jobs, shadows, things};
use crate::state::{Sqlite, State, outbox};
use gg_model::shadow::UpdateRequest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: u64 = 1_700_000_000;

struct World {
    _folder: tempfile::TempDir,
    state: Box<dyn State>,
    place: Place,
}

fn at(seconds: u64) -> Time {
    Time::from_seconds(NOW + seconds)
}

fn group() -> Target {
    Target::Group("fleet".to_owned())
}

fn thing() -> Target {
    Target::Thing("core".to_owned())
}

fn new(target: Target, content: Value) -> Creation {
    let content = serde_json::from_value(content).unwrap();
    Creation { target, content, pace: Pace::default(), tags: BTreeMap::new(), request: None }
}

impl World {
    /// With a thing `core` in a group `fleet`, which has said that it is a core device.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state: Box<dyn State> = Box::new(Sqlite::open(&folder.path().join("state")).unwrap());
        let world = Self { _folder: folder, state, place: Place::new(None, None).unwrap() };
        world.tx(|tx| {
            groups::create(tx, "fleet", None, Properties::default(), at(0))?;
            things::create(tx, "core", None, BTreeMap::new())?;
            groups::join(tx, "core", "fleet", at(0))
        });
        world.says(&json!({}), 0);
        world
    }

    fn tx<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal>) -> T {
        self.state.change(work).unwrap()
    }

    fn create(&self, creation: Creation, seconds: u64) -> Result<Deployment, Refusal> {
        self.state.change(|tx| create(tx, &self.place, creation, at(seconds)))
    }

    /// The core device sends its status.
    fn says(&self, more: &Value, seconds: u64) {
        let mut message = json!({
            "ggcVersion": "2.14.0", "platform": "linux", "architecture": "amd64", "thing": "core",
            "overallDeviceStatus": "HEALTHY", "sequenceNumber": seconds, "components": [],
            "timestamp": at(seconds).millis(), "messageType": "PARTIAL",
        });
        if let (Value::Object(message), Value::Object(more)) = (&mut message, more) {
            message.extend(more.clone());
        }
        let topic = "$aws/things/core/greengrassv2/health/json";
        let payload = message.to_string();
        self.tx(|tx| crate::registry::reserved::handle(tx, topic, payload.as_bytes(), at(seconds)));
    }

    fn effective(&self) -> Vec<Effective> {
        effective(self.state.snapshot().unwrap().as_ref(), &self.place, "core").unwrap()
    }

    fn status(&self, id: &str) -> Status {
        let rows = self.state.snapshot().unwrap();
        find(rows.as_ref(), id).unwrap().status(rows.as_ref()).unwrap()
    }

    fn document(&self, deployment: &Deployment) -> Value {
        let text = jobs::document(self.state.snapshot().unwrap().as_ref(), &deployment.job_id);
        serde_json::from_str(&text.unwrap()).unwrap()
    }
}

#[test]
fn devices_read_what_was_asked_for() {
    let world = World::new();
    let made = world.create(
        new(group(), json!({
            "deploymentName": "one",
            "components": { "aws.greengrass.Cli": {
                "componentVersion": "2.14.0",
                "configurationUpdate": { "merge": "{\"a\":{\"b\":1}}", "reset": ["/c"] },
                "runWith": { "posixUser": "u:g", "systemResourceLimits": { "memory": 1000 } },
            } },
            "deploymentPolicies": {
                "failureHandlingPolicy": "DO_NOTHING",
                "componentUpdatePolicy": { "timeoutInSeconds": 5, "action": "SKIP_NOTIFY_COMPONENTS" },
            },
        })),
        1,
    );
    let made = made.unwrap();
    assert_eq!(
        world.document(&made),
        json!({
            "deploymentId": made.id,
            "deploymentName": "one",
            "configurationArn":
                "arn:aws:greengrass:us-east-1:000000000000:configuration:thinggroup/fleet:1",
            "creationTimestamp": at(1).millis(),
            "schemaDate": "2021-05-17",
            "components": { "aws.greengrass.Cli": {
                "version": "2.14.0",
                "configurationUpdate": { "merge": { "a": { "b": 1 } }, "reset": ["/c"] },
                "runWith": { "posixUser": "u:g", "systemResourceLimits": { "memory": 1000 } },
            } },
            "failureHandlingPolicy": "DO_NOTHING",
            "componentUpdatePolicy": { "timeout": 5, "action": "SKIP_NOTIFY_COMPONENTS" },
            "configurationValidationPolicy": { "timeout": 60 },
            "requiredCapabilities": ["LINUX_RESOURCE_LIMITS"],
        })
    );
}

#[test]
fn a_revision_takes_the_place_of_the_one_before() {
    let world = World::new();
    let first = world.create(new(group(), json!({})), 5).unwrap();
    let second = world.create(new(group(), json!({})), 5).unwrap();
    assert_eq!((first.revision, second.revision), (1, 2));
    assert!(second.created > first.created, "times of a target grow");
    assert_eq!(
        (world.status(&first.id), world.status(&second.id)),
        (Status::Inactive, Status::Active)
    );
    let list = world.effective();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].deployment.id, second.id);
    let rows = world.state.snapshot().unwrap();
    let all = super::list(rows.as_ref(), &Filter::default(), None, 9).unwrap();
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, [second.id.as_str(), first.id.as_str()]);
    let after = super::list(rows.as_ref(), &Filter::default(), Some(&second.id), 9).unwrap();
    assert_eq!(after.len(), 1);
    let latest = Filter { latest: true, target: Some(group()) };
    assert_eq!(super::list(rows.as_ref(), &latest, None, 9).unwrap().len(), 1);
}

#[test]
fn what_a_device_says_of_a_job_and_in_its_status_is_known() {
    let world = World::new();
    let made = world.create(new(group(), json!({})), 1).unwrap();
    assert_eq!(world.effective()[0].status, jobs::Status::Queued);
    let topic = format!("$aws/things/core/jobs/{}/namespace-aws-gg-deployment/update", made.job_id);
    let failed = json!({ "status": "FAILED", "statusDetails": {
        "detailed-deployment-status": "FAILED_ROLLBACK_COMPLETE",
        "deployment-failure-cause": "no such file",
        "deployment-error-stack": "[\"DEPLOYMENT_FAILURE\"]",
        "deployment-error-types": "[\"DEVICE_ERROR\"]",
    } });
    let failed = failed.to_string();
    world.tx(|tx| crate::registry::reserved::handle(tx, &topic, failed.as_bytes(), at(2)));
    let found = world.effective().remove(0);
    assert_eq!((found.status, found.modified), (jobs::Status::Failed, NOW + 2));
    assert_eq!(found.reason(), "FAILED_ROLLBACK_COMPLETE: no such file");
    assert_eq!(found.details.error_stack, ["DEPLOYMENT_FAILURE"]);
    assert_eq!(found.details.error_types, ["DEVICE_ERROR"]);
    let second = world.create(new(group(), json!({})), 3).unwrap();
    let arn = second.configuration_arn(&world.place);
    world.says(
        &json!({ "trigger": "THING_GROUP_DEPLOYMENT", "deploymentInformation": {
            "status": "SUCCEEDED", "fleetConfigurationArnForStatus": arn,
            "statusDetails": { "detailedStatus": "SUCCESSFUL" } } }),
        4,
    );
    let found = world.effective().remove(0);
    assert_eq!((found.status, found.reason().as_str()), (jobs::Status::Succeeded, "SUCCESSFUL"));
}

#[test]
fn a_thing_has_its_own_in_a_shadow() {
    let world = World::new();
    let made = world.create(new(thing(), json!({})), 1).unwrap();
    let shadow = gg_model::shadow::ShadowId {
        thing: "core".parse().unwrap(),
        name: Some(SHADOW.parse().unwrap()),
    };
    let rows = world.state.snapshot().unwrap();
    let document = shadows::get(rows.as_ref(), &shadow, None, at(1)).unwrap();
    drop(rows);
    assert_eq!(document["state"]["desired"]["desiredStatus"], "SUCCEEDED");
    let config = document["state"]["desired"]["fleetConfig"].as_str().unwrap();
    let config: Value = serde_json::from_str(config).unwrap();
    assert_eq!(config, world.document(&made));
    for (seconds, status) in [(2, "IN_PROGRESS"), (3, "SUCCEEDED")] {
        let report = json!({ "state": { "reported": {
            "fleetConfigurationArnForStatus": config["configurationArn"], "status": status,
            "ggcVersion": "2.14.0", "statusDetails": { "detailedStatus": "SUCCESSFUL" } } } });
        let request = UpdateRequest::parse(report.to_string().as_bytes()).unwrap();
        world.tx(|tx| Ok(shadows::update(tx, &shadow, &request, at(seconds))?));
    }
    assert_eq!(world.status(&made.id), Status::Completed);
    let found = world.effective().remove(0);
    assert_eq!((found.status, found.reason().as_str()), (jobs::Status::Succeeded, "SUCCESSFUL"));
    let waiting = outbox::OUTBOX
        .scan(world.state.snapshot().unwrap().as_ref(), &Key::new(), None, 99)
        .unwrap();
    assert!(waiting.iter().all(|(_, message)| !message.topic.contains("/jobs/")));
}

#[test]
fn one_that_is_canceled_can_be_deleted_and_revisions_go_on() {
    let world = World::new();
    let made = world.create(new(group(), json!({})), 1).unwrap();
    let delete = || world.state.change(|tx| delete(tx, &world.place, &made.id, at(2)));
    assert_eq!(delete().unwrap_err().kind, Kind::State);
    world.tx(|tx| cancel(tx, &world.place, &made.id, at(2)).map(drop));
    assert_eq!(world.status(&made.id), Status::Canceled);
    assert_eq!(world.effective()[0].status, jobs::Status::Canceled);
    let again = world.state.change(|tx| cancel(tx, &world.place, &made.id, at(2)));
    assert_eq!(again.unwrap_err().kind, Kind::State);
    delete().unwrap();
    assert_eq!(delete().unwrap_err().kind, Kind::NotFound);
    assert!(world.effective().is_empty());
    assert_eq!(world.create(new(group(), json!({})), 3).unwrap().revision, 2);
}

#[test]
fn one_whose_job_is_deleted_is_canceled() {
    let world = World::new();
    let made = world.create(new(group(), json!({})), 1).unwrap();
    world.tx(|tx| jobs::delete(tx, &made.job_id, true, at(2)));
    assert_eq!(world.status(&made.id), Status::Canceled);
    let next = world.create(new(group(), json!({})), 3).unwrap();
    assert_eq!(world.status(&next.id), Status::Active);
    world.tx(|tx| delete(tx, &world.place, &made.id, at(4)));
}

#[test]
fn one_whose_group_is_deleted_is_canceled_and_its_devices_are_told() {
    let world = World::new();
    let made = world.create(new(group(), json!({})), 1).unwrap();
    world.tx(|tx| groups::delete(tx, "fleet", None, at(2)));
    assert_eq!(world.status(&made.id), Status::Canceled);
    let rows = world.state.snapshot().unwrap();
    let job = jobs::job(rows.as_ref(), &made.job_id).unwrap();
    assert_eq!(job.status, JobStatus::Canceled);
    assert_eq!(job.reason_code.as_deref(), Some("THING_GROUP_DELETED"));
    let waiting = outbox::OUTBOX.scan(rows.as_ref(), &Key::new(), None, 99).unwrap();
    let last = waiting.iter().rfind(|(_, message)| message.topic.contains("jobs/notify-namespace"));
    let said: Value = serde_json::from_slice(&last.unwrap().1.payload.0).unwrap();
    assert_eq!(said["jobs"], json!({}));
    // A group that is called alike begins where this one ended.
    world.tx(|tx| groups::create(tx, "fleet", None, Properties::default(), at(3)).map(drop));
    let next = world.create(new(group(), json!({})), 4).unwrap();
    assert_eq!((next.revision, world.status(&next.id)), (2, Status::Active));
    assert_eq!(world.status(&made.id), Status::Canceled);
}

#[test]
fn what_cannot_be_is_refused_and_a_request_is_known_again() {
    let world = World::new();
    let kind = |creation: Creation| world.create(creation, 1).unwrap_err().kind;
    let with = |merge: &str| {
        json!({ "components": { "aws.greengrass.Cli": {
            "componentVersion": "2.14.0", "configurationUpdate": { "merge": merge } } } })
    };
    assert_eq!(kind(new(Target::Group("none".into()), json!({}))), Kind::NotFound);
    assert_eq!(kind(new(group(), with("[]"))), Kind::Invalid);
    assert_eq!(kind(new(group(), with("{"))), Kind::Invalid);
    let unknown = json!({ "components": { "com.example.A": { "componentVersion": "1.0.0" } } });
    assert_eq!(kind(new(group(), unknown)), Kind::NotFound);
    assert_eq!(
        kind(new(thing(), with(&format!("{{\"a\":\"{}\"}}", "x".repeat(9000))))),
        Kind::TooLarge
    );
    let repeated = |body: &str| {
        let request = Some(("token".to_owned(), Digest::of(body.as_bytes())));
        world.create(Creation { request, ..new(group(), json!({})) }, 1)
    };
    let made = repeated("a").unwrap();
    assert_eq!(repeated("a").unwrap().id, made.id);
    assert_eq!(repeated("b").unwrap_err().kind, Kind::Exists);
}
