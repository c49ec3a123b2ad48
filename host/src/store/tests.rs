use super::*;
use gg_model::{ComponentName, ConfigTree};
use serde_json::json;
use std::collections::BTreeMap;

fn tasks() -> Tasks {
    Tasks::new(None).unwrap()
}

fn component(name: &str) -> ComponentName {
    name.parse().unwrap()
}

fn generation(version: &str, value: i64) -> Generation {
    let configuration = ConfigTree::from_json(&json!({ "a": { "b": value }, "e": {} }), 5).unwrap();
    let stored = StoredComponent {
        version: version.parse().unwrap(),
        run_with: "{}".to_owned(),
        configuration,
    };
    Generation {
        components: BTreeMap::from([(component("x"), stored)]),
        own: BTreeMap::from([(
            ComponentName::nucleus(),
            ConfigTree::from_json(&json!({ "value": value }), 6).unwrap(),
        )]),
        roots: BTreeMap::from([(
            gg_model::DeploymentGroup::Local,
            BTreeMap::from([(component("x"), version.parse().unwrap())]),
        )]),
    }
}

fn row(id: &str) -> DeploymentRow {
    DeploymentRow {
        source: String::new(),
        told: String::new(),
        id: id.to_owned(),
        target: "LOCAL".to_owned(),
        document: "{}".to_owned(),
        state: DeploymentState::Queued,
        detail: "{}".to_owned(),
        created: 7,
        updated: 7,
    }
}

/// A store in a folder of its own.
struct Fixture {
    tasks: Tasks,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { tasks: tasks(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.path(), &self.tasks).unwrap()
    }

    /// Once the thread of the one before has let go of the file.
    async fn open_again(&self) -> Store {
        loop {
            match Store::open(&self.path(), &self.tasks) {
                Ok(store) => return store,
                Err(error) => assert!(error.to_string().contains("locked"), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_new_store_has_nothing() {
    let store = Fixture::new().open();
    assert_eq!(store.current().await.unwrap(), Generation::default());
    assert_eq!(store.next_deployment().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_written_is_there_after_it_was_opened_again() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.enqueue(row("1")).await.unwrap();
    store.activate("1", generation("1.0.0", 1), Vec::new(), None).await.unwrap();
    drop(store);
    let store = fixture.open_again().await;
    assert_eq!(store.current().await.unwrap(), generation("1.0.0", 1));
    let row = store.next_deployment().await.unwrap().unwrap();
    assert_eq!(row.state, DeploymentState::Activating);
}

#[tokio::test]
async fn an_activated_generation_is_kept_or_undone_as_a_whole() {
    let store = Fixture::new().open();
    for id in ["1", "2"] {
        store.enqueue(row(id)).await.unwrap();
    }
    store.activate("1", generation("1.0.0", 1), Vec::new(), None).await.unwrap();
    store.settle("1", DeploymentState::Succeeded, "{}".to_owned()).await.unwrap();
    store.activate("2", generation("2.0.0", 2), Vec::new(), None).await.unwrap();
    assert_eq!(store.current().await.unwrap(), generation("2.0.0", 2));
    store.fall_back("2", "{}".to_owned()).await.unwrap();
    assert_eq!(store.current().await.unwrap(), generation("1.0.0", 1));
    let row = store.next_deployment().await.unwrap().unwrap();
    assert_eq!((row.id.as_str(), row.state), ("2", DeploymentState::RollingBack));
}

#[tokio::test]
async fn leaves_of_the_configuration_are_set_and_taken_away() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.activate("none", generation("1.0.0", 1), Vec::new(), None).await.unwrap();
    let mut tree = generation("1.0.0", 1).components[&component("x")].configuration.clone();
    tree.merge(&["n"], &json!([1, null]), 9).unwrap();
    let changes = vec![
        LeafChange::Set(tree.leaf(&["n"]).unwrap()),
        LeafChange::Gone(vec!["a".to_owned(), "b".to_owned()]),
    ];
    store.save_configuration(&component("x"), changes).await.unwrap();
    let stored = store.current().await.unwrap().components[&component("x")].configuration.clone();
    assert_eq!(stored.to_json(), json!({ "e": {}, "n": [1, null] }));
    assert_eq!(stored.modified(&["n"]), Some(9));
}

#[tokio::test]
async fn deployments_wait_for_their_turn_and_those_that_have_ended_are_forgotten_in_time() {
    let store = Fixture::new().open();
    for number in 0..30 {
        let id = number.to_string();
        assert!(store.enqueue(row(&id)).await.unwrap());
        assert!(!store.enqueue(row(&id)).await.unwrap(), "known already");
        assert_eq!(store.next_deployment().await.unwrap().unwrap().id, id);
        store.set_deployment_state(&id, DeploymentState::Succeeded, None).await.unwrap();
    }
    let all = store.deployments().await.unwrap();
    assert!(all.len() <= 21, "{}", all.len());
    assert_eq!(all[0].id, "29");
}

#[tokio::test]
async fn only_what_waits_is_called_off() {
    let store = Fixture::new().open();
    store.enqueue(row("1")).await.unwrap();
    store.enqueue(row("2")).await.unwrap();
    store.set_deployment_state("1", DeploymentState::InProgress, None).await.unwrap();
    assert!(!store.cancel_queued("1", "{}".to_owned()).await.unwrap());
    assert!(store.cancel_queued("2", "{}".to_owned()).await.unwrap());
    assert_eq!(store.next_deployment().await.unwrap().unwrap().id, "1");
}

#[tokio::test]
async fn many_writes_at_once_are_all_kept() {
    let store = Fixture::new().open();
    let writes = (0..500).map(|number| {
        let entry = Entry {
            component: "x".to_owned(),
            bucket: "b".to_owned(),
            key: number.to_string(),
            value: Some(vec![0, 255]),
        };
        store.save_keyvalue(entry)
    });
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(store.keyvalues().await.unwrap().len(), 500);
}

#[tokio::test]
async fn what_install_was_done_for_is_remembered_until_it_is_to_be_done_again() {
    let store = Fixture::new().open();
    store.set_installed(&component("x"), Some("f".to_owned())).await.unwrap();
    assert_eq!(store.installed().await.unwrap()["x"], "f");
    store.activate("1", generation("1.0.0", 1), vec![component("x")], None).await.unwrap();
    assert!(store.installed().await.unwrap().is_empty());
    store.set_installed(&component("x"), Some("f".to_owned())).await.unwrap();
    store.activate("2", Generation::default(), Vec::new(), None).await.unwrap();
    assert_eq!(store.installed().await.unwrap().len(), 1, "it may be gone back to");
    store.settle("2", DeploymentState::Succeeded, "{}".to_owned()).await.unwrap();
    assert!(store.installed().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_of_a_newer_version_or_of_another_kind_is_refused() {
    let fixture = Fixture::new();
    let connection = Connection::open(fixture.path()).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let error = Store::open(&fixture.path(), &fixture.tasks).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    std::fs::write(fixture.path(), "not a database, and longer than a header".repeat(100)).unwrap();
    let error = Store::open(&fixture.path(), &fixture.tasks).unwrap_err();
    assert!(error.to_string().contains("store.db"), "{error}");
}
