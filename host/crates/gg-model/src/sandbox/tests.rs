use super::*;
use crate::delivery::{Origin, ReceiveMode, WhenFull};
use crate::limits::Limits;
use proptest::prelude::*;
use serde_json::json;

fn error(configuration: Value) -> String {
    Sandbox::from_configuration(&configuration).unwrap_err().to_string()
}

#[test]
fn nothing_is_granted_by_default() {
    for nothing in [
        json!(null),
        json!({}),
        json!({"sandbox": null, "own": {"key": 1}}),
        json!({"sandbox": {}}),
    ] {
        assert_eq!(Sandbox::from_configuration(&nothing).unwrap(), Sandbox::default());
    }
}

#[test]
fn everything_can_be_granted() {
    let sandbox = Sandbox::from_configuration(&json!({
        "Sandbox": {
            "directories": ["/data::/d:ro", {"host": "/x", "guest": "/y", "readOnly": true}, "/z::."],
            "network": ["example.com:443", "*.example.com", "[::1]:80"],
            "environment": {"A": "b", "N": 1, "T": true},
            "limits": {"memory": "1MiB", "retries": 2, "cpu": 0.5, "logRate": 7},
        },
        "subscriptions": [
            "a/+",
            {"topic": "b", "receiveMode": "fromOthers", "queue": 7, "whenFull": "drop-newest", "source": "cloud"},
            {"topic": "c", "receiveMode": "RECEIVE_ALL_MESSAGES", "queue": 7.0},
        ],
    }))
    .unwrap();
    let directories: Vec<String> = sandbox.directories.iter().map(ToString::to_string).collect();
    assert_eq!(directories, ["/data::/d:ro", "/x::/y:ro", "/z::."]);
    let network: Vec<String> = sandbox.network.iter().map(ToString::to_string).collect();
    assert_eq!(network, ["example.com:443", "*.example.com", "[::1]:80"]);
    assert_eq!(sandbox.environment["N"], "1");
    assert_eq!(sandbox.environment["T"], "true");
    let mut limits = Limits::default();
    limits.apply(&sandbox.limits);
    assert_eq!((limits.memory, limits.retries, limits.log_rate), (1 << 20, 2, 7));
    let [first, second, third] = sandbox.subscriptions.as_slice() else { panic!("three") };
    assert_eq!(first.filter.as_str(), "a/+");
    assert_eq!(
        (first.receive_mode, first.queue, first.when_full, first.origin),
        (None, None, None, Origin::Local)
    );
    assert_eq!(
        (second.receive_mode, second.queue, second.when_full, second.origin),
        (Some(ReceiveMode::FromOthers), Some(7), Some(WhenFull::DropNewest), Origin::Cloud)
    );
    assert_eq!((third.receive_mode, third.queue), (Some(ReceiveMode::All), Some(7)));
}

#[test]
fn errors_name_the_place() {
    #[rustfmt::skip]
    let table = [
        (json!([]), "the document: expected an object, came a list"),
        (json!({"sandbox": []}), "sandbox: expected an object, came a list"),
        (json!({"sandbox": {"diretories": []}}), "sandbox.diretories: is not a known key; is it `directories`?"),
        (json!({"sandbox": {"directories": ["/a"]}}),
         "sandbox.directories[0]: the directory `/a` has no `::`; write HOST::GUEST or HOST::GUEST:ro"),
        (json!({"sandbox": {"directories": [{"host": "/a"}]}}), "sandbox.directories[0].guest: is required but missing"),
        (json!({"sandbox": {"directories": [{"host": "/a", "guest": "/../b"}]}}),
         "sandbox.directories[0]: the directory `/a::/../b` has `..` in its guest path; write the path that it leads to"),
        (json!({"sandbox": {"network": [80]}}),
         "sandbox.network[0]: expected text (put it in quotes), came the number 80"),
        (json!({"sandbox": {"limits": {"memroy": 1}}}),
         "sandbox.limits.memroy: there is no limit `memroy`; is it `memory`?"),
        (json!({"sandbox": {"limits": {"handler-deadline": 30}}}),
         "sandbox.limits.handler-deadline: the limit handler-deadline cannot be `30`: expected a whole number with a unit: `500ms`, `2s`, `1m`, `1h`"),
        (json!({"sandbox": {"environment": {"A=B": "c"}}}),
         "sandbox.environment[\"A=B\"]: is not an environment variable; leave out `=` and the character U+0000"),
        (json!({"sandbox": {"environment": {"A": {}}}}), "sandbox.environment.A: expected text, came an object"),
        (json!({"subscriptions": "a"}), "subscriptions: expected a list, came the text `a`"),
        (json!({"subscriptions": ["a#"]}),
         "subscriptions[0]: the topic filter `a#` has `#` inside; `#` must be the whole last level"),
        (json!({"subscriptions": [{"topic": "a", "whenFull": "x"}]}),
         "subscriptions[0].whenFull: expected one of `drop-oldest`, `drop-newest`, `block`, came the text `x`"),
        (json!({"subscriptions": [{"topic": "a", "queue": 0}]}),
         "subscriptions[0].queue: expected a whole number of messages, at least 1, came the number 0"),
        (json!({"subscriptions": [{"topic": "a", "queue": -1.5}]}),
         "subscriptions[0].queue: expected a whole number of messages, at least 1, came the number -1.5"),
        (json!({"subscriptions": [{"topic": "a", "mode": "all"}]}),
         "subscriptions[0].mode: is not a known key; known are topic, receiveMode, queue, whenFull, source"),
    ];
    for (configuration, expected) in table {
        assert_eq!(error(configuration), expected);
    }
    assert!(error(json!({"subscriptions": vec!["a"; 1001]})).contains("at most 1000"));
    assert!(Sandbox::from_configuration(&json!({"subscriptions": vec!["a"; 1000]})).is_ok());
}

#[test]
fn directories_have_two_paths() {
    for (text, expected) in [
        ("/a::/b", ("/a", "/b", false)),
        ("/a::/b:ro", ("/a", "/b", true)),
        ("/a::/b:rw", ("/a", "/b", false)),
        ("C:\\x::/b", ("C:\\x", "/b", false)),
        ("a::b::c", ("a", "b::c", false)),
        (".::.", (".", ".", false)),
        ("../a::a..b", ("../a", "a..b", false)),
    ] {
        let directory: Directory = text.parse().unwrap();
        let Directory { host, guest, read_only } = &directory;
        assert_eq!((host.as_str(), guest.as_str(), *read_only), expected);
        assert_eq!(directory.to_string().parse::<Directory>().unwrap(), directory);
    }
    for bad in
        ["", "/a", "::", "/a::", "::/b", "/a:::ro", "/a:/b", "/a::/b/../..", "a\0::b", "a::b\0"]
    {
        assert!(bad.parse::<Directory>().is_err(), "{bad:?}");
    }
    assert!("x".repeat(1_000_000).parse::<Directory>().unwrap_err().to_string().len() < 300);
}

#[test]
fn hosts_are_names_wildcards_or_addresses() {
    for (text, host, port) in [
        ("example.com:443", "example.com", Some(443)),
        ("Example.COM.", "example.com", None),
        ("*.example.com:1", "*.example.com", Some(1)),
        ("localhost", "localhost", None),
        ("192.0.2.7:65535", "192.0.2.7", Some(65535)),
        ("[2001:DB8::7]:80", "2001:db8::7", Some(80)),
        ("[::1]", "::1", None),
        ("my_service", "my_service", None),
    ] {
        let parsed: HostPort = text.parse().unwrap();
        assert_eq!((parsed.host.as_str(), parsed.port), (host, port), "{text}");
        assert_eq!(parsed.to_string().parse::<HostPort>().unwrap(), parsed);
    }
    #[rustfmt::skip]
    let bad = [
        "", ":80", "*", "*.", "*:80", "a*.com", "*.*.com", "a..b", ".a", "-a", "a-", "a b", "ä.de", "a/b",
        "http://a", "a:", "a:0", "a:65536", "a:+1", "a:x", "::1", "a:1:2", "[::1", "[::1]80", "[::1]:",
        "[1.2.3.4]:80", "[x]:1", "user@host",
    ];
    for bad in bad {
        assert!(bad.parse::<HostPort>().is_err(), "{bad:?}");
    }
    assert!("a.".repeat(1_000_000).parse::<HostPort>().is_err());
}

#[test]
fn connections_are_matched_by_name_or_address() {
    #[rustfmt::skip]
    let table = [
        ("example.com:443", "example.com", 443, true), ("example.com:443", "EXAMPLE.com.", 443, true),
        ("example.com:443", "example.com", 80, false), ("example.com", "example.com", 80, true),
        ("example.com", "a.example.com", 80, false), ("example.com", "example.com.evil", 80, false),
        ("*.example.com", "a.example.com", 80, true), ("*.example.com", "a.b.Example.com", 80, true),
        ("*.example.com", "example.com", 80, false), ("*.example.com", "evilexample.com", 80, false),
        ("*.example.com", ".example.com", 80, false), ("*.example.com", "ü.example.com", 80, true),
        ("127.0.0.1:1", "127.0.0.1", 1, true), ("127.0.0.1", "127.1", 1, false),
        ("[::1]:80", "::1", 80, true), ("[::1]:80", "[0:0:0:0:0:0:0:1]", 80, true),
        ("[::1]:80", "::2", 80, false), ("localhost", "127.0.0.1", 80, false),
        ("127.0.0.1", "::ffff:127.0.0.1", 80, false),
    ];
    for (pattern, host, port, expected) in table {
        let pattern: HostPort = pattern.parse().unwrap();
        assert_eq!(pattern.matches(host, port), expected, "{pattern} on {host}:{port}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_parses_is_shown_and_parsed_again(text in "[a-z*.:\\[\\]0-9/ü_-]{0,20}") {
        if let Ok(host) = text.parse::<HostPort>() {
            prop_assert_eq!(host.to_string().parse::<HostPort>().unwrap(), host.clone());
            host.matches(&text, 80);
        }
        if let Ok(directory) = text.parse::<Directory>() {
            prop_assert!(!directory.host.is_empty() && !directory.guest.is_empty());
        }
    }
}
