use super::*;
use crate::frame::SMALL_FRAME_BYTES;
use crate::message::{StreamId, StreamMessage};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn every_client_finds_what_it_reads() {
    let error = OperationError {
        resource_type: Some("secret".to_owned()),
        ..OperationError::new(ErrorCode::ResourceNotFound, "there is none")
    };
    let written: Value = error.to_payload().unwrap().read().unwrap();
    assert_eq!(
        written,
        json!({
            "message": "there is none",
            "_message": "there is none",
            "_errorCode": "ResourceNotFoundError",
            "_service": "aws.greengrass#GreengrassCoreIPC",
            "resourceType": "secret",
        })
    );
}

#[test]
fn errors_of_other_servers_are_read() {
    let read = |model_type: Option<&str>, json: &str| {
        OperationError::from_payload(model_type, &Payload(json.as_bytes().to_vec().into()))
    };
    // The lite nucleus.
    let lite = read(None, r#"{"_message":"no","_errorCode":"ServiceError"}"#).unwrap();
    assert_eq!(lite, OperationError::new(ErrorCode::Service, "no"));
    // The Java nucleus.
    let java = read(
        Some("aws.greengrass#UnauthorizedError"),
        r#"{"message":"no","_service":"aws.greengrass#GreengrassCoreIPC","_message":"no",
            "_errorCode":"UnauthorizedError"}"#,
    );
    assert_eq!(java.unwrap(), OperationError::new(ErrorCode::Unauthorized, "no"));
    let bare = read(Some("aws.greengrass#ConflictError"), r#"{"message":null,"context":null}"#);
    assert_eq!(bare.unwrap(), OperationError::new(ErrorCode::Conflict, ""));
    for (model_type, json) in [
        (None, "{}"),
        (None, "InternalServerError"),
        (None, r#"{"error":"Unsupported Operation","message":"no"}"#),
        (Some("aws.greengrass#TeapotError"), "{}"),
        (Some("aws.greengrass#ConflictError"), "[]"),
    ] {
        assert_eq!(read(model_type, json), None, "{model_type:?} {json}");
    }
}

#[test]
fn names_are_those_of_the_model() {
    assert_eq!(ErrorCode::ALL.len(), 12);
    for code in ErrorCode::ALL.iter().copied() {
        assert!(code.name().ends_with("Error"));
        assert_eq!(code.model_type(), format!("aws.greengrass#{}", code.name()));
        assert_eq!(ErrorCode::by_name(code.name()), Some(code));
        assert_eq!(ErrorCode::by_name(code.model_type()), Some(code));
    }
    assert_eq!(ErrorCode::by_name("Service"), None);
}

#[test]
fn no_message_is_too_long_for_a_small_client() {
    let error =
        OperationError::new(ErrorCode::InvalidArtifactsDirectoryPath, "\u{1}".repeat(1_000_000));
    assert_eq!(error.message().len(), MAX_MESSAGE_BYTES);
    let mut out = Vec::new();
    let message = StreamMessage::error(StreamId::FIRST, &error).unwrap();
    assert!(message.encode(SMALL_FRAME_BYTES, &mut out).is_ok());
}

proptest! {
    #[test]
    fn errors_come_back(
        code in proptest::sample::select(ErrorCode::ALL), message in any::<String>(),
        context in any::<Option<Document>>(), resource_type in any::<Option<String>>(),
        resource_name in any::<Option<String>>(),
    ) {
        let new = OperationError::new(code, message);
        let error = OperationError { context, resource_type, resource_name, ..new };
        let payload = error.to_payload().unwrap();
        let model_type = Some(code.model_type());
        prop_assert_eq!(OperationError::from_payload(model_type, &payload), Some(error.clone()));
        prop_assert_eq!(OperationError::from_payload(None, &payload), Some(error));
    }
}
