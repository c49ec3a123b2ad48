use super::*;
use proptest::prelude::*;

fn version(text: &str) -> ComponentVersion {
    text.parse().unwrap()
}

fn requirement(text: &str) -> VersionRequirement {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn ranges_match_as_npm_has_them() {
    #[rustfmt::skip]
    let table: [(&str, &[&str], &[&str]); 43] = [
        // (requirement, matches, does not match)
        ("", &["0.0.0", "1.2.3", "1.0.0-rc.1"], &[]),
        ("*", &["0.0.0", "1.2.3", "1.0.0-rc.1", "0.0.0-a"], &[]),
        ("x", &["9.9.9"], &[]), ("X.*.x", &["9.9.9"], &[]), (" \t ", &["1.0.0"], &[]),
        ("1.0.0", &["1.0.0", "1.0.0+b"], &["1.0.1", "1.0.0-a"]),
        ("=1.0.0", &["1.0.0"], &["1.0.1"]), ("v1.0.0", &["1.0.0"], &["1.0.1"]),
        ("= v1.0.0+x", &["1.0.0", "1.0.0+y"], &["1.0.1"]),
        ("1.0.0-rc.1", &["1.0.0-rc.1"], &["1.0.0", "1.0.0-rc.2"]),
        ("1", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0"]),
        ("1.x", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0", "2.0.0-a"]),
        ("1.2", &["1.2.0", "1.2.9"], &["1.1.9", "1.3.0"]),
        ("1.2.*", &["1.2.0", "1.2.9"], &["1.1.9", "1.3.0"]), ("1.*.x", &["1.2.0"], &["2.0.0"]),
        (">=1.0.0 <2.0.0", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0"]),
        (">=1.0.0<2.0.0", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0"]),
        ("> 1.0.0", &["1.0.1"], &["1.0.0"]), (">\n1.0.0   <=  1.5", &["1.0.1", "1.5.9"], &["1.0.0", "1.6.0"]),
        (">1", &["2.0.0"], &["1.9.9"]), (">1.2", &["1.3.0"], &["1.2.9"]),
        (">=1.2", &["1.2.0"], &["1.1.9"]), ("<1.2", &["1.1.9"], &["1.2.0", "1.2.0-a"]),
        ("<=1.2", &["1.2.9"], &["1.3.0", "1.3.0-a"]), ("<=1", &["1.9.9"], &["2.0.0"]),
        (">*", &[], &["0.0.0", "9.9.9"]), ("<x", &[], &["0.0.0"]), (">=*", &["0.0.0"], &[]),
        ("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0"]), ("^1.2", &["1.2.0", "1.9.0"], &["1.1.9", "2.0.0"]),
        ("^0.2.3", &["0.2.3", "0.2.9"], &["0.2.2", "0.3.0"]), ("^0.0.3", &["0.0.3"], &["0.0.2", "0.0.4"]),
        ("^0.0", &["0.0.0", "0.0.9"], &["0.1.0"]), ("^0", &["0.0.0", "0.9.9"], &["1.0.0"]),
        ("^0.0.x", &["0.0.9"], &["0.1.0"]), ("^*", &["3.0.0"], &[]),
        ("~1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0"]), ("~1.2", &["1.2.0"], &["1.3.0"]),
        ("~1", &["1.0.0", "1.9.9"], &["2.0.0"]),
        ("1.0.0 - 2.0.0", &["1.0.0", "2.0.0"], &["0.9.9", "2.0.1"]),
        ("1.2 - 2", &["1.2.0", "2.9.9"], &["1.1.9", "3.0.0"]),
        ("1.0.0 || 2.0.0", &["1.0.0", "2.0.0"], &["1.5.0"]), ("<1.0.0||>=2 <3", &["0.1.0", "2.5.0"], &["1.0.0", "3.0.0"]),
    ];
    for (text, good, bad) in table {
        let requirement = requirement(text);
        for good in good {
            assert!(requirement.matches(&version(good)), "{text} takes {good}");
        }
        for bad in bad {
            assert!(!requirement.matches(&version(bad)), "{text} refuses {bad}");
        }
    }
}

#[test]
fn pre_releases_follow_the_java_nucleus() {
    #[rustfmt::skip]
    let table = [
        // One comparison goes by precedence.
        (">=1.0.0", "1.1.0-rc.1", true), (">=1.0.0", "1.0.0-rc.1", false), ("<2.0.0", "2.0.0-rc.1", true),
        (">0.0.0", "1.0.0-dev", true), (">0.0.0 || 9.9.9", "1.0.0-dev", true),
        // Several take only a pre-release of what they name.
        (">=1.0.0 <2.0.0", "1.1.0-rc.1", false), ("^1.0.0", "1.1.0-rc.1", false), ("1.x", "1.1.0-rc.1", false),
        ("~1.0.0", "1.0.1-rc.1", false), ("1.0.0 - 2.0.0", "1.5.0-rc.1", false),
        ("^1.0.0-rc.1", "1.0.0-rc.2", true), ("^1.0.0-rc.1", "1.0.0-rc.0", false), ("^1.0.0-rc.1", "1.1.0-rc.1", false),
        ("^1.0.0-rc.1", "1.1.0", true), (">=1.0.0 <=1.5.0-rc.3", "1.5.0-rc.2", true),
        // The end of a range has no pre-releases in it.
        ("^1.0.0", "2.0.0-rc.1", false), ("<2", "2.0.0-rc.1", false), (">=1.0.0-a <2", "2.0.0-rc.1", false),
        ("^0.0.3-beta", "0.0.3-pr.2", true),
    ];
    for (text, candidate, matches) in table {
        assert_eq!(requirement(text).matches(&version(candidate)), matches, "{text} {candidate}");
    }
}

#[test]
fn one_requirement_may_name_a_pre_release_for_all() {
    let all = |texts: &[&str], candidate: &str| {
        let requirements: Vec<_> = texts.iter().map(|text| requirement(text)).collect();
        VersionRequirement::all_match(&requirements, &version(candidate))
    };
    assert!(all(&["1.1.0-rc.1", "^1.0.0"], "1.1.0-rc.1"));
    assert!(all(&[">=1.0.0", "*"], "1.1.0-rc.1"));
    assert!(!all(&[">=1.0.0", "^1.0.0"], "1.1.0-rc.1"));
    assert!(!all(&["2.0.0-rc.1", "^1.0.0"], "2.0.0-rc.1"));
    assert!(!all(&["1.0.0 || 2.0.0-rc.1", "2.x"], "2.0.0-rc.2"));
    assert!(all(&[], "1.0.0-a"));
    assert!(all(&["^1.0.0", "<1.5.0"], "1.4.0") && !all(&["^1.0.0", "<1.5.0"], "1.5.0"));
}

#[test]
fn what_is_no_range_is_refused_with_the_remedy() {
    #[rustfmt::skip]
    let table = [
        ("banana", "`banana` is not a version such as `1.2.3`, `1.2` or `1.x`"),
        ("1.0.0, 2.0.0", "write a space instead of the comma"),
        (">=", "a version is missing at the end or before another sign"),
        (">= <1.0.0", "a version is missing at the end or before another sign"),
        ("1.0.0 | 2.0.0", "a version is missing at the end or before another sign"),
        ("=>1.0.0", "a version is missing at the end or before another sign"),
        ("1.0.0 - ", "`-` stands between two versions and nothing else"),
        ("1 - 2 3", "`-` stands between two versions and nothing else"),
        ("1.2.3.4", "`1.2.3.4` is not"), ("01.2.3", "`01.2.3` is not"), ("01", "`01` is not"), ("1..2", "`1..2` is not"),
        ("1.2-rc", "`1.2-rc` is not"), ("1.x.3", "`1.x.3` is not"), ("x.x.x.x", "`x.x.x.x` is not"),
        ("1.2.3-", "`1.2.3-` is not"), ("1.2.3-é", "`1.2.3-é` is not"), ("latest", "`latest` is not"), ("v", "`v` is not"),
        ("99999999999999999999", "`99999999999999999999` is not"), ("(1.0.0)", "`(1.0.0)` is not"),
    ];
    for (text, expected) in table {
        let error = text.parse::<VersionRequirement>().unwrap_err().to_string();
        let (_, reason) = error.split_once("is not a range such as `^1.2.0`: ").unwrap();
        assert!(reason.starts_with(expected), "{text}: {error}");
    }
    let longest = format!("1.0.0-{}", "x".repeat(MAX_REQUIREMENT_LENGTH - 6));
    assert!(longest.parse::<VersionRequirement>().is_ok());
    let error = "1".repeat(1_000_000).parse::<VersionRequirement>().unwrap_err().to_string();
    assert!(error.ends_with("…` has 1000000 bytes; at most 1024 are allowed"), "{error}");
    assert!("|".repeat(MAX_REQUIREMENT_LENGTH).parse::<VersionRequirement>().is_ok());
}

#[test]
fn the_text_is_kept_but_for_spaces() {
    for (text, shown) in [(" ^1.2 ", "^1.2"), (">= 1\n <2", ">= 1 <2"), ("", "*"), ("1||2", "1||2")]
    {
        assert_eq!(requirement(text).to_string(), shown);
        let json = serde_json::to_string(&requirement(text)).unwrap();
        assert_eq!(json, format!("\"{shown}\""));
        assert_eq!(serde_json::from_str::<VersionRequirement>(&json).unwrap(), requirement(text));
    }
    assert!(serde_json::from_str::<VersionRequirement>("\"a\"").is_err());
    let exact = VersionRequirement::from(&version("1.0.0-a+b"));
    assert_eq!(exact, requirement(&exact.to_string()));
    assert_eq!(VersionRequirement::any(), requirement("*"));
}

/// An operator with one to three numbers, or none.
type Plain = (&'static str, Vec<u64>);

fn plain() -> impl Strategy<Value = Plain> {
    let operator = prop::sample::select(vec!["", "=", "<", "<=", ">", ">=", "~", "^"]);
    (operator, prop::collection::vec(0..4_u64, 0..4))
}

fn written((operator, numbers): &Plain, spaced: bool) -> String {
    let mut parts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    if parts.is_empty() {
        parts.push("*".into());
    }
    format!("{operator}{}{}", if spaced { " " } else { "" }, parts.join("."))
}

/// The rule without taking anything apart.
fn holds((operator, numbers): &Plain, version: [u64; 3]) -> bool {
    let shown = &version[..numbers.len()];
    let mut lower = numbers.clone();
    lower.resize(3, 0);
    let as_far = |parts: usize| shown[..parts] == numbers[..parts];
    let first = numbers.iter().take(2).take_while(|number| **number == 0).count();
    match *operator {
        "<" => *shown < numbers[..],
        "<=" => *shown <= numbers[..],
        ">" => *shown > numbers[..],
        ">=" => *shown >= numbers[..],
        "~" => version[..] >= lower[..] && as_far(numbers.len().min(2)),
        "^" => version[..] >= lower[..] && as_far(numbers.len().min(first + 1)),
        _ => *shown == numbers[..],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_agree_with_the_plain_rule(
        ranges in prop::collection::vec(prop::collection::vec(plain(), 1..3), 1..3),
        numbers in prop::array::uniform3(0..5_u64), spaced: bool,
    ) {
        let texts: Vec<String> = ranges.iter()
            .map(|range| range.iter().map(|one| written(one, spaced)).collect::<Vec<_>>().join(" "))
            .collect();
        let requirement = requirement(&texts.join(" || "));
        let expected = ranges.iter().any(|range| range.iter().all(|one| holds(one, numbers)));
        let [major, minor, patch] = numbers;
        let candidate = version(&format!("{major}.{minor}.{patch}"));
        prop_assert_eq!(requirement.matches(&candidate), expected, "{} {}", requirement, candidate);
        // For a release, "and" is nothing but "and".
        let any = VersionRequirement::any();
        prop_assert_eq!(VersionRequirement::all_match([&requirement, &any], &candidate), expected);
    }

    #[test]
    fn what_is_shown_is_read_as_the_same(text in "([<>=~^|v]|[0-3]|\\.|x|\\*|-| |rc|\\+){0,12}") {
        if let Ok(requirement) = text.parse::<VersionRequirement>() {
            prop_assert_eq!(requirement.to_string().parse::<VersionRequirement>(), Ok(requirement));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        drop(text.parse::<VersionRequirement>());
    }
}
