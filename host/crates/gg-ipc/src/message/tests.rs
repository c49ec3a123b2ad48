use super::*;
use crate::error::{ErrorCode, OperationError};
use crate::frame::{Decoder, EncodeError, Frame, MAX_FRAME_BYTES, SMALL_FRAME_BYTES};
use crate::header::HeaderValue;
use crate::operation::{Operation, call};
use crate::shapes::*;
use crate::testing::{self, unhex};
use proptest::prelude::*;
use std::borrow::Cow;

fn frame(mut bytes: &[u8]) -> Frame {
    Decoder::new(MAX_FRAME_BYTES).decode(&mut bytes).unwrap().unwrap()
}

fn read(hex: &str) -> Result<Message, MessageError> {
    Message::read(frame(&unhex(hex)))
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(MAX_FRAME_BYTES, &mut bytes).unwrap();
    bytes
}

fn stream(number: i32) -> StreamId {
    StreamId::new(number).unwrap()
}

/// What a frame with these headers, and the payload `{}`, is.
fn of(headers: &[(&str, HeaderValue<'_>)]) -> Result<Message, MessageError> {
    let headers = Headers::new(headers.iter().copied()).unwrap();
    Message::read(Frame { headers, payload: Payload(b"{}".as_slice().into()) })
}

fn three(kind: i32, flags: i32, stream: i32) -> [(&'static str, HeaderValue<'static>); 3] {
    [
        (":message-type", HeaderValue::Int32(kind)),
        (":message-flags", HeaderValue::Int32(flags)),
        (":stream-id", HeaderValue::Int32(stream)),
    ]
}

#[test]
fn messages_of_real_clients_are_read() {
    let payload = Payload(br#"{"authToken": "TOK"}"#.as_slice().into());
    let version = Some("0.1.0".to_owned());
    assert_eq!(read(testing::CONNECT), Ok(Message::Connect(Connect { version, payload })));
    assert_eq!(read(testing::CONNECT_ACK), Ok(Message::ConnectAck { accepted: true }));
    assert_eq!(read(testing::END_OF_7), Ok(Message::Stream(StreamMessage::end(stream(7)))));
    let published = StreamMessage::response::<call::PublishToTopic>(
        StreamId::FIRST,
        &PublishToTopicResponse {},
    );
    assert_eq!(read(testing::PUBLISHED), Ok(Message::Stream(published.unwrap())));
    assert_eq!(read(testing::SMALLEST), Err(MessageError::Header(":message-type")));
}

#[test]
fn messages_are_written_as_real_ones() {
    for vector in [testing::CONNECT, testing::CONNECT_ACK, testing::END_OF_7, testing::PUBLISHED] {
        assert_eq!(encoded(&read(vector).unwrap()), unhex(vector));
    }
}

#[test]
fn the_three_headers_are_int32() {
    for missing in 0..3 {
        let mut headers = three(0, 0, 1).to_vec();
        let (name, _) = headers.remove(missing);
        assert_eq!(of(&headers), Err(MessageError::Header(name)));
        for wrong in [HeaderValue::Int64(0), HeaderValue::String("0"), HeaderValue::Bool(false)] {
            let mut headers = three(0, 0, 1);
            headers[missing].1 = wrong;
            assert_eq!(of(&headers), Err(MessageError::Header(name)));
        }
    }
}

#[test]
fn messages_belong_on_their_streams() {
    for kind in 0..=1 {
        for number in [0, -1, i32::MIN] {
            let expected = MessageError::WrongStream { kind, stream: number };
            assert_eq!(of(&three(kind, 0, number)), Err(expected));
        }
        assert!(of(&three(kind, 0, i32::MAX)).is_ok());
    }
    for kind in 2..=7 {
        for number in [1, -1, i32::MAX] {
            let expected = MessageError::WrongStream { kind, stream: number };
            assert_eq!(of(&three(kind, 0, number)), Err(expected));
        }
        assert!(of(&three(kind, 0, 0)).is_ok());
    }
    for kind in [-1, 8, i32::MAX, i32::MIN] {
        for number in [0, 1] {
            assert_eq!(of(&three(kind, 0, number)), Err(MessageError::UnknownType(kind)));
        }
    }
}

#[test]
fn header_names_are_compared_without_regard_to_case() {
    let message = of(&[
        (":MESSAGE-Type", HeaderValue::Int32(5)),
        (":Message-Flags", HeaderValue::Int32(1)),
        (":stream-ID", HeaderValue::Int32(0)),
    ]);
    assert_eq!(message, Ok(Message::ConnectAck { accepted: true }));
}

#[test]
fn of_headers_with_the_same_name_the_first_counts() {
    let message = of(&[three(5, 1, 0), three(2, 0, 0)].concat());
    assert_eq!(message, Ok(Message::ConnectAck { accepted: true }));
}

#[test]
fn unknown_flags_and_headers_are_ignored() {
    let mut headers = three(0, -1, 3).to_vec();
    headers.push(("x", HeaderValue::Uuid([0; 16])));
    headers.push(("operation", HeaderValue::Int32(1)));
    let Ok(Message::Stream(message)) = of(&headers) else { panic!("a message of a stream") };
    assert!(message.terminate);
    assert_eq!(message.operation, None);
    assert_eq!(of(&three(5, -2, 0)), Ok(Message::ConnectAck { accepted: false }));
}

#[test]
fn a_request_needs_no_content_type() {
    // As the SDK for C sends it, and with the shape of something else.
    let mut headers = three(0, 0, 1).to_vec();
    headers.push(("operation", HeaderValue::String("aws.greengrass#ListComponents")));
    headers.push(("service-model-type", HeaderValue::String("aws.greengrass#X")));
    let Ok(Message::Stream(message)) = of(&headers) else { panic!("a message of a stream") };
    assert_eq!(message.operation, Some(Requested::Known(Operation::ListComponents)));
    assert_eq!(message.read_request::<call::ListComponents>(), Ok(ListComponentsRequest {}));
}

#[test]
fn an_unknown_operation_keeps_its_name() {
    let mut headers = three(0, 0, 1).to_vec();
    headers.push(("operation", HeaderValue::String("aws.greengrass#MakeTea")));
    let Ok(Message::Stream(message)) = of(&headers) else { panic!("a message of a stream") };
    assert_eq!(message.operation, Some(Requested::Unknown("aws.greengrass#MakeTea".to_owned())));
}

#[test]
fn a_ping_keeps_what_is_to_be_echoed() {
    let mut headers = three(2, 0, 0).to_vec();
    headers.push((":x", HeaderValue::Int32(1)));
    headers.push(("a", HeaderValue::Int32(2)));
    headers.push(("a", HeaderValue::Bool(true)));
    let Ok(Message::Ping(ping)) = of(&headers) else { panic!("a ping") };
    let own = [("a", HeaderValue::Int32(2)), ("a", HeaderValue::Bool(true))];
    assert_eq!(ping.headers, Headers::new(own).unwrap());
    assert_eq!(&ping.payload[..], b"{}");
    let answer = Message::PingResponse(ping);
    assert_eq!(Message::read(frame(&encoded(&answer))), Ok(answer));
}

#[test]
fn what_ends_a_connection_says_why() {
    let message = Message::ProtocolError("no \"CONNECT\"".to_owned());
    let bytes = encoded(&message);
    assert_eq!(&frame(&bytes).payload[..], br#"{"message":"no \"CONNECT\""}"#);
    assert_eq!(Message::read(frame(&bytes)), Ok(message));
    // Or not.
    for payload in ["", "[]", "{", "{\"message\":1}", "{\"message\":null}"] {
        let headers = Headers::new(three(7, 0, 0)).unwrap();
        let frame = Frame { headers, payload: Payload(payload.as_bytes().into()) };
        assert_eq!(Message::read(frame), Ok(Message::InternalError(String::new())));
    }
    // And not at length.
    let bytes = encoded(&Message::InternalError("\0".repeat(1_000_000)));
    assert!(bytes.len() < SMALL_FRAME_BYTES);
}

#[test]
fn what_does_not_fit_is_not_written() {
    let request = PublishToTopicRequest {
        topic: "a".to_owned(),
        publish_message: PublishMessage::BinaryMessage(BinaryMessage {
            message: vec![0; 8000].into(),
            context: None,
        }),
    };
    let message = StreamMessage::request::<call::PublishToTopic>(stream(1), &request).unwrap();
    let mut out = Vec::new();
    let limit = SMALL_FRAME_BYTES;
    let written = message.encode(limit, &mut out);
    assert!(matches!(written, Err(EncodeError::TooLong { length: 10_001.., limit: 10_000 })));
    assert_eq!(out, b"");
    assert!(message.encode(MAX_FRAME_BYTES, &mut out).is_ok());
}

#[test]
fn only_the_response_of_a_subscription_leaves_its_stream_open() {
    let response = ListComponentsResponse { components: vec![] };
    let unary = StreamMessage::response::<call::ListComponents>(stream(1), &response).unwrap();
    assert!(unary.terminate);
    let response = SubscribeToTopicResponse::default();
    let first = StreamMessage::response::<call::SubscribeToTopic>(stream(1), &response).unwrap();
    assert!(!first.terminate);
    assert_eq!(&first.payload[..], b"{}");
}

#[test]
fn events_carry_the_shape_of_their_union() {
    let event = IoTCoreConnectionStatusEvent::ConnectionStatusEvent(ConnectionStatusEvent {
        status: ConnectionStatus::Connected,
    });
    type Call = call::SubscribeToIoTCoreConnectionStatus;
    let message = StreamMessage::event::<Call>(stream(5), &event).unwrap();
    assert_eq!(message.model_type.as_deref(), Some("aws.greengrass#IoTCoreConnectionStatusEvent"));
    assert_eq!(&message.payload[..], br#"{"connectionStatusEvent":{"status":"CONNECTED"}}"#);
    assert!(!message.terminate);
    assert_eq!(message.read_event::<Call>(), Ok(event));
}

#[test]
fn a_client_tells_replies_apart() {
    type Call = call::ListComponents;
    let response = ListComponentsResponse { components: vec![] };
    let good = StreamMessage::response::<Call>(stream(1), &response).unwrap();
    assert_eq!(good.read_response::<Call>(), Ok(response));

    let error = OperationError::new(ErrorCode::Unauthorized, "no");
    let failed = StreamMessage::error(stream(1), &error).unwrap();
    assert!(failed.terminate);
    assert_eq!(failed.read_response::<Call>(), Err(ReplyError::Operation(error)));

    let ended = StreamMessage::end(stream(1));
    assert_eq!(ended.read_response::<Call>(), Err(ReplyError::Ended));

    let other = StreamMessage { model_type: Some("aws.greengrass#X".into()), ..good.clone() };
    let expected = "aws.greengrass#ListComponentsResponse";
    let came = "aws.greengrass#X".to_owned();
    assert_eq!(other.read_response::<Call>(), Err(ReplyError::WrongShape { expected, came }));

    // As the Java nucleus answers when it fails itself.
    let broken = StreamMessage {
        kind: StreamKind::Error,
        content_type: Some("text/plain".into()),
        payload: Payload(b"InternalServerError".as_slice().into()),
        ..StreamMessage::end(stream(1))
    };
    let expected = Err(ReplyError::Unmodelled(String::new()));
    assert_eq!(broken.read_response::<Call>(), expected);

    let unreadable = StreamMessage { payload: Payload(b"[]".as_slice().into()), ..good };
    assert!(matches!(unreadable.read_response::<Call>(), Err(ReplyError::Payload(_))));
}

#[test]
fn streams_are_counted_up() {
    assert_eq!(StreamId::new(0), None);
    assert_eq!(StreamId::new(-1), None);
    assert_eq!(StreamId::FIRST.next(), StreamId::new(2));
    assert_eq!(stream(i32::MAX).next(), None);
}

#[test]
fn debug_shows_no_payload() {
    let shown = format!("{:?}", read(testing::CONNECT).unwrap());
    assert!(shown.contains("20 bytes") && !shown.contains("TOK"), "{shown}");
}

fn any_text() -> impl Strategy<Value = Option<Cow<'static, str>>> {
    proptest::option::of(any::<String>().prop_map(Cow::Owned))
}

fn any_ping() -> impl Strategy<Value = Ping> {
    (proptest::collection::vec(("[a-z]{0,9}", any::<i32>()), 0..4), any::<Payload>()).prop_map(
        |(headers, payload)| {
            let list = headers.iter().map(|(name, value)| (&**name, HeaderValue::Int32(*value)));
            Ping { headers: Headers::new(list).unwrap(), payload }
        },
    )
}

fn any_stream_message() -> impl Strategy<Value = StreamMessage> {
    let operation = prop_oneof![
        proptest::sample::select(Operation::ALL).prop_map(Requested::Known),
        "[a-z]{0,9}".prop_map(Requested::Unknown),
    ];
    (
        1..=i32::MAX,
        prop_oneof![Just(StreamKind::Message), Just(StreamKind::Error)],
        any::<bool>(),
        proptest::option::of(operation),
        any_text(),
        any_text(),
        any::<Payload>(),
    )
        .prop_map(|(number, kind, terminate, operation, model_type, content_type, payload)| {
            StreamMessage {
                stream: stream(number),
                kind,
                terminate,
                operation,
                model_type,
                content_type,
                payload,
            }
        })
}

fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (any::<Option<String>>(), any::<Payload>())
            .prop_map(|(version, payload)| Message::Connect(Connect { version, payload })),
        any::<bool>().prop_map(|accepted| Message::ConnectAck { accepted }),
        any_ping().prop_map(Message::Ping),
        any_ping().prop_map(Message::PingResponse),
        any::<String>().prop_map(Message::ProtocolError),
        any::<String>().prop_map(Message::InternalError),
        any_stream_message().prop_map(Message::Stream),
    ]
}

proptest! {
    #[test]
    fn messages_come_back(message in any_message()) {
        prop_assert_eq!(Message::read(frame(&encoded(&message))), Ok(message));
    }
}
