//! What is changed in the library holds to the rules of MQTT (5.0, 4.7): whoever a message is for gets
//! it, and nobody else, whatever came and went before.

use gg_model::TopicFilter;
use mqtt5::QoS;
use mqtt5::broker::router::{
    DeliveryLanes, LaneReceivers, MessageRouter, Subscribed, SubscriptionRequest, TakeoverNotice,
    Unsubscribed,
};
use mqtt5::packet::publish::PublishPacket;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;

const CLIENTS: usize = 4;

/// What is done to a router.
#[derive(Clone, Debug)]
enum Step {
    Subscribe(usize, String),
    Unsubscribe(usize, String),
    /// Come back and begin anew.
    Return(usize),
    Publish(String),
}

fn levels(kinds: &'static [&'static str]) -> impl Strategy<Value = String> {
    let short = prop::collection::vec(prop::sample::select(kinds), 1..5);
    // As deep as no tree of filters is kept.
    let deep = prop::collection::vec(prop::sample::select(kinds), 14..20);
    prop_oneof![9 => short, 1 => deep].prop_map(|levels| levels.join("/"))
}

fn topics() -> impl Strategy<Value = String> {
    levels(&["a", "b", "", "$c"]).prop_filter("no topic is empty", |topic| !topic.is_empty())
}

fn filters() -> impl Strategy<Value = String> {
    let filter = (levels(&["a", "b", "", "$c", "+", "+"]), any::<bool>());
    let filter = filter.prop_map(|(filter, rest)| match rest {
        true => format!("{filter}/#"),
        false => filter,
    });
    prop_oneof![20 => filter, 1 => Just("#".to_owned())]
        .prop_filter("no filter is empty", |filter| !filter.is_empty())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        4 => (client.clone(), filters()).prop_map(|(client, filter)| Step::Subscribe(client, filter)),
        1 => (client.clone(), filters()).prop_map(|(client, filter)| Step::Unsubscribe(client, filter)),
        1 => client.prop_map(Step::Return),
        4 => topics().prop_map(Step::Publish),
    ];
    prop::collection::vec(step, 1..60)
}

/// A router with clients that are connected.
struct Bench {
    router: MessageRouter,
    lanes: Vec<LaneReceivers>,
    ends: Vec<oneshot::Receiver<TakeoverNotice>>,
}

impl Bench {
    async fn new() -> Self {
        let mut bench = Self { router: MessageRouter::new(), lanes: Vec::new(), ends: Vec::new() };
        for client in 0..CLIENTS {
            let lanes = bench.connect(client).await;
            bench.lanes.push(lanes);
        }
        bench
    }

    /// Connect a client that begins anew, and takes the place of one before it.
    async fn connect(&mut self, client: usize) -> LaneReceivers {
        let (lanes, receivers) = DeliveryLanes::channel(100);
        let (ended, end) = oneshot::channel();
        self.ends.push(end);
        let (name, queue) = (client.to_string(), self.router.queue_handle(&client.to_string()));
        self.router.register_session(name, lanes, queue, ended, true).await;
        receivers
    }

    /// How many of a message's copies each client gets.
    async fn publish(&mut self, topic: &str) -> Vec<usize> {
        let packet = PublishPacket::new(topic, "x", QoS::AtMostOnce);
        self.router.route_message(&packet, None).await;
        let count =
            |lanes: &mut LaneReceivers| std::iter::from_fn(|| lanes.qos0.try_recv().ok()).count();
        self.lanes.iter_mut().map(count).collect()
    }
}

proptest! {
    #[test]
    fn messages_go_where_filters_match(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new().await;
            let mut expected = BTreeMap::<usize, BTreeSet<String>>::new();
            for step in steps {
                match step {
                    Step::Subscribe(client, filter) => {
                        let request =
                            SubscriptionRequest::new(client.to_string(), &filter, QoS::AtMostOnce);
                        let outcome = bench.router.subscribe_as(None, request).await.unwrap();
                        let is_new = expected.entry(client).or_default().insert(filter);
                        prop_assert_eq!(outcome == Subscribed::New, is_new);
                    }
                    Step::Unsubscribe(client, filter) => {
                        let name = client.to_string();
                        let outcome = bench.router.unsubscribe_as(None, &name, &filter, None).await;
                        let was = expected.entry(client).or_default().remove(&filter);
                        prop_assert_eq!(outcome == Unsubscribed::Removed, was);
                    }
                    Step::Return(client) => {
                        bench.lanes[client] = bench.connect(client).await;
                        expected.remove(&client);
                    }
                    Step::Publish(topic) => {
                        let received = bench.publish(&topic).await;
                        for (client, count) in received.into_iter().enumerate() {
                            let filters = expected.get(&client).into_iter().flatten();
                            let matches =
                                filters.filter(|filter| matches(filter, &topic)).count();
                            prop_assert_eq!(count, matches, "{} at {}", client, topic);
                        }
                    }
                }
                for client in 0..CLIENTS {
                    let name = client.to_string();
                    let count = bench.router.subscription_count_for_client(&name).await;
                    prop_assert_eq!(count, expected.get(&client).map_or(0, BTreeSet::len));
                }
                let all: BTreeSet<&String> = expected.values().flatten().collect();
                prop_assert_eq!(bench.router.topic_count().await, all.len());
            }
            Ok(())
        })?;
    }
}

fn matches(filter: &str, topic: &str) -> bool {
    let filter: TopicFilter = filter.parse().unwrap();
    filter.matches(&topic.parse().unwrap())
}
