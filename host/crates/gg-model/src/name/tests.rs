use super::*;

#[test]
fn component_names_follow_the_recipe_reference() {
    for good in ["a", "com.example.Hello-World_2", "0", "..a", &"x".repeat(128)] {
        assert_eq!(good.parse::<ComponentName>().unwrap().as_str(), good);
    }
    for bad in ["", "a b", "a/b", "a:b", "ä", "a\n", "a\0", ".", "..", "......", &"x".repeat(129)]
    {
        assert!(bad.parse::<ComponentName>().is_err(), "{bad:?}");
    }
}

#[test]
fn thing_names_may_hold_a_colon_and_no_dot() {
    for good in ["a", "Gate:7_b-c", &"x".repeat(128)] {
        assert_eq!(good.parse::<ThingName>().unwrap().as_str(), good);
    }
    for bad in ["", "a.b", "a b", "a/b", "é", &"x".repeat(129), &"x".repeat(10_000_000)] {
        assert!(bad.parse::<ThingName>().is_err());
    }
}

#[test]
fn an_error_names_the_character_and_what_is_allowed() {
    let error = "com.example/Hello".parse::<ComponentName>().unwrap_err().to_string();
    assert_eq!(
        error,
        "the component name `com.example/Hello` contains '/'; use letters, digits and any of `-_.`"
    );
}

#[test]
fn serde_checks_the_rule() {
    let name: ComponentName = serde_json::from_str("\"com.example.A\"").unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"com.example.A\"");
    assert!(serde_json::from_str::<ComponentName>("\"a b\"").is_err());
    assert!(serde_json::from_str::<ThingName>("7").is_err());
}

#[test]
fn names_are_ordered_and_found_by_text() {
    let names: std::collections::BTreeSet<ComponentName> =
        ["b", "a"].into_iter().map(|name| name.parse().unwrap()).collect();
    assert!(names.contains("a"));
    assert_eq!(names.first().unwrap().to_string(), "a");
}

#[test]
fn no_component_has_the_name_of_an_operator() {
    let name = ComponentName::of_operator("user-1000");
    assert_eq!(name.as_str(), "greengrass-cli#user-1000");
    assert!(name.as_str().parse::<ComponentName>().is_err());
    let json = serde_json::to_string(&name).unwrap();
    assert!(serde_json::from_str::<ComponentName>(&json).is_err());
}

#[test]
fn a_pattern_covers_names_and_not_their_neighbours() {
    let covers = |pattern: &str, name: &str| {
        pattern.parse::<NamePattern>().unwrap().covers(&name.parse().unwrap())
    };
    for (pattern, name, yes) in [
        ("com.example.A", "com.example.A", true),
        ("com.example.A", "com.example.AB", false),
        ("com.example.A", "com.example.a", false),
        ("com.example.*", "com.example.A.B", true),
        ("com.example.*", "com.example.", true),
        ("com.example.*", "com.exampleXA", false),
        ("com.example.*", "org.com.example.A", false),
        ("*.Model", "com.example.Model", true),
        ("*.Model", "com.example.Model2", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("*", "anything", true),
    ] {
        assert_eq!(covers(pattern, name), yes, "{pattern} {name}");
    }
    for wrong in ["", "com.example.?", "a b", &"a".repeat(129)] {
        assert!(wrong.parse::<NamePattern>().is_err(), "{wrong}");
    }
}
