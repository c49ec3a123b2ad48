//! Files that are not what they should be: cut off, damaged, old, or already compiled. None makes
//! the host panic, and each error names the file.

use crate::host::{Outcome, assemble, command, file, finish, folder, guest, run, run_text, sample};
use crate::texts;
use std::fs;
use std::path::Path;

/// A generator of the same numbers every time (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % below
    }
}

/// Whatever is in a file, the host says what it thinks of it and does not panic.
fn inspect(path: &Path) -> Outcome {
    let mut command = command("inspect");
    // Damaged code is not for the cache that the other tests share.
    command.arg(path).env("XDG_CACHE_HOME", path.parent().unwrap());
    let outcome = finish(command);
    assert!(!outcome.stderr.contains("panicked"), "{}\n{outcome}", path.display());
    assert!(outcome.code == 0 || outcome.code == 1, "{}\n{outcome}", path.display());
    outcome
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_with_its_name() {
    let whole = fs::read(guest("exits")).unwrap();
    let folder = folder();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let near = [1, 4, 7, 8, 9, 12, 20, whole.len() - 1];
    let anywhere = (0..24).map(|_| random.next(whole.len() - 1) + 1);
    for length in near.into_iter().chain(anywhere) {
        let path = file(folder.path(), "cut.wasm", &whole[..length]);
        let outcome = run([&path]).arg("--no-cache").finish();
        // Eight bytes are a component, if an empty one.
        let reason = if length == 8 { "nothing to run" } else { "cut.wasm: " };
        outcome.expect_code(1).expect_error("cut.wasm").expect_error(reason);
        assert!(!outcome.stderr.contains("panicked"), "{length}\n{outcome}");
        assert!(outcome.events.is_empty(), "nothing ran at {length}\n{outcome}");
    }
}

#[test]
fn a_damaged_file_never_makes_the_host_panic() {
    let whole = fs::read(guest("exits")).unwrap();
    let folder = folder();
    let mut random = Random(42);
    let mut refused = 0;
    for _ in 0..40 {
        let mut damaged = whole.clone();
        for _ in 0..=random.next(8) {
            let place = random.next(damaged.len());
            damaged[place] ^= 1 << random.next(8);
        }
        let path = file(folder.path(), "damaged.wasm", &damaged);
        let outcome = inspect(&path);
        if outcome.code == 1 {
            refused += 1;
            let named = outcome.stderr.contains("damaged.wasm")
                || outcome.events.iter().any(|event| event.line.contains("damaged.wasm"));
            assert!(named, "{outcome}");
        }
    }
    assert!(refused > 0, "damage is noticed");
}

#[test]
fn damaged_code_that_still_runs_stays_in_its_sandbox() {
    let whole = fs::read(guest("exits")).unwrap();
    let folder = folder();
    let mut random = Random(7);
    for _ in 0..15 {
        let mut damaged = whole.clone();
        let place = whole.len() / 4 + random.next(whole.len() / 2);
        damaged[place] ^= 1 << random.next(8);
        let path = file(folder.path(), "damaged.wasm", &damaged);
        let outcome = run([&path])
            .args(["--no-cache", "--timeout", "2s", "--grace", "10ms"])
            .guest_args(["ok"])
            .finish();
        assert!(!outcome.stderr.contains("panicked"), "{outcome}");
        assert!([0, 1, 124, 134].contains(&outcome.code), "{outcome}");
    }
}

#[test]
fn bytes_at_random_are_refused() {
    let folder = folder();
    let mut random = Random(1);
    for header in [&b""[..], b"\0asm", b"\0asm\x0d\0\x01\0", b"\0asm\x01\0\0\0", b"\x7fELF"] {
        for length in [1, 100, 10_000] {
            let mut bytes = header.to_vec();
            bytes.extend((0..length).map(|_| u8::try_from(random.next(256)).unwrap()));
            let path = file(folder.path(), "noise.wasm", &bytes);
            inspect(&path).expect_code(1).expect_error("noise.wasm: ");
        }
    }
}

#[test]
fn a_core_module_for_preview_1_runs() {
    for (code, expected) in [(0, 0), (1, 1)] {
        let outcome = run_text("old", &texts::preview1(code)).finish();
        outcome.expect_code(expected).expect("old", "hello from preview 1");
    }
}

#[test]
fn a_core_module_that_imports_something_else_is_refused() {
    let text = r#"(module
        (import "env" "magic" (func))
        (memory (export "memory") 1)
        (func (export "_start") (call 0)))"#;
    let outcome = run_text("strange", text).finish();
    outcome.expect_code(1).expect_error("strange.wasm").expect_error("cannot be adapted");
    let outcome = run_text("reactor", "(module (memory (export \"memory\") 1))").finish();
    outcome.expect_code(1).expect_error("reactor.wasm").expect_error("nothing to run");
}

#[test]
fn compiled_code_is_refused_wherever_it_comes_from() {
    let folder = folder();
    let cache = folder.path().join("cache");
    run([guest("exits")]).arg("--cache").arg(&cache).guest_args(["ok"]).finish().expect_code(0);
    let entry = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
        .unwrap();
    for name in ["exits.cwasm", "exits.wasm"] {
        let path = file(folder.path(), name, fs::read(&entry).unwrap());
        let outcome = run([path]).finish();
        outcome.expect_code(1).expect_error(name).expect_error(
            "precompiled code, which is not trusted; give the .wasm it was made from",
        );
    }
}

#[test]
fn a_file_larger_than_any_component_is_not_read() {
    let folder = folder();
    let path = file(folder.path(), "large.wasm", b"\0asm\x0d\0\x01\0");
    fs::File::options().write(true).open(&path).unwrap().set_len((256 << 20) + 1).unwrap();
    let outcome = run([path]).finish();
    outcome.expect_code(1).expect_error("large.wasm").expect_error("a component has at most");
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let mut text = "(component)".to_owned();
    for _ in 0..90 {
        text = format!("(component {text})");
    }
    let folder = folder();
    let path = file(folder.path(), "deep.wasm", assemble(&text));
    inspect(&path);
    // By hand, far deeper than any tool would make.
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..5_000 {
        let mut outer = b"\0asm\x0d\0\x01\0".to_vec();
        outer.push(4);
        let mut length = bytes.len();
        loop {
            let low = u8::try_from(length & 0x7f).unwrap();
            length >>= 7;
            outer.push(if length == 0 { low } else { low | 0x80 });
            if length == 0 {
                break;
            }
        }
        outer.extend(&bytes);
        bytes = outer;
    }
    let path = file(folder.path(), "deeper.wasm", bytes);
    inspect(&path).expect_code(1);
}

#[test]
fn a_file_that_is_read_again_is_the_same_component() {
    // Two names, one content: both run, from what was compiled once.
    let folder = folder();
    let copy = folder.path().join("copy.wasm");
    fs::copy(sample("sensor"), &copy).unwrap();
    let outcome = run([copy, sample("sensor")])
        .config("count=1")
        .config("intervalMs=1")
        .subscribe("sensors/#")
        .finish();
    outcome.expect_code(0);
    assert_eq!(outcome.payloads("sensors/boiler/temperature").len(), 2, "{outcome}");
}
