use super::*;
use crate::capability::testing::{granted, nobody, somebody, with_limits};
use crate::error::ErrorKind;
use gg_model::{AccessPolicy, Limits};

async fn publish(pubsub: &PubSub, caller: &Caller, topic: &str, text: &str) -> Result<()> {
    let payload = text.as_bytes().to_vec();
    pubsub.publisher(caller.clone()).publish(topic, payload, PayloadFormat::Binary).await
}

fn subscribe(pubsub: &PubSub, caller: &Caller, filter: &str) -> Subscription {
    pubsub.subscribe(caller, filter, SubscribeOptions::default()).unwrap()
}

fn read(subscription: &mut Subscription) -> Vec<String> {
    std::iter::from_fn(|| subscription.try_next())
        .map(|message| String::from_utf8(message.payload.clone()).unwrap())
        .collect()
}

#[tokio::test]
async fn messages_are_counted_for_who_sends_and_who_receives_them() {
    let counters = Registry::default();
    let pubsub = PubSub::counted(counters.clone());
    let (a, b) = (somebody("a"), somebody("b"));
    let options = SubscribeOptions { queue: Some(2), ..SubscribeOptions::default() };
    let mut subscription = pubsub.subscribe(&b, "t", options).unwrap();
    let mut publisher = pubsub.publisher(a.clone());
    for _ in 0..3 {
        publisher.publish("t", Vec::new(), PayloadFormat::Binary).await.unwrap();
    }
    while subscription.try_next().is_some() {}
    let counted = |caller: &Caller| {
        let of = counters.of(caller.name());
        [of.published.total(), of.delivered.total(), of.dropped.total()]
    };
    assert_eq!((counted(&a), counted(&b)), ([3, 0, 0], [0, 2, 1]));
}

#[tokio::test]
async fn without_a_policy_nothing_is_published() {
    let pubsub = PubSub::default();
    let mut seen = subscribe(&pubsub, &somebody("b"), "#");
    let error = publish(&pubsub, &nobody("a"), "t", "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.message().contains("--allow"), "{error}");
    assert!(read(&mut seen).is_empty());
}

#[tokio::test]
async fn without_a_policy_nothing_is_subscribed_to() {
    let pubsub = PubSub::default();
    let refused = pubsub.subscribe(&nobody("a"), "t", SubscribeOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_grant_is_for_its_resource_alone() {
    let pubsub = PubSub::default();
    let caller = granted("a", Operation::PublishToTopic, "allowed/*");
    assert!(publish(&pubsub, &caller, "allowed/x", "").await.is_ok());
    assert!(publish(&pubsub, &caller, "other", "").await.is_err());
    let reader = granted("b", Operation::SubscribeToTopic, "a/+");
    assert!(pubsub.subscribe(&reader, "a/+", SubscribeOptions::default()).is_ok());
    assert!(pubsub.subscribe(&reader, "a/#", SubscribeOptions::default()).is_err());
}

#[tokio::test]
async fn a_changed_policy_holds_at_once_also_for_topics_that_are_remembered() {
    let pubsub = PubSub::default();
    let caller = somebody("a");
    let mut publisher = pubsub.publisher(caller.clone());
    publisher.publish("t", Vec::new(), PayloadFormat::Binary).await.unwrap();
    caller.set_policy(AccessPolicy::default());
    let error = publisher.publish("t", Vec::new(), PayloadFormat::Binary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_message_reaches_every_matching_subscription_once() {
    let pubsub = PubSub::default();
    let (a, b) = (somebody("a"), somebody("b"));
    let mut exact = subscribe(&pubsub, &b, "s/1/t");
    let mut plus = subscribe(&pubsub, &b, "s/+/t");
    let mut hash = subscribe(&pubsub, &b, "s/#");
    let mut other = subscribe(&pubsub, &b, "s/2/t");
    publish(&pubsub, &a, "s/1/t", "x").await.unwrap();
    for subscription in [&mut exact, &mut plus, &mut hash] {
        assert_eq!(read(subscription), ["x"]);
    }
    assert!(read(&mut other).is_empty());
}

#[tokio::test]
async fn topics_with_a_dollar_are_hidden_from_leading_wildcards() {
    let pubsub = PubSub::default();
    let (a, b) = (somebody("a"), somebody("b"));
    let mut all = subscribe(&pubsub, &b, "#");
    let mut plus = subscribe(&pubsub, &b, "+/x");
    let mut named = subscribe(&pubsub, &b, "$aws/#");
    publish(&pubsub, &a, "$aws/x", "m").await.unwrap();
    assert!(read(&mut all).is_empty());
    assert!(read(&mut plus).is_empty());
    assert_eq!(read(&mut named), ["m"]);
}

#[tokio::test]
async fn the_receive_mode_defaults_as_in_greengrass() {
    let pubsub = PubSub::default();
    let a = somebody("a");
    let mut exact = subscribe(&pubsub, &a, "t");
    let mut wild = subscribe(&pubsub, &a, "#");
    let all = SubscribeOptions { receive_mode: Some(ReceiveMode::All), ..Default::default() };
    let mut told = pubsub.subscribe(&a, "#", all).unwrap();
    publish(&pubsub, &a, "t", "own").await.unwrap();
    assert_eq!(read(&mut exact), ["own"]);
    assert!(read(&mut wild).is_empty());
    assert_eq!(read(&mut told), ["own"]);
}

#[tokio::test]
async fn the_order_of_a_publisher_is_kept() {
    let pubsub = PubSub::default();
    let mut all = subscribe(&pubsub, &somebody("b"), "#");
    let a = somebody("a");
    let mut publisher = pubsub.publisher(a);
    for number in 0..200 {
        let payload = number.to_string().into_bytes();
        publisher
            .publish(["t/1", "t/2"][number % 2], payload, PayloadFormat::Binary)
            .await
            .unwrap();
    }
    let expected: Vec<String> = (0..200).map(|number: usize| number.to_string()).collect();
    assert_eq!(read(&mut all), expected);
}

#[tokio::test]
async fn a_full_queue_drops_as_it_was_told_and_counts() {
    let pubsub = PubSub::default();
    let (a, b) = (somebody("a"), somebody("b"));
    let with = |when_full| SubscribeOptions {
        queue: Some(3),
        when_full: Some(when_full),
        ..Default::default()
    };
    let mut oldest = pubsub.subscribe(&b, "#", with(WhenFull::DropOldest)).unwrap();
    let mut newest = pubsub.subscribe(&b, "#", with(WhenFull::DropNewest)).unwrap();
    for text in ["1", "2", "3", "4", "5"] {
        publish(&pubsub, &a, "t", text).await.unwrap();
    }
    assert_eq!(
        (read(&mut oldest), oldest.dropped()),
        (vec!["3".into(), "4".into(), "5".into()], 2)
    );
    assert_eq!(
        (read(&mut newest), newest.dropped()),
        (vec!["1".into(), "2".into(), "3".into()], 2)
    );
}

#[tokio::test]
async fn a_publisher_waits_for_a_subscriber_that_blocks() {
    let pubsub = PubSub::default();
    let (a, b) = (somebody("a"), somebody("b"));
    let block =
        SubscribeOptions { queue: Some(1), when_full: Some(WhenFull::Block), ..Default::default() };
    let mut reader = pubsub.subscribe(&b, "#", block).unwrap();
    let publishing = async {
        for number in 0..100 {
            publish(&pubsub, &a, "t", &number.to_string()).await.unwrap();
        }
    };
    let reading = async {
        let mut got = Vec::new();
        while got.len() < 100 {
            got.push(reader.next().await.unwrap().payload.clone());
        }
        got
    };
    let ((), got) = tokio::join!(publishing, reading);
    let expected: Vec<Vec<u8>> =
        (0..100).map(|number: u8| number.to_string().into_bytes()).collect();
    assert_eq!(got, expected);
    assert_eq!(reader.dropped(), 0);
}

#[tokio::test]
async fn a_subscriber_that_never_reads_holds_up_nobody_for_long() {
    let pubsub = PubSub::default();
    let (a, b) = (somebody("a"), somebody("b"));
    let block =
        SubscribeOptions { queue: Some(1), when_full: Some(WhenFull::Block), ..Default::default() };
    let mut idle = pubsub.subscribe(&b, "#", block).unwrap();
    // One message is held up until the patience ends; the others are not.
    for _ in 0..1000 {
        publish(&pubsub, &a, "t", "x").await.unwrap();
    }
    assert_eq!(idle.dropped(), 999);
    // Reading again gives the right back.
    assert_eq!(read(&mut idle).len(), 1);
    publish(&pubsub, &a, "t", "y").await.unwrap();
    assert_eq!(read(&mut idle), ["y"]);
}

#[tokio::test]
async fn dropping_a_subscription_unsubscribes() {
    let pubsub = PubSub::default();
    let a = somebody("a");
    let subscription = subscribe(&pubsub, &somebody("b"), "t/+/#");
    let topic: Topic = "t/x/y".parse().unwrap();
    assert_eq!(pubsub.matches(&a, &topic).len(), 1);
    drop(subscription);
    assert!(pubsub.matches(&a, &topic).is_empty());
}

#[tokio::test]
async fn asking_to_stop_ends_the_wait_after_what_has_arrived() {
    let pubsub = PubSub::default();
    let b = somebody("b").instance();
    let mut subscription = subscribe(&pubsub, &b, "#");
    publish(&pubsub, &somebody("a"), "t", "x").await.unwrap();
    b.ask_to_stop();
    assert!(subscription.next().await.is_some());
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn the_next_instance_picks_up_where_the_one_before_stopped() {
    let pubsub = PubSub::default();
    let (a, component) = (somebody("a"), somebody("b"));
    let old = component.instance();
    let mut before = subscribe(&pubsub, &old, "t");
    publish(&pubsub, &a, "t", "1").await.unwrap();
    publish(&pubsub, &a, "t", "2").await.unwrap();
    assert!(before.next().await.is_some());
    component.set_handing_over(true);
    assert!(before.next().await.is_none(), "what is left is for the next");
    drop(before);
    publish(&pubsub, &a, "t", "3").await.unwrap();
    component.set_handing_over(false);

    let new = component.instance();
    let mut elsewhere = subscribe(&pubsub, &new, "u");
    let mut after = subscribe(&pubsub, &new, "t");
    assert_eq!(read(&mut after), ["2", "3"]);
    assert!(read(&mut elsewhere).is_empty());
    publish(&pubsub, &a, "t", "4").await.unwrap();
    assert_eq!(read(&mut after), ["4"]);
}

#[tokio::test]
async fn what_the_next_instance_does_not_pick_up_is_unsubscribed() {
    let pubsub = PubSub::default();
    let component = somebody("b");
    let before = subscribe(&pubsub, &component, "t");
    component.set_handing_over(true);
    drop(before);
    let topic: Topic = "t".parse().unwrap();
    assert_eq!(pubsub.matches(&somebody("a"), &topic).len(), 1);
    pubsub.clear_shelf(component.name());
    assert!(pubsub.matches(&somebody("a"), &topic).is_empty());
}

#[tokio::test]
async fn subscriptions_are_limited_and_given_back() {
    let pubsub = PubSub::default();
    let limits = Limits { subscriptions: 2, queue: 10, ..Limits::default() };
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*").unwrap();
    let caller = with_limits("a", policy, limits);
    let first = subscribe(&pubsub, &caller, "a");
    let _second = subscribe(&pubsub, &caller, "b");
    let error = pubsub.subscribe(&caller, "c", SubscribeOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("subscriptions = 2"), "{error}");
    drop(first);
    let too_long = SubscribeOptions { queue: Some(11), ..Default::default() };
    let error = pubsub.subscribe(&caller, "c", too_long).unwrap_err();
    assert!(error.message().contains("queue = 10"), "{error}");
    assert!(pubsub.subscribe(&caller, "c", SubscribeOptions::default()).is_ok());
}

#[tokio::test]
async fn the_bytes_that_wait_are_limited_over_all_queues() {
    let pubsub = PubSub::default();
    let limits = Limits { queue_bytes: 10_000, message: 4_000, ..Limits::default() };
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*").unwrap();
    let reader = with_limits("b", policy.clone(), limits);
    let mut one = subscribe(&pubsub, &reader, "#");
    let mut two = subscribe(&pubsub, &reader, "t");
    let a = with_limits("a", policy, limits);
    let text = "x".repeat(3_000);
    for _ in 0..5 {
        publish(&pubsub, &a, "t", &text).await.unwrap();
    }
    let kept = (read(&mut one).len(), read(&mut two).len());
    assert_eq!(kept.0 + kept.1, 3, "{kept:?}");
    assert_eq!(one.dropped() + two.dropped(), 7);
    let error = publish(&pubsub, &a, "t", &"x".repeat(4_001)).await.unwrap_err();
    assert!(error.message().contains("limit message"), "{error}");
    // What was read is given back.
    publish(&pubsub, &a, "t", &text).await.unwrap();
    assert_eq!((read(&mut one).len(), read(&mut two).len()), (1, 1));
}

#[tokio::test]
async fn json_is_checked_and_topics_too() {
    let pubsub = PubSub::default();
    let mut publisher = pubsub.publisher(somebody("a"));
    let json = |text: &str| (text.as_bytes().to_vec(), PayloadFormat::Json);
    let (payload, format) = json("{\"a\":1}");
    assert!(publisher.publish("t", payload, format).await.is_ok());
    let (payload, format) = json("{");
    let error = publisher.publish("t", payload, format).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    for topic in ["", "a/+", "#", "a\0b"] {
        let error = publisher.publish(topic, Vec::new(), PayloadFormat::Binary).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{topic:?}");
    }
}

/// The tree and the rule by itself agree, whatever the filters and topics.
#[test]
fn the_tree_finds_what_matches() {
    let levels = ["", "a", "b", "$s"];
    let filter_levels = ["", "a", "+", "$s"];
    let mut filters: Vec<TopicFilter> = Vec::new();
    for one in filter_levels {
        for two in filter_levels {
            for end in ["", "/a", "/#", "/+"] {
                filters.extend(format!("{one}/{two}{end}").parse().ok());
                filters.extend(format!("{one}{end}").parse().ok());
            }
        }
    }
    filters.extend("#".parse().ok());
    let mut trie = Trie::default();
    for (id, filter) in filters.iter().enumerate() {
        trie.insert(filter, id as u64, id);
    }
    for one in levels {
        for two in levels {
            for end in ["", "/a", "/b/c", "/"] {
                let Ok(topic) = format!("{one}/{two}{end}").parse::<Topic>() else { continue };
                let mut found = Vec::new();
                trie.matches(&topic, &mut |id: &usize| found.push(*id));
                found.sort_unstable();
                let expected: Vec<usize> =
                    (0..filters.len()).filter(|id| filters[*id].matches(&topic)).collect();
                assert_eq!(found, expected, "{topic}");
            }
        }
    }
    for (id, filter) in filters.iter().enumerate() {
        trie.remove(filter, id as u64);
    }
    assert!(format!("{trie:?}").contains("literal: {}"), "everything is taken down again");
}
