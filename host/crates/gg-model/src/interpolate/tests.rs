use super::*;
use proptest::prelude::*;
use serde_json::json;

fn lookup(component: Option<&ComponentName>, variable: Variable<'_>) -> Option<String> {
    let own = lookup_own(variable)?;
    Some(component.map_or_else(|| own.clone(), |component| format!("{component} {own}")))
}

fn lookup_own(variable: Variable<'_>) -> Option<String> {
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
        // Another component's.
        ("{com.example.A:artifacts:path}/x", "com.example.A <artifacts>/x"),
        ("{a-b_c:artifacts:decompressedPath}", "a-b_c <unpacked>"), ("{A:work:path}", "A <work>"),
        ("{a:configuration:/a/b}", "a {work:path}"), ("{a:configuration:/x}", "{a:configuration:/x}"),
        ("{configuration:configuration:}", "configuration {}"), ("{artifacts:artifacts:path}", "artifacts <artifacts>"),
        ("{a:kernel:rootPath}", "{a:kernel:rootPath}"), ("{a:iot:thingName}", "{a:iot:thingName}"),
        ("{a b:work:path}", "{a b:work:path}"), ("{:work:path}", "{:work:path}"), ("{..:work:path}", "{..:work:path}"),
        ("{a:b:work:path}", "{a:b:work:path}"),
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
    assert_eq!(interpolate(&text, |_, _| Some("x".repeat(100_000))), Err(TooLong));
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
        prop_assert_eq!(interpolate(&text, |_, _| None).unwrap(), text);
    }
}
