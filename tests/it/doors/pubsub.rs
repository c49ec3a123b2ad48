//! Local topics.

use super::ask::Message;
use super::ask::Refusal::{InvalidArgument, Unauthorized};
use super::{Answer, Ask, Door, ME, Scene, grant, through_both_doors};
use serde_json::json;

through_both_doors! {
    a_grant_is_for_its_topics_alone,
    messages_arrive_as_they_were_published,
    filters_choose,
    own_messages_come_as_the_mode_says,
    topics_and_filters_that_cannot_be_are_refused,
    a_message_may_be_as_long_as_its_limit,
    nothing_comes_after_the_end_of_a_subscription,
}

const SERVICE: &str = "aws.greengrass.ipc.pubsub";

/// Components that may use all topics.
fn scene<D: Door>() -> Scene<D> {
    Scene::new(json!({}), json!({}))
}

fn message(topic: &str, payload: &[u8]) -> Message {
    Message { topic: topic.to_owned(), payload: payload.to_owned(), json: false }
}

fn publish(to: &mut impl Door, topic: &str, text: &str) {
    assert_eq!(to.ask(Ask::Publish(message(topic, text.as_bytes()))), Answer::Done);
}

/// Subscribe, with a mode or without; gives the number.
#[track_caller]
fn subscribe(at: &mut impl Door, filter: &str, from_others: Option<bool>) -> usize {
    match at.ask(Ask::Subscribe { filter: filter.to_owned(), from_others }) {
        Answer::Number(number) => number,
        other => panic!("{filter}: {other:?}"),
    }
}

/// The next message is this.
#[track_caller]
fn comes(to: &mut impl Door, subscription: usize, topic: &str, text: &str) {
    assert_eq!(to.ask(Ask::Next(subscription)), Answer::Message(message(topic, text.as_bytes())));
}

fn a_grant_is_for_its_topics_alone<D: Door>() {
    let mut access = grant(SERVICE, &["PublishToTopic"], &["out/*"]);
    access[SERVICE]["policy:2"] =
        json!({ "operations": ["aws.greengrass#SubscribeToTopic"], "resources": ["in/+"] });
    let mut scene = Scene::<D>::new(json!({ "accessControl": access }), json!({}));
    let me = &mut scene.me;
    for topic in ["in/1", "other", "out"] {
        let answer = me.ask(Ask::Publish(message(topic, b"")));
        assert_eq!(answer, Answer::Refused(Unauthorized), "{topic}");
    }
    for filter in ["in/1", "in/#", "out/1", "#"] {
        let answer = me.ask(Ask::Subscribe { filter: filter.to_owned(), from_others: None });
        assert_eq!(answer, Answer::Refused(Unauthorized), "{filter}");
    }
    let seen = subscribe(&mut scene.other, "out/#", None);
    publish(me, "out/1", "granted");
    comes(&mut scene.other, seen, "out/1", "granted");
    let granted = subscribe(me, "in/+", None);
    publish(&mut scene.other, "in/1", "granted");
    comes(me, granted, "in/1", "granted");
}

fn messages_arrive_as_they_were_published<D: Door>() {
    let mut scene = scene::<D>();
    let mine = subscribe(&mut scene.me, "to/me", None);
    let others = subscribe(&mut scene.other, "to/other", None);
    let messages = [
        (b"".as_slice(), false),
        (b"\0\xff\xfe bytes", false),
        (b"{ \"number\": 12345678901234567890, \"text\": \"gr\xc3\xbc\xc3\x9fe\", \"none\": null }", true),
        (b"{\"looks\": \"like JSON\"}", false),
    ];
    for (payload, json) in messages {
        let message = |topic| Message { json, ..message(topic, payload) };
        assert_eq!(scene.me.ask(Ask::Publish(message("to/other"))), Answer::Done);
        assert_eq!(scene.other.ask(Ask::Next(others)), Answer::Message(message("to/other")));
        assert_eq!(scene.other.ask(Ask::Publish(message("to/me"))), Answer::Done);
        assert_eq!(scene.me.ask(Ask::Next(mine)), Answer::Message(message("to/me")));
    }
}

fn filters_choose<D: Door>() {
    let mut scene = scene::<D>();
    let filters = ["a/1/x", "a/+/x", "a/#", "+/1/#", "#"];
    let numbers = filters.map(|filter| subscribe(&mut scene.me, filter, None));
    let topics = [
        ("a/1/x", vec![0, 1, 2, 3, 4]),
        ("a/2/x", vec![1, 2, 4]),
        ("a/2", vec![2, 4]),
        ("b/1/y", vec![3, 4]),
        ("$b/1", vec![]),
        // What did not come before this has not come.
        ("a/1/x", vec![0, 1, 2, 3, 4]),
    ];
    for (topic, chosen) in topics {
        publish(&mut scene.other, topic, topic);
        for place in chosen {
            comes(&mut scene.me, numbers[place], topic, topic);
        }
    }
}

fn own_messages_come_as_the_mode_says<D: Door>() {
    let mut scene = scene::<D>();
    let me = &mut scene.me;
    // As in Greengrass, one without a wildcard hears its own.
    let hears = [("t", None), ("t", Some(false)), ("#", Some(false))];
    let hears = hears.map(|(filter, from_others)| subscribe(me, filter, from_others));
    let deaf = [("t", Some(true)), ("#", None), ("#", Some(true))];
    let deaf = deaf.map(|(filter, from_others)| subscribe(me, filter, from_others));
    publish(me, "t", "my own");
    publish(&mut scene.other, "t", "another's");
    for number in hears {
        comes(me, number, "t", "my own");
    }
    for number in hears.into_iter().chain(deaf) {
        comes(me, number, "t", "another's");
    }
}

fn topics_and_filters_that_cannot_be_are_refused<D: Door>() {
    let mut scene = scene::<D>();
    let long = "x".repeat(1025);
    for topic in ["", "a/+", "a/#", "nul\0", long.as_str()] {
        let answer = scene.me.ask(Ask::Publish(message(topic, b"")));
        assert_eq!(answer, Answer::Refused(InvalidArgument), "{topic:?}");
    }
    for filter in ["", "a/#/b", "a+", "a/b#", long.as_str()] {
        let answer = scene.me.ask(Ask::Subscribe { filter: filter.to_owned(), from_others: None });
        assert_eq!(answer, Answer::Refused(InvalidArgument), "{filter:?}");
    }
}

fn a_message_may_be_as_long_as_its_limit<D: Door>() {
    let mut scene = Scene::<D>::with(json!({}), json!({}), |run| run.limit("message=256KiB"));
    let seen = subscribe(&mut scene.other, "t", None);
    let mut long = message("t", &vec![b'x'; 256 << 10]);
    assert_eq!(scene.me.ask(Ask::Publish(long.clone())), Answer::Done);
    assert_eq!(scene.other.ask(Ask::Next(seen)), Answer::Message(long.clone()));
    long.payload.push(b'x');
    assert_eq!(scene.me.ask(Ask::Publish(long)), Answer::Refused(InvalidArgument));
}

fn nothing_comes_after_the_end_of_a_subscription<D: Door>() {
    let mut scene = scene::<D>();
    let ended = subscribe(&mut scene.me, "t", None);
    let goes_on = subscribe(&mut scene.me, "t", None);
    assert_eq!(scene.me.ask(Ask::Unsubscribe(ended)), Answer::Done);
    // When this is answered, the end before it was heard.
    publish(&mut scene.me, ME, "");
    for text in ["1", "2"] {
        publish(&mut scene.other, "t", text);
        comes(&mut scene.me, goes_on, "t", text);
    }
}
