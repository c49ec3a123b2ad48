use super::*;
use proptest::prelude::*;

fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

fn filter(text: &str) -> TopicFilter {
    text.parse().unwrap()
}

#[test]
fn topics_hold_no_wildcard_and_no_nul() {
    let longest = "x".repeat(MAX_TOPIC_BYTES);
    let deepest = "/".repeat(MAX_TOPIC_LEVELS - 1);
    for good in
        ["a", "/", "//", "a/b", "/a", "a/", "$aws/things", " ", "ü/☃", "a*b?", &longest, &deepest]
    {
        assert_eq!(topic(good).as_str(), good);
    }
    let too_long = "x".repeat(MAX_TOPIC_BYTES + 1);
    let too_long_in_bytes = "ü".repeat(MAX_TOPIC_BYTES / 2 + 1);
    let too_deep = "/".repeat(MAX_TOPIC_LEVELS);
    let huge = "a/".repeat(5_000_000);
    for bad in ["", "+", "#", "a+", "a/#", "a\0b", &too_long, &too_long_in_bytes, &too_deep, &huge]
    {
        assert!(bad.parse::<Topic>().is_err(), "{bad:.40}");
    }
}

#[test]
fn wildcards_are_whole_levels() {
    for good in ["#", "+", "a/#", "+/#", "/#", "/+", "+/+/a", "a//#", "a/+/b", "$share/g/a/#", "a"]
    {
        assert_eq!(filter(good).as_str(), good);
    }
    for bad in
        ["", "a#", "#/a", "#/", "a/#/b", "a+", "+a", "a/b+/c", "++", "##", "+#", "a/#b", "a\0"]
    {
        assert!(bad.parse::<TopicFilter>().is_err(), "{bad:?}");
    }
}

#[test]
fn has_wildcard_looks_at_levels() {
    for (text, expected) in [
        ("a", false),
        ("a/b", false),
        ("+", true),
        ("#", true),
        ("a/+/b", true),
        ("a/#", true),
        ("*", false),
    ] {
        assert_eq!(filter(text).has_wildcard(), expected, "{text}");
    }
}

#[test]
fn matching_follows_the_standard() {
    #[rustfmt::skip]
    let table = [
        // The examples of MQTT 5.0 section 4.7.
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/tennis/player1/#", "sport/tennis/player2", false),
        ("sport/#", "sport", true),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+", "/finance", false),
        ("#", "$SYS/monitor", false),
        ("+/monitor/Clients", "$SYS/monitor/Clients", false),
        ("$SYS/#", "$SYS/monitor", true),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
        // Empty levels are levels.
        ("a/b", "a/b", true), ("a/b", "a/b/", false), ("a/b/", "a/b", false), ("a//b", "a/b", false),
        ("a//b", "a//b", true), ("a/+/b", "a//b", true), ("+", "a", true), ("+/", "a/", true),
        ("/", "/", true), ("+/+", "/", true), ("+", "/", false), ("/#", "/", true), ("//#", "/", true),
        // `#` takes its parent, and all below it.
        ("#", "a", true), ("#", "/", true), ("#", "a/b/c", true), ("a/#", "a", true), ("a/#", "a/", true),
        ("a/#", "ab", false), ("a/#", "b/a", false), ("+/#", "a", true), ("a/+/#", "a", false),
        ("a/+/#", "a/b", true), ("a/+/#", "a/b/c/d", true),
        // Exactness.
        ("a", "A", false), ("a", "a ", false), ("a/b", "a", false), ("a", "a/b", false),
        ("+/b", "a/b", true), ("+/b", "a/c", false), ("a/+/c", "a/b/c", true), ("a/+/c", "a/b/d", false),
        // `$` matters only at the front of the topic.
        ("a/+", "a/$x", true), ("#", "a/$x", true), ("$x/+", "$x/y", true), ("+", "$x", false),
        ("/+", "/$x", true), ("+/#", "$x", false), ("$x", "$x", true),
    ];
    for (text, name, expected) in table {
        assert_eq!(filter(text).matches(&topic(name)), expected, "{text} on {name}");
    }
}

#[test]
fn the_same_text_parsed_twice_is_equal_and_cheap_to_clone() {
    let first = topic("a/b");
    assert_eq!(first.clone(), topic("a/b"));
    assert_eq!(TopicFilter::from(first), filter("a/b"));
    assert_eq!(serde_json::to_string(&filter("a/#")).unwrap(), "\"a/#\"");
    assert!(serde_json::from_str::<Topic>("\"a/#\"").is_err());
}

/// Matching by the words of the standard, written down as plainly as possible.
fn naive(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) => true,
        ([], []) => true,
        (["+", filter @ ..], [_, topic @ ..]) => naive(filter, topic),
        ([wanted, filter @ ..], [level, topic @ ..]) => wanted == level && naive(filter, topic),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn matching_agrees_with_the_plain_rule(f in "([ab+]|)(/([ab+]|)){0,3}(/#)?", t in "([ab]|)(/([ab]|)){0,4}") {
        if let (Ok(filter), Ok(topic)) = (f.parse::<TopicFilter>(), t.parse::<Topic>()) {
            let (fs, ts): (Vec<_>, Vec<_>) = (filter.levels().collect(), topic.levels().collect());
            prop_assert_eq!(filter.matches(&topic), naive(&fs, &ts));
        }
    }

    #[test]
    fn a_topic_matches_itself(t in "[a-c/$]{1,12}") {
        let topic = topic(&t);
        prop_assert!(TopicFilter::from(topic.clone()).matches(&topic));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(t in ".{0,40}") {
        prop_assert!(t.parse::<Topic>().is_err() || t.parse::<TopicFilter>().is_ok());
    }
}

#[test]
fn filters_overlap_where_a_topic_matches_both() {
    let overlap = |one: &str, other: &str| {
        let (one, other): (TopicFilter, TopicFilter) =
            (one.parse().unwrap(), other.parse().unwrap());
        let both = one.overlaps(&other);
        assert_eq!(both, other.overlaps(&one));
        both
    };
    for (one, other) in [
        ("a", "a"),
        ("a/+", "a/b"),
        ("a/+/c", "a/b/+"),
        ("a/#", "a"),
        ("#", "a/b"),
        ("+/b", "a/#"),
        ("a//b", "a/+/b"),
        ("$a/#", "$a/+"),
    ] {
        assert!(overlap(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("a", "b"),
        ("a/+", "a"),
        ("a/+/c", "a/b/d"),
        ("a/b/#", "a/c/#"),
        ("#", "$a/b"),
        ("+/b", "$a/b"),
    ] {
        assert!(!overlap(one, other), "{one} {other}");
    }
}
