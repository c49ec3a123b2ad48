//! Clients that mean harm. Each is let go, for the reason that is theirs, and harms nobody else.

use super::*;
use crate::capability::testing::{with_limits, with_policy};
use crate::ipc::admission::NEWCOMERS;
use gg_ipc::header::{HeaderValue, Headers};
use gg_ipc::message::Ping;
use gg_ipc::{Frame, Payload};
use gg_model::{AccessPolicy, Limits};
use std::time::Duration;

/// What takes longer is over.
const SHORT: Duration = Duration::from_millis(300);

/// A frame whose two lengths are as given, with a right checksum of them.
fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let payload = Payload(vec![0; total as usize - 16].into());
    let frame = Frame { payload, ..Frame::default() };
    let mut bytes = Vec::new();
    frame.encode(frame::MAX_FRAME_BYTES, &mut bytes).unwrap();
    if headers != 0 {
        bytes[4..8].copy_from_slice(&headers.to_be_bytes());
        let checksum = crc(&bytes[..8]);
        bytes[8..12].copy_from_slice(&checksum.to_be_bytes());
    }
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

/// Send bytes as one who was let in; gives what the server says before it closes the connection.
async fn provoke(bench: &Bench, bytes: &[u8]) -> Vec<Message> {
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    client.send_bytes(bytes).await;
    let mut said = Vec::new();
    while let Some(message) = client.read().await {
        said.push(message);
    }
    said
}

fn bytes_of(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(frame::MAX_FRAME_BYTES, &mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn bytes_that_are_no_frames_end_the_connection_without_a_word() {
    let bench = Bench::new();
    let ping = bytes_of(&Message::Ping(Ping::default()));
    let mut changed = ping.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut lying = ping.clone();
    lying[3] ^= 1;
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 100],
        changed,
        lying,
        // More headers than there is room for, and more of a frame than anybody may send.
        prelude(100, 99),
        prelude(17 << 20, 0),
    ];
    let count = cases.len() as u64;
    for bytes in cases {
        assert_eq!(provoke(&bench, &bytes).await, []);
    }
    assert_eq!(bench.cuts(), [("frame", count)]);
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_answered() {
    let bench = Bench::new();
    // A header whose name has more bytes than there are.
    let bytes = {
        let mut bytes = prelude(32, 16);
        bytes[12] = 200;
        let end = bytes.len() - 4;
        let checksum = crc(&bytes[..end]);
        bytes[end..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    };
    let said = provoke(&bench, &bytes).await;
    assert!(matches!(said.as_slice(), [Message::InternalError(_)]), "{said:?}");
}

#[tokio::test]
async fn a_bomb_of_headers_is_not_read() {
    let bench = Bench::new();
    let names: Vec<String> = (0..1024).map(|number| format!("h{number}")).collect();
    let headers = Headers::new(names.iter().map(|name| (name.as_str(), HeaderValue::Int32(0))));
    let mut bytes = Vec::new();
    let frame = Frame { headers: headers.unwrap(), payload: Payload::default() };
    frame.encode(frame::MAX_FRAME_BYTES, &mut bytes).unwrap();
    // As many as there may be, and they are no message.
    let said = provoke(&bench, &bytes).await;
    assert!(matches!(said.as_slice(), [Message::ProtocolError(_)]), "{said:?}");
    // More than that: the frame is not even waited for.
    let said = provoke(&bench, &prelude(1 << 20, 1 << 19)[..12]).await;
    assert!(matches!(said.as_slice(), [Message::InternalError(_)]), "{said:?}");
}

#[tokio::test]
async fn messages_that_break_the_protocol_are_answered_with_an_error() {
    let bench = Bench::new();
    let second = StreamId::FIRST.next().unwrap();
    let request =
        |stream| StreamMessage::request::<call::PublishToTopic>(stream, &publication("t", ""));
    let nameless = StreamMessage { operation: None, ..request(StreamId::FIRST).unwrap() };
    let cases = [
        Message::Stream(request(second).unwrap()),
        Message::Stream(nameless),
        Message::ConnectAck { accepted: true },
        handshake::connect(&Secret::new("again".to_owned())).unwrap(),
    ];
    for message in cases {
        let said = provoke(&bench, &bytes_of(&message)).await;
        assert!(matches!(said.as_slice(), [Message::ProtocolError(_)]), "{message:?}: {said:?}");
    }
    assert_eq!(provoke(&bench, &bytes_of(&Message::ProtocolError("mine".into()))).await, []);
    assert_eq!(bench.cuts(), [("protocol", 4), ("said", 1)]);
}

#[tokio::test]
async fn an_unknown_operation_is_answered_and_the_connection_lives() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    for (operation, payload) in [
        (Requested::by_name("aws.greengrass#Nonsense"), "{}"),
        (Requested::by_name("aws.greengrass#VerifyClientDeviceIdentity"), "{}"),
    ] {
        let stream = client.stream();
        let payload = Payload(payload.as_bytes().into());
        let message = StreamMessage {
            operation: Some(operation),
            payload,
            terminate: false,
            ..StreamMessage::end(stream)
        };
        client.send(&Message::Stream(message)).await;
        let answer = client.read_stream().await;
        let error = failure(answer.read_response::<call::PublishToTopic>());
        assert_eq!(error.code, ErrorCode::Service);
        assert!(error.message().contains("not supported"), "{error}");
    }
    client.publish("t", "").await.unwrap();
}

#[tokio::test]
async fn a_payload_that_is_not_the_request_is_refused_and_the_connection_lives() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    for payload in
        ["", "{}", "[]", "{\"topic\":3}", "nonsense", "{\"topic\":\"t\",\"publishMessage\":{}}"]
    {
        let stream = client.stream();
        let request = StreamMessage {
            payload: Payload(payload.as_bytes().into()),
            ..StreamMessage::request::<call::PublishToTopic>(stream, &publication("t", "")).unwrap()
        };
        client.send(&Message::Stream(request)).await;
        let error = failure(client.read_stream().await.read_response::<call::PublishToTopic>());
        assert_eq!(error.code, ErrorCode::InvalidArguments, "{payload}");
    }
    client.publish("t", "").await.unwrap();
}

#[tokio::test]
async fn only_a_token_that_counts_opens_the_door() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let token = issued.token().reveal().to_owned();
    for wrong in ["nonsense", "AAAAAAAAAAAAAAAA", &token[1..]] {
        let mut client = bench.stranger().await;
        assert_eq!(client.show(wrong).await, Err(Denied::Access));
        assert_eq!(client.read().await, None);
    }
    // It may be shown more than once, while its component runs.
    let mut clients = [bench.client(&issued).await, bench.client(&issued).await];
    clients[0].subscribe("t").await.unwrap();
    drop(issued);
    for client in &mut clients {
        assert_eq!(client.read().await, None, "who came in by it goes");
    }
    assert_eq!(bench.stranger().await.show(&token).await, Err(Denied::Access));
    let nobody = somebody("b");
    bench
        .pubsub
        .publisher(nobody)
        .publish("t", vec![], crate::capability::pubsub::PayloadFormat::Binary)
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_else_can_be_said_first() {
    let bench = Bench::new();
    let request =
        StreamMessage::request::<call::PublishToTopic>(StreamId::FIRST, &publication("t", ""));
    for message in [Message::Stream(request.unwrap()), Message::Ping(Ping::default())] {
        let mut client = bench.stranger().await;
        client.send(&message).await;
        assert!(matches!(client.read().await, Some(Message::ProtocolError(_))));
        assert_eq!(client.read().await, None);
    }
    // A frame that is longer than a token takes is not even read.
    let mut client = bench.stranger().await;
    client.send_bytes(&prelude(64 << 10, 0)).await;
    assert_eq!(client.read().await, None);
    assert_eq!(bench.cuts(), [("frame", 1), ("refused", 2)]);
}

#[tokio::test]
async fn a_client_that_takes_its_time_to_say_who_it_is_is_let_go() {
    let bench = Bench::with(Patience { handshake: SHORT, ..Patience::default() });
    let issued = bench.issue(&somebody("a"));
    let mut silent = bench.stranger().await;
    let mut slow = bench.stranger().await;
    let connect = handshake::connect(&Secret::new(issued.token().reveal().to_owned())).unwrap();
    let bytes = bytes_of(&connect);
    slow.send_bytes(&bytes[..bytes.len() - 1]).await;
    assert_eq!(silent.read().await, None);
    assert_eq!(slow.read().await, None);
    assert_eq!(bench.cuts(), [("silent", 2)]);
}

#[tokio::test]
async fn many_that_do_not_say_who_they_are_keep_nobody_out() {
    const TOO_MANY: usize = 10;
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut strangers = Vec::new();
    for _ in 0..NEWCOMERS + TOO_MANY {
        strangers.push(bench.stranger().await);
    }
    bench.client(&issued).await.publish("t", "").await.unwrap();
    // The oldest made room: one for each that came after, the client among them.
    for stranger in &mut strangers[..=TOO_MANY] {
        assert_eq!(stranger.read().await, None);
    }
    assert_eq!(bench.cuts(), [("overtaken", TOO_MANY as u64 + 1)]);
    assert_eq!(strangers.last_mut().unwrap().show(issued.token().reveal()).await, Ok(()));
}

#[tokio::test]
async fn a_frame_that_is_cut_short_is_the_end_of_its_connection_alone() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let bytes = bytes_of(&Message::Ping(Ping::default()));
    for length in [1, 11, 12, bytes.len() - 1] {
        let mut client = bench.client(&issued).await;
        client.send_bytes(&bytes[..length]).await;
        client.stream.shutdown().await.unwrap();
        assert_eq!(client.read().await, None);
    }
    assert_eq!(bench.cuts(), [("truncated", 4)]);
    bench.client(&issued).await.publish("t", "").await.unwrap();
}

#[tokio::test]
async fn a_large_frame_must_come_in_time_and_holds_up_its_own_component_alone() {
    let bench = Bench::with(Patience { frame: SHORT, ..Patience::default() });
    let (greedy, other) = (bench.issue(&somebody("greedy")), bench.issue(&somebody("other")));
    let half = prelude(8 << 20, 0)[..1 << 20].to_vec();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = bench.client(&greedy).await;
        // The third is not read, since it is not its turn.
        let send = client.send_bytes(&half);
        let _stuck = tokio::time::timeout(Duration::from_secs(1), send).await;
        clients.push(client);
    }
    let mut small = bench.client(&greedy).await;
    small.publish("t", "small ones pass").await.unwrap();
    bench.client(&other).await.publish("t", &"x".repeat(500_000)).await.unwrap();
    for client in &mut clients {
        assert_eq!(client.read().await, None);
    }
    assert_eq!(bench.cuts(), [("slow", 3)]);
}

#[tokio::test]
async fn one_that_does_not_read_is_let_go_and_harms_nobody() {
    let bench = Bench::with(Patience { reading: SHORT, ..Patience::default() });
    let (deaf, other) = (bench.issue(&somebody("deaf")), bench.issue(&somebody("other")));
    let mut deaf = bench.client(&deaf).await;
    deaf.subscribe("t").await.unwrap();
    let mut reader = bench.client(&other).await;
    reader.subscribe("t").await.unwrap();
    let mut publisher = bench.client(&other).await;
    let text = "x".repeat(100_000);
    let mut sent = 0;
    while bench.cuts() != [("stalled", 1)] {
        publisher.publish("t", &text).await.unwrap();
        assert_eq!(reader.text().await, text);
        sent += 1;
    }
    let mut got = 0;
    while deaf.read().await.is_some() {
        got += 1;
    }
    assert!(got < 10, "{got} of {sent} messages were under way to it");
    publisher.publish("t", "still").await.unwrap();
    assert_eq!(reader.text().await, "still");
}

#[tokio::test]
async fn what_is_asked_and_never_read_does_not_pile_up() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    // Each ping is answered as long as it was, and no more are read than answers are taken.
    let ping = Ping { payload: Payload(vec![0; 16 << 10].into()), ..Ping::default() };
    let bytes = bytes_of(&Message::Ping(ping));
    let mut sent = 0;
    while sent < 1000 {
        let send = client.stream.write_all(&bytes);
        if tokio::time::timeout(SHORT, send).await.is_err() {
            break;
        }
        sent += 1;
    }
    assert!(sent < 200, "{sent} were taken");
    let long = Ping { payload: Payload(vec![0; (16 << 10) + 1].into()), ..Ping::default() };
    let said = provoke(&bench, &bytes_of(&Message::Ping(long))).await;
    assert!(matches!(said.as_slice(), [Message::ProtocolError(_)]), "{said:?}");
}

#[tokio::test]
async fn a_component_without_rights_can_do_nothing() {
    let bench = Bench::new();
    let issued = bench.issue(&with_policy("a", AccessPolicy::default()));
    let mut client = bench.client(&issued).await;
    let error = failure(client.publish("t", "").await);
    assert_eq!(error.code, ErrorCode::Unauthorized);
    assert!(error.message().contains("accessControl"), "{error}");
    assert_eq!(failure(client.subscribe("t").await).code, ErrorCode::Unauthorized);
    assert_eq!(failure(client.subscribe("#").await).code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn limits_are_the_components_and_errors_name_them() {
    let bench = Bench::new();
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*").unwrap();
    let limits = Limits { subscriptions: 1, message: 10, ..Limits::default() };
    let issued = bench.issue(&with_limits("a", policy, limits));
    let mut client = bench.client(&issued).await;
    client.subscribe("t").await.unwrap();
    let error = failure(client.subscribe("t").await);
    assert_eq!(error.code, ErrorCode::Service);
    assert!(error.message().contains("subscriptions"), "{error}");
    let error = failure(client.publish("t", "more than ten").await);
    assert_eq!(error.code, ErrorCode::InvalidArguments);
    assert!(error.message().contains("message"), "{error}");
}
