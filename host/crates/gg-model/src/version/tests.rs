use super::*;

fn version(text: &str) -> ComponentVersion {
    text.parse().unwrap()
}

#[test]
fn versions_are_semantic_versions_within_the_limits() {
    let longest = format!("1.0.0-{}", "x".repeat(58));
    for good in ["0.0.0", "1.2.3", "999999.999999.999999", "1.0.0-rc.1+build.5", &longest] {
        assert_eq!(version(good).to_string(), good);
    }
    let too_long = format!("1.0.0-{}", "x".repeat(59));
    let huge = "1".repeat(1_000_000);
    for bad in [
        "",
        "1",
        "1.0",
        "v1.0.0",
        "1.0.0.0",
        "01.0.0",
        " 1.0.0",
        "1.0.x",
        "1000000.0.0",
        "0.1000000.0",
        "0.0.1000000",
        "99999999999999999999.0.0",
        &too_long,
        &huge,
    ] {
        assert!(bad.parse::<ComponentVersion>().is_err(), "{bad:.70}");
    }
}

#[test]
fn order_is_by_precedence() {
    let sorted = ["0.9.9", "1.0.0-alpha", "1.0.0-alpha.2", "1.0.0", "1.0.10", "1.2.0", "10.0.0"];
    for pair in sorted.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
}

#[test]
fn serde_checks_the_rule() {
    assert_eq!(serde_json::from_str::<ComponentVersion>("\"1.0.0\"").unwrap(), version("1.0.0"));
    assert_eq!(serde_json::to_string(&version("1.0.0-a")).unwrap(), "\"1.0.0-a\"");
    assert!(serde_json::from_str::<ComponentVersion>("1.0").is_err());
}

#[test]
fn an_error_says_what_a_version_looks_like() {
    let error = "1.0".parse::<ComponentVersion>().unwrap_err().to_string();
    assert!(error.starts_with("the version `1.0` is not a semantic version such as `1.0.0`: "));
}
