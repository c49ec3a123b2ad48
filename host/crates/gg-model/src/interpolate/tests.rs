use super::*;
use proptest::prelude::*;
use serde_json::json;

fn lookup(variable: Variable<'_>) -> Option<String> {
    Some(match variable {
        Variable::ArtifactsPath => "<artifacts>".into(),
        Variable::ArtifactsDecompressedPath => "<unpacked>".into(),
        Variable::WorkPath => "<work>".into(),
        Variable::KernelRootPath => "<root>".into(),
        Variable::ThingName => "<thing>".into(),
        Variable::Configuration("/a/b") => "{work:path}".into(),
        Variable::Configuration("") => "{}".into(),
        Variable::Configuration(_) => return None,
    })
}

#[test]
fn variables_are_replaced_and_the_rest_stays() {
    #[rustfmt::skip]
    let table = [
        ("", ""), ("plain", "plain"),
        ("{artifacts:path}/x", "<artifacts>/x"), ("{artifacts:decompressedPath}", "<unpacked>"),
        ("{work:path}{kernel:rootPath}", "<work><root>"), ("é{iot:thingName}é", "é<thing>é"),
        // A value is not looked at again.
        ("{configuration:/a/b}", "{work:path}"), ("{configuration:}", "{}"),
        // No value, unknown, misspelt, or not a variable.
        ("{configuration:/x}", "{configuration:/x}"), ("{configuration:a}", "{configuration:a}"),
        ("{artifacts:Path}", "{artifacts:Path}"), ("{other:path}", "{other:path}"), ("{}", "{}"),
        ("{com.example.A:artifacts:path}", "{com.example.A:artifacts:path}"),
        ("${HOME} {a,b} awk '{print $1}'", "${HOME} {a,b} awk '{print $1}'"),
        ("{ work:path }", "{ work:path }"),
        // Braces around and inside.
        ("{{work:path}}", "{<work>}"), ("{a{work:path}", "{a<work>"), ("{work:path", "{work:path"),
        ("}{", "}{"), ("{\"p\": \"{work:path}\"}", "{\"p\": \"<work>\"}"),
    ];
    for (text, expected) in table {
        assert_eq!(interpolate(text, lookup).unwrap(), expected, "{text}");
    }
}

#[test]
fn growth_is_limited() {
    let text = "{artifacts:path}".repeat(1000);
    assert_eq!(interpolate(&text, |_| Some("x".repeat(100_000))), Err(TooLong));
    assert_eq!(interpolate(&"x".repeat(MAX_INTERPOLATED_BYTES + 1), lookup), Err(TooLong));
    let braces = "{".repeat(MAX_INTERPOLATED_BYTES);
    assert_eq!(interpolate(&braces, lookup).unwrap(), braces);
}

#[test]
fn configuration_values_have_a_text() {
    for (value, text) in [
        (json!("a b"), "a b"),
        (json!(1), "1"),
        (json!(1.5), "1.5"),
        (json!(true), "true"),
        (json!(null), "null"),
        (json!([1, {"b": 1, "a": [null]}]), r#"[1,{"a":[null],"b":1}]"#),
    ] {
        assert_eq!(configuration_text(&value), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_values_nothing_changes(text in "[{}a:/$ é]{0,30}") {
        prop_assert_eq!(interpolate(&text, |_| None).unwrap(), text);
    }
}
