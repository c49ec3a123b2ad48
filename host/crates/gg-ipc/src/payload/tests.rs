use super::*;
use crate::document::Document;
use crate::shapes::{GetConfigurationRequest, PublishToTopicRequest, UpdateStateRequest};

fn read<T: DeserializeOwned>(json: &str) -> Result<T, PayloadError> {
    Payload(json.as_bytes().to_vec().into()).read()
}

#[test]
fn nothing_is_an_empty_object() {
    assert_eq!(read(""), Ok(GetConfigurationRequest::default()));
    assert_eq!(read("{}"), Ok(GetConfigurationRequest::default()));
    assert_eq!(read(" {}\n"), Ok(GetConfigurationRequest::default()));
}

#[test]
fn only_an_object_is_a_shape() {
    // serde would take the list for the members in their order.
    for json in [
        r#"["RUNNING"]"#,
        "null",
        "1",
        "\"RUNNING\"",
        "[",
        "{",
        "{}{}",
        "{\"state\":}",
        "\u{feff}{}",
    ] {
        assert!(read::<UpdateStateRequest>(json).is_err(), "{json}");
    }
}

#[test]
fn the_reason_says_what_is_missing() {
    let error = read::<PublishToTopicRequest>(r#"{"topic":"a"}"#).unwrap_err();
    assert!(error.to_string().contains("missing field `publishMessage`"), "{error}");
}

#[test]
fn the_reason_is_short() {
    let json = format!(r#"{{"state":"{}"}}"#, "ü".repeat(1_000_000));
    let error = read::<UpdateStateRequest>(&json).unwrap_err();
    assert!(error.reason.len() <= MAX_REASON_BYTES);
}

#[test]
fn depth_is_limited() {
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(400_000), "]".repeat(400_000));
    assert!(read::<Document>(&deep).is_err());
    // What is not looked at is skipped without recursion.
    assert!(read::<GetConfigurationRequest>(&deep).is_ok());
}

#[test]
fn values_are_counted_before_they_take_room() {
    let list = |values: usize| format!(r#"{{"x":[1{}]}}"#, ",1".repeat(values - 1));
    // Beside those in the list there are two.
    assert!(read::<Document>(&list(MAX_VALUES - 2)).is_ok());
    for values in [MAX_VALUES, 10_000_000] {
        let error = read::<Document>(&list(values)).unwrap_err();
        assert!(error.reason.contains("too many values"), "{error}");
    }
    // Long texts are not many.
    let text = format!(r#"{{"x":"{}"}}"#, ",".repeat(10_000_000));
    assert!(read::<Document>(&text).is_ok());
}
