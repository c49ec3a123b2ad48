use super::super::Path;
use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// The place of `a.b.0` in a text, as `line:column`.
fn place(text: &str, path: &str) -> String {
    fn keep(before: &Path<'_>, mut rest: std::str::Split<'_, char>) -> KeyPath {
        match rest.next() {
            None => before.keep(),
            Some(step) => match step.parse() {
                Ok(index) => keep(&before.index(index), rest),
                Err(_) => keep(&before.key(step), rest),
            },
        }
    }
    let path = keep(&Path::root(""), path.split('.'));
    match places(text, &[&path])[..] {
        [Some(Place { line, column })] => format!("{line}:{column}"),
        _ => "none".into(),
    }
}

const YAML: &str = "\
# A comment.
Name: a
name: b
Manifests:
  - Platform:
      os: linux
      \"arch\": |
        run: not a key
    Lifecycle: {run: x, Setenv: {A: 1,
      B: 2}}
  - [[1, 2], [3,
    {deep: 4}]]
  -
    ? Odd
    : value
  - {? [complex, key] : 1, after: 2}
anchors: &x {k: 1}
use: *x
merged:
  <<: *x
  own: é
é: {größe: 1}
";

#[test]
fn keys_of_yaml_are_found() {
    #[rustfmt::skip]
    let table = [
        ("Name", "2:1"), ("name", "3:1"), ("Manifests", "4:1"), ("Manifests.0", "5:5"),
        ("Manifests.0.Platform.os", "6:7"), ("manifests.0.PLATFORM.OS", "6:7"),
        ("Manifests.0.Platform.arch", "7:7"), ("Manifests.0.Lifecycle.run", "9:17"),
        ("Manifests.0.Lifecycle.Setenv.B", "10:7"), ("Manifests.1.0.1", "11:10"), ("Manifests.1.1.1.deep", "12:6"),
        ("Manifests.2.Odd", "14:7"), ("Manifests.3.after", "16:28"), ("é.größe", "22:5"), ("merged.own", "21:3"),
        // Not there in these words: the nearest that is.
        ("Manifests.0.Platform.missing", "5:5"), ("Manifests.7", "4:1"), ("use.k", "18:1"), ("merged.k", "19:1"),
        ("Manifests.0.Platform.run", "5:5"), ("Name.x", "2:1"), ("missing", "none"),
    ];
    for (path, expected) in table {
        assert_eq!(place(YAML, path), expected, "{path}");
    }
}

#[test]
fn keys_of_json_are_found() {
    let json = "\u{feff}{\n\t\"Name\": \"a\\/b\", \"list\":[1,{\"a\":null,\n  \"a\":{}}\n, [ ] ],\
                \r\n\t\t\"k\\u00e9y\": {\"x\":-1.5e3}, \"long\": \"\\\\\\\"{[\",\"last\":true }\n";
    #[rustfmt::skip]
    let table = [
        ("Name", "2:2"), ("list", "2:18"), ("list.0", "2:26"), ("list.1", "2:28"), ("list.1.a", "3:3"),
        ("list.2", "4:3"), ("kéy.x", "5:16"), ("LAST", "5:46"), ("list.1.b", "2:28"),
    ];
    for (path, expected) in table {
        assert_eq!(place(json, path), expected, "{path}");
    }
}

#[test]
fn the_key_that_is_written_so_wins_over_other_cases() {
    let text = "a: {x: 1}\nA: {x: 2, y: 3}\n";
    assert_eq!(place(text, "a"), "1:1");
    assert_eq!(place(text, "A"), "2:1");
}

#[test]
fn what_is_found_before_a_fault_counts() {
    assert_eq!(place("a:\n  b: 1\n  c: [", "a.b"), "2:3");
    assert_eq!(place("{\"a\": {\"\\ud83d\\ude00\": 1}, \"b\": 2}", "a"), "1:2");
    assert_eq!(place("", "a"), "none");
}

#[test]
fn a_hostile_text_is_searched_quickly() {
    let started = std::time::Instant::now();
    let wide: String = (0..20_000).map(|n| format!("\"k{n}\": {{}},\n")).collect();
    let wide = format!("{{{wide}\"last\": 1}}");
    let root = Path::root("");
    let paths: Vec<KeyPath> = (0..100).map(|n| root.key(&format!("k{n}")).keep()).collect();
    let found = places(&wide, &paths.iter().collect::<Vec<_>>());
    assert_eq!(found[99], Some(Place { line: 100, column: 1 }));
    let bomb = "a: &a [&b [&c [*x], *b], *b]\n".to_owned() + &"- [*a, *a]\n".repeat(10_000);
    for text in ["[".repeat(1_000_000), "{\"a\":".repeat(100_000), "- ".repeat(500_000), bomb] {
        places(&text, &[&root.key("a").keep()]);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~é\n\t]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ -~é\n]{0,5}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

/// Check that every key of a value is found at a place where the text has it.
fn check(value: &Value, path: &Path<'_>, text: &str) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.split('\n').collect();
    let at = |path: &Path<'_>| {
        let place = places(text, &[&path.keep()])[0].expect("every key is there");
        lines[place.line - 1].chars().skip(place.column - 1).collect::<String>()
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = path.key(key);
                let quoted = serde_json::to_string(key).unwrap_or_default();
                prop_assert!(at(&path).starts_with(&quoted), "{key} {text}");
                check(value, &path, text)?;
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                let path = path.index(index);
                let first = serde_json::to_string(value).unwrap_or_default();
                prop_assert!(at(&path).starts_with(first.chars().next().unwrap_or(' ')));
                check(value, &path, text)?;
            }
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_key_of_json_is_found(value in value(), pretty: bool) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        check(&value, &Path::root(""), &text)?;
    }
}
