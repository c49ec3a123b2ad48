use super::*;
use ::tar::{Builder, EntryType, Header};
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Cursor;
use tempfile::TempDir;

/// A ZIP archive of these entries; those that end with a slash are folders.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(entries, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
}

fn zip_with(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A TAR archive of these entries, with whatever names they have.
fn tar(entries: &[(EntryType, &[u8], &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o6777);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Change bytes that stand there in one length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

fn limits() -> UnpackLimits {
    UnpackLimits { entries: 1000, bytes: 64 << 20, ratio: 200, free_of_ratio: 1 << 20 }
}

fn spread_in(
    folder: &TempDir,
    format: Format,
    archive: &[u8],
    limits: &UnpackLimits,
) -> Result<()> {
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    spread(format, || Ok(Cursor::new(archive)), archive.len() as u64, &inner, limits)
}

/// What comes out of an archive: paths, and the text of files.
#[track_caller]
fn contents(format: Format, archive: &[u8]) -> Vec<(String, Option<String>)> {
    let folder = tempfile::tempdir().unwrap();
    spread_in(&folder, format, archive, &limits()).unwrap();
    let inner = folder.path().join("inner");
    let mut found = Vec::new();
    let mut folders = vec![inner.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&inner).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
                found.push((name, None));
            } else {
                found.push((name, Some(fs::read_to_string(path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

/// Why an archive is refused; nothing comes out beside its folder.
#[track_caller]
fn refusal(format: Format, archive: &[u8], limits: &UnpackLimits) -> UnpackError {
    let folder = tempfile::tempdir().unwrap();
    let error = spread_in(&folder, format, archive, limits).unwrap_err();
    let beside: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap()).collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    error
}

fn expected(entries: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    entries.iter().map(|(name, text)| ((*name).to_owned(), text.map(str::to_owned))).collect()
}

/// Names that lead elsewhere, or nowhere, with a word of why.
const BAD_NAMES: [(&str, &str); 12] = [
    ("../evil", "out of its folder"),
    ("a/../../evil", "out of its folder"),
    ("a/..", "out of its folder"),
    ("/etc/evil", "root of the disk"),
    ("C:/evil", "drive"),
    ("c:evil", "drive"),
    ("..\\evil", "backslash"),
    ("a\\b", "backslash"),
    ("a\nb", "control"),
    ("a\x1b[2Jb", "control"),
    ("a\u{85}b", "control"),
    (".", "no file"),
];

#[test]
fn a_zip_is_unpacked() {
    let archive =
        zip(&[("main.py", b"print()"), ("lib/", b""), ("lib/deep/./a.py", b"a"), ("empty", b"")]);
    let whole = expected(&[
        ("empty", Some("")),
        ("lib", None),
        ("lib/deep", None),
        ("lib/deep/a.py", Some("a")),
        ("main.py", Some("print()")),
    ]);
    assert_eq!(contents(Format::Zip, &archive), whole);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let archive = zip_with(&[("ä/ö", "ü".as_bytes())], stored.large_file(true));
    assert_eq!(contents(Format::Zip, &archive), expected(&[("ä", None), ("ä/ö", Some("ü"))]));
    // As one that runs by itself has it.
    let archive = [b"#!/bin/sh\nexit\n".as_slice(), &zip(&[("a", b"b")])].concat();
    assert_eq!(contents(Format::Zip, &archive), expected(&[("a", Some("b"))]));
    assert_eq!(contents(Format::Zip, &zip(&[])), []);
}

#[test]
fn a_tar_is_unpacked_compressed_or_not() {
    let archive = tar(&[
        (EntryType::Directory, b"./", b""),
        (EntryType::Regular, b"./main.py", b"print()"),
        (EntryType::Directory, b"lib", b""),
        (EntryType::Continuous, b"lib/deep/a.py", b"a"),
        (EntryType::Regular, b"old/", b""),
    ]);
    let whole = expected(&[
        ("lib", None),
        ("lib/deep", None),
        ("lib/deep/a.py", Some("a")),
        ("main.py", Some("print()")),
        ("old", None),
    ]);
    assert_eq!(contents(Format::Tar, &archive), whole);
    assert_eq!(contents(Format::Tar, &gzip(&archive)), whole);
    // In pieces that were compressed each for itself.
    let (one, other) = archive.split_at(700);
    assert_eq!(contents(Format::Tar, &[gzip(one), gzip(other)].concat()), whole);
}

#[test]
fn long_names_of_both_kinds_of_tar_are_read() {
    let long = ["folder"; 40].join("/");
    let mut archive = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(1);
    archive.append_data(&mut header, &long, &b"1"[..]).unwrap();
    let records = [("path", b"short/pax".as_slice()), ("mtime", b"1.5"), ("comment", b"x")];
    archive.append_pax_extensions(records).unwrap();
    let mut header = Header::new_ustar();
    header.set_path("not this").unwrap();
    header.set_size(1);
    header.set_cksum();
    archive.append(&header, &b"2"[..]).unwrap();
    let found = contents(Format::Tar, &archive.into_inner().unwrap());
    assert!(found.contains(&(long, Some("1".to_owned()))), "{found:?}");
    assert!(found.contains(&("short/pax".to_owned(), Some("2".to_owned()))), "{found:?}");
    assert_eq!(found.len(), 40 + 2);
}

#[test]
fn the_modes_of_an_archive_do_not_count() {
    use std::os::unix::fs::PermissionsExt as _;
    let archive = zip_with(&[("a", b"")], SimpleFileOptions::default().unix_permissions(0o6777));
    let tar = tar(&[(EntryType::Regular, b"a", b""), (EntryType::Directory, b"b", b"")]);
    for (format, archive) in [(Format::Zip, archive), (Format::Tar, tar)] {
        let folder = tempfile::tempdir().unwrap();
        spread_in(&folder, format, &archive, &limits()).unwrap();
        let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("inner/a") & 0o7777, 0o600);
    }
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    for (name, reason) in BAD_NAMES {
        // The library that writes archives has scruples, so that the names are changed after it.
        let like = "x".repeat(name.len());
        let zip = replaced(&zip(&[(&like, b"evil")]), like.as_bytes(), name.as_bytes());
        let tar = tar(&[(EntryType::Regular, name.as_bytes(), b"evil")]);
        for (format, archive) in [(Format::Zip, zip), (Format::Tar, tar)] {
            let error = refusal(format, &archive, &limits());
            assert!(matches!(error, UnpackError::Name { .. }), "{name:?} {error}");
            assert!(format == Format::Zip || error.to_string().contains(reason), "{error}");
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
        }
    }
}

#[test]
fn a_name_with_a_nul_is_refused() {
    let zip = replaced(&zip(&[("a.txt", b"")]), b"a.txt", b"a\0txt");
    assert!(matches!(refusal(Format::Zip, &zip, &limits()), UnpackError::Name { .. }));
    // In a header of TAR a NUL ends the name; in a record it does not.
    let mut archive = Builder::new(Vec::new());
    archive.append_pax_extensions([("path", b"a\0b".as_slice())]).unwrap();
    let mut header = Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_cksum();
    header.set_size(0);
    header.set_cksum();
    archive.append(&header, &b""[..]).unwrap();
    let error = refusal(Format::Tar, &archive.into_inner().unwrap(), &limits());
    assert!(matches!(error, UnpackError::Name { .. }), "{error}");
}

#[test]
fn a_name_that_is_no_text_or_too_long_is_refused() {
    let bad = tar(&[(EntryType::Regular, b"a\xff", b"")]);
    assert!(refusal(Format::Tar, &bad, &limits()).to_string().contains("UTF-8"));
    let long = ["a/".repeat(512), "a".repeat(256), "b/".repeat(65)];
    for name in &long {
        let error = refusal(Format::Zip, &zip(&[(&format!("{name}x"), b"")]), &limits());
        assert!(matches!(error, UnpackError::Name { .. }), "{error}");
    }
    // The length is limited before the name is in memory.
    let name = vec![b'a'; 5000];
    let archive = tar(&[(EntryType::GNULongName, b"x", &name), (EntryType::Regular, b"x", b"")]);
    let error = refusal(Format::Tar, &archive, &limits());
    assert!(error.to_string().contains("1024"), "{error}");
    let records = vec![b'a'; 70_000];
    for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::XGlobalHeader] {
        let archive = tar(&[(kind, b"x", &records), (EntryType::Regular, b"x", b"")]);
        let error = refusal(Format::Tar, &archive, &limits());
        assert!(error.to_string().contains("too long"), "{error}");
    }
}

#[test]
fn links_and_devices_are_refused() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::new(b'?'),
    ] {
        let archive = tar(&[(kind, b"inner", b"")]);
        let error = refusal(Format::Tar, &archive, &limits());
        assert!(matches!(error, UnpackError::Kind { .. }), "{kind:?} {error}");
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.add_symlink("a", "/etc", SimpleFileOptions::default()).unwrap();
    archive.start_file("a/passwd", SimpleFileOptions::default()).unwrap();
    let archive = archive.finish().unwrap().into_inner();
    let error = refusal(Format::Zip, &archive, &limits());
    assert_eq!(
        error.to_string(),
        "it holds \"a\", which is a link or a device; pack plain files and folders only"
    );
}

#[test]
fn a_link_is_refused_before_what_would_go_through_it() {
    let mut archive = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    archive.append_link(&mut header, "out", "..").unwrap();
    let mut header = Header::new_gnu();
    header.set_size(4);
    archive.append_data(&mut header, "out/evil", &b"evil"[..]).unwrap();
    let error = refusal(Format::Tar, &archive.into_inner().unwrap(), &limits());
    assert!(matches!(error, UnpackError::Kind { kind: "a symbolic link", .. }), "{error}");
}

#[test]
fn two_entries_cannot_have_one_place() {
    for entries in [
        [("a", b"1".as_slice()), ("./a", b"2")],
        [("a", b"1"), ("a/b", b"2")],
        [("a/b", b"1"), ("a", b"2")],
        [("a", b"1"), ("a/", b"")],
    ] {
        let error = refusal(Format::Zip, &zip(&entries), &limits());
        assert!(matches!(error, UnpackError::Twice { .. }), "{entries:?} {error}");
        let entries = entries.map(|(name, content)| {
            let kind = if name.ends_with('/') { EntryType::Directory } else { EntryType::Regular };
            (kind, name.as_bytes(), content)
        });
        let error = refusal(Format::Tar, &tar(&entries), &limits());
        assert!(matches!(error, UnpackError::Twice { .. }), "{entries:?} {error}");
    }
    // The same name to the letter, which the library would not write.
    let archive = replaced(&zip(&[("a1", b"1"), ("a2", b"2")]), b"a2", b"a1");
    assert!(matches!(refusal(Format::Zip, &archive, &limits()), UnpackError::Twice { .. }));
}

#[test]
fn a_bomb_is_refused_by_its_ratio() {
    let zeros = vec![0; 3 << 20];
    let archive = zip(&[("bomb", &zeros)]);
    assert!(archive.len() < 10_000);
    let error = refusal(Format::Zip, &archive, &limits());
    assert!(matches!(error, UnpackError::Ratio { most: 200 }), "{error}");
    let archive = gzip(&tar(&[(EntryType::Regular, b"bomb", &zeros)]));
    let error = refusal(Format::Tar, &archive, &limits());
    assert!(matches!(error, UnpackError::Ratio { most: 200 }), "{error}");
    // A little is no bomb, however small it was packed.
    contents(Format::Zip, &zip(&[("small", &zeros[..1 << 20])]));
}

#[test]
fn many_entries_or_bytes_are_refused() {
    let names: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let error = refusal(Format::Zip, &zip(&entries), &limits());
    assert!(matches!(error, UnpackError::Entries { most: 1000 }), "{error}");
    let entries: Vec<_> =
        names.iter().map(|name| (EntryType::Directory, name.as_bytes(), &b""[..])).collect();
    let error = refusal(Format::Tar, &tar(&entries), &limits());
    assert!(matches!(error, UnpackError::Entries { most: 1000 }), "{error}");
    // Folders that are only named in what is in them count too.
    let names: Vec<String> =
        (0..30).map(|number| format!("{number}/{}x", "d/".repeat(50))).collect();
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let error = refusal(Format::Zip, &zip(&entries), &limits());
    assert!(matches!(error, UnpackError::Entries { most: 1000 }), "{error}");
    // So does what a small file takes on the disk.
    let few = UnpackLimits { bytes: 40_000, ..limits() };
    let entries: Vec<_> = names.iter().map(|name| (&name[..2], &b"x"[..])).skip(10).collect();
    let error = refusal(Format::Zip, &zip(&entries), &few);
    assert!(matches!(error, UnpackError::Bytes { most: 40_000 }), "{error}");
    let error = refusal(Format::Zip, &zip(&[("big", &[0; 50_000])]), &few);
    assert!(matches!(error, UnpackError::Bytes { most: 40_000 }), "{error}");
}

#[test]
fn an_archive_that_breaks_off_is_refused() {
    let content: Vec<u8> = (0..100_000_u32).flat_map(|one| (one % 251).to_le_bytes()).collect();
    let zip = zip(&[("a", &content)]);
    let tar = tar(&[(EntryType::Regular, b"a", &content)]);
    for (format, archive) in [(Format::Zip, zip), (Format::Tar, gzip(&tar)), (Format::Tar, tar)] {
        for length in [0, 1, 30, 300, archive.len() / 2] {
            let error = refusal(format, &archive[..length], &limits());
            assert!(matches!(error, UnpackError::Unreadable { .. }), "{length} {error}");
        }
    }
}

#[test]
fn content_that_is_not_what_the_archive_says_is_refused() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let archive = zip_with(&[("a", b"good content")], stored);
    let error = refusal(Format::Zip, &replaced(&archive, b"good", b"evil"), &limits());
    assert!(matches!(error, UnpackError::Unreadable { .. }), "{error}");
    // Two lengths, of which another reader would believe the other.
    let mut archive = Builder::new(Vec::new());
    archive.append_pax_extensions([("size", b"3".as_slice())]).unwrap();
    let mut header = Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_size(5);
    header.set_cksum();
    archive.append(&header, &b"12345"[..]).unwrap();
    let error = refusal(Format::Tar, &archive.into_inner().unwrap(), &limits());
    assert!(error.to_string().contains("two lengths"), "{error}");
    // A length that would take a while to skip.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongLink);
    header.set_size(u64::MAX >> 1);
    header.set_cksum();
    assert!(
        spread(
            Format::Tar,
            || Ok(Cursor::new(header.as_bytes().to_vec())),
            512,
            Path::new("/nowhere"),
            &limits()
        )
        .is_err()
    );
}

#[test]
fn what_is_packed_otherwise_is_refused() {
    // The numbers of LZMA and of encryption in the two headers of a file.
    let archive = zip(&[("a", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaa")]);
    let local = archive.windows(4).position(|four| four == b"PK\x03\x04").unwrap();
    let central = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    for (offset, value) in [(8, 14), (6, 1)] {
        let mut changed = archive.clone();
        changed[local + offset] = value;
        changed[central + offset + 2] |= value;
        let error = refusal(Format::Zip, &changed, &limits());
        assert!(matches!(error, UnpackError::Kind { .. }), "{error}");
    }
}

#[test]
fn an_archive_in_an_archive_stays_one() {
    let inner = zip(&[("../evil", b"x")]);
    let folder = tempfile::tempdir().unwrap();
    spread_in(&folder, Format::Zip, &zip(&[("inner.zip", &inner)]), &limits()).unwrap();
    assert_eq!(fs::read(folder.path().join("inner/inner.zip")).unwrap(), inner);
}

#[test]
fn an_unpacked_folder_is_whole_and_known_by_its_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, into) = (folder.path().join("a.zip"), folder.path().join("a"));
    fs::write(&archive, zip(&[("one", b"1")])).unwrap();
    assert!(!is_made_from(&into, "first"));
    unpack(&archive, Format::Zip, &into, "first", &limits()).unwrap();
    assert!(is_made_from(&into, "first") && !is_made_from(&into, "second"));
    // What a process that was ended has left is in nobody's way.
    fs::create_dir_all(folder.path().join(".new-a/left")).unwrap();
    fs::write(&archive, zip(&[("two", b"2")])).unwrap();
    unpack(&archive, Format::Zip, &into, "second", &limits()).unwrap();
    assert!(is_made_from(&into, "second"));
    assert!(into.join("two").exists() && !into.join("one").exists());
    // One that fails leaves what was there.
    fs::write(&archive, "").unwrap();
    unpack(&archive, Format::Zip, &into, "third", &limits()).unwrap_err();
    assert!(is_made_from(&into, "second"));
    assert!(!folder.path().join(".new-a").exists());
    fs::remove_dir_all(&into).unwrap();
    assert!(!is_made_from(&into, "second"));
}

#[test]
fn a_link_in_the_place_of_the_folder_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, into) = (folder.path().join("a.zip"), folder.path().join("a"));
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("precious"), "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &into).unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join(".new-a")).unwrap();
    fs::write(&archive, zip(&[("one", b"1")])).unwrap();
    unpack(&archive, Format::Zip, &into, "first", &limits()).unwrap();
    assert!(elsewhere.join("precious").exists() && !elsewhere.join("one").exists());
    assert!(into.join("one").exists() && !into.is_symlink());
}

#[test]
fn one_archive_is_unpacked_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, into) = (folder.path().join("a.zip"), folder.path().join("a"));
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    fs::write(&archive, zip(&entries)).unwrap();
    std::thread::scope(|scope| {
        for digest in ["first", "second", "third"] {
            let (archive, into) = (&archive, &into);
            scope.spawn(move || unpack(archive, Format::Zip, into, digest, &limits()).unwrap());
        }
    });
    assert_eq!(fs::read_dir(&into).unwrap().count(), 200);
}
