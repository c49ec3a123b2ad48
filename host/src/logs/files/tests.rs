use super::*;
use crate::logs::Source;
use gg_model::ComponentName;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

fn record(component: &str, message: &str) -> Record {
    Record {
        at: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        component: component.parse().unwrap(),
        level: Level::Info,
        source: Source::Stdout,
        message: message.to_owned(),
        fields: Vec::new(),
        place: None,
    }
}

fn settings(root: &Path, file_size: u64, total_size: u64) -> LogSettings {
    LogSettings { file_size, total_size, ..LogSettings::new(root) }
}

fn root() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The messages in a component's current file.
fn messages(settings: &LogSettings, component: &str) -> Vec<String> {
    let text = fs::read_to_string(settings.folder.join(format!("{component}.log"))).unwrap();
    said(&text).collect()
}

fn said(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| line.split(". ").nth(1).unwrap().trim_end_matches(". {}").to_owned())
}

fn sizes(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().len()).collect()
}

#[test]
fn a_flood_stays_within_the_total_and_keeps_the_newest() {
    let root = root();
    let settings = settings(root.path(), 2000, 9000);
    let mut writer = Writer::new(settings.clone(), 0);
    for number in 0..5000 {
        writer.write(&record("a", &format!("{number}")));
        if number % 70 == 0 {
            writer.flush();
            let sizes = sizes(&settings.folder);
            assert!(sizes.iter().sum::<u64>() <= 9000, "{sizes:?}");
            assert!(sizes.iter().all(|size| *size <= 2000), "{sizes:?}");
        }
    }
    writer.flush();
    assert_eq!(messages(&settings, "a").last().unwrap(), "4999");
    let component: ComponentName = "a".parse().unwrap();
    let family = crate::logs::names::family(&settings.folder, &component).unwrap();
    assert!(family.len() >= 4);
    let kept: Vec<usize> = family
        .iter()
        .flat_map(|found| said(&fs::read_to_string(&found.path).unwrap()).collect::<Vec<_>>())
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(kept.iter().copied().eq(kept[0]..5000), "in order, without a gap: {kept:?}");
    let name = family[0].path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("a_2023_11_14_22_"), "{name}");
}

#[test]
fn files_are_not_for_everybody() {
    let root = root();
    let settings = LogSettings::new(root.path());
    let mut writer = Writer::new(settings.clone(), 0);
    writer.write(&record("a", "x"));
    writer.flush();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&settings.folder.join("a.log")) & 0o137, 0);
    assert_eq!(mode(&settings.folder) & 0o027, 0);
}

#[test]
fn a_file_that_is_deleted_moved_or_cut_is_gone_on_with() {
    let root = root();
    let settings = LogSettings::new(root.path());
    let mut writer = Writer::new(settings.clone(), 0);
    let path = settings.folder.join("a.log");
    let mut say = |message: &str| {
        writer.write(&record("a", message));
        writer.flush();
    };
    say("1");
    fs::remove_file(&path).unwrap();
    say("2");
    assert_eq!(messages(&settings, "a"), ["2"]);
    fs::rename(&path, settings.folder.join("elsewhere")).unwrap();
    say("3");
    assert_eq!(messages(&settings, "a"), ["3"]);
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    say("4");
    assert_eq!(messages(&settings, "a"), ["4"]);
    fs::remove_dir_all(&settings.folder).unwrap();
    say("5");
    assert_eq!(messages(&settings, "a"), ["5"]);
}

#[test]
fn half_a_line_is_ended() {
    let root = root();
    let settings = LogSettings::new(root.path());
    fs::create_dir_all(&settings.folder).unwrap();
    let path = settings.folder.join("a.log");
    fs::write(&path, "half").unwrap();
    let mut writer = Writer::new(settings, 0);
    writer.write(&record("a", "x"));
    writer.flush();
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with("half\n2023-"), "{text}");
}

#[test]
fn what_is_no_file_is_not_written_to_and_what_is_left_out_is_counted() {
    let root = root();
    let settings = LogSettings::new(root.path());
    let mut writer = Writer::new(settings.clone(), 0);
    let path = settings.folder.join("a.log");
    fs::create_dir_all(&path).unwrap();
    let target = root.path().join("target");
    fs::write(&target, "").unwrap();
    for number in 0..3 {
        writer.write(&record("a", &format!("{number}")));
        writer.write(&record("b", "good"));
        writer.flush();
    }
    fs::remove_dir(&path).unwrap();
    symlink(&target, &path).unwrap();
    writer.write(&record("a", "3"));
    writer.flush();
    fs::remove_file(&path).unwrap();
    let piped = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(piped.success());
    writer.write(&record("a", "4"));
    writer.flush();
    fs::remove_file(&path).unwrap();

    // It is said although the component is quiet now.
    writer.write(&record("b", "good"));
    writer.flush();
    assert_eq!(
        messages(&settings, "a"),
        ["5 log records left out: they could not be written down"]
    );
    assert_eq!(messages(&settings, "b").len(), 4);
    assert_eq!(fs::read(&target).unwrap(), b"");
}

#[test]
fn many_components_do_not_take_many_files() {
    let root = root();
    let settings = LogSettings::new(root.path());
    let mut writer = Writer::new(settings.clone(), 0);
    for round in 0..2 {
        for number in 0..1000 {
            writer.write(&record(&format!("c{number}"), &format!("{round}")));
        }
        writer.flush();
    }
    let open = fs::read_dir("/proc/self/fd").unwrap().filter(|entry| {
        let target = fs::read_link(entry.as_ref().unwrap().path());
        target.is_ok_and(|target| target.starts_with(&settings.folder))
    });
    assert!(open.count() <= 64);
    for number in 0..1000 {
        assert_eq!(messages(&settings, &format!("c{number}")), ["0", "1"]);
    }
}

#[test]
fn old_files_are_deleted_when_less_is_allowed() {
    let root = root();
    let large = settings(root.path(), 1000, 10_000);
    let mut writer = Writer::new(large.clone(), 0);
    for number in 0..500 {
        writer.write(&record("a", &format!("{number}")));
    }
    writer.flush();
    assert!(sizes(&large.folder).iter().sum::<u64>() > 8000);
    writer.set(settings(root.path(), 1000, 4000));
    assert!(sizes(&large.folder).iter().sum::<u64>() <= 4000);
    drop(writer);
    let _writer = Writer::new(settings(root.path(), 1000, 2000), 0);
    assert!(sizes(&large.folder).iter().sum::<u64>() <= 2000);
}

/// A small disk, if this may be made here.
struct Disk(TempDir);

impl Disk {
    fn new() -> Option<Self> {
        let disk = Self(root());
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(disk.0.path())
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(disk);
        }
        println!("skipped: a small disk can be made by root only");
        None
    }

    fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        disk.f_bavail * disk.f_frsize
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Fill the disk with two logs, make room, and see that every record is there or counted.
fn fill(keep_free: u64) {
    let Some(disk) = Disk::new() else { return };
    let filler = disk.0.path().join("filler");
    fs::write(&filler, vec![0; 300_000]).unwrap();
    let settings = settings(disk.0.path(), 10 << 20, 100 << 20);
    let mut writer = Writer::new(settings.clone(), keep_free);
    let long = "x".repeat(99);
    for number in 0..10_000 {
        writer.write(&record(if number % 3 == 0 { "a" } else { "b" }, &long));
        if number % 20 == 0 {
            writer.flush();
        }
    }
    writer.flush();
    // Give or take a block of each file.
    let free = disk.free() + 2 * 4096;
    assert!(free >= keep_free && free < keep_free + 100_000, "{free}");
    fs::remove_file(filler).unwrap();
    writer.write(&record("a", "again"));
    writer.flush();
    let mut total = 0;
    for component in ["a", "b"] {
        let said = messages(&settings, component);
        let (whole, rest): (Vec<_>, Vec<_>) = said.iter().partition(|message| **message == long);
        let left_out: usize = rest
            .iter()
            .filter_map(|message| {
                message.split_once(" log records left out")?.0.parse::<usize>().ok()
            })
            .sum();
        assert!(left_out > 0 && !whole.is_empty(), "{component}: {rest:?}");
        total += whole.len() + left_out;
    }
    assert_eq!(total, 10_000);
    assert_eq!(messages(&settings, "a").last().unwrap(), "again");
}

#[test]
fn others_are_left_their_part_of_the_disk() {
    fill(400_000);
}

#[test]
fn a_full_disk_loses_records_and_no_count() {
    fill(0);
}

#[tokio::test]
async fn what_was_said_before_the_end_is_in_the_files() {
    let root = root();
    let tasks = Tasks::new(None).unwrap();
    let settings = LogSettings::new(root.path());
    let (records, said) = mpsc::channel(10_000);
    let (own, own_said) = mpsc::channel(10);
    let files = LogFiles::start(settings.clone(), &tasks, said, Some(own_said));
    for number in 0..5000 {
        records.try_send(record("a", &number.to_string())).unwrap();
    }
    own.try_send(record("greengrass", "up")).unwrap();
    files.finish().await;
    assert_eq!(messages(&settings, "a").len(), 5000);
    assert_eq!(messages(&settings, "greengrass"), ["up"]);
}

#[tokio::test]
async fn settings_change_while_it_runs() {
    let root = root();
    let tasks = Tasks::new(None).unwrap();
    let settings = LogSettings { level: Level::Error, ..LogSettings::new(root.path()) };
    let (records, said) = mpsc::channel(10);
    let files = LogFiles::start(settings.clone(), &tasks, said, None);
    records.send(record("a", "no")).await.unwrap();
    let reserved = records.reserve_many(10).await.unwrap();
    drop(reserved);
    let folder = root.path().join("elsewhere");
    files.set(LogSettings { folder: folder.clone(), format: LogFormat::Json, ..settings.clone() });
    records.send(Record { level: Level::Error, ..record("a", "yes") }).await.unwrap();
    drop(records);
    files.finish().await;
    assert!(!settings.folder.exists());
    let text = fs::read_to_string(folder.join("a.log")).unwrap();
    assert!(text.starts_with('{') && text.contains("\"message\":\"yes\""), "{text}");
}

#[tokio::test]
async fn it_ends_when_nobody_speaks_any_more_or_it_is_dropped() {
    let root = root();
    let tasks = Tasks::new(None).unwrap();
    let (records, said) = mpsc::channel(10);
    let files = LogFiles::start(LogSettings::new(root.path()), &tasks, said, None);
    drop(files);
    records.closed().await;
}
