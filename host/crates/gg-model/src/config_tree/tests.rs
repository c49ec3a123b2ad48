use super::*;
use proptest::prelude::*;
use serde_json::json;

const NOTHING: [&str; 0] = [];

fn tree(value: Value, at: i64) -> ConfigTree {
    ConfigTree::from_json(&value, at).unwrap()
}

/// Paths as text, sorted.
fn shown(paths: &[Vec<String>]) -> Vec<String> {
    let mut shown: Vec<String> = paths.iter().map(|path| path.join("/")).collect();
    shown.sort();
    shown
}

#[test]
fn values_are_found_by_path_without_regard_to_case() {
    let tree = tree(json!({"Mqtt": {"Port": 1, "list": [{"a": 1}]}, "null": null, "empty": {}}), 5);
    assert_eq!(tree.get(&["mqtt", "PORT"]), Some(json!(1)));
    assert_eq!(tree.get(&["MQTT"]), Some(json!({"Port": 1, "list": [{"a": 1}]})));
    assert_eq!(tree.get(&["null"]), Some(json!(null)));
    assert_eq!(tree.get(&["empty"]), Some(json!({})));
    assert_eq!(tree.get(&NOTHING), Some(tree.to_json()));
    assert_eq!(tree.get(&["mqtt", "list", "0"]), None);
    assert_eq!(tree.get(&["mqtt", "port", "x"]), None);
    assert_eq!(tree.get(&[""]), None);
    assert_eq!(tree.stored_path(&["mqtt", "PORT"]), Some(vec!["Mqtt".into(), "Port".into()]));
    assert_eq!(tree.stored_path(&["mqtt", "port", "x"]), None);
    assert_eq!(tree.modified(&["mqtt"]), Some(5));
    assert_eq!(tree.modified(&["empty"]), None);
    assert_eq!(ConfigTree::default().get(&NOTHING), Some(json!({})));
    assert!(ConfigTree::default().is_empty());
}

#[test]
fn merging_follows_update_configuration() {
    #[rustfmt::skip]
    let table = [
        // (before, path, value, after, changed)
        (json!({"a": 1}), vec![], json!({"b": 2}), json!({"a": 1, "b": 2}), vec!["b"]),
        (json!({"a": {"b": 1, "c": 2}}), vec![], json!({"a": {"b": 9}}), json!({"a": {"b": 9, "c": 2}}), vec!["a/b"]),
        (json!({"a": {"b": 1}}), vec!["a"], json!({"c": 2}), json!({"a": {"b": 1, "c": 2}}), vec!["a/c"]),
        (json!({"a": 1}), vec!["a"], json!({"a": 1}), json!({"a": {"a": 1}}), vec!["a", "a/a"]),
        (json!({"a": 1}), vec!["a"], json!({}), json!({"a": {}}), vec!["a"]),
        (json!({"a": 1}), vec!["a"], json!(2), json!({"a": 2}), vec!["a"]),
        (json!({}), vec!["x", "y"], json!({"z": 1}), json!({"x": {"y": {"z": 1}}}), vec!["x/y/z"]),
        (json!({}), vec!["x", "y"], json!(1), json!({"x": {"y": 1}}), vec!["x/y"]),
        (json!({}), vec!["x"], json!({}), json!({"x": {}}), vec![]),
        (json!({"a": [1, 2]}), vec![], json!({"a": [3]}), json!({"a": [3]}), vec!["a"]),
        (json!({"a": {"b": 1}}), vec![], json!({"a": null}), json!({"a": null}), vec!["a", "a/b"]),
        (json!({"a": {"b": 1, "c": {"d": 2}}}), vec![], json!({"a": 7}), json!({"a": 7}), vec!["a", "a/b", "a/c/d"]),
        (json!({"a": 1}), vec!["a", "b"], json!(2), json!({"a": {"b": 2}}), vec!["a", "a/b"]),
        (json!({"Aa": {"Bb": 1}}), vec!["aA"], json!({"bB": 2}), json!({"Aa": {"Bb": 2}}), vec!["Aa/Bb"]),
        (json!({"a": 1}), vec![], json!({"a": 1}), json!({"a": 1}), vec![]),
        (json!({"a": {"b": 1}}), vec!["a"], json!({}), json!({"a": {"b": 1}}), vec![]),
        (json!({"a": {}}), vec!["a"], json!(1), json!({"a": 1}), vec!["a"]),
        (json!({"ÄÖ": 1}), vec!["äö"], json!(2), json!({"ÄÖ": 2}), vec!["ÄÖ"]),
    ];
    for (before, path, value, after, changed) in table {
        let mut tree = tree(before.clone(), 10);
        let result = tree.merge(&path, &value, 20).unwrap();
        assert_eq!(tree.to_json(), after, "{before} {path:?} {value}");
        assert_eq!(shown(&result.paths), changed, "{before} {path:?} {value}");
        assert!(!result.stale, "{before} {path:?} {value}");
    }
}

#[test]
fn times_decide_leaf_by_leaf() {
    let mut tree = tree(json!({"old": 1, "box": {"x": 1}}), 10);
    tree.merge(&["new"], &json!(1), 30).unwrap();
    let result = tree.merge(&NOTHING, &json!({"old": 2, "new": 2}), 20).unwrap();
    assert_eq!(tree.to_json(), json!({"old": 2, "new": 1, "box": {"x": 1}}));
    assert_eq!(shown(&result.paths), ["old"]);
    assert!(result.stale);
    // Equal times: the write wins.
    let result = tree.merge(&["old"], &json!(3), 20).unwrap();
    assert_eq!((shown(&result.paths), result.stale), (vec!["old".to_owned()], false));
    // The same value with a newer time moves the time alone.
    let result = tree.merge(&["old"], &json!(3), 40).unwrap();
    assert_eq!((result.paths.len(), shown(&result.touched)), (0, vec!["old".to_owned()]));
    assert_eq!(tree.modified(&["old"]), Some(40));
    // The same value with an older time changes nothing.
    let result = tree.merge(&["old"], &json!(3), 39).unwrap();
    assert_eq!(result, Changed { stale: true, ..Changed::default() });
    assert_eq!(tree.modified(&["old"]), Some(40));
}

#[test]
fn a_newer_part_protects_the_whole_that_would_replace_it() {
    let mut tree = tree(json!({"a": {"b": 1, "c": 1}}), 10);
    tree.merge(&["a", "b"], &json!(2), 30).unwrap();
    let result = tree.merge(&["a"], &json!("scalar"), 20).unwrap();
    assert_eq!(tree.to_json(), json!({"a": {"b": 2, "c": 1}}));
    assert_eq!(result, Changed { stale: true, ..Changed::default() });
    // A newer leaf in the way of a path.
    let result = tree.merge(&["a", "b", "x"], &json!(1), 20).unwrap();
    assert_eq!(result, Changed { stale: true, ..Changed::default() });
    assert_eq!(tree.get(&["a", "b"]), Some(json!(2)));
    assert!(!tree.merge(&["a"], &json!("scalar"), 30).unwrap().stale);
    assert_eq!(tree.to_json(), json!({"a": "scalar"}));
}

#[test]
fn defaults_fill_only_what_is_missing() {
    let mut tree = tree(json!({"kept": 1, "Box": {"x": 1}, "leaf": 5, "null": null}), 10);
    let defaults =
        json!({"KEPT": 2, "box": {"X": 9, "y": 2}, "leaf": {"z": 1}, "null": 3, "new": {"n": [1]}});
    let changed = tree.fill_defaults(&defaults).unwrap();
    assert_eq!(
        tree.to_json(),
        json!({"kept": 1, "Box": {"x": 1, "y": 2}, "leaf": 5, "null": null, "new": {"n": [1]}})
    );
    assert_eq!(shown(&changed.paths), ["Box/y", "new/n"]);
    assert_eq!(tree.modified(&["new"]), Some(DEFAULTS_TIME));
    assert_eq!(tree.fill_defaults(&json!(null)).unwrap(), Changed::default());
    let error = tree.fill_defaults(&json!([])).unwrap_err().to_string();
    assert_eq!(
        error,
        "a whole configuration must be an object, not a list; name the key in the key path"
    );
}

#[test]
fn reset_takes_out_what_a_pointer_leads_to() {
    let value = json!({"a": {"B": {"c": 1, "d": 2}}, "x/y": 1, "m~n": 2, "": 3, "list": [1]});
    #[rustfmt::skip]
    let table = [
        ("", vec!["", "a/B/c", "a/B/d", "list", "m~n", "x/y"]), ("/a", vec!["a/B/c", "a/B/d"]),
        ("/A/b/C", vec!["a/B/c"]), ("/x~1y", vec!["x/y"]), ("/m~0n", vec!["m~n"]), ("/", vec![""]),
        ("/list", vec!["list"]), ("/list/0", vec![]), ("/nothing", vec![]), ("/a/B/c/d", vec![]),
        ("/a/", vec![]),
    ];
    for (pointer, removed) in table {
        let mut tree = tree(value.clone(), 10);
        let changed = tree.reset(pointer).unwrap();
        assert_eq!(shown(&changed.paths), removed, "{pointer}");
        assert_eq!(tree.is_empty(), pointer.is_empty());
        tree.fill_defaults(&value).unwrap();
        assert_eq!(tree.to_json(), value);
    }
    for bad in ["a", " /a", "/~", "/~2", "/a~", "#/a"] {
        assert!(
            matches!(tree(value.clone(), 1).reset(bad), Err(ConfigError::Pointer { .. })),
            "{bad}"
        );
    }
    assert_eq!(tree(value, 1).reset(&"/".repeat(101)), Err(ConfigError::TooDeep));
}

#[test]
fn leaves_build_the_same_tree_again() {
    let mut original = tree(json!({"a": {"b": 1, "e": {}}, "c": [1, {"d": null}], "n": null}), 10);
    original.merge(&["a", "b"], &json!(2), 20).unwrap();
    let mut copy = ConfigTree::default();
    for leaf in original.leaves() {
        copy.merge(&leaf.path, &leaf.value, leaf.modified).unwrap();
    }
    assert_eq!(copy, original);
    assert_eq!(original.leaves().len(), 4);
}

/// A list nested `depth` deep, made and taken apart without recursion.
struct Deep(Value);

impl Deep {
    fn new(depth: usize, wrap: fn(Value) -> Value) -> Self {
        Self((0..depth).fold(json!(1), |inner, _| wrap(inner)))
    }
}

impl Drop for Deep {
    fn drop(&mut self) {
        let mut value = self.0.take();
        loop {
            value = match value {
                Value::Array(elements) => elements.into_iter().next().unwrap_or_default(),
                Value::Object(map) => {
                    map.into_iter().next().map(|(_, value)| value).unwrap_or_default()
                }
                _ => break,
            };
        }
    }
}

#[test]
fn depth_is_limited_without_recursion() {
    for wrap in
        [|v| Value::Array(vec![v]), |v| Value::Object([("k".to_owned(), v)].into_iter().collect())]
    {
        let deep = Deep::new(1_000_000, wrap);
        let mut tree = ConfigTree::default();
        assert_eq!(tree.merge(&["a"], &deep.0, 1), Err(ConfigError::TooDeep));
        let under_root = json!({"a": Deep::new(98, wrap).0.clone()});
        tree.merge(&["b"], &under_root, 1).unwrap();
        assert_eq!(tree.merge(&["b", "c"], &under_root, 1), Err(ConfigError::TooDeep));
    }
    let path = |keys| vec!["k"; keys];
    assert!(ConfigTree::default().merge(&path(100), &json!(1), 1).is_ok());
    assert_eq!(ConfigTree::default().merge(&path(101), &json!(1), 1), Err(ConfigError::TooDeep));
    assert_eq!(
        ConfigTree::default().merge(&path(1_000_000), &json!(1), 1),
        Err(ConfigError::TooDeep)
    );
}

#[test]
fn size_is_limited_and_a_refused_write_changes_nothing() {
    let many = |count: usize, value: i32| -> Value {
        (0..count).map(|n| (format!("k{n}"), json!(value))).collect()
    };
    // The root counts as one.
    let mut tree = tree(many(MAX_CONFIG_NODES - 1, 1), 1);
    assert_eq!(tree.merge(&["one", "more"], &json!(1), 1), Err(ConfigError::TooManyNodes));
    assert_eq!(tree.get(&["one"]), None);
    assert!(tree.merge(&["k1"], &json!({}), 1).is_ok());
    assert!(tree.merge(&NOTHING, &many(1000, 2), 2).is_ok(), "replacing does not add");
    assert_eq!(tree.get(&["k7"]), Some(json!(2)));
    assert_eq!(tree.merge(&["k1"], &json!({"a": 1}), 9), Err(ConfigError::TooManyNodes));
    tree.reset("/k2").unwrap();
    assert!(tree.merge(&["k3"], &json!([1]), 9).is_ok());

    let list = json!(vec![0; MAX_CONFIG_NODES]);
    assert_eq!(ConfigTree::default().merge(&["a"], &list, 1), Err(ConfigError::TooManyNodes));
    let long = "x".repeat(MAX_CONFIG_KEY_BYTES + 1);
    assert!(matches!(
        ConfigTree::default().merge(&[&long], &json!(1), 1),
        Err(ConfigError::KeyTooLong { length: 1025, .. })
    ));
    let keyed: Value = [(long, json!(1))].into_iter().collect();
    assert!(ConfigTree::from_json(&keyed, 1).is_err());
    let text = json!("x".repeat(MAX_CONFIG_BYTES));
    assert_eq!(ConfigTree::default().merge(&["a"], &text, 1), Err(ConfigError::TooLarge));
}

#[test]
fn a_long_path_over_many_leaves_is_too_large() {
    let key = "x".repeat(MAX_CONFIG_KEY_BYTES);
    let path = vec![key.as_str(); 90];
    let leaves: Value = (0..10_000).map(|n| (n.to_string(), json!(0))).collect();
    assert_eq!(ConfigTree::default().merge(&path, &leaves, 1), Err(ConfigError::TooLarge));
}

#[test]
fn the_root_is_an_object() {
    for (value, came) in [(json!(1), "a number"), (json!(null), "null"), (json!([]), "a list")] {
        assert_eq!(ConfigTree::from_json(&value, 1), Err(ConfigError::RootNotObject { came }));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        (0..3_i32).prop_map(|n| json!(n)),
        prop::collection::vec(0..2_i32, 0..2).prop_map(|list| json!(list)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[abAB]", inner, 0..3)
            .prop_map(|map| map.into_iter().collect::<Value>())
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[abcABC]", value(), 0..4)
        .prop_map(|map| map.into_iter().collect::<Value>())
}

fn path() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abAB]", 1..3)
}

fn swap_case(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    };
    text.chars().map(swap).collect()
}

/// The rule of merging without times: objects key by key, everything else as a whole.
fn merged(old: &Value, new: &Value) -> Value {
    let Value::Object(new) = new else { return new.clone() };
    let mut members = match old {
        Value::Object(old) => old.clone(),
        _ => serde_json::Map::new(),
    };
    for (key, value) in new {
        let stored = members.keys().find(|stored| stored.eq_ignore_ascii_case(key)).cloned();
        let key = stored.unwrap_or_else(|| key.clone());
        let before = members.get(&key).cloned().unwrap_or_default();
        members.insert(key, merged(&before, value));
    }
    Value::Object(members)
}

/// A path as a JSON pointer; its keys hold nothing to be escaped.
fn pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{key}")).collect()
}

fn leads_to(path: &[String], other: &[String]) -> bool {
    let same = |(a, b): (&String, &String)| a.eq_ignore_ascii_case(b);
    path.len() <= other.len() && path.iter().zip(other).all(same)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_twice_is_merging_once(start in object(), path in path(), value in value(), at in 0..20_i64) {
        let mut once = tree(start, 10);
        once.merge(&path, &value, at).unwrap();
        let mut twice = once.clone();
        twice.merge(&path, &value, at).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_exists_is_never_overwritten_by_defaults(start in object(), defaults in object()) {
        let before = tree(start, 10);
        let mut after = before.clone();
        let changed = after.fill_defaults(&defaults).unwrap();
        for leaf in before.leaves() {
            if leaf.value != json!({}) {
                prop_assert_eq!(after.get(&leaf.path), Some(leaf.value));
                prop_assert_eq!(after.modified(&leaf.path), Some(leaf.modified));
            }
        }
        for path in changed.paths {
            prop_assert_eq!(before.get(&path), None);
            prop_assert_eq!(after.modified(&path), Some(DEFAULTS_TIME));
        }
        let again = after.clone().fill_defaults(&defaults).unwrap();
        prop_assert_eq!(again, Changed::default());
    }

    #[test]
    fn an_older_write_changes_no_leaf(start in object(), path in path(), value in value()) {
        let before = tree(start, 10);
        let mut after = before.clone();
        let changed = after.merge(&path, &value, 9).unwrap();
        for leaf in before.leaves() {
            if leaf.value != json!({}) {
                prop_assert_eq!(after.get(&leaf.path), Some(leaf.value));
            }
        }
        prop_assert!(changed.touched.is_empty());
    }

    #[test]
    fn a_newer_write_is_found_where_it_was_written(start in object(), path in path(), value in value()) {
        let mut tree = tree(start, 10);
        let changed = tree.merge(&path, &value, 11).unwrap();
        prop_assert!(!changed.stale);
        if !value.is_object() {
            prop_assert_eq!(tree.get(&path), Some(value));
            prop_assert_eq!(tree.modified(&path), Some(11));
        }
    }

    #[test]
    fn reported_changes_are_the_differences(start in object(), path in path(), value in value(), at in 0..20_i64) {
        let before = tree(start, 10);
        let mut after = before.clone();
        let changed = after.merge(&path, &value, at).unwrap();
        let leaves = |tree: &ConfigTree| -> std::collections::BTreeMap<String, Value> {
            tree.leaves().into_iter().filter(|leaf| leaf.value != json!({}))
                .map(|leaf| (leaf.path.join("/"), leaf.value)).collect()
        };
        let (old, new) = (leaves(&before), leaves(&after));
        for path in old.keys().chain(new.keys()) {
            let reported = changed.paths.iter().any(|changed| changed.join("/") == *path);
            prop_assert!(reported || old.get(path) == new.get(path), "{}", path);
        }
    }

    #[test]
    fn case_never_matters_to_lookup(start in object(), path in path()) {
        let tree = tree(start, 10);
        let swapped: Vec<String> = path.iter().map(|key| swap_case(key)).collect();
        prop_assert_eq!(tree.get(&path), tree.get(&swapped));
        prop_assert_eq!(tree.stored_path(&path), tree.stored_path(&swapped));
    }

    #[test]
    fn newer_writes_merge_by_the_plain_rule(start in object(), value in object()) {
        let mut tree = tree(start, 10);
        let before = tree.to_json();
        tree.merge(&NOTHING, &value, 11).unwrap();
        prop_assert_eq!(tree.to_json(), merged(&before, &value));
    }

    #[test]
    fn the_later_of_two_writes_wins_in_either_order(start in object(), path in path(), one in 0..9_i32, other in value(), first in 11..15_i64, second in 15..19_i64) {
        // A container has no time of its own, so the rule is one of leaves.
        let other = if other.is_object() { json!([other]) } else { other };
        let (mut forth, mut back) = (tree(start.clone(), 10), tree(start, 10));
        forth.merge(&path, &json!(one), first).unwrap();
        forth.merge(&path, &other, second).unwrap();
        back.merge(&path, &other, second).unwrap();
        prop_assert!(back.merge(&path, &json!(one), first).unwrap().stale);
        prop_assert_eq!(forth.get(&path), Some(other));
        prop_assert_eq!(forth, back);
    }

    #[test]
    fn a_reset_takes_out_what_it_names_and_nothing_else(start in object(), path in path()) {
        let before = tree(start, 10);
        let mut after = before.clone();
        let changed = after.reset(&pointer(&path)).unwrap();
        prop_assert_eq!(after.get(&path), None);
        for leaf in before.leaves().iter().filter(|leaf| leaf.value != json!({})) {
            let gone = leads_to(&path, &leaf.path);
            prop_assert_eq!(after.get(&leaf.path).is_none(), gone);
            prop_assert_eq!(changed.paths.contains(&leaf.path), gone);
            prop_assert!(gone || after.modified(&leaf.path) == Some(10));
        }
        prop_assert_eq!(after.reset(&pointer(&path)).unwrap(), Changed::default());
    }

    #[test]
    fn defaults_come_back_after_a_reset(start in object(), defaults in object(), path in path()) {
        let defaults = tree(defaults, DEFAULTS_TIME);
        let mut tree = tree(start, 10);
        tree.reset(&pointer(&path)).unwrap();
        let stored = tree.clone();
        tree.fill_defaults(&defaults.to_json()).unwrap();
        let under_a_leaf = (1..path.len())
            .any(|keys| stored.get(&path[..keys]).is_some_and(|value| !value.is_object()));
        if !under_a_leaf {
            prop_assert_eq!(tree.get(&path), defaults.get(&path));
        }
    }

    #[test]
    fn defaults_leave_nothing_out(start in object(), defaults in object()) {
        let defaults = tree(defaults, DEFAULTS_TIME);
        let before = tree(start, 10);
        let mut after = before.clone();
        after.fill_defaults(&defaults.to_json()).unwrap();
        for leaf in defaults.leaves() {
            let kept = (1..=leaf.path.len())
                .any(|keys| before.get(&leaf.path[..keys]).is_some_and(|value| !value.is_object()));
            prop_assert!(kept || after.get(&leaf.path).is_some(), "{:?}", leaf);
        }
    }
}

#[test]
fn a_leaf_is_found_by_its_path_and_a_container_is_none() {
    let tree = ConfigTree::from_json(&json!({ "a": { "B": 1, "empty": {} } }), 7).unwrap();
    let leaf = tree.leaf(&["A", "b"]).unwrap();
    assert_eq!(leaf.path, ["a", "B"]);
    assert_eq!((leaf.value, leaf.modified), (json!(1), 7));
    assert_eq!(tree.leaf(&["a", "empty"]).unwrap().value, json!({}));
    assert_eq!(tree.leaf(&["a"]), None);
    assert_eq!(tree.leaf(&["x"]), None);
}

#[test]
fn differences_are_what_changed_came_and_went() {
    let new = ConfigTree::from_json(&json!({ "a": { "b": 1, "c": 2 }, "d": 3 }), 7).unwrap();
    let old = ConfigTree::from_json(&json!({ "a": { "b": 0, "c": 2, "e": 4 } }), 1).unwrap();
    let mut paths = new.differences(&old);
    paths.sort();
    assert_eq!(paths, [vec!["a", "b"], vec!["a", "e"], vec!["d"]]);
    assert_eq!(new.differences(&new), Vec::<Vec<String>>::new());
}

#[test]
fn defaults_can_be_taken_out_again() {
    let told = tree(json!({"a": {"b": 1}}), 5);
    let mut whole = told.clone();
    whole.fill_defaults(&json!({"a": {"b": 2, "c": 3}, "d": {}})).unwrap();
    assert_eq!(whole.to_json(), json!({"a": {"b": 1, "c": 3}, "d": {}}));
    assert_eq!(whole.without_defaults(), told);
}
