//! Calls and what follows them.

use super::*;
use crate::capability::pubsub::{PayloadFormat, SubscribeOptions};
use gg_ipc::ObjectText;
use gg_ipc::Payload;
use gg_ipc::header::{HeaderValue, Headers};
use gg_ipc::message::Ping;
use gg_ipc::shapes::{JsonMessage, ReceiveMode};

#[tokio::test]
async fn messages_go_both_ways_between_the_doors() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("native"));
    let mut client = bench.client(&issued).await;
    client.subscribe("to/native").await.unwrap();
    let inside = somebody("inside");
    let mut subscription =
        bench.pubsub.subscribe(&inside, "to/inside", SubscribeOptions::default()).unwrap();
    let mut publisher = bench.pubsub.publisher(inside);

    client.publish("to/inside", "bytes").await.unwrap();
    let message = ObjectText::parse("{\"number\":12345678901234567890}").unwrap();
    let publish_message = PublishMessage::JsonMessage(JsonMessage { message, context: None });
    let request = PublishToTopicRequest { topic: "to/inside".into(), publish_message };
    client.call::<call::PublishToTopic>(&request).await.unwrap();
    let first = subscription.next().await.unwrap();
    assert_eq!((first.format, first.payload.as_slice()), (PayloadFormat::Binary, &b"bytes"[..]));
    let second = subscription.next().await.unwrap();
    assert_eq!(second.format, PayloadFormat::Json);
    assert_eq!(second.payload, b"{\"number\":12345678901234567890}");

    for (payload, format) in [
        ("{ \"a\": 1.50 }", PayloadFormat::Json),
        // The SDKs take no JSON but objects.
        ("[1]", PayloadFormat::Json),
        ("bytes", PayloadFormat::Binary),
    ] {
        publisher.publish("to/native", payload.into(), format).await.unwrap();
        let event = client.read_stream().await.read_event::<call::SubscribeToTopic>().unwrap();
        let context = match event {
            SubscriptionResponseMessage::JsonMessage(json) => {
                assert_eq!(json.message.as_str(), "{ \"a\": 1.50 }");
                json.context
            }
            SubscriptionResponseMessage::BinaryMessage(binary) => {
                assert_eq!(binary.message.0, payload);
                binary.context
            }
        };
        assert_eq!(context.unwrap().topic, "to/native");
    }
}

#[tokio::test]
async fn own_messages_come_as_the_mode_says() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    client.subscribe("t/#").await.unwrap();
    client.publish("t/1", "not for itself").await.unwrap();
    let request = SubscribeToTopicRequest {
        topic: "t/#".into(),
        receive_mode: Some(ReceiveMode::ReceiveAllMessages),
    };
    client.call::<call::SubscribeToTopic>(&request).await.unwrap();
    client.ask::<call::PublishToTopic>(&publication("t/1", "for itself")).await;
    let mut messages = [client.read_stream().await, client.read_stream().await];
    messages.sort_by_key(|message| message.stream);
    assert!(messages[1].read_response::<call::PublishToTopic>().is_ok());
    assert!(messages[0].read_event::<call::SubscribeToTopic>().is_ok());
}

#[tokio::test]
async fn the_order_of_a_connection_is_kept_although_it_does_not_wait() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let (mut publisher, mut reader) = (bench.client(&issued).await, bench.client(&issued).await);
    reader.subscribe("t").await.unwrap();
    for number in 0..500 {
        publisher.ask::<call::PublishToTopic>(&publication("t", &number.to_string())).await;
    }
    for number in 0..500 {
        assert_eq!(reader.text().await, number.to_string());
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_client_says_so_and_takes_no_answer() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    client.subscribe("t").await.unwrap();
    let end = Message::Stream(StreamMessage::end(StreamId::FIRST));
    client.send(&end).await;
    // Twice, as when both sides end it, and after it something that crossed it on the way.
    client.send(&end).await;
    let late = StreamMessage { terminate: false, ..StreamMessage::end(StreamId::FIRST) };
    client.send(&Message::Stream(late)).await;
    client.publish("t", "").await.unwrap();
    client.publish("t", "").await.unwrap();

    // One that ends with its first message is not carried out.
    let stream = client.stream();
    let request = StreamMessage::request::<call::SubscribeToTopic>(
        stream,
        &SubscribeToTopicRequest { topic: "t".into(), receive_mode: None },
    );
    client.send(&Message::Stream(StreamMessage { terminate: true, ..request.unwrap() })).await;
    client.publish("t", "").await.unwrap();
    client.publish("t", "").await.unwrap();
}

#[tokio::test]
async fn a_ping_is_echoed() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    let headers = Headers::new([("mine", HeaderValue::String("value"))]).unwrap();
    let ping = Ping { headers, payload: Payload("anything".into()) };
    client.send(&Message::Ping(ping.clone())).await;
    assert_eq!(client.read().await, Some(Message::PingResponse(ping.clone())));
    client.send(&Message::PingResponse(ping)).await;
    client.publish("t", "").await.unwrap();
}

#[tokio::test]
async fn a_client_that_takes_short_frames_only_gets_no_others() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("small"));
    let mut client = bench.client(&issued).await;
    let request = SubscribeToTopicRequest { topic: "t".into(), receive_mode: None };
    let request = StreamMessage {
        content_type: None,
        ..StreamMessage::request::<call::SubscribeToTopic>(client.stream(), &request).unwrap()
    };
    client.send(&Message::Stream(request)).await;
    assert!(client.read_stream().await.read_response::<call::SubscribeToTopic>().is_ok());
    let issued = bench.issue(&somebody("b"));
    let mut publisher = bench.client(&issued).await;
    publisher.publish("t", &"x".repeat(20_000)).await.unwrap();
    publisher.publish("t", "short").await.unwrap();
    assert_eq!(client.text().await, "short");
}

#[tokio::test]
async fn frames_may_come_in_pieces_and_together() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    let mut bytes = Vec::new();
    for _ in 0..10 {
        let stream = client.stream();
        let request =
            StreamMessage::request::<call::PublishToTopic>(stream, &publication("t", "x")).unwrap();
        request.encode(frame::MAX_FRAME_BYTES, &mut bytes).unwrap();
    }
    for piece in bytes.chunks(97) {
        client.send_bytes(piece).await;
    }
    for number in 1..=10 {
        let answer = client.read_stream().await;
        assert_eq!(answer.stream.number(), number);
        answer.read_response::<call::PublishToTopic>().unwrap();
    }
}

#[tokio::test]
async fn at_the_end_every_connection_is_closed_and_the_socket_gone() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut clients = [bench.client(&issued).await, bench.stranger().await];
    clients[0].subscribe("t").await.unwrap();
    bench.stop.cancel();
    for client in &mut clients {
        assert_eq!(client.read().await, None);
    }
    bench.tasks.finish().await;
    assert!(!bench.socket.exists());
    assert_eq!(bench.cuts(), []);
}

#[tokio::test]
async fn a_stream_that_ends_while_an_event_is_half_sent_leaves_whole_frames() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    client.subscribe("t").await.unwrap();
    let mut publisher = bench.pubsub.publisher(somebody("b"));
    // More than a socket holds. The subscription's task runs before the end is read.
    for _ in 0..20 {
        publisher.publish("t", vec![7; 100_000], PayloadFormat::Binary).await.unwrap();
    }
    client.send(&Message::Stream(StreamMessage::end(StreamId::FIRST))).await;
    let asked = client.ask::<call::PublishToTopic>(&publication("other", "text")).await;
    let mut events = 0;
    let answer = loop {
        let message = client.read_stream().await;
        if message.stream == asked {
            break message;
        }
        assert!(message.read_event::<call::SubscribeToTopic>().is_ok());
        events += 1;
    };
    assert!(answer.read_response::<call::PublishToTopic>().is_ok());
    assert!((1..20).contains(&events), "{events} events before the end was read");
    assert_eq!(bench.cuts(), []);
}
