use super::*;

#[test]
fn an_object_passes_through_as_it_came() {
    let text = r#"{ "z":1.0, "a": 123456789012345678901234567890, "z":1e2,"s":"\u00fc" }"#;
    let object = ObjectText::parse(text).unwrap();
    assert_eq!(object.as_str(), text);
    assert_eq!(serde_json::to_string(&object).unwrap(), text);
    assert_eq!(object.into_bytes(), text);
}

#[test]
fn only_objects_are_taken() {
    for text in
        ["", "[]", "1", "null", "\"{}\"", "{", "{}}", "{'a':1}", "{\"a\":}", "{\"a\":\u{1}}"]
    {
        assert!(ObjectText::parse(text).is_err(), "{text}");
    }
    for json in ["[]", "1", "null"] {
        assert!(serde_json::from_str::<ObjectText>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<Document>(json).is_err(), "{json}");
    }
}

#[test]
fn what_passes_through_is_no_deeper_than_what_is_read() {
    let nested = |depth: usize| format!(r#"{{"[":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let (good, bad) = (nested(MAX_DEPTH - 1), nested(MAX_DEPTH));
    assert!(ObjectText::parse(good.clone()).is_ok());
    assert!(serde_json::from_str::<Value>(&good).is_ok());
    assert!(ObjectText::parse(bad.clone()).is_err());
    assert!(serde_json::from_str::<Value>(&bad).is_err());
    assert!(ObjectText::parse(nested(1_000_000)).is_err());
}

#[test]
fn debug_shows_no_text() {
    assert_eq!(format!("{:?}", ObjectText::parse("{\"a\":1}").unwrap()), "7 bytes");
}
