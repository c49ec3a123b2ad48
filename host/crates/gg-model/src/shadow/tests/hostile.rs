//! Documents that are made to hurt.

use super::*;

#[test]
fn nesting_is_refused_however_deep() {
    for levels in [7, 100, 127, 128, 1000, 60_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let bomb = format!(
                r#"{{"state":{{"desired":{{"x":{}1{}}}}}}}"#,
                open.repeat(levels),
                close.repeat(levels)
            );
            let expected = match bomb.len() > MAX_REQUEST_BYTES {
                true => Refusal::TooLarge,
                false => Refusal::TooDeep,
            };
            assert_eq!(refusal(&bomb), expected, "{levels} {open}");
        }
    }
    // What is let be is not looked into, and yet not without an end.
    let aside = format!(r#"{{"state":{{}},"x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    assert_eq!(refusal(&aside), Refusal::TooDeep);
}

#[test]
fn numbers_that_none_can_hold_are_refused() {
    for number in ["1e999", "-1e999"] {
        let document = format!(r#"{{"state":{{"desired":{{"a":{number}}}}}}}"#);
        assert_eq!(refusal(&document), Refusal::InvalidJson, "{number}");
        let document = format!(r#"{{"state":{{}},"version":{number}}}"#);
        assert_eq!(refusal(&document), Refusal::InvalidJson, "{number}");
    }
    for version in ["1e30", "18446744073709551616", "-0.5"] {
        let document = format!(r#"{{"state":{{}},"version":{version}}}"#);
        assert_eq!(refusal(&document), Refusal::InvalidVersion, "{version}");
    }
    let large = json!({"desired": {"a": u64::MAX, "b": i64::MIN}});
    let shadow = shadow(&[large]);
    assert_eq!(shadow.desired["a"], u64::MAX);
    assert_eq!(shadow.desired["b"], i64::MIN);
}

#[test]
fn of_keys_that_come_twice_the_last_counts() {
    let text = r#"{"state":{"desired":{"a":1,"a":2}},"state":{"reported":{"b":1,"b":{"c":2}}}}"#;
    let request = UpdateRequest::parse(text.as_bytes()).unwrap();
    let shadow = Before::default().update(&request, AT, LIMIT).unwrap().shadow;
    assert_eq!(shadow.document(AT, None)["state"], json!({"reported": {"b": {"c": 2}}}));
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = format!(r#"{{"state":{{}}}}{}"#, " ".repeat(MAX_REQUEST_BYTES));
    assert_eq!(refusal(&long), Refusal::TooLarge);
    assert_eq!(client_token(long.as_bytes()), None);
}

#[test]
fn a_leaf_that_looks_like_a_time_is_a_leaf() {
    let shadow = shadow(&[
        json!({"reported": {"a": {"timestamp": 5}}}),
        json!({"reported": {"a": {"timestamp": {"timestamp": 6}}}}),
    ]);
    assert_eq!(shadow.reported["a"], json!({"timestamp": {"timestamp": 6}}));
    let about = json!({"timestamp": {"timestamp": {"timestamp": AT + 1}}});
    assert_eq!(shadow.reported_metadata["a"], about);
}

#[test]
fn documents_of_others_are_read_or_not() {
    let written = shadow(&[json!({"desired": {"a": [1, null]}, "reported": {"b": {}}})]);
    let read = Shadow::read(written.document(AT, Some("t")).to_string().as_bytes()).unwrap();
    assert_eq!((&read.desired, &read.reported), (&written.desired, &written.reported));
    assert_eq!(read.version, 1);
    for document in [
        "",
        "{}",
        "[]",
        "\u{0}",
        r#"{"state":{}}"#,
        r#"{"state":{},"version":-1}"#,
        r#"{"state":null,"version":1}"#,
        r#"{"state":{"desired":1},"version":1}"#,
    ] {
        assert_eq!(Shadow::read(document.as_bytes()), None, "{document}");
    }
    let bomb = format!(r#"{{"version":1,"state":{}}}"#, r#"{"a":"#.repeat(10_000));
    assert_eq!(Shadow::read(bomb.as_bytes()), None);
    assert_eq!(Shadow::read(&vec![b' '; 2 << 20]), None);
}

#[test]
fn tokens_of_other_requests_are_found() {
    assert_eq!(client_token(br#"{"clientToken":"t"}"#).as_deref(), Some("t"));
    for other in [&b""[..], b"{}", b"[]", b"\xff", br#"{"clientToken":5}"#] {
        assert_eq!(client_token(other), None);
    }
}
