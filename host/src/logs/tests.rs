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
