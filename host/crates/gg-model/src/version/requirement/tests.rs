use super::*;
use proptest::prelude::*;

fn matches(requirement: &str, version: &str) -> bool {
    let requirement: VersionRequirement = requirement.parse().unwrap();
    requirement.matches(&version.parse().unwrap())
}

#[test]
fn ranges_hold_what_npm_says() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (">=1.0.0 <2.0.0", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0", "2.0.0-rc.1"]),
        (">= 1.0.0 < 2.0.0", &["1.0.0"], &["2.0.0"]),
        ("^1.2", &["1.2.0", "1.9.0"], &["1.1.9", "2.0.0"]),
        ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "0.2.2"]),
        ("^0.0.3", &["0.0.3"], &["0.0.4"]),
        ("^0", &["0.9.0"], &["1.0.0"]),
        ("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]),
        ("~1", &["1.9.0"], &["2.0.0"]),
        ("1.x", &["1.0.0", "1.5.2"], &["2.0.0"]),
        ("1.2.*", &["1.2.7"], &["1.3.0"]),
        ("1", &["1.7.0"], &["2.0.0"]),
        ("*", &["0.0.0", "9.9.9"], &["1.0.0-a"]),
        ("", &["3.0.0"], &[]),
        ("1.0.0", &["1.0.0", "1.0.0+build"], &["1.0.1"]),
        ("=1.0.0", &["1.0.0"], &["1.0.1"]),
        ("v1.0.0", &["1.0.0"], &["1.0.1"]),
        ("1.0.0 || 2.0.0", &["1.0.0", "2.0.0"], &["1.5.0"]),
        ("1.0.0 - 2.0.0", &["1.0.0", "2.0.0"], &["2.0.1"]),
        ("1.0 - 2.0", &["2.0.9"], &["2.1.0"]),
        (">1.2", &["1.3.0"], &["1.2.9"]),
        ("<=1.2", &["1.2.9"], &["1.3.0"]),
        ("<1.2", &["1.1.9"], &["1.2.0-a", "1.2.0"]),
        (">1.0.0-rc.1", &["1.0.0-rc.2", "1.0.0"], &["1.0.1-rc.1"]),
        (">*", &[], &["1.0.0"]),
    ];
    for (requirement, inside, outside) in table {
        for version in *inside {
            assert!(matches(requirement, version), "{version} is in {requirement}");
        }
        for version in *outside {
            assert!(!matches(requirement, version), "{version} is not in {requirement}");
        }
    }
}

#[test]
fn what_is_no_range_is_named() {
    for text in ["x.y.z", ">=", "1.2.3.4", "=>1", "one", "1.-", "1.x-a", "1000000.0.0"] {
        let error = text.parse::<VersionRequirement>().unwrap_err().to_string();
        assert!(error.contains("requirement"), "{text}: {error}");
    }
    let long = "1".repeat(MAX_REQUIREMENT_LENGTH + 1);
    assert!(matches!(long.parse::<VersionRequirement>(), Err(RequirementError::TooLong { .. })));
}

fn version() -> impl Strategy<Value = ComponentVersion> {
    (0..4_u64, 0..4_u64, 0..4_u64)
        .prop_map(|(major, minor, patch)| format!("{major}.{minor}.{patch}").parse().unwrap())
}

proptest! {
    #[test]
    fn any_text_is_a_range_or_an_error(text in "[ 0-9xX*.<>=^~|v+-]{0,30}|.{0,30}") {
        if let Ok(requirement) = text.parse::<VersionRequirement>() {
            let again: VersionRequirement = requirement.to_string().parse().unwrap();
            prop_assert_eq!(again.any, requirement.any);
        }
    }

    #[test]
    fn comparisons_are_those_of_versions(low in version(), high in version(), one in version()) {
        let range: VersionRequirement = format!(">={low} <{high}").parse().unwrap();
        prop_assert_eq!(range.matches(&one), low <= one && one < high);
        let either: VersionRequirement = format!("{low} || >{high}").parse().unwrap();
        prop_assert_eq!(either.matches(&one), one == low || one > high);
        prop_assert_eq!(VersionRequirement::exactly(&low).matches(&one), low == one);
        let caret: VersionRequirement = format!("^{low}").parse().unwrap();
        prop_assert!(!caret.matches(&one) || one >= low);
    }
}
