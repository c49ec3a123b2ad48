use super::*;
use crate::clock::Time;
use crate::registry::{Kind, Refusal, groups, things};
use crate::state::{Key, Sqlite, State, StateError, Transaction, outbox};
use gg_model::ThingName;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: u64 = 1_700_000_000;
const NS: &str = "aws-gg-deployment";

fn put(tx: &mut dyn Transaction, name: &str) -> Result<(), Refusal> {
    groups::create(tx, "all", None, groups::Properties::default(), at(0))?;
    things::create(tx, name, None, BTreeMap::new())?;
    groups::join(tx, name, "all", at(0))
}

struct World {
    _folder: tempfile::TempDir,
    state: Box<dyn State>,
}

fn at(seconds: u64) -> Time {
    Time::from_seconds(NOW + seconds)
}

fn new(id: &str, targets: &[Target]) -> NewJob {
    NewJob {
        id: id.to_owned(),
        namespace: Some(NS.to_owned()),
        targets: targets.to_vec(),
        selection: Selection::Continuous,
        document: format!(r#"{{"name":"{id}"}}"#),
        description: None,
        timeout_minutes: None,
        rollout: None,
        abort: Vec::new(),
        is_told: true,
    }
}

fn group(name: &str) -> Target {
    Target::Group(name.to_owned())
}

fn thing(name: &str) -> Target {
    Target::Thing(name.to_owned())
}

fn drain(tx: &mut dyn Transaction) -> Result<Vec<(String, Value)>, StateError> {
    let waiting = outbox::OUTBOX.scan(tx, &Key::new(), None, usize::MAX)?;
    let mut said = Vec::new();
    for (key, message) in waiting {
        outbox::OUTBOX.delete(tx, &key)?;
        let topic = message.topic.strip_prefix("$aws/things/").unwrap().to_owned();
        said.push((topic, serde_json::from_slice(&message.payload.0).unwrap()));
    }
    Ok(said)
}

impl World {
    /// With things in the group `all`.
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = Box::new(Sqlite::open(&folder.path().join("state")).unwrap());
        let world = Self { _folder: folder, state };
        for name in names {
            world.tx(|tx| put(tx, name));
        }
        world
    }

    fn tx<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal>) -> T {
        self.state.change(work).unwrap()
    }

    /// What is said while this is done.
    fn said(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<(), Refusal>,
    ) -> Vec<(String, Value)> {
        self.tx(|tx| {
            work(tx)?;
            Ok(drain(tx)?)
        })
    }

    /// The answer to a message.
    fn ask(&self, name: &str, suffix: &str, payload: &Value, seconds: u64) -> Vec<(String, Value)> {
        let thing: ThingName = name.parse().unwrap();
        self.said(|tx| handle(tx, &thing, suffix, payload.to_string().as_bytes(), at(seconds)))
    }

    fn next(&self, name: &str) -> Option<String> {
        let rows = self.state.snapshot().unwrap();
        let next = pending(rows.as_ref(), name, Some(NS)).unwrap().into_iter().next();
        next.map(|pending| pending.job)
    }

    fn status(&self, job: &str, name: &str) -> Status {
        execution(self.state.snapshot().unwrap().as_ref(), job, name).unwrap().status
    }

    fn counts(&self, id: &str) -> Vec<(&'static str, u64)> {
        let job = job(self.state.snapshot().unwrap().as_ref(), id).unwrap();
        let all = Status::ALL.map(|status| (status.word(), job.counts.of(status)));
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

fn topics(said: &[(String, Value)]) -> Vec<&str> {
    said.iter().map(|(topic, _)| topic.as_str()).collect()
}

#[test]
fn a_group_that_is_deleted_takes_the_jobs_along_that_are_for_it_alone() {
    let world = World::new(&["a", "b"]);
    world.said(|tx| {
        create(tx, new("own", &[group("all")]), at(0))?;
        create(tx, new("shared", &[group("all"), thing("b")]), at(0)).map(drop)
    });
    world.said(|tx| groups::delete(tx, "all", None, at(1)));
    assert_eq!(world.status("own", "a"), Status::Canceled);
    assert_eq!(world.status("shared", "a"), Status::Removed);
    assert_eq!(world.status("shared", "b"), Status::Queued);
    let status = |id| job(world.state.snapshot().unwrap().as_ref(), id).unwrap().status;
    assert_eq!(status("own"), JobStatus::Canceled);
    assert_eq!(status("shared"), JobStatus::InProgress);
}

#[test]
fn a_deployment_goes_its_way_in_both_dialects() {
    let world = World::new(&["a"]);
    let said = world.said(|tx| create(tx, new("j", &[group("all")]), at(0)).map(drop));
    let notify = "a/jobs/notify-namespace-aws-gg-deployment";
    let next = "a/jobs/notify-next-namespace-aws-gg-deployment";
    assert_eq!(topics(&said), [notify, next]);
    let summary = json!({"jobId": "j", "queuedAt": NOW, "lastUpdatedAt": NOW,
        "executionNumber": 1, "versionNumber": 1});
    assert_eq!(said[0].1, json!({"timestamp": NOW, "jobs": {"QUEUED": [summary]}}));
    assert_eq!(said[1].1["execution"]["jobDocument"], json!({"name": "j"}));
    assert_eq!(said[1].1["execution"]["status"], "QUEUED");

    let get = "$next/namespace-aws-gg-deployment/get";
    let said = world.ask("a", get, &json!({"clientToken": "t"}), 1);
    assert_eq!(topics(&said), [format!("a/jobs/{get}/accepted")]);
    assert_eq!(said[0].1["execution"]["jobId"], "j");
    assert_eq!(said[0].1["clientToken"], "t");

    let update = "j/namespace-aws-gg-deployment/update";
    let begun = json!({"status": "IN_PROGRESS", "expectedVersion": 1,
        "includeJobExecutionState": true});
    let said = world.ask("a", update, &begun, 2);
    assert_eq!(topics(&said), [format!("a/jobs/{update}/accepted")]);
    assert_eq!(said[0].1["executionState"]["versionNumber"], 2);
    let done = json!({"status": "SUCCEEDED", "statusDetails": {"detailed-deployment-status": "SUCCESSFUL"}});
    let said = world.ask("a", update, &done, 3);
    assert_eq!(topics(&said), [notify, next, &format!("a/jobs/{update}/accepted")]);
    assert_eq!(said[0].1, json!({"timestamp": NOW + 3, "jobs": {}}));
    assert_eq!(said[1].1, json!({"timestamp": NOW + 3}));
    let said = world.ask("a", get, &json!({}), 4);
    assert_eq!(said[0].1, json!({"timestamp": NOW + 4}), "accepted, and nothing in it");
    assert_eq!(world.counts("j"), [("SUCCEEDED", 1)]);
}

#[test]
fn what_a_thing_says_wrongly_is_rejected() {
    let world = World::new(&["a"]);
    world.tx(|tx| create(tx, new("j", &[group("all")]), at(0)));
    let update = "j/namespace-aws-gg-deployment/update";
    for (suffix, payload, code) in [
        (update, json!({"status": "IN_PROGRESS", "expectedVersion": 9}), "VersionMismatch"),
        (update, json!({"status": "CANCELED"}), "InvalidStateTransition"),
        (update, json!({"status": "SLEEPING"}), "InvalidRequest"),
        (update, json!({}), "InvalidRequest"),
        (update, json!({"status": 1}), "InvalidRequest"),
        ("j/update", json!({"status": "IN_PROGRESS"}), "ResourceNotFound"),
        ("k/update", json!({"status": "IN_PROGRESS"}), "ResourceNotFound"),
    ] {
        let said = world.ask("a", suffix, &payload, 1);
        let rejected = said.iter().find(|(topic, _)| topic == &format!("a/jobs/{suffix}/rejected"));
        let rejected = &rejected.unwrap().1;
        assert_eq!(rejected["code"], code, "{rejected}");
        let has_state = code == "VersionMismatch" || code == "InvalidStateTransition";
        assert_eq!(rejected.get("executionState").is_some(), has_state);
    }
    let thing: ThingName = "a".parse().unwrap();
    let said = world.said(|tx| handle(tx, &thing, "get", b"{", at(1)));
    assert_eq!(said[0].1["code"], "InvalidJson");
    assert_eq!(world.ask("a", update, &json!({"status": "FAILURE"}), 2).len(), 5 - 2);
    assert_eq!(world.status("j", "a"), Status::Failed);
    let said = world.ask("a", "j/namespace-aws-gg-deployment/get", &json!({}), 3);
    assert_eq!(said[0].1["code"], "TerminalStateReached");
}

#[test]
fn what_is_next_is_of_its_namespace_and_in_progress_first() {
    let world = World::new(&["a"]);
    let plain = NewJob { namespace: None, ..new("plain", &[thing("a")]) };
    world.tx(|tx| create(tx, plain, at(0)));
    world.tx(|tx| create(tx, new("first", &[group("all")]), at(0)));
    world.tx(|tx| create(tx, new("second", &[thing("a")]), at(0)));
    assert_eq!(world.next("a").as_deref(), Some("first"));
    world.tx(|tx| update(tx, "a", "second", &begin(), at(1)).map(drop));
    assert_eq!(world.next("a").as_deref(), Some("second"));
    let said = world.ask("a", "start-next", &json!({}), 2);
    assert_eq!(said.last().unwrap().1["execution"]["jobId"], "plain");
    let said = world.ask("a", "namespace-aws-gg-deployment/get", &json!({}), 3);
    assert_eq!(said[0].1["inProgressJobs"][0]["jobId"], "second");
    assert_eq!(said[0].1["queuedJobs"][0]["jobId"], "first");
}

fn begin() -> Change {
    Change { status: Some(Status::InProgress), ..Change::default() }
}

#[test]
fn a_job_in_the_place_of_another_is_told_with_its_end() {
    let world = World::new(&["a", "b"]);
    world.tx(|tx| create(tx, new("one", &[group("all")]), at(0)));
    world.tx(|tx| update(tx, "a", "one", &begin(), at(1)).map(drop));
    world.tx(|tx| drain(tx).map_err(Refusal::from));
    let said = world.said(|tx| replace(tx, "one", new("two", &[group("all")]), at(2)).map(drop));
    let of_a: Vec<&Value> =
        said.iter().filter(|(topic, _)| topic.starts_with("a/")).map(|(_, said)| said).collect();
    assert_eq!(of_a.len(), 2);
    assert_eq!(of_a[0]["jobs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["QUEUED"]);
    assert_eq!(of_a[1]["execution"]["jobId"], "two");
    assert_eq!(
        (world.status("one", "a"), world.status("one", "b")),
        (Status::Canceled, Status::Canceled)
    );
    assert_eq!(world.counts("one"), [("CANCELED", 2)]);
    assert_eq!(world.counts("two"), [("QUEUED", 2)]);
    let update = "one/namespace-aws-gg-deployment/update";
    let said = world.ask("a", update, &json!({"status": "SUCCEEDED"}), 3);
    assert_eq!(said[0].1["code"], "InvalidStateTransition");
}

#[test]
fn cancel_leaves_what_is_under_way_unless_forced() {
    let world = World::new(&["a", "b"]);
    world.tx(|tx| create(tx, new("j", &[group("all")]), at(0)));
    world.tx(|tx| update(tx, "a", "j", &begin(), at(1)).map(drop));
    world.tx(|tx| cancel(tx, "j", &Cancel::default(), at(2)).map(drop));
    assert_eq!(world.counts("j"), [("CANCELED", 1), ("IN_PROGRESS", 1)]);
    assert_eq!(world.next("a").as_deref(), Some("j"));
    assert_eq!(world.next("b"), None);
    let force = Cancel { force: true, ..Cancel::default() };
    world.tx(|tx| cancel(tx, "j", &force, at(3)).map(drop));
    assert_eq!(world.counts("j"), [("CANCELED", 2)]);
    assert_eq!(world.next("a"), None);
    let again = world.state.change(|tx| cancel(tx, "j", &Cancel::default(), at(4)));
    assert_eq!(again.unwrap_err().kind, Kind::Invalid);
    world.tx(|tx| delete(tx, "j", false, at(5)));
    let rows = world.state.snapshot().unwrap();
    assert_eq!(job(rows.as_ref(), "j").unwrap_err().kind, Kind::NotFound);
    assert!(of_thing(rows.as_ref(), "a", &ExecutionFilter::default(), None, 9).unwrap().is_empty());
}

#[test]
fn who_comes_gets_what_goes_on_and_who_goes_loses_it() {
    let world = World::new(&["a", "b"]);
    let snapshot = NewJob { selection: Selection::Snapshot, ..new("once", &[group("all")]) };
    world.tx(|tx| create(tx, snapshot, at(0)));
    world.tx(|tx| create(tx, new("on", &[group("all")]), at(0)));
    world.tx(|tx| {
        things::create(tx, "c", None, BTreeMap::new())?;
        groups::join(tx, "c", "all", at(1))?;
        groups::leave(tx, "a", "all", at(2))
    });
    assert_eq!(world.next("c").as_deref(), Some("on"));
    assert_eq!(world.next("a").as_deref(), Some("once"));
    assert_eq!(world.status("on", "a"), Status::Removed);
    assert_eq!(world.counts("on"), [("QUEUED", 2), ("REMOVED", 1)]);
    assert_eq!(world.counts("once"), [("QUEUED", 2)]);
    // Once more, as another execution.
    world.tx(|tx| groups::join(tx, "a", "all", at(3)));
    let again = execution(world.state.snapshot().unwrap().as_ref(), "on", "a").unwrap();
    assert_eq!((again.status, again.number, again.queued.at), (Status::Queued, 2, NOW + 3));
    assert_eq!(world.counts("on"), [("QUEUED", 3)]);
    world.tx(|tx| {
        groups::leave(tx, "a", "all", at(4))?;
        forget(tx, "a", at(4))
    });
    assert_eq!(world.counts("once"), [("QUEUED", 1), ("REMOVED", 1)]);
    for name in ["a", "b"] {
        let ended = Change { status: Some(Status::Succeeded), ..Change::default() };
        let done = world.state.change(|tx| update(tx, name, "once", &ended, at(5)));
        assert_eq!(done.is_ok(), name == "b");
    }
    let once = job(world.state.snapshot().unwrap().as_ref(), "once").unwrap();
    assert_eq!((once.status, once.completed_at), (JobStatus::Completed, Some(at(5))));
}

#[test]
fn times_never_go_back() {
    let world = World::new(&["a"]);
    world.tx(|tx| create(tx, new("one", &[thing("a")]), at(100)));
    world.tx(|tx| create(tx, new("two", &[group("all")]), at(7)));
    let rows = world.state.snapshot().unwrap();
    let list = pending(rows.as_ref(), "a", Some(NS)).unwrap();
    let queued: Vec<u64> = list.iter().map(|pending| pending.execution.queued.at).collect();
    assert_eq!(queued, [NOW + 100, NOW + 100]);
    assert_eq!(list[0].job, "one");
}

#[test]
fn what_takes_too_long_times_out() {
    let world = World::new(&["a", "b"]);
    let timed = NewJob { timeout_minutes: Some(1), ..new("j", &[group("all")]) };
    world.tx(|tx| create(tx, timed, at(0)));
    world.tx(|tx| update(tx, "a", "j", &begin(), at(10)).map(drop));
    assert!(!world.tx(|tx| expire(tx, at(69))));
    assert_eq!(world.status("j", "a"), Status::InProgress);
    world.tx(|tx| expire(tx, at(70)));
    assert_eq!(world.counts("j"), [("QUEUED", 1), ("TIMED_OUT", 1)]);
    assert_eq!(world.next("a"), None);
}

#[test]
fn things_get_a_job_at_its_pace() {
    let world = World::new(&["a", "b", "c", "d"]);
    let paced = NewJob {
        rollout: Some(Rollout { most: 2, growth: None }),
        selection: Selection::Snapshot,
        ..new("j", &[group("all"), thing("d")])
    };
    assert_eq!(world.said(|tx| create(tx, paced, at(0)).map(drop)), []);
    assert_eq!(world.next("a"), None);
    assert_eq!(world.said(|tx| roll(tx, at(0))).len(), 4);
    assert_eq!((world.next("b").as_deref(), world.next("c")), (Some("j"), None));
    assert_eq!(world.counts("j"), [("QUEUED", 2)]);
    assert_eq!(world.said(|tx| roll(tx, at(59))), []);
    let done = Change { status: Some(Status::Succeeded), ..Change::default() };
    for name in ["a", "b"] {
        world.tx(|tx| update(tx, name, "j", &done, at(60)).map(drop));
    }
    let status = || job(world.state.snapshot().unwrap().as_ref(), "j").unwrap().status;
    assert_eq!(status(), JobStatus::InProgress, "others wait for their turn");
    world.tx(|tx| groups::leave(tx, "c", "all", at(61)));
    world.tx(|tx| roll(tx, at(120)));
    for name in ["c", "d"] {
        world.tx(|tx| update(tx, name, "j", &done, at(121)).map(drop));
    }
    assert_eq!(status(), JobStatus::Completed);
    assert_eq!(world.counts("j"), [("SUCCEEDED", 4)]);
}

#[test]
fn a_rollout_ends_with_its_job() {
    let world = World::new(&["a", "b"]);
    let rollout = Some(Rollout { most: 1, growth: None });
    world.tx(|tx| create(tx, NewJob { rollout, ..new("j", &[group("all")]) }, at(0)));
    world.tx(|tx| roll(tx, at(0)));
    world.tx(|tx| cancel(tx, "j", &Cancel::default(), at(1)).map(drop));
    let said = world.said(|tx| roll(tx, at(60)));
    assert!(topics(&said).iter().all(|topic| topic.starts_with("a/")), "{said:?}");
    assert_eq!(world.counts("j"), [("CANCELED", 1)]);
    assert_eq!(world.next("b"), None);
}

#[test]
fn too_many_failures_take_a_job_back() {
    let world = World::new(&["a", "b", "c"]);
    let abort = vec![AbortCriterion { failure: None, percentage: 50.0, least: 2 }];
    world.tx(|tx| create(tx, NewJob { abort, ..new("j", &[group("all")]) }, at(0)));
    let failed = Change { status: Some(Status::Failed), ..Change::default() };
    world.tx(|tx| update(tx, "a", "j", &failed, at(1)).map(drop));
    assert_eq!(world.next("c").as_deref(), Some("j"));
    world.tx(|tx| update(tx, "b", "j", &failed, at(2)).map(drop));
    assert_eq!(world.next("c"), None);
    assert_eq!(world.counts("j"), [("CANCELED", 1), ("FAILED", 2)]);
    let job = job(world.state.snapshot().unwrap().as_ref(), "j").unwrap();
    assert_eq!(job.reason_code.as_deref(), Some(ABORTED));
}

#[test]
fn a_job_that_nobody_is_told_of_is_before_nobody() {
    let world = World::new(&["a"]);
    let quiet = NewJob { is_told: false, ..new("j", &[thing("a")]) };
    assert_eq!(world.said(|tx| create(tx, quiet, at(0)).map(drop)), []);
    assert_eq!(world.next("a"), None);
    assert_eq!(world.said(|tx| update(tx, "a", "j", &begin(), at(1)).map(drop)), []);
    assert_eq!(world.counts("j"), [("IN_PROGRESS", 1)]);
}

#[test]
fn what_is_no_job_is_refused() {
    let world = World::new(&["a"]);
    let refused =
        |new: NewJob| world.state.change(|tx| create(tx, new, at(0))).map(|_| ()).unwrap_err().kind;
    for wrong in [
        new("", &[group("all")]),
        new("a/b", &[group("all")]),
        new("j", &[]),
        NewJob { document: "{".into(), ..new("j", &[group("all")]) },
        NewJob { document: format!("\"{}\"", "x".repeat(33_000)), ..new("j", &[group("all")]) },
        NewJob { namespace: Some("a b".into()), ..new("j", &[group("all")]) },
        NewJob { timeout_minutes: Some(0), ..new("j", &[group("all")]) },
    ] {
        assert_eq!(refused(wrong), Kind::Invalid);
    }
    assert_eq!(refused(new("j", &[thing("unknown")])), Kind::NotFound);
    world.tx(|tx| create(tx, new("j", &[group("all")]), at(0)));
    assert_eq!(refused(new("j", &[group("all")])), Kind::Exists);
}

#[test]
fn ten_thousand_things_are_reached_by_hundreds() {
    let world = World::new(&[]);
    world.tx(|tx| (0..10_000).try_for_each(|number| put(tx, &format!("t{number:05}"))));
    let begun = std::time::Instant::now();
    let said = world.said(|tx| create(tx, new("j", &[group("all")]), at(0)).map(drop));
    let created = begun.elapsed();
    assert_eq!(said, [], "none is told yet");
    assert_eq!(world.next("t07777").as_deref(), Some("j"));
    let begun = std::time::Instant::now();
    let mut told = 0;
    loop {
        let (more, said) = world.tx(|tx| Ok((spread(tx, at(1))?, drain(tx)?.len())));
        told += said;
        if !more {
            break;
        }
    }
    let spread = begun.elapsed();
    assert_eq!(told, 20_000);
    world.tx(|tx| update(tx, "t00500", "j", &begin(), at(2)).map(drop));
    let begun = std::time::Instant::now();
    let canceled = world.tx(|tx| cancel(tx, "j", &Cancel::default(), at(3)));
    println!("created in {created:?}, told in {spread:?}, canceled in {:?}", begun.elapsed());
    assert_eq!(canceled.counts.of(Status::Canceled), 9_999);
    let rows = world.state.snapshot().unwrap();
    let page = of_job(rows.as_ref(), "j", Some(Status::Canceled), Some("t00498"), 2).unwrap();
    let names: Vec<&str> = page.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["t00499", "t00501"]);
}
