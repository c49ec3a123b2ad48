use super::*;
use crate::logs::Source;
use crate::logs::files::{LogFiles, LogSettings};
use crate::logs::format::{LONGEST, LogFormat};
use crate::tasks::Tasks;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::mpsc;

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + millis)
}

fn record(component: &str, millis: u64, message: &str) -> Record {
    Record {
        at: at(millis),
        component: component.parse().unwrap(),
        level: Level::Info,
        source: Source::Stdout,
        message: message.to_owned(),
        fields: Vec::new(),
        place: None,
    }
}

fn write(folder: &Path, file: &str, format: LogFormat, records: &[Record]) {
    let mut text = String::new();
    for record in records {
        record.line().write(format, &mut text);
    }
    let path = folder.join(file);
    fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn query(folder: &Path) -> Query {
    Query {
        folder: folder.to_owned(),
        components: Vec::new(),
        since: None,
        level: Level::Trace,
        follow: false,
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn all(query: Query) -> Vec<Record> {
    let mut reader = LogReader::open(query).unwrap();
    std::iter::from_fn(|| reader.next_record()).collect()
}

fn messages(query: Query) -> Vec<String> {
    all(query).into_iter().map(|record| record.message).collect()
}

/// The next record, which may be yet to come.
fn next(reader: &mut LogReader) -> Record {
    loop {
        if let Some(record) = reader.next_record() {
            return record;
        }
        reader.wait();
    }
}

#[test]
fn records_of_all_components_come_in_order() {
    let folder = folder();
    let file = |name: &str, format, records: &[Record]| write(folder.path(), name, format, records);
    file("a_2023_11_14_22_9.log", LogFormat::Text, &[record("a", 0, "0"), record("a", 3, "3")]);
    file("a_2023_11_14_22_10.log", LogFormat::Json, &[record("a", 4, "4")]);
    file("a.log", LogFormat::Text, &[record("a", 7, "7"), record("a", 8, "8\nand\n\nmore")]);
    file("b_2023_11_14_21_0.log", LogFormat::Text, &[record("b", 1, "1"), record("b", 5, "5")]);
    file("b.log", LogFormat::Json, &[record("b", 6, "6"), record("b", 9, "9")]);
    file("c.log", LogFormat::Text, &[record("c", 2, "2")]);
    file("readme.txt", LogFormat::Text, &[record("c", 2, "no")]);
    let query = query(folder.path());
    let expected = ["0", "1", "2", "3", "4", "5", "6", "7", "8\nand\n\nmore", "9"];
    assert_eq!(messages(query.clone()), expected);

    let components = vec!["a".parse().unwrap(), "c".parse().unwrap()];
    let some = Query { components, since: Some(at(3)), ..query.clone() };
    assert_eq!(messages(some), ["3", "4", "7", "8\nand\n\nmore"]);

    file("a.log", LogFormat::Text, &[Record { level: Level::Error, ..record("a", 10, "bad") }]);
    assert_eq!(messages(Query { level: Level::Warn, ..query }), ["bad"]);
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let folder = folder();
    let written = || Record {
        level: Level::Debug,
        source: Source::Log,
        fields: vec![
            ("logger".to_owned(), "gg_host::x".to_owned()),
            ("k".to_owned(), "v".to_owned()),
        ],
        ..record("a", 1, "x")
    };
    write(folder.path(), "a.log", LogFormat::Text, &[written()]);
    write(folder.path(), "a.log", LogFormat::Json, &[written()]);
    let read = all(query(folder.path()));
    assert_eq!(read.len(), 2);
    for record in read {
        assert_eq!(format!("{record:?}"), format!("{:?}", written()));
    }
}

#[test]
fn a_component_without_a_log_is_told_from_one_that_is_quiet() {
    let folder = folder();
    write(folder.path(), "a.log", LogFormat::Text, &[]);
    let open = |name: &str| {
        let components = vec![name.parse().unwrap()];
        LogReader::open(Query { components, ..query(folder.path()) })
    };
    assert!(open("a").unwrap().next_record().is_none());
    let error = open("b").unwrap_err().to_string();
    assert!(error.ends_with("there are logs of a"), "{error}");
    let error = LogReader::open(query(&folder.path().join("none"))).unwrap_err();
    assert!(matches!(error, ReadError::Folder { .. }));
}

#[test]
fn a_hostile_file_is_read_in_bounds() {
    let folder = folder();
    let mut bytes = b"\xff\xfe no record\n\tnor its continuation\n\n{}\n\0\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 3 * LONGEST));
    bytes.extend(b"\n");
    write(folder.path(), "a.log", LogFormat::Text, &[record("a", 1, "good")]);
    let mut file = fs::File::options().append(true).open(folder.path().join("a.log")).unwrap();
    for _ in 0..100_000 {
        bytes.extend(b"\tendless continuation\n");
    }
    file.write_all(&bytes).unwrap();
    file.write_all(b"the end, torn").unwrap();
    let records = all(query(folder.path()));
    assert!(records.iter().all(|record| record.message.len() <= LONGEST));
    assert!(records.iter().all(|record| record.at == at(1)), "they are from when the last was");
    let messages: Vec<_> = records.iter().map(|record| &*record.message).collect();
    assert_eq!(messages[0], "good");
    assert_eq!(messages[1], "\u{fffd}\u{fffd} no record\nnor its continuation");
    assert_eq!(messages[2..4], ["{}", "\0"]);
    assert!(messages[4].starts_with("xxx"));
    assert_eq!(*messages.last().unwrap(), "the end, torn");
}

#[test]
fn what_is_no_file_is_passed_over() {
    let folder = folder();
    write(folder.path(), "a.log", LogFormat::Text, &[record("a", 1, "good")]);
    fs::create_dir(folder.path().join("b.log")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("c.log")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("d.log")).status();
    assert!(pipe.unwrap().success());
    assert_eq!(messages(query(folder.path())), ["good"]);
}

#[test]
fn following_goes_on_where_the_past_ends() {
    let folder = folder();
    write(folder.path(), "a.log", LogFormat::Text, &[record("a", 1, "1")]);
    let components = vec!["a".parse().unwrap(), "later".parse().unwrap()];
    let follow = Query { components, follow: true, ..query(folder.path()) };
    let mut reader = LogReader::open(follow).unwrap();
    assert_eq!(next(&mut reader).message, "1");
    assert!(reader.next_record().is_none());
    write(folder.path(), "a.log", LogFormat::Text, &[record("a", 2, "2\nmore")]);
    assert_eq!(next(&mut reader).message, "2\nmore");
    write(folder.path(), "later.log", LogFormat::Text, &[record("later", 3, "3")]);
    write(folder.path(), "other.log", LogFormat::Text, &[record("other", 3, "no")]);
    assert_eq!(next(&mut reader).message, "3");

    // Half a line waits for the other half; one that is taken back is forgotten.
    let mut text = String::new();
    record("a", 4, "4").line().write(LogFormat::Text, &mut text);
    let path = folder.path().join("a.log");
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    file.write_all(&text.as_bytes()[..20]).unwrap();
    reader.wait();
    assert!(reader.next_record().is_none());
    file.set_len(length).unwrap();
    reader.wait();
    assert!(reader.next_record().is_none());
    file.write_all(text.as_bytes()).unwrap();
    assert_eq!(next(&mut reader).message, "4");

    // Cut to nothing, as others that set logs aside do.
    file.set_len(0).unwrap();
    reader.wait();
    assert!(reader.next_record().is_none());
    write(folder.path(), "a.log", LogFormat::Text, &[record("a", 5, "5")]);
    assert_eq!(next(&mut reader).message, "5");

    // Deleted, and another in its place.
    fs::remove_file(&path).unwrap();
    reader.wait();
    assert!(reader.next_record().is_none());
    write(folder.path(), "a.log", LogFormat::Text, &[record("a", 6, "6")]);
    assert_eq!(next(&mut reader).message, "6");
}

#[tokio::test]
async fn nothing_is_lost_while_files_are_set_aside() {
    const RECORDS: u64 = 20_000;
    let root = folder();
    let tasks = Tasks::new(None).unwrap();
    let settings =
        LogSettings { file_size: 4000, total_size: 100 << 20, ..LogSettings::new(root.path()) };
    let (records, said) = mpsc::channel(100);
    let files = LogFiles::start(settings.clone(), &tasks, said, None);
    records.send(record("a", 0, "0")).await.unwrap();
    let reading = tasks.spawn_blocking(move || {
        let folder = settings.folder;
        // The writer makes the folder.
        let mut reader = loop {
            match LogReader::open(Query { follow: true, ..query(&folder) }) {
                Ok(reader) => break reader,
                Err(_) => std::thread::yield_now(),
            }
        };
        for number in 0..RECORDS {
            assert_eq!(next(&mut reader).message, number.to_string());
        }
    });
    for number in 1..RECORDS {
        records.send(record("a", number, &number.to_string())).await.unwrap();
    }
    reading.await.unwrap();
    files.finish().await;
}

#[test]
fn files_that_are_deleted_unread_are_passed_over() {
    let folder = folder();
    let write = |file: &str, message: &str| {
        write(folder.path(), file, LogFormat::Text, &[record("a", 1, message)]);
    };
    write("a.log", "1");
    let mut reader = LogReader::open(Query { follow: true, ..query(folder.path()) }).unwrap();
    assert_eq!(next(&mut reader).message, "1");
    let path = |file: &str| folder.path().join(file);
    fs::rename(path("a.log"), path("a_2023_11_14_22_0.log")).unwrap();
    write("a.log", "2");
    fs::rename(path("a.log"), path("a_2023_11_14_22_1.log")).unwrap();
    write("a.log", "3");
    fs::remove_file(path("a_2023_11_14_22_0.log")).unwrap();
    assert_eq!(next(&mut reader).message, "2");
    fs::rename(path("a.log"), path("a_2023_11_14_22_2.log")).unwrap();
    write("a.log", "4");
    fs::remove_file(path("a_2023_11_14_22_1.log")).unwrap();
    fs::remove_file(path("a_2023_11_14_22_2.log")).unwrap();
    // What was open already may come.
    let message = next(&mut reader).message;
    assert!(message == "3" || message == "4", "{message}");
}

#[test]
fn a_large_log_is_read_a_piece_at_a_time() {
    let folder = folder();
    let mut text = String::new();
    for number in 0..50_000 {
        let _infallible = writeln!(text, "line {number}");
    }
    fs::write(folder.path().join("a.log"), text).unwrap();
    let mut reader = LogReader::open(query(folder.path())).unwrap();
    let count = std::iter::from_fn(|| reader.next_record()).count();
    assert_eq!(count, 50_000);
}
