use super::*;
use serde_json::json;

#[test]
fn a_path_reads_like_the_document() {
    let root = Path::root("");
    let manifests = root.key("Manifests");
    let first = manifests.index(0);
    let platform = first.key("Platform");
    assert_eq!(root.keep().to_string(), "the document");
    assert_eq!(platform.key("os").keep().to_string(), "Manifests[0].Platform.os");
    assert_eq!(platform.key("a.b").keep().to_string(), "Manifests[0].Platform[\"a.b\"]");
    assert_eq!(Path::root("accessControl").key("x").keep().to_string(), "accessControl.x");
    assert!(root.key(&"k".repeat(1_000_000)).keep().to_string().len() < 100);
}

#[test]
fn members_are_found_without_regard_to_case_and_null_is_absent() {
    let value = json!({"NAME": "a", "other": null});
    let root = Path::root("");
    let mut object = Object::open(&root, &value).unwrap();
    assert_eq!(object.text("name").unwrap(), Some("a"));
    assert_eq!(object.text("Other").unwrap(), None);
    object.refuse_unknown().unwrap();
}

#[test]
fn two_spellings_of_one_key_are_refused() {
    let value = json!({"name": 1, "Name": 2});
    let error = Object::open(&Path::root(""), &value).err().unwrap();
    assert_eq!(error.to_string(), "name: is the same key as `Name`; keep one");
}

#[test]
fn errors_say_where_what_was_expected_and_what_came() {
    let value = json!({"Version": 1.5, "Nmae": "x"});
    let root = Path::root("");
    let mut object = Object::open(&root, &value).unwrap();
    assert_eq!(
        object.text("Version").unwrap_err().to_string(),
        "Version: expected text (put it in quotes), came the number 1.5"
    );
    assert_eq!(
        object.required("Name").unwrap_err().to_string(),
        "Name: is required but missing; is it what `Nmae` means?"
    );
    assert_eq!(
        object.refuse_unknown().unwrap_err().to_string(),
        "Nmae: is not a known key; is it `Name`?"
    );
}

#[test]
fn a_choice_ignores_case_and_dashes() {
    let choices = [("drop-oldest", 1), ("block", 2)];
    let root = Path::root("whenFull");
    for good in ["drop-oldest", "dropOldest", "DROP_OLDEST"] {
        assert_eq!(choice(&root, &json!(good), &choices).unwrap(), 1);
    }
    assert_eq!(
        choice(&root, &json!("never"), &choices).unwrap_err().to_string(),
        "whenFull: expected one of `drop-oldest`, `block`, came the text `never`"
    );
    assert!(choice(&root, &json!(7), &choices).is_err());
    assert!(choice(&root, &json!("-".repeat(1_000_000)), &choices).is_err());
}

#[test]
fn unknown_members_are_warned_of_in_bounded_number() {
    let value: Value = (0..1000).map(|n| (format!("key{n}"), json!(0))).collect();
    let mut warnings = Warnings::default();
    Object::open(&Path::root(""), &value).unwrap().warn_unknown(&mut warnings);
    assert_eq!(warnings.into_vec("").len(), 100);
}
