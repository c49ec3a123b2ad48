use super::*;
use gg_model::recipe::Unarchive;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use tempfile::TempDir;

fn artifact(uri: &str, read: Access, execute: Access) -> Artifact {
    Artifact {
        uri: uri.parse().unwrap(),
        unarchive: Unarchive::None,
        digest: None,
        algorithm: None,
        permission: Permission { read, execute },
    }
}

fn folders(folder: &TempDir) -> Folders {
    let of = |name| {
        let folder = folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    };
    Folders { artifacts: of("artifacts"), unarchived: of("unarchived") }
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Only root may do without writing to its own files.
fn expected(mode: u32) -> u32 {
    if geteuid().is_root() { mode } else { mode | 0o200 }
}

#[test]
fn the_mode_is_what_the_recipe_says() {
    use Access::{All, None, Owner};
    let folder = tempfile::tempdir().unwrap();
    let folders = folders(&folder);
    let file = folders.artifacts.join("a");
    for (read, execute, mode) in [
        (None, None, 0o400),
        (Owner, None, 0o440),
        (All, None, 0o444),
        (None, Owner, 0o550),
        (None, All, 0o555),
        (All, Owner, 0o554),
        (Owner, All, 0o555),
    ] {
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o6777)).unwrap();
        apply(&artifact("s3://bucket/a", read, execute), &folders, Option::None).unwrap();
        assert_eq!(mode_of(&file), expected(mode), "{read:?} {execute:?}");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn what_was_unpacked_gets_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders(&folder);
    let tree = folders.unarchived.join("code");
    fs::create_dir_all(tree.join("bin")).unwrap();
    fs::write(tree.join("bin/run"), "").unwrap();
    fs::write(folders.artifacts.join("code.zip"), "").unwrap();
    let mut artifact = artifact("s3://bucket/code.zip", Access::Owner, Access::All);
    artifact.unarchive = Unarchive::Zip;
    apply(&artifact, &folders, None).unwrap();
    assert_eq!(mode_of(&tree), 0o755);
    assert_eq!(mode_of(&tree.join("bin")), 0o755);
    assert_eq!(mode_of(&tree.join("bin/run")), expected(0o555));
}

#[test]
fn what_the_component_has_linked_to_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders(&folder);
    let tree = folders.unarchived.join("code");
    fs::create_dir(&tree).unwrap();
    let (secret, place) = (folder.path().join("secret"), folder.path().join("place"));
    fs::write(&secret, "").unwrap();
    fs::create_dir(&place).unwrap();
    fs::write(place.join("inner"), "").unwrap();
    for path in [&secret, &place.join("inner"), &place] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    symlink(&secret, tree.join("link")).unwrap();
    symlink(&place, tree.join("folder")).unwrap();
    fs::hard_link(&secret, tree.join("second name")).unwrap();
    let mkfifo = |name| rustix::fs::mknodat(CWD, tree.join(name), FileType::Fifo, 0o600.into(), 0);
    mkfifo("pipe").unwrap();
    let mut artifact = artifact("s3://bucket/code.zip", Access::All, Access::All);
    artifact.unarchive = Unarchive::Zip;
    apply(&artifact, &folders, None).unwrap();
    for path in [&secret, &place.join("inner"), &place] {
        assert_eq!(mode_of(path), 0o700, "{}", path.display());
    }
    assert_eq!(mode_of(&tree.join("pipe")), 0o600);
}

#[test]
fn the_files_belong_to_the_user_of_the_component() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folders = folders(&folder);
    let tree = folders.unarchived.join("code");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("run"), "").unwrap();
    fs::write(folders.artifacts.join("code.zip"), "").unwrap();
    symlink("/etc/passwd", tree.join("link")).unwrap();
    let mut artifact = artifact("s3://bucket/code.zip", Access::Owner, Access::None);
    artifact.unarchive = Unarchive::Zip;
    apply(&artifact, &folders, Some(Owner { uid: 4242, gid: 4343 })).unwrap();
    for path in [&folders.artifacts.join("code.zip"), &tree, &tree.join("run")] {
        let found = fs::metadata(path).unwrap();
        assert_eq!((found.uid(), found.gid()), (4242, 4343), "{}", path.display());
    }
    for path in [folders.artifacts.as_path(), &folders.unarchived, Path::new("/etc/passwd")] {
        assert_ne!(fs::metadata(path).unwrap().uid(), 4242, "{}", path.display());
    }
}

#[test]
fn a_file_that_is_not_there_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders(&folder);
    apply(&artifact("s3://bucket/a", Access::All, Access::All), &folders, None).unwrap();
}
