//! `gg-host run`: its flags, its exit codes, and what it says when something is wrong.

use crate::host::{
    CRASHED, DEADLINE, TIMED_OUT, command, file, finish, folder, guest, recipe, run, run_text,
};
use crate::texts::{self, RUN};
use rustix::process::Signal;
use serde_json::json;
use std::fs;

#[test]
fn the_exit_code_is_the_components() {
    // WASI 0.2 knows success and failure, and no number.
    for (how, code) in [("ok", 0), ("0", 0), ("3", 1), ("error", 1)] {
        run([guest("exits")]).guest_args([how]).finish().expect_code(code);
    }
    for how in ["panic", "abort"] {
        let outcome = run([guest("exits")]).guest_args([how]).finish();
        outcome.expect_code(CRASHED).expect("exits", "crashed: it gave up");
    }
}

#[test]
fn the_exit_code_of_several_is_that_of_the_first_that_failed() {
    let folder = folder();
    let code = fs::read(guest("exits")).unwrap();
    let paths = ["a", "b", "c"].map(|name| file(folder.path(), &format!("{name}.wasm"), &code));
    run(&paths).guest_args(["panic"]).finish().expect_code(CRASHED);
    run(&paths).guest_args(["error"]).finish().expect_code(1);
    run(paths.iter().chain([&guest("long-line")])).guest_args(["0"]).finish().expect_code(0);
    run(paths.iter().chain([&guest("crash-site")])).guest_args(["0"]).finish().expect_code(CRASHED);
}

#[test]
fn configuration_comes_from_flags_and_files() {
    let folder = folder();
    let yaml = file(folder.path(), "settings.yaml", "fromFile: 1\nboth: file\nnested: {a: 1}\n");
    let own = file(folder.path(), "own.json", r#"{"own": true}"#);
    let outcome = run([guest("looks-around")])
        .arg("--config-file")
        .arg(yaml)
        .arg("--config-file")
        .arg(format!("looks-around={}", own.display()))
        .arg("--config-file")
        .arg(format!("somebody-else={}", file(folder.path(), "x.json", r#"{"not": 1}"#).display()))
        .config("both=flag")
        .config("nested.b=[1, 2]")
        .config("text=no JSON at all")
        .config("looks-around:mine=null")
        .config("somebody-else:theirs=1")
        .finish();
    outcome.expect_code(0);
    let said = outcome.expect("looks-around", "configuration: ").message().to_owned();
    let found: serde_json::Value =
        serde_json::from_str(said.strip_prefix("configuration: ").unwrap()).unwrap();
    let wanted = json!({
        "fromFile": 1, "both": "flag", "nested": { "a": 1, "b": [1, 2] },
        "text": "no JSON at all", "own": true, "mine": null,
    });
    assert_eq!(found, wanted);
}

#[test]
fn what_is_not_granted_is_unauthorized_and_the_words_grant_it() {
    let publishes =
        || run([guest("publishes")]).config("count=2").config("topic=plain/topic").subscribe("#");
    publishes().finish().expect_code(0);

    let denied = publishes().arg("--deny-all").finish();
    // Nothing is allowed, logging included: the refusal shows in the code.
    denied.expect_code(1);
    assert!(denied.payloads("plain/topic").is_empty());

    let denied = publishes()
        .args(["--deny-all", "--allow", "logging:*:*", "--allow", "configuration:*:*"])
        .finish();
    denied.expect_code(1).expect(
        "publishes",
        "is not authorized to perform aws.greengrass#PublishToTopic on \"plain/topic\"",
    );
    let grant = denied.expect("publishes", "--allow '").message().to_owned();
    let grant = grant.split("--allow '").nth(1).unwrap().split('\'').next().unwrap();

    let granted =
        publishes().args(["--deny-all", "--allow", grant, "--allow", "configuration:*:*"]).finish();
    granted.expect_code(0);
    assert_eq!(granted.payloads("plain/topic"), [json!(0), json!(1)], "{granted}");
}

#[test]
fn a_recipe_grants_what_it_says_and_no_more() {
    let outcome =
        run([recipe("sensor")]).config("count=1").config("name=boiler").subscribe("#").finish();
    outcome.expect_code(0);
    assert_eq!(outcome.payloads("sensors/boiler/temperature").len(), 1, "{outcome}");
    // Its recipe speaks of sensors/* alone.
    let folder = folder();
    fs::copy(guest("publishes"), folder.path().join("sensor.wasm")).unwrap();
    let other = file(folder.path(), "recipe.yaml", fs::read(recipe("sensor")).unwrap());
    let outcome = run([other]).config("topic=elsewhere").subscribe("#").finish();
    outcome.expect_code(1).expect("com.example.Sensor", "is not authorized to perform");
    assert!(outcome.payloads("elsewhere").is_empty());
}

#[test]
fn granted_folders_are_seen_as_granted() {
    let (writable, read_only) = (folder(), folder());
    file(writable.path(), "a.txt", "a");
    file(read_only.path(), "b.txt", "b");
    let outcome = run([guest("looks-around")])
        .arg("--dir")
        .arg(format!("{}::/data", writable.path().display()))
        .arg("--dir")
        .arg(format!("{}::/fixed:ro", read_only.path().display()))
        .finish();
    outcome.expect_code(0);
    outcome.expect("looks-around", "folder /: [], writable: true");
    outcome.expect("looks-around", "folder /data: [\"a.txt\"], writable: true");
    outcome.expect("looks-around", "folder /fixed: [\"b.txt\"], writable: false");
    assert!(writable.path().join("left-by-guest").is_file());
    assert!(!read_only.path().join("left-by-guest").exists());

    let outcome = run([guest("looks-around")]).args(["--dir", "/no/such/folder::/data"]).finish();
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.expect("looks-around", "cannot open the directory /no/such/folder");
}

#[test]
fn variables_and_arguments_are_those_that_were_given() {
    let outcome = run([guest("looks-around")])
        .env("GG_TEST_PASSED_ON", "from outside")
        .env("GG_TEST_NOT_PASSED_ON", "secret")
        .args(["--env", "MODE=fast", "--env", "GG_TEST_PASSED_ON", "--env", "EMPTY="])
        .guest_args(["one", "two words"])
        .finish();
    outcome.expect_code(0);
    outcome.expect("looks-around", "arguments: [\"one\", \"two words\"]");
    outcome.expect("looks-around", "variable MODE=fast");
    outcome.expect("looks-around", "variable GG_TEST_PASSED_ON=from outside");
    outcome.expect("looks-around", "variable EMPTY=");
    outcome.expect_silence("looks-around", "secret").expect_silence("looks-around", "PATH");

    let outcome = run([guest("looks-around")]).args(["--env", "GG_TEST_NO_SUCH"]).finish();
    outcome.expect_code(1).expect_error("--env GG_TEST_NO_SUCH: give it a value with");
}

#[test]
fn a_run_ends_at_its_timeout() {
    let outcome =
        run([guest("endless-loop")]).args(["--timeout", "300ms", "--grace", "100ms"]).finish();
    outcome.expect_code(TIMED_OUT);
    assert!(outcome.took < DEADLINE);
    // A handler waits for messages and is done at any time.
    run([guest("slow-handler")])
        .config("subscriptions=[\"a\"]")
        .args(["--timeout", "100ms"])
        .finish()
        .expect_code(0);
    // One that ends before it is not touched by it.
    run([guest("exits")]).args(["--timeout", "1h"]).guest_args(["3"]).finish().expect_code(1);
}

#[test]
fn messages_go_in_and_out() {
    let outcome = run([guest("waits")])
        .publish("waits/a", "plain text")
        .publish("waits/b", "{\"json\": [1, 2]}")
        .publish("waits/c", "")
        .subscribe("waits/#")
        .args(["--timeout", "60s"])
        .start();
    let mut host = outcome;
    host.wait_for("the last one", |event| event.says("waits", "got  on waits/c"));
    host.signal(Signal::INT);
    let outcome = host.finish();
    outcome.expect_code(0).expect("waits", "got plain text on waits/a");
    assert_eq!(outcome.payloads("waits/a"), [json!("plain text")]);
    assert_eq!(outcome.payloads("waits/b"), [json!({ "json": [1, 2] })]);

    let outcome = run([guest("waits")]).publish("waits/+", "x").finish();
    outcome.expect_code(1).expect_error("--publish waits/+=x");
    let outcome = run([guest("waits")]).subscribe("a/#/b").finish();
    outcome.expect_code(1).expect_error("--subscribe a/#/b");
    let outcome = run([guest("waits")]).args(["--publish", "no-payload"]).finish();
    outcome.expect_code(1).expect_error("--publish no-payload: write TOPIC=PAYLOAD");
}

#[test]
fn several_components_share_local_topics() {
    let outcome = run([guest("publishes"), guest("relay-handler")])
        .config("publishes:count=20")
        .config("relay-handler:subscriptions=[\"numbers\"]")
        .subscribe("relayed")
        .finish();
    outcome.expect_code(0);
    let relayed = outcome.payloads("relayed");
    assert_eq!(relayed.len(), 20, "what was on its way arrives\n{outcome}");
    assert_eq!(relayed[19]["number"], 19);
}

#[test]
fn until_ends_a_run_when_one_component_is_over() {
    let outcome =
        run([guest("waits"), guest("exits")]).args(["--until", "exits"]).guest_args(["4"]).finish();
    outcome.expect_code(1).expect("waits", "tidied up");
    let outcome = run([guest("exits")]).args(["--until", "nobody"]).finish();
    outcome.expect_code(1).expect_error("--until nobody: no component has this name");
}

#[test]
fn two_components_of_one_name_are_refused() {
    let folder = folder();
    let other = folder.path().join("exits.wasm");
    fs::copy(guest("waits"), &other).unwrap();
    let outcome = run([guest("exits"), other]).finish();
    outcome.expect_code(1).expect_error("two components are named exits");
}

#[test]
fn an_interrupt_lets_components_end_in_order() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut host = run([guest("waits")]).start();
        host.wait_for("it is up", |event| event.says("waits", "waiting"));
        host.signal(signal);
        host.finish().expect_code(0).expect("waits", "tidied up");
    }
}

#[test]
fn a_component_that_does_not_end_is_ended_after_the_grace() {
    let mut host = run([guest("stubborn")]).args(["--grace", "200ms"]).start();
    host.wait_for("it is up", |event| event.says("stubborn", "waiting"));
    host.signal(Signal::INT);
    host.finish().expect_code(130).expect("stubborn", "did not stop in time and is ended");
}

#[test]
fn a_second_interrupt_ends_the_grace() {
    let mut host = run([guest("stubborn"), guest("waits")]).args(["--grace", "1h"]).start();
    host.wait_until_said("waits", "waiting");
    host.wait_until_said("stubborn", "waiting");
    host.signal(Signal::INT);
    host.wait_for("the first one is noticed", |event| event.says("waits", "tidied up"));
    host.signal(Signal::INT);
    host.finish().expect_code(130);
}

#[test]
fn a_handler_needs_to_know_what_to_subscribe_to() {
    let outcome = run([guest("slow-handler")]).finish();
    outcome
        .expect_code(1)
        .expect_error("slow-handler is a handler, and its configuration names nothing")
        .expect_error("--config 'subscriptions=[\"my/topic\"]'");
}

#[test]
fn what_is_no_component_is_refused_with_its_name() {
    let folder = folder();
    let text = file(folder.path(), "notes.wasm", "these are notes\n");
    let wat = file(folder.path(), "text.wasm", "(module)");
    let empty = file(folder.path(), "empty.wasm", "");
    let recipe = file(folder.path(), "recipe.yaml", "ComponentName: [no, recipe]\n");
    let no_artifact = file(
        folder.path(),
        "alone.yaml",
        fs::read_to_string(crate::host::recipe("sensor")).unwrap(),
    );
    let inside = folder.path().to_owned();
    let not_there = folder.path().join("not-there.wasm");
    for (path, words) in [
        (&text, "not WebAssembly: a text file"),
        (&wat, "the text format; turn it into a binary first"),
        (&empty, "an empty file"),
        (&inside, "not a file"),
        (&not_there, "cannot open"),
        (&recipe, "recipe"),
        (&no_artifact, "cannot"),
    ] {
        let outcome = run([path]).finish();
        let name = path.file_name().unwrap().to_str().unwrap();
        outcome.expect_code(1).expect_error(words);
        let named = if path == &no_artifact { "sensor.wasm" } else { name };
        outcome.expect_error(named).expect_error("error:");
        assert!(!outcome.stderr.contains("panicked"), "{outcome}");
    }
    // With nothing at all, clap says how it is used.
    let outcome = run([] as [&str; 0]).finish();
    outcome.expect_code(2).expect_error("Usage:");
}

#[test]
fn wrong_flags_say_what_would_be_right() {
    for (arguments, words) in [
        (["--config", "no-equals-sign"], "write key=JSON"),
        (["--config", "=1"], "no key before the ="),
        (["--config-file", "/no/such/file"], "cannot read /no/such/file"),
        (["--limit", "memory"], "write NAME=VALUE"),
        (["--allow", "everything"], "everything"),
        (["--dir", "one-folder"], "one-folder"),
        (["--net", "host:no-port"], "host:no-port"),
        (["--timeout", "soon"], "soon"),
        (["--env", "=x"], "no name before the ="),
        (["--config", "sandbox.limits.memroy=1"], "memory"),
    ] {
        let outcome = run([guest("exits")]).args(arguments).finish();
        assert!(outcome.code == 1 || outcome.code == 2, "{arguments:?}\n{outcome}");
        outcome.expect_error(words);
    }
}

#[test]
fn a_component_without_anything_to_run_is_refused() {
    let outcome = run_text("library", "(component)").finish();
    outcome.expect_code(1).expect_error("there is nothing to run").expect_error("library.wasm");
}

#[test]
fn a_component_without_imports_runs() {
    run_text("plain", &texts::service(RUN)).finish().expect_code(0);
    let failing = texts::service(r#"(func (export "run") (result i32) i32.const 1)"#);
    run_text("failing", &failing).finish().expect_code(1);
}

#[test]
fn the_limits_are_listed() {
    let mut limits = command("limits");
    limits.args(["--output", "json"]);
    let outcome = finish(limits);
    outcome.expect_code(0);
    let names: Vec<_> = outcome.events.iter().map(|e| e.json["name"].as_str().unwrap()).collect();
    let wanted: Vec<_> =
        gg_model::Limits::default().describe().iter().map(|row| row.name).collect();
    assert_eq!(names, wanted);
}

#[test]
fn work_folders_go_with_the_run() {
    let temporary = folder();
    let outcome =
        run([guest("looks-around")]).env("TMPDIR", temporary.path().to_str().unwrap()).finish();
    outcome.expect_code(0).expect("looks-around", "folder /: [], writable: true");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}
