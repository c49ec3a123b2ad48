use super::*;
use crate::capability::testing::{granted, nobody};
use crate::error::ErrorKind;

fn publication(topic: &str) -> Publication {
    Publication::new(topic, &b"hello"[..], Qos::AtLeastOnce)
}

#[tokio::test]
async fn without_a_grant_nothing_is_published_or_subscribed_to() {
    let mqtt = Mqtt::default();
    let publisher = granted("Publisher", Operation::PublishToIoTCore, "a/+");
    let subscriber = granted("Subscriber", Operation::SubscribeToIoTCore, "a/+");
    for (caller, topic) in
        [(nobody("Nobody"), "a/b"), (publisher.clone(), "b"), (subscriber.clone(), "a/b")]
    {
        let refused = mqtt.publish(&caller, publication(topic)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unauthorized, "{topic}");
    }
    for (caller, filter) in
        [(nobody("Nobody"), "a/b"), (subscriber.clone(), "a/#"), (publisher.clone(), "a/b")]
    {
        let refused = mqtt.subscribe(&caller, filter, Qos::AtLeastOnce, None).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unauthorized, "{filter}");
    }
    // What is granted takes a broker, and the error says how to have one.
    let absent = mqtt.publish(&publisher, publication("a/b")).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::Unavailable);
    assert!(absent.message().contains("iotDataEndpoint"), "{absent}");
    let absent = mqtt.subscribe(&subscriber, "a/+", Qos::AtLeastOnce, None).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::Unavailable);
    assert!(!mqtt.connected());
}

#[tokio::test]
async fn what_cannot_be_a_message_is_refused() {
    let mqtt = Mqtt::default();
    let caller = granted("Publisher", Operation::PublishToIoTCore, "#");
    let good = publication("a");
    let wildcard = publication("a/+");
    let answers = Publication { response_topic: Some("#".into()), ..good.clone() };
    let nul = Publication { content_type: Some("a\0".into()), ..good.clone() };
    let text = Publication {
        payload_format: Some(PayloadFormat::Utf8),
        payload: vec![0xFF].into(),
        ..good.clone()
    };
    let properties = vec![("a".repeat(65_535), String::new())];
    let much = Publication { user_properties: properties, ..good };
    for wrong in [wildcard, answers, nul, text, much] {
        let refused = mqtt.publish(&caller, wrong).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
    }
}
