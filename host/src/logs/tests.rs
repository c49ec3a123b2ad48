use super::*;
use std::time::Duration;

fn sink(limits: &Limits, length: usize) -> (LogSink, mpsc::Receiver<Record>) {
    let (sender, receiver) = mpsc::channel(length);
    let component = "a".parse().unwrap();
    (LogSink::new(component, Level::Trace, limits, Clock::system(), sender), receiver)
}

#[test]
fn a_flood_is_cut_and_counted() {
    let limits = Limits { log_rate: 2, ..Limits::default() };
    let (sink, mut records) = sink(&limits, 100);
    for _ in 0..50 {
        sink.write(Level::Info, Source::Log, "x", Vec::new());
    }
    sink.flush();
    let mut kept = 0;
    let mut last = String::new();
    while let Ok(record) = records.try_recv() {
        kept += usize::from(record.source == Source::Log);
        last = record.message;
    }
    assert_eq!(kept, 20, "ten seconds' worth");
    assert!(last.starts_with("30 log records left out"), "{last}");
    assert_eq!(sink.inner.counters.logs_dropped.total(), 30);
}

#[test]
fn a_full_queue_loses_records_and_says_how_many() {
    let (sink, mut records) = sink(&Limits::default(), 2);
    for _ in 0..5 {
        sink.write(Level::Info, Source::Log, "x", Vec::new());
    }
    while records.try_recv().is_ok() {}
    sink.flush();
    assert!(records.try_recv().unwrap().message.starts_with('3'));
}

#[test]
fn the_last_lines_are_kept_short_and_few() {
    let (sink, _records) = sink(&Limits::default(), 100);
    for number in 0..20 {
        sink.write(
            Level::Info,
            Source::Stdout,
            &format!("{number}{}", "y".repeat(1000)),
            Vec::new(),
        );
    }
    let recent = sink.recent();
    assert_eq!(recent.len(), RECENT);
    assert!(recent.iter().all(|line| line.len() <= RECENT_BYTES));
    assert!(recent[RECENT - 1].starts_with("19"));
}

#[test]
fn the_bucket_fills_again() {
    let now = Instant::now();
    let mut bucket = Bucket::new(1, now);
    let taken = (0..100).filter(|_| bucket.take(now)).count();
    assert_eq!(taken, 10);
    assert!(!bucket.take(now + Duration::from_millis(900)));
    assert!(bucket.take(now + Duration::from_millis(1100)));
}

#[test]
fn what_could_harm_a_terminal_is_made_visible() {
    assert_eq!(presentable("plain\ttext", 100), "plain\ttext");
    assert_eq!(presentable("\x1b[31mred", 100), "\\u{1b}[31mred");
    assert_eq!(presentable("a\r\u{202e}b", 100), "a\\r\\u{202e}b");
    assert_eq!(presentable("äöü", 3), "ä…");
}

#[test]
fn bytes_become_lines() {
    let mut lines = Vec::new();
    let mut splitter = LineSplitter::new(5);
    for bytes in [b"one\r\ntw".as_slice(), b"o\n\n", b"longer than five\nend", b"\xff"] {
        splitter.push(bytes, |line| lines.push(line.to_owned()));
    }
    splitter.end(|line| lines.push(line.to_owned()));
    assert_eq!(lines, ["one", "two", "", "longe", "end\u{fffd}"]);
}

#[test]
fn a_flood_of_one_component_leaves_room_for_the_others() {
    let (sender, mut records) = mpsc::channel(QUEUE);
    let sink = |name: &str| {
        let limits = Limits { log_rate: 1_000_000, ..Limits::default() };
        LogSink::new(name.parse().unwrap(), Level::Info, &limits, Clock::system(), sender.clone())
    };
    let (loud, quiet) = (sink("loud"), sink("quiet"));
    for _ in 0..10 * QUEUE {
        loud.write(Level::Info, Source::Log, "x", Vec::new());
    }
    quiet.write(Level::Info, Source::Log, "y", Vec::new());
    let mut last = None;
    while let Ok(record) = records.try_recv() {
        last = Some(record.message);
    }
    assert_eq!(last.as_deref(), Some("y"));
    loud.write(Level::Info, Source::Log, "again", Vec::new());
    assert!(records.try_recv().unwrap().message.contains("left out"));
}

#[test]
fn the_hosts_own_log_becomes_records_of_the_level_that_is_set() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let (own, mut records) = own::OwnLog::new(Level::Info, Clock::system()).unwrap();
    let subscriber = tracing_subscriber::registry().with(own.layer());
    tracing::subscriber::with_default(subscriber, || {
        let speak = || {
            tracing::debug!(target: "gg_host::x", "fine");
            tracing::info!(target: "gg_host::x", component = "a", count = 3, "word");
            tracing::info!(target: "hyper", "header");
            tracing::warn!(target: "hyper", authToken = "abc", "odd");
        };
        let mut said = || -> Vec<String> {
            std::iter::from_fn(|| records.try_recv().ok()).map(|record| record.message).collect()
        };
        speak();
        assert_eq!(said(), ["word", "odd"]);
        own.set_level(Level::Error);
        speak();
        assert!(said().is_empty());
        own.set_level(Level::Trace);
        speak();
        assert_eq!(said(), ["fine", "word", "odd"]);

        speak();
        records.try_recv().unwrap();
        let record = records.try_recv().unwrap();
        let fields: Vec<_> = record.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(fields, [("logger", "gg_host::x"), ("component", "a"), ("count", "3")]);
        assert_eq!(record.line().logger, "gg_host::x");
        let secret = records.try_recv().unwrap().fields.pop().unwrap();
        assert_eq!(secret, ("authToken".to_owned(), "(not shown)".to_owned()));
    });
}

#[test]
fn the_hosts_own_log_counts_what_nobody_takes() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let (own, mut records) = own::OwnLog::new(Level::Info, Clock::system()).unwrap();
    let subscriber = tracing_subscriber::registry().with(own.layer());
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..3000 {
            tracing::info!(target: "gg_host", number, "flood");
        }
        let kept = std::iter::from_fn(|| records.try_recv().ok()).count();
        tracing::info!(target: "gg_host", "again");
        let message = records.try_recv().unwrap().message;
        assert_eq!(message, format!("{} records of the host's own log left out", 3000 - kept));
        assert_eq!(records.try_recv().unwrap().message, "again");
    });
}

#[test]
fn a_record_and_its_line_are_the_same() {
    let record = |fields: &[(&str, &str)]| Record {
        at: std::time::UNIX_EPOCH,
        component: "a".parse().unwrap(),
        level: Level::Warn,
        source: Source::Log,
        message: "x".to_owned(),
        fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        place: None,
    };
    let sets: [&[(&str, &str)]; 4] = [
        &[],
        &[("logger", "gg_host::x"), ("k", "v")],
        &[("logger", "b: x")],
        &[("k", "v"), ("logger", "b")],
    ];
    for (fields, logger) in sets.into_iter().zip(["a", "gg_host::x", "a", "a"]) {
        let record = record(fields);
        assert_eq!(record.line().logger, logger);
        let back = Record::from_line(record.component.clone(), record.line());
        assert_eq!(back.fields, record.fields);
    }
}
