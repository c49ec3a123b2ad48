use super::*;
use crate::capability::testing::{component, nobody, somebody};
use crate::clock::Clock;
use crate::logs::Record;
use gg_model::Limits;
use tokio::sync::mpsc;

fn logging() -> (Logging, mpsc::Receiver<Record>) {
    let (sender, receiver) = mpsc::channel(16);
    let sink =
        LogSink::new(component("a"), Level::Info, &Limits::default(), Clock::system(), sender);
    (Logging::new(sink), receiver)
}

#[test]
fn without_a_policy_nothing_is_logged() {
    let (logging, mut records) = logging();
    logging.log(&nobody("a"), Level::Error, Source::Log, "x", Vec::new());
    assert!(records.try_recv().is_err());
    assert!(!logging.enabled(&nobody("a"), Level::Error));
}

#[test]
fn records_below_the_level_are_not_kept() {
    let (logging, mut records) = logging();
    let a = somebody("a");
    logging.log(&a, Level::Debug, Source::Log, "x", Vec::new());
    assert!(records.try_recv().is_err());
    assert!(logging.enabled(&a, Level::Info));
    assert!(!logging.enabled(&a, Level::Debug));
}

#[test]
fn a_record_keeps_a_limited_number_of_fields() {
    let (logging, mut records) = logging();
    let fields = (0..1000).map(|number| (number.to_string(), String::new())).collect();
    logging.log(&somebody("a"), Level::Info, Source::Log, "x", fields);
    assert_eq!(records.try_recv().unwrap().fields.len(), MOST_FIELDS);
}
