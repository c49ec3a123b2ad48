//! The cache of compiled components: used when it is sound, and in no other case. That something
//! was compiled shows in a line of the host's own log.

use crate::host::{Outcome, folder, guest, run};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

const COMPILED: &str = "compiled code stored in the cache";
const NOT_TRUSTED: &str = "compiled code in the cache is not trusted; compiling again";

fn exits(cache: &Path) -> Outcome {
    let outcome =
        run([guest("exits")]).arg("-vv").arg("--cache").arg(cache).guest_args(["ok"]).finish();
    outcome.expect_code(0).expect("exits", "ending: ok");
    outcome
}

fn compiled(outcome: &Outcome) -> bool {
    outcome.stderr.contains(COMPILED)
}

/// The only entry with this extension.
fn entry(cache: &Path, extension: &str) -> PathBuf {
    let mut found: Vec<_> = fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_second_run_does_not_compile() {
    let folder = folder();
    let cache = folder.path().join("not/there/yet");
    assert!(compiled(&exits(&cache)));
    assert!(!compiled(&exits(&cache)));
    assert_eq!(fs::metadata(&cache).unwrap().mode() & 0o777, 0o700);
    for extension in ["cwasm", "seal"] {
        assert_eq!(fs::metadata(entry(&cache, extension)).unwrap().mode() & 0o777, 0o600);
    }
}

#[test]
fn without_a_cache_nothing_is_kept() {
    let folder = folder();
    let outcome = run([guest("exits")])
        .args(["-vv", "--no-cache"])
        .env("XDG_CACHE_HOME", folder.path().to_str().unwrap())
        .guest_args(["ok"])
        .finish();
    outcome.expect_code(0);
    assert!(!compiled(&outcome), "{outcome}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn other_settings_of_the_engine_have_their_own_entries() {
    let folder = folder();
    let cache = folder.path().join("cache");
    assert!(compiled(&exits(&cache)));
    let dumps = run([guest("exits")])
        .args(["-vv", "--core-dumps", "/tmp", "--cache"])
        .arg(&cache)
        .guest_args(["ok"])
        .finish();
    dumps.expect_code(0);
    assert!(compiled(&dumps) || fs::read_dir(&cache).unwrap().count() == 2, "{dumps}");
    assert!(!compiled(&exits(&cache)));
}

#[test]
fn a_damaged_entry_is_compiled_again() {
    let folder = folder();
    let cache = folder.path().join("cache");
    exits(&cache);
    let path = entry(&cache, "cwasm");
    let good = fs::read(&path).unwrap();

    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bad in [&flipped[..], &good[..middle], b"", b"\x7fELF but no more", b"text"] {
        fs::write(&path, bad).unwrap();
        let outcome = exits(&cache);
        assert!(compiled(&outcome), "{outcome}");
        outcome.expect_error(NOT_TRUSTED);
        assert!(!compiled(&exits(&cache)), "and is good after that");
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

#[test]
fn a_missing_or_wrong_seal_is_no_seal() {
    let folder = folder();
    let cache = folder.path().join("cache");
    exits(&cache);
    let seal = entry(&cache, "seal");
    let good = fs::read(&seal).unwrap();
    fs::remove_file(&seal).unwrap();
    assert!(compiled(&exits(&cache)));
    for bad in [&good[1..], b"", &[0; 32]] {
        fs::write(&seal, bad).unwrap();
        let outcome = exits(&cache);
        assert!(compiled(&outcome), "{outcome}");
        outcome.expect_error(NOT_TRUSTED);
    }
    assert_eq!(fs::read(&seal).unwrap(), good);
}

#[test]
fn an_entry_of_another_component_is_not_taken_for_this_one() {
    let folder = folder();
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    exits(&own);
    let outcome = run([guest("crash-site")]).arg("--cache").arg(&other).finish();
    outcome.expect_code(crate::host::CRASHED);
    // Code and seal of the other under the names of this one.
    for extension in ["cwasm", "seal"] {
        fs::copy(entry(&other, extension), entry(&own, extension)).unwrap();
    }
    let outcome = exits(&own);
    assert!(compiled(&outcome), "{outcome}");
    outcome.expect_error(NOT_TRUSTED);
}

#[test]
fn a_folder_that_others_may_use_is_not_used() {
    let folder = folder();
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    for mode in [0o777, 0o755, 0o770, 0o701] {
        fs::set_permissions(&cache, Permissions::from_mode(mode)).unwrap();
        let outcome = exits(&cache);
        outcome.expect_error("the cache of compiled components is not used");
        assert!(!compiled(&outcome), "{outcome}");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0, "{mode:o}");
    }
    fs::set_permissions(&cache, Permissions::from_mode(0o700)).unwrap();
    assert!(compiled(&exits(&cache)));
}

#[test]
fn a_link_in_place_of_the_folder_or_an_entry_is_not_followed() {
    let folder = folder();
    let cache = folder.path().join("cache");
    exits(&cache);
    let link = folder.path().join("link");
    symlink(&cache, &link).unwrap();
    exits(&link).expect_error("the cache of compiled components is not used");

    let path = entry(&cache, "cwasm");
    let elsewhere = folder.path().join("elsewhere.cwasm");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let outcome = exits(&cache);
    assert!(compiled(&outcome), "{outcome}");
    outcome.expect_error(NOT_TRUSTED);
    assert!(!fs::symlink_metadata(&path).unwrap().is_symlink(), "replaced by a file");
}

#[test]
fn an_entry_that_others_may_write_is_not_trusted() {
    let folder = folder();
    let cache = folder.path().join("cache");
    exits(&cache);
    let path = entry(&cache, "cwasm");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let outcome = exits(&cache);
    assert!(compiled(&outcome), "{outcome}");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}
