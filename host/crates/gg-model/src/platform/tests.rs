use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn device() -> Platform {
    Platform {
        attributes: map(&[("os", "linux"), ("architecture", "aarch64"), ("color", "$red")]),
        runtimes: vec!["wasm".into(), "aws_nucleus_lite".into()],
    }
}

#[test]
fn attributes_match_by_the_rules_of_the_recipe_reference() {
    #[rustfmt::skip]
    let table: &[(&[(&str, &str)], bool)] = &[
        (&[], true),
        (&[("os", "linux")], true), (&[("OS", "linux")], true), (&[("os", "Linux")], false),
        (&[("os", "windows")], false), (&[("os", "*")], true), (&[("os", "any")], true), (&[("os", "all")], true),
        (&[("color", "any")], false), (&[("color", "$red")], true), (&[("color", "*")], true),
        (&[("missing", "*")], true), (&[("missing", "x")], false), (&[("missing", "/.*/")], false),
        (&[("os", "linux"), ("architecture", "aarch64")], true),
        (&[("os", "linux"), ("architecture", "amd64")], false),
        (&[("os", "/linux|darwin/")], true), (&[("os", "/lin/")], false), (&[("os", "/lin|linux/")], true),
        (&[("os", "/.*/")], true), (&[("os", "//")], false), (&[("os", "/(?i)LINUX/")], true),
        (&[("os", "/x)|(.*/")], false), (&[("os", "/[/")], false), (&[("os", "/(?x)linux # c/")], false),
        (&[("os", "/")], false), (&[("os", "")], false), (&[("os", "!linux")], false), (&[("os", " linux")], false),
        (&[("runtime", "wasm")], true), (&[("runtime", "docker")], false), (&[("runtime", "*")], true),
        (&[("runtime", "aws_nucleus_lite")], true), (&[("runtime", "/wasm|docker/")], true),
        (&[("Runtime", "wasm")], true), (&[("runtime", "all")], false),
    ];
    for (wanted, expected) in table {
        assert_eq!(device().matches(&map(wanted)), *expected, "{wanted:?}");
    }
}

#[test]
fn attributes_are_added_and_replaced() {
    let device = device().overridden(&map(&[("Color", "blue"), ("site", "lab")]));
    assert!(device.matches(&map(&[("color", "blue"), ("site", "lab"), ("runtime", "wasm")])));
    let device = device.overridden(&map(&[("runtime", "docker, aws_nucleus_lite")]));
    assert!(device.matches(&map(&[("runtime", "docker")])));
    assert!(!device.matches(&map(&[("runtime", "wasm")])));
    assert_eq!(
        device.to_string(),
        "architecture=aarch64 color=blue os=linux site=lab runtime=docker,aws_nucleus_lite"
    );
}

#[test]
fn a_hostile_pattern_costs_little() {
    let device = Platform { attributes: map(&[("os", &"a".repeat(10_000))]), runtimes: Vec::new() };
    let started = std::time::Instant::now();
    for pattern in [
        "/(a*)*b/".to_owned(),
        "/(a|a|a)*b/".to_owned(),
        "/((((a{100}){100}){100}){100})/".to_owned(),
        format!("/{}/", "(".repeat(1000)),
        format!("/{}{}/", "(".repeat(500), ")".repeat(500)),
        format!("/{}/", "a".repeat(2000)),
        format!("/{}/", "a?".repeat(500)),
    ] {
        assert!(!device.matches(&map(&[("os", &pattern)])), "{pattern:.30}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}
