//! The rules of the architecture that a compiler does not keep, read off the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the bottom to the top: each may use those before it.
const LAYERS: [&str; 28] = [
    "clock",
    "error",
    "hexadecimal",
    "metrics",
    "private_file",
    "random",
    "tasks",
    "trie",
    "watched",
    "inference",
    "network",
    "logs",
    "store",
    "trust",
    "cloud",
    "bindings",
    "capability",
    "component",
    "runtime",
    "ipc",
    "token_exchange",
    "supervisor",
    "deployment",
    "fleet",
    "monitor",
    "nucleus",
    "doctor",
    "cli",
];

/// The same of gg-cloud.
const CLOUD_LAYERS: [&str; 14] = [
    "allowance",
    "clock",
    "hexadecimal",
    "private_file",
    "random",
    "tasks",
    "state",
    "artifacts",
    "pki",
    "registry",
    "broker",
    "web",
    "services",
    "cli",
];

/// Most lines of a file.
const LONGEST: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A source file: its path below the folder, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap();
        name == "tests.rs" || name == "testing.rs" || self.path.contains("/tests/")
    }

    /// Its lines of code: comments and tests at the end left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        lines
            .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
            .filter(|(_, line)| !line.trim().is_empty())
    }
}

/// All files with an extension below a folder.
fn sources(folder: &Path, extension: &str) -> Vec<Source> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, found) } else { found.push(path) }
        }
    }
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| Source {
            path: path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect()
}

fn host() -> Vec<Source> {
    sources(&root().join("host/src"), "rs")
}

#[track_caller]
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The modules of this crate that a line names after `crate::`, alone or in braces.
fn named_modules(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).zip(line.split("crate::")).flat_map(|(after, before)| {
        // `$crate::` and `some_crate::` are others.
        let own = !before.ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric());
        let list = match after.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => after.split([' ', ';', '}', ',']).next().unwrap_or_default(),
        };
        let first = |path: &'_ str| -> usize {
            path.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(path.len())
        };
        list.split(',')
            .map(str::trim)
            .map(move |path| &path[..first(path)])
            .filter(move |name| own && !name.is_empty())
    })
}

#[test]
fn modules_use_only_what_is_below_them() {
    let mut problems = out_of_order(&LAYERS, &host());
    problems.extend(out_of_order(&CLOUD_LAYERS, &sources(&root().join("cloud/src"), "rs")));
    none(problems);
}

fn out_of_order(layers: &[&str], sources: &[Source]) -> Vec<String> {
    let place = |module: &str| layers.iter().position(|layer| *layer == module);
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let module = source.path.split(['/', '.']).next().unwrap();
        if ["inference_worker", "lib", "main"].contains(&module) {
            continue;
        }
        let Some(own) = place(module) else {
            problems.push(format!("{}: give {module} its place among the layers", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for name in named_modules(line) {
                if place(name).is_some_and(|other| other > own) {
                    problems.push(format!("{}:{number}: {module} uses {name}", source.path));
                }
            }
        }
    }
    problems
}

#[test]
fn the_cores_of_capabilities_know_neither_the_engine_nor_a_wire() {
    // The hooks of wasi:http give and take their own types; a copy of each would serve nobody.
    const EXCEPT: [&str; 1] = ["capability/http/send.rs"];
    let mut problems = Vec::new();
    for source in host() {
        let name = source.path.rsplit('/').next().unwrap();
        let door = ["wit.rs", "ipc.rs", "door.rs"].contains(&name)
            || EXCEPT.contains(&source.path.as_str());
        if !source.path.starts_with("capability/") || door || source.is_test() {
            continue;
        }
        for (number, line) in source.code() {
            for word in ["wasmtime", "bindings", "gg_ipc"] {
                if line.contains(word) {
                    problems.push(format!("{}:{number}: names {word}", source.path));
                }
            }
        }
    }
    let error = fs::read_to_string(root().join("host/src/error.rs")).unwrap();
    let conversions = error.matches("impl From<wasmtime").count();
    // Each names it twice.
    if conversions > 1 || error.matches("wasmtime").count() > 2 * conversions {
        problems.push("error.rs: names wasmtime for more than one conversion".to_owned());
    }
    none(problems);
}

#[test]
fn only_one_place_spawns() {
    const ALLOWED: [(&str, &str); 4] = [
        ("runtime/process/harden/view.rs", "a mount namespace belongs to a thread, for good"),
        ("runtime/wasm/epoch.rs", "the clock that interrupts guests must not wait for them"),
        ("inference_worker.rs", "who waits for the host's end must not wait for a model"),
        ("cli/run/output.rs", "a reader that blocks must hold up nobody"),
    ];
    let mut problems = Vec::new();
    let all = [host(), sources(&root().join("cloud/src"), "rs")].into_iter().flatten();
    for source in all.filter(|source| !source.is_test() && source.path != "tasks.rs") {
        if ALLOWED.iter().any(|(path, _)| *path == source.path) {
            continue;
        }
        for (number, line) in source.code() {
            let words =
                ["tokio::spawn", "task::spawn", "thread::spawn", "thread::Builder", "JoinSet"];
            if words.iter().any(|word| line.contains(word)) {
                problems.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none(problems);
}

#[test]
fn files_are_not_too_long() {
    let mut problems = Vec::new();
    for folder in ["cloud/src", "host/src", "host/crates", "xtask/src", "guest-sdk/rust/src"] {
        for source in sources(&root().join(folder), "rs").iter().filter(|one| !one.is_test()) {
            let lines = source.text.lines().count();
            if lines > LONGEST {
                problems.push(format!("{folder}/{}: {lines} lines", source.path));
            }
        }
    }
    none(problems);
}

#[test]
fn every_interface_is_served_or_said_not_to_be() {
    let imports = fs::read_to_string(root().join("host/src/runtime/wasm/imports.rs")).unwrap();
    let end = imports.find("const VERSION").expect("the lists stand before the version");
    let mut problems = Vec::new();
    // Those in folders are of other packages.
    for source in sources(&root().join("wit"), "wit").iter().filter(|one| !one.path.contains('/')) {
        for line in source.text.lines() {
            let Some(rest) = line.strip_prefix("interface ") else { continue };
            let name = rest.split_whitespace().next().unwrap();
            let entries = imports[..end].matches(&format!("\"{name}\"")).count();
            if entries != 1 {
                problems.push(format!("{}: {name} has {entries} entries", source.path));
            }
        }
    }
    none(problems);
}

#[test]
fn every_file_of_tests_is_run() {
    let folder = root().join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    let mut problems = Vec::new();
    for source in sources(&folder, "rs") {
        let module = source.path.split(['/', '.']).next().unwrap();
        if module != "main" && !main.lines().any(|line| line == format!("mod {module};")) {
            problems.push(format!("{} is not a module of main.rs", source.path));
        }
    }
    none(problems);
}

#[test]
fn every_guest_of_the_tests_is_run() {
    let guests = root().join("tests/guests");
    let mut names: Vec<String> = sources(&guests.join("services/src/bin"), "rs")
        .iter()
        .map(|source| source.path.trim_end_matches(".rs").to_owned())
        .collect();
    names.extend(
        fs::read_dir(guests.join("handlers"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap()),
    );
    let tests: String =
        sources(&root().join("tests/it"), "rs").into_iter().map(|source| source.text).collect();
    let unused = names.into_iter().filter(|name| !tests.contains(&format!("\"{name}\"")));
    none(unused.map(|name| format!("no test runs {name}")).collect());
}

#[test]
fn the_rule_of_layers_sees_imports() {
    let found = |line| named_modules(line).collect::<Vec<_>>();
    assert_eq!(found("use crate::nucleus::Nucleus;"), ["nucleus"]);
    assert_eq!(found("use crate::{error, logs::Level};"), ["error", "logs"]);
    assert_eq!(found("fn a(b: crate::clock::Clock) -> crate::error::Error {"), ["clock", "error"]);
    assert_eq!(found("use other_crate::x; $crate::y"), [""; 0]);
}
