//! Topics of the cloud's broker, which is a real one.

use super::ask::CloudMessage;
use super::ask::Refusal::{InvalidArgument, Unauthorized, Unavailable};
use super::{Answer, Ask, Door, Scene, grant, through_both_doors};
use crate::broker::Broker;
use serde_json::{Value, json};

through_both_doors! {
    without_a_broker_nothing_goes_to_it,
    a_grant_is_for_the_topics_that_its_filters_match,
    messages_of_the_broker_arrive_as_they_were_published,
    what_the_broker_would_not_take_is_refused,
}

const SERVICE: &str = "aws.greengrass.ipc.mqttproxy";

/// What grants all topics.
fn all() -> Value {
    json!({ "accessControl": grant(SERVICE, &["PublishToIoTCore", "SubscribeToIoTCore"], &["#"]) })
}

fn scene<D: Door>(broker: &Broker, mine: Value) -> Scene<D> {
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let mut scene = Scene::<D>::with(mine, all(), |run| run.args(["--broker", url.as_str()]));
    // It comes about while the components start.
    while scene.me.ask(Ask::Connected) != Answer::Is(true) {}
    scene
}

fn message(topic: &str, text: &str) -> CloudMessage {
    let (topic, payload) = (topic.to_owned(), text.as_bytes().to_owned());
    CloudMessage { topic, payload, surely: true, ..CloudMessage::default() }
}

#[track_caller]
fn subscribe(at: &mut impl Door, filter: &str) -> usize {
    match at.ask(Ask::SubscribeToCloud { filter: filter.to_owned(), surely: true }) {
        Answer::Number(number) => number,
        other => panic!("{filter}: {other:?}"),
    }
}

fn publish(from: &mut impl Door, message: CloudMessage) -> Answer {
    from.ask(Ask::PublishToCloud(message))
}

fn without_a_broker_nothing_goes_to_it<D: Door>() {
    let mut scene = Scene::<D>::new(all(), json!({}));
    let me = &mut scene.me;
    assert_eq!(publish(me, message("a", "")), Answer::Refused(Unavailable));
    let subscribed = me.ask(Ask::SubscribeToCloud { filter: "a".to_owned(), surely: true });
    assert_eq!(subscribed, Answer::Refused(Unavailable));
}

fn a_grant_is_for_the_topics_that_its_filters_match<D: Door>() {
    let broker = Broker::start();
    let mut access = grant(SERVICE, &["PublishToIoTCore"], &["out/+"]);
    access[SERVICE]["policy:2"] =
        json!({ "operations": ["aws.greengrass#SubscribeToIoTCore"], "resources": ["in/+"] });
    let mut scene = scene::<D>(&broker, json!({ "accessControl": access }));
    let me = &mut scene.me;
    for topic in ["in/1", "out", "out/1/2"] {
        assert_eq!(publish(me, message(topic, "")), Answer::Refused(Unauthorized), "{topic}");
    }
    for filter in ["in/#", "out/1", "#"] {
        let answer = me.ask(Ask::SubscribeToCloud { filter: filter.to_owned(), surely: true });
        assert_eq!(answer, Answer::Refused(Unauthorized), "{filter}");
    }
    let (seen, mine) = (subscribe(&mut scene.other, "out/#"), subscribe(me, "in/+"));
    assert_eq!(publish(me, message("out/1", "granted")), Answer::Done);
    let expected = CloudMessage { surely: false, ..message("out/1", "granted") };
    assert_eq!(scene.other.ask(Ask::NextOfCloud(seen)), Answer::CloudMessage(expected));
    assert_eq!(publish(&mut scene.other, message("in/1", "granted")), Answer::Done);
    let expected = CloudMessage { surely: false, ..message("in/1", "granted") };
    assert_eq!(me.ask(Ask::NextOfCloud(mine)), Answer::CloudMessage(expected));
}

fn messages_of_the_broker_arrive_as_they_were_published<D: Door>() {
    let broker = Broker::start();
    let mut scene = scene::<D>(&broker, all());
    let mine = subscribe(&mut scene.me, "to/me");
    let others = subscribe(&mut scene.other, "to/other");
    let full = CloudMessage {
        json: Some(true),
        content_type: Some("application/json".to_owned()),
        response_topic: Some("answers".to_owned()),
        correlation_data: Some(vec![0, 255]),
        user_properties: vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())],
        ..message("", "{\"text\": \"grüße\"}")
    };
    let bytes = CloudMessage { payload: vec![0, 255], json: Some(false), ..full.clone() };
    let bare = CloudMessage { surely: false, ..message("", "") };
    for sent in [full, bytes, bare] {
        let to = |topic: &str| CloudMessage { topic: topic.to_owned(), ..sent.clone() };
        let from = |topic: &str| Answer::CloudMessage(CloudMessage { surely: false, ..to(topic) });
        assert_eq!(publish(&mut scene.me, to("to/other")), Answer::Done);
        assert_eq!(scene.other.ask(Ask::NextOfCloud(others)), from("to/other"));
        assert_eq!(publish(&mut scene.other, to("to/me")), Answer::Done);
        assert_eq!(scene.me.ask(Ask::NextOfCloud(mine)), from("to/me"));
    }
}

fn what_the_broker_would_not_take_is_refused<D: Door>() {
    let broker = Broker::start();
    let mut scene = scene::<D>(&broker, all());
    let me = &mut scene.me;
    let long = CloudMessage { payload: vec![b'x'; (128 << 10) + 1], ..message("a", "") };
    let not_text = CloudMessage { payload: vec![0xFF], json: Some(true), ..message("a", "") };
    let answers = CloudMessage { response_topic: Some("a/#".to_owned()), ..message("a", "") };
    let nul = CloudMessage {
        user_properties: vec![("a\0".to_owned(), String::new())],
        ..message("a", "")
    };
    for wrong in [message("", ""), message("a/+", ""), long, not_text, answers, nul] {
        let topic = wrong.topic.clone();
        assert_eq!(publish(me, wrong), Answer::Refused(InvalidArgument), "{topic}");
    }
    for filter in ["", "a/#/b"] {
        let answer = me.ask(Ask::SubscribeToCloud { filter: filter.to_owned(), surely: true });
        assert_eq!(answer, Answer::Refused(InvalidArgument), "{filter:?}");
    }
}
