//! Any sequence of what can happen, beside a model that keeps everything in a list.

use super::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many messages of a priority and a QoS come.
    Push { count: u8, priority: Priority, qos: Qos },
    /// So many are handed out.
    Next(u8),
    /// The one of those at this place is done.
    Done(u8),
    /// The connection is lost, and there is another.
    GiveBack,
    /// The nucleus ends as it should, and starts again.
    Restart,
    /// It ends as it should not.
    Crash,
}

fn any_step() -> impl Strategy<Value = Step> {
    let priority = prop_oneof![Just(Priority::High), Just(Priority::Normal), Just(Priority::Low)];
    let qos = prop_oneof![1 => Just(Qos::AtMostOnce), 3 => Just(Qos::AtLeastOnce)];
    let push = (1_u8..40, priority, qos).prop_map(|(count, priority, qos)| Step::Push {
        count,
        priority,
        qos,
    });
    prop_oneof![
        6 => push,
        6 => (1_u8..40).prop_map(Step::Next),
        12 => any::<u8>().prop_map(Step::Done),
        2 => Just(Step::GiveBack),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

/// A message as the model knows it: its lane, its place among all, and whether it is of QoS 0.
type Known = (usize, u32, bool);

#[derive(Default)]
struct Model {
    waiting: BTreeSet<Known>,
    out: BTreeSet<Known>,
    /// Of QoS 1 and done; after a crash they may come again.
    done: BTreeSet<Known>,
}

async fn run(steps: Vec<Step>) {
    let device = Device::new(SpoolerSettings::default());
    let mut spool = device.open().await;
    spool.online();
    let (mut model, mut out, mut number) = (Model::default(), Vec::new(), 0);
    for step in steps {
        match step {
            Step::Push { count, priority, qos } => {
                for _ in 0..count {
                    number += 1;
                    let message = message(&number.to_string(), qos);
                    spool.push(Publication { priority, ..message }).await.unwrap();
                    model.waiting.insert((lane_of(priority), number, qos == Qos::AtMostOnce));
                }
            }
            Step::Next(count) => {
                for _ in 0..usize::from(count).min(model.waiting.len()) {
                    let next = spool.next().await;
                    let expected = model.waiting.pop_first().unwrap();
                    assert_eq!(text(&next), expected.1.to_string());
                    assert_eq!(lane_of(next.publication.priority), expected.0);
                    model.out.insert(expected);
                    out.push((expected, next.id));
                }
            }
            Step::Done(place) => {
                if out.is_empty() {
                    continue;
                }
                let (known, id) = out.remove(usize::from(place) % out.len());
                spool.done(id);
                model.out.remove(&known);
                if !known.2 {
                    model.done.insert(known);
                }
            }
            Step::GiveBack => {
                spool.give_back();
                spool.online();
                out.clear();
                model.waiting.append(&mut model.out);
                model.waiting.retain(|known| !known.2);
            }
            Step::Restart | Step::Crash => {
                if matches!(step, Step::Restart) {
                    spool.close().await.unwrap();
                    model.done.clear();
                }
                drop(spool);
                spool = device.open().await;
                spool.online();
                out.clear();
                model.waiting.append(&mut model.out);
                model.waiting.retain(|known| !known.2);
                if matches!(step, Step::Crash) {
                    // Some of those that are done come again: look which, in order.
                    let mut there = BTreeSet::new();
                    for _ in 0..spool.figures().messages {
                        let next = ready(&spool).await.unwrap();
                        let lane = lane_of(next.publication.priority);
                        there.insert((lane, text(&next).parse::<u32>().unwrap(), false));
                    }
                    spool.give_back();
                    spool.online();
                    assert!(there.is_superset(&model.waiting), "lost");
                    let again: BTreeSet<_> = there.difference(&model.waiting).copied().collect();
                    assert!(again.is_subset(&model.done), "never done: {again:?}");
                    assert!(again.len() as u64 <= state::MOST_UNDELETED);
                    model.done = model.done.difference(&again).copied().collect();
                    model.waiting = there;
                }
            }
        }
        let messages = model.waiting.len() + model.out.len();
        assert_eq!(spool.figures().messages, messages as u64, "{step:?}");
    }
}

#[test]
fn whatever_happens_each_message_leaves_in_its_turn() {
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let steps = proptest::collection::vec(any_step(), 0..80);
    let outcome = runner.run(&steps, |steps| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
        runtime.shutdown_background();
        Ok(())
    });
    outcome.unwrap();
}
