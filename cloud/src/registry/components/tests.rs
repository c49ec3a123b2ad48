use super::*;
use crate::registry::buckets;
use crate::state::{Sqlite, State};
use tempfile::TempDir;

fn state() -> (TempDir, Box<dyn State>) {
    let folder = TempDir::new().unwrap();
    let state = Sqlite::open(&folder.path().join("state.sqlite")).unwrap();
    (folder, Box::new(state))
}

fn recipe(version: &str) -> String {
    format!(
        "RecipeFormatVersion: 2020-01-25\nComponentName: com.example.A\nComponentVersion: {version}\n"
    )
}

fn make(state: &dyn State, recipe: String, token: Option<&str>) -> Result<Component, Refusal> {
    let token = token.map(str::to_owned);
    let creation = Creation { recipe, tags: BTreeMap::new(), token };
    let place = Place::new(None, None).unwrap();
    state.change(|transaction| create(transaction, &place, &creation, Time::from_seconds(1)))
}

#[test]
fn versions_are_the_newest_first() {
    let (_folder, state) = state();
    for version in ["1.0.0", "1.10.0", "1.2.0", "1.10.0-rc.1"] {
        make(state.as_ref(), recipe(version), None).unwrap();
    }
    let rows = state.snapshot().unwrap();
    let name = "com.example.A".parse().unwrap();
    let found = versions(rows.as_ref(), &name).unwrap();
    let found: Vec<String> = found.iter().map(|found| found.version.to_string()).collect();
    assert_eq!(found, ["1.10.0", "1.10.0-rc.1", "1.2.0", "1.0.0"]);
    let (newest, more) = newest(rows.as_ref(), None, 1).unwrap();
    assert_eq!((newest[0].version.to_string().as_str(), more), ("1.10.0", false));
}

#[test]
fn a_version_is_made_once() {
    let (_folder, state) = state();
    make(state.as_ref(), recipe("1.0.0"), Some("token")).unwrap();
    make(state.as_ref(), recipe("1.0.0"), Some("token")).unwrap();
    for token in [None, Some("other")] {
        let refused = make(state.as_ref(), recipe("1.0.0"), token).unwrap_err();
        let message = "Component [com.example.A : 1.0.0] for account [000000000000] already exists";
        assert_eq!((refused.kind, refused.message.as_str()), (Kind::Exists, message));
    }
    let other = format!("{}ComponentPublisher: me\n", recipe("1.0.0"));
    assert!(make(state.as_ref(), other, Some("token")).is_err());
}

#[test]
fn artifacts_that_are_missing_are_named() {
    let (_folder, state) = state();
    let bucket: Result<(), Refusal> =
        state.change(|transaction| buckets::create(transaction, "bucket", Time::from_seconds(0)));
    bucket.unwrap();
    let manifests = "Manifests:\n- Artifacts:\n  - URI: s3://bucket/none\n  - URI: s3://none/x\n";
    let refused = make(state.as_ref(), recipe("1.0.0") + manifests, None).unwrap_err();
    assert_eq!(refused.kind, Kind::Invalid);
    let message = "Invalid Input: Encountered following errors in Artifacts: \
         {s3://bucket/none = Specified artifact resource cannot be accessed, \
         s3://none/x = Specified artifact resource cannot be accessed}";
    assert_eq!(refused.message, message);
}

#[test]
fn what_is_no_recipe_says_where() {
    let (_folder, state) = state();
    for text in ["", "{", "a: b", "RecipeFormatVersion: 2020-01-25\nComponentName: a b\n"] {
        let refused = make(state.as_ref(), text.to_owned(), None).unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid, "{text}");
        assert!(refused.message.starts_with("Invalid Input: "));
    }
}
