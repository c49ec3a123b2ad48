//! Against a real engine: the one whose socket `GG_TEST_DOCKER` names. `cargo xtask test` starts one,
//! and a registry on this machine, whose address is `GG_TEST_REGISTRY`.

pub(super) mod bench;

use super::reference::Reference;
use super::{adopt, engine};
use crate::component::InstalledComponent;
use crate::logs::{Level, Source};
use crate::metrics::Usage;
use crate::runtime::token::Tokens;
use crate::runtime::{Exit, PauseError, Status};
use bench::*;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::{StreamExt, TryStreamExt};
use gg_model::PosixUser;
use gg_model::recipe::StepName;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_container_prints_to_the_log_and_its_code_is_the_components() {
    let Some(bench) = Bench::new().await else { return };
    let mut component = bench.component("echo out; echo err >&2; exit 7");
    component.lifecycle.steps.insert(StepName::Install, Box::default());
    let mut started = bench.start(component).await;
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(7)), "{exit:?}");
    let of = |source| {
        let mut found = started.said.iter().filter(|record| record.source == source);
        let record = found.next().expect("it printed");
        assert!(found.next().is_none());
        (record.level, record.message.as_str())
    };
    assert_eq!(of(Source::Stdout), (Level::Info, "out"));
    assert_eq!(of(Source::Stderr), (Level::Warn, "err"));
    assert!(of(Source::Host).1.contains("its step `install` is not carried out"));
    assert_eq!(bench.container().await, None, "it is removed");
}

#[tokio::test]
async fn more_memory_than_granted_is_the_end() {
    let Some(bench) = Bench::new().await else { return };
    let mut component = bench.component("a=x; while :; do a=$a$a; done");
    component.resources.memory = Some(32 << 20);
    let mut started = bench.start(component).await;
    let exit = started.exit().await;
    let failure = failure(&exit);
    assert!(failure.message.contains("its limit of 32.0 MiB"), "{failure}");
    assert_eq!(failure.code, 137);
}

#[tokio::test]
async fn what_a_container_uses_is_known_and_one_that_is_paused_can_stop() {
    let Some(bench) = Bench::new().await else { return };
    let script = "trap \"exit 0\" TERM; while :; do echo works; sleep 0.1; done";
    let mut started = bench.start(bench.component(script)).await;
    started.line("works").await;
    let hold = Arc::clone(&started.running.hold);
    let usage = hold.usage().await;
    assert!(usage.memory.unwrap() > 0 && usage.cpu.unwrap() > Duration::ZERO, "{usage:?}");
    assert!(usage.processes.unwrap() > 0, "{usage:?}");

    hold.set_paused(true).await.unwrap();
    let id = bench.container().await.unwrap();
    // What the engine shows follows what it has done: it hears of that from another program.
    let shows = async |paused: bool| {
        let becomes = async {
            while bench.api.inspect_container(&id, None).await.unwrap().state.unwrap().paused
                != Some(paused)
            {}
        };
        tokio::time::timeout(PATIENCE, becomes).await.unwrap();
    };
    assert!(hold.is_paused());
    shows(true).await;
    hold.set_paused(false).await.unwrap();
    assert!(!hold.is_paused());
    shows(false).await;
    started.line("works").await;

    hold.set_paused(true).await.unwrap();
    started.caller.ask_to_stop();
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?}");
    assert_eq!(hold.usage().await, Usage::default());
    assert_eq!(hold.set_paused(true).await, Err(PauseError::NotRunning));
}

#[tokio::test]
async fn a_container_is_alone_and_without_privileges() {
    let Some(bench) = Bench::new().await else { return };
    let script =
        "ls /sys/class/net; grep -E \"^(CapEff|CapBnd|NoNewPrivs)\" /proc/self/status; id -u";
    let mut component = bench.component(script);
    component.resources.pids = Some(20);
    component.resources.cpus = Some(0.5);
    let mut started = bench.start(component).await;
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?} {:?}", started.messages());
    let none = "0000000000000000";
    let expected =
        ["lo", &format!("CapBnd:\t{none}"), &format!("CapEff:\t{none}"), "NoNewPrivs:\t1", "0"];
    let mut printed = started.printed();
    printed.sort_unstable_by_key(|line| expected.iter().position(|other| other == line));
    assert_eq!(printed, expected);
}

#[tokio::test]
async fn the_work_folder_can_be_written_and_stays() {
    let Some(bench) = Bench::new().await else { return };
    for (user, count) in [(None, "1"), (Some("1234"), "2"), (None, "3")] {
        let mut component = bench.component("pwd; echo x >> count; grep -c x count; id -u");
        component.run_as = user.map(|user| PosixUser { user: user.to_owned(), group: None });
        let mut started = bench.start(component.clone()).await;
        let exit = started.exit().await;
        assert!(matches!(exit, Exit::Finished(0)), "{exit:?} {:?}", started.messages());
        let work = component.work.to_str().unwrap();
        assert_eq!(started.printed(), [work, count, user.unwrap_or("0")]);
    }
    assert!(bench.root.path().join("work/a/count").is_file());
}

#[tokio::test]
async fn folders_are_seen_as_granted() {
    let Some(bench) = Bench::new().await else { return };
    let root = bench.root.path();
    for folder in ["artifacts", "data"] {
        fs::create_dir(root.join(folder)).unwrap();
        fs::write(root.join(folder).join("file"), folder).unwrap();
    }
    let (artifacts, data) = (root.join("artifacts"), root.join("data"));
    let script = format!(
        "cat {0}/file /data/file /own/file; echo; touch {0}/new /data/new 2>&1; touch /own/new",
        artifacts.display()
    );
    let mut component = bench.component(&script);
    for text in [format!("{}::/data:ro", data.display()), format!("{}::own", data.display())] {
        component.sandbox.directories.push(text.parse().unwrap());
    }
    let mut started = bench.start(component).await;
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?} {:?}", started.messages());
    let printed = started.printed();
    assert_eq!(printed[0], "artifactsdatadata");
    assert_eq!(printed.iter().filter(|line| line.contains("Read-only file system")).count(), 2);
    assert!(data.join("new").is_file());
}

#[tokio::test]
async fn a_container_is_given_a_components_environment_and_the_door() {
    let Some(bench) = Bench::new().await else { return };
    let _door = UnixListener::bind(bench.root.path().join("ipc.socket")).unwrap();
    let script = "echo $AWS_IOT_THING_NAME $AWS_REGION $GRANTED $SET; \
         [ $SVCUID = $AWS_CONTAINER_AUTHORIZATION_TOKEN ] && echo same; \
         [ -S $AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT ] && echo door; \
         echo $SVCUID; echo ready; while [ ! -e go ]; do sleep 0.1; done";
    let mut component = bench.component(script);
    for (name, value) in [("GRANTED", "granted"), ("SET", "granted")] {
        component.sandbox.environment.insert(name.to_owned(), value.to_owned());
    }
    component.lifecycle.environment.insert("SET".to_owned(), "set".to_owned());
    let mut started = bench.start(component).await;
    started.line("ready").await;
    let token = started.printed()[3].to_owned();
    assert_eq!(started.printed()[..3], ["thing eu-central-1 granted set", "same", "door"]);
    assert_eq!(bench.tokens.caller(&token).unwrap().name().as_ref(), "a");
    fs::write(bench.root.path().join("work/a/go"), "").unwrap();
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?} {:?}", started.messages());
    assert!(bench.tokens.caller(&token).is_none(), "its token is worth nothing any more");
}

#[tokio::test]
async fn a_container_that_is_asked_to_stop_ends_as_it_likes() {
    let Some(bench) = Bench::new().await else { return };
    let script = "trap \"echo bye; exit 3\" TERM; echo ready; while :; do sleep 1000 & wait; done";
    let mut started = bench.start(bench.component(script)).await;
    started.line("ready").await;
    started.caller.ask_to_stop();
    started.line("bye").await;
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(3)), "{exit:?}");

    // One that thinks nothing of it ends well.
    let mut started = bench.start(bench.component("echo ready; exec sleep 1000")).await;
    started.line("ready").await;
    assert!(matches!(*started.running.status.borrow(), Status::Running));
    started.caller.ask_to_stop();
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?}");
}

#[tokio::test]
async fn a_container_that_does_not_stop_is_ended() {
    let Some(bench) = Bench::new().await else { return };
    let script = "trap \"echo never\" TERM; echo ready; while :; do sleep 1000 & wait; done";
    let mut started = bench.start(bench.component(script)).await;
    started.line("ready").await;
    started.caller.ask_to_stop();
    started.line("never").await;
    assert!(bench.container().await.is_some());
    started.running.kill.cancel();
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Killed), "{exit:?}");
    assert_eq!(bench.container().await, None);
}

#[tokio::test]
async fn a_container_that_is_ended_while_it_starts_is_not_left_behind() {
    let Some(bench) = Bench::new().await else { return };
    let mut started = bench.start(bench.component("exec sleep 1000")).await;
    started.running.kill.cancel();
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Killed), "{exit:?}");
    assert_eq!(bench.container().await, None);
}

#[tokio::test]
async fn a_flood_waits_until_it_is_written_down() {
    const LINES: usize = 100_000;
    let Some(bench) = Bench::new().await else { return };
    // Some megabytes, more than the ways between can hold.
    let script = format!("yes {} | head -n {LINES}; touch over", "0123456789".repeat(10));
    let over = bench.root.path().join("work/a/over");
    let mut started = bench.start(bench.component(&script)).await;
    // What fits is there, nobody takes it, and the container is not over.
    let full = async {
        while started.records.len() < crate::logs::QUEUE / 8 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, full).await.unwrap();
    assert!(!over.exists());
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?}");
    assert_eq!(started.printed().len(), LINES, "{:?}", started.said.last());
    assert!(over.exists());
}

#[tokio::test]
async fn an_image_comes_out_of_an_archive_once() {
    let Some(bench) = Bench::new().await else { return };
    let name = "gg-host-test/archived:1";
    make_image(&bench.api, name).await;
    let id = bench.api.inspect_image(name).await.unwrap().id.unwrap();
    let archive = bench.root.path().join("image.tar");
    let mut file = fs::File::create(&archive).unwrap();
    let mut pieces = Box::pin(bench.api.export_image(name));
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece.unwrap()).unwrap();
    }
    drop(pieces);
    remove_image(&bench.api, name).await;

    let digest = format!("gg-host-test/archived@{id}");
    for (reference, loads) in [(name, 1), (name, 0), (&digest, 0)] {
        let mut component = component(bench.root.path(), &format!("{reference} echo hi"));
        component.archives = vec![archive.clone()];
        let mut started = bench.start(component).await;
        let exit = started.exit().await;
        assert!(matches!(exit, Exit::Finished(0)), "{exit:?}");
        assert_eq!(started.printed(), ["hi"]);
        let loading = started.messages().into_iter().filter(|line| line.contains("loading images"));
        assert_eq!(loading.count(), loads, "{reference}");
    }

    // Not an archive at all.
    fs::write(&archive, "nonsense").unwrap();
    let mut component = component(bench.root.path(), "gg-host-test/other:1 echo hi");
    component.archives = vec![archive.clone()];
    let error = start(&bench.runtime, component.clone()).await.err().unwrap().to_string();
    assert!(error.contains("the engine cannot load") || error.contains("cannot get"), "{error}");
    component.archives = vec![archive.with_extension("gone")];
    let error = start(&bench.runtime, component).await.err().unwrap().to_string();
    assert!(error.contains("cannot read the image archive"), "{error}");
    remove_image(&bench.api, name).await;
}

#[tokio::test]
async fn an_image_is_pulled_and_its_digest_insisted_on() {
    let (Some(bench), Some(registry)) = (Bench::new().await, registry()) else { return };
    let root = bench.root.path();
    let repository = format!("{registry}/gg-host-test/pulled");
    let name = format!("{repository}:1");
    make_image(&bench.api, &name).await;
    let options = PushImageOptionsBuilder::default().tag("1").build();
    let pushing = bench.api.push_image(&repository, Some(options), None);
    pushing.try_collect::<Vec<_>>().await.unwrap();

    let mut reference = name.clone();
    for _ in 0..2 {
        remove_image(&bench.api, &name).await;
        let mut started = bench.start(component(root, &format!("{reference} echo hi"))).await;
        let exit = started.exit().await;
        assert!(matches!(exit, Exit::Finished(0)), "{exit:?}");
        let messages = started.messages().join("\n");
        assert!(messages.contains(&format!("pulling the image {reference}")), "{messages}");
        assert!(messages.contains(&format!("pulled the image {reference} in")), "{messages}");
        assert_eq!(started.printed(), ["hi"]);
        // By its digest, the next time.
        let digests = bench.api.inspect_image(&reference).await.unwrap().repo_digests.unwrap();
        reference = digests.into_iter().find(|one| one.starts_with(&repository)).unwrap();
    }
    assert!(reference.contains("@sha256:"));

    let bad = format!("{repository}@sha256:{}", "0".repeat(64));
    let error = start(&bench.runtime, component(root, &format!("{bad} echo hi"))).await;
    let error = error.err().unwrap().to_string();
    assert!(error.contains(&format!("cannot get the image {bad}")), "{error}");

    // An artifact that is not what is run counts too.
    let mut other = bench.component("echo hi");
    other.images = vec![bad.clone()];
    assert!(start(&bench.runtime, other).await.is_err());

    let mut absent = component(bench.root.path(), &format!("{repository}-absent:1 echo hi"));
    let error = start(&bench.runtime, absent.clone()).await.err().unwrap().to_string();
    assert!(error.contains("cannot get the image"), "{error}");
    assert!(error.contains("docker save"), "{error}");
    absent.images = vec!["No Image".to_owned()];
    let error = start(&bench.runtime, absent).await.err().unwrap().to_string();
    assert!(error.contains("names no image"), "{error}");
    remove_image(&bench.api, &name).await;
}

/// The name leads to another image than the digest says, as the engine has it.
#[tokio::test]
async fn an_image_of_the_same_name_is_not_taken_for_the_one_meant() {
    let Some(bench) = Bench::new().await else { return };
    let reference = format!("gg-host-test/busybox@sha256:{}", "1".repeat(64));
    let component = component(bench.root.path(), &format!("{reference} echo hi"));
    let error = start(&bench.runtime, component).await.err().unwrap().to_string();
    assert!(error.contains(&reference), "{error}");
    let options = TagImageOptionsBuilder::default().repo("gg-host-test/busybox").tag("latest");
    bench.api.tag_image(IMAGE, Some(options.build())).await.unwrap();
    let component = self::component(bench.root.path(), &format!("{reference} echo hi"));
    let error = start(&bench.runtime, component).await.err().unwrap().to_string();
    let id = bench.api.inspect_image(IMAGE).await.unwrap().id.unwrap();
    assert!(error.contains("another image of that name"), "{error}");
    assert!(error.contains(&id), "{error}");
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let Some(bench) = Bench::new().await else { return };
    let mut started =
        bench.start(component(bench.root.path(), &format!("{IMAGE} no-such-program"))).await;
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(1..)), "{exit:?}");
    assert!(started.messages().join("").contains("exec"), "{:?}", started.messages());

    let mut component = bench.component("echo hi");
    let absent = bench.root.path().join("absent");
    let granted = format!("{}::/data", absent.display());
    component.sandbox.directories.push(granted.parse().unwrap());
    let exit = bench.start(component).await.exit().await;
    let failed = failure(&exit);
    let what = format!("cannot open the directory {}", absent.display());
    assert!(failed.message.contains(&what), "{failed}");
    assert!(!absent.exists(), "nobody makes it");
    assert_eq!(bench.container().await, None);
}

#[tokio::test]
async fn a_container_is_taken_over_by_the_next_nucleus() {
    let Some(bench) = Bench::new().await else { return };
    let script = "echo ready; while [ ! -e go ]; do sleep 0.1; done; echo $SVCUID; exit 5";
    let (executor, mut started) = doomed(&bench, bench.component(script)).await;
    started.line("ready").await;
    let before = bench.container().await.unwrap();
    die(executor).await;

    assert_eq!(bench.runtime.sweep(&BTreeSet::from(["a".parse().unwrap()])).await, 0);
    let mut started = bench.start(bench.component(script)).await;
    started.line("goes on in the container that it had before").await;
    let mut status = started.running.status.clone();
    status.wait_for(|status| matches!(status, Status::Running)).await.unwrap();
    assert_eq!(bench.container().await.unwrap(), before);
    let env = bench.api.inspect_container(&before, None).await.unwrap().config.unwrap().env;
    let env = env.unwrap();
    let token = env.iter().find_map(|variable| variable.strip_prefix("SVCUID=")).unwrap();
    assert_eq!(bench.tokens.caller(token).unwrap().name().as_ref(), "a");
    fs::write(bench.root.path().join("work/a/go"), "").unwrap();
    let exit = started.exit().await;
    assert!(matches!(exit, Exit::Finished(5)), "{exit:?}");
    assert_eq!(started.printed(), [token]);
    assert!(bench.tokens.caller(token).is_none(), "its token is worth nothing any more");
    assert_eq!(bench.container().await, None);
}

#[tokio::test]
async fn a_container_that_would_be_another_now_is_replaced() {
    let Some(mut bench) = Bench::new().await else { return };
    let script = "echo ready; exec sleep 1000";
    let (executor, mut started) = doomed(&bench, bench.component(script)).await;
    started.line("ready").await;
    die(executor).await;
    let mut seen = BTreeSet::from([bench.container().await.unwrap()]);

    let limited = |component: &mut InstalledComponent| component.resources.pids = Some(50);
    let newer = |component: &mut InstalledComponent| component.version = "1.2.3".parse().unwrap();
    for change in [limited, newer] {
        bench.again();
        let mut component = bench.component(script);
        change(&mut component);
        let mut started = bench.start(component).await;
        started.line("ready").await;
        assert!(seen.insert(bench.container().await.unwrap()), "another container");
    }
    // Nor is one taken over that this nucleus has started itself.
    let mut component = bench.component(script);
    newer(&mut component);
    let mut started = bench.start(component).await;
    started.line("ready").await;
    assert!(seen.insert(bench.container().await.unwrap()));
    started.running.kill.cancel();
    started.exit().await;
}

#[tokio::test]
async fn what_is_left_over_is_swept_away() {
    let Some(bench) = Bench::new().await else { return };
    let nobody = BTreeSet::new();
    assert_eq!(bench.runtime.sweep(&nobody).await, 0);
    let (executor, mut started) =
        doomed(&bench, bench.component("echo ready; exec sleep 1000")).await;
    started.line("ready").await;
    die(executor).await;

    // Another root folder's containers are none of one's business.
    let Some(other) = Bench::new().await else { return };
    fs::create_dir(other.root.path().join("docker")).unwrap();
    assert_eq!(other.runtime.sweep(&nobody).await, 0);
    assert!(bench.container().await.is_some());

    assert_eq!(bench.runtime.sweep(&BTreeSet::from(["b".parse().unwrap()])).await, 1);
    assert_eq!(bench.container().await, None);
    adopt::remove(&engine::connect(vec![bench.socket.clone()]).await.unwrap(), "gone")
        .await
        .unwrap();
}

#[tokio::test]
async fn without_an_engine_the_answer_is_quick_and_clear() {
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("none.sock");
    let runtime = runtime(root.path(), &socket, &Tokens::default());
    fs::create_dir(root.path().join("docker")).unwrap();
    let begin = Instant::now();
    assert_eq!(runtime.sweep(&BTreeSet::new()).await, 0);
    let error = start(&runtime, component(root.path(), "busybox date")).await.err().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(error.message.contains("there is no container engine"), "{error}");
    assert!(error.message.contains(socket.to_str().unwrap()), "{error}");

    for (script, what) in [
        ("", "it begins with an image"),
        ("'", "missing closing quote"),
        ("Busybox date", "names no image"),
    ] {
        let error = start(&runtime, component(root.path(), script)).await.err().unwrap();
        assert!(error.message.contains(what), "{error}");
    }
    let mut none = component(root.path(), "busybox date");
    none.lifecycle.steps.clear();
    let error = start(&runtime, none).await.err().unwrap();
    assert!(error.message.contains("has no step `run`"), "{error}");
}

#[tokio::test]
async fn an_engine_that_goes_away_is_missed() {
    let Some(bench) = Bench::new().await else { return };
    let wire = Wire::new(bench.root.path().join("wire.sock"), bench.socket.clone());
    let cut_off = runtime(bench.root.path(), &wire.path, &bench.tokens);
    let component = bench.component("echo ready; exec sleep 1000");
    let mut started = start(&cut_off, component.clone()).await.unwrap();
    started.line("ready").await;
    wire.cut();
    let exit = started.exit().await;
    let failed = failure(&exit);
    assert!(failed.message.contains("lost sight of its container"), "{failed}");
    assert!(failed.message.contains(wire.path.to_str().unwrap()), "{failed}");
    assert_eq!(failed.last_lines, ["ready"]);

    // The next start clears up.
    let left = bench.container().await.unwrap();
    let mut started =
        bench.start(InstalledComponent { version: "1.0.1".parse().unwrap(), ..component }).await;
    started.line("ready").await;
    assert_ne!(bench.container().await.unwrap(), left);
    started.running.kill.cancel();
    started.exit().await;
}

#[test]
fn the_image_of_the_tests_is_named_as_images_are() {
    assert_eq!(IMAGE.parse::<Reference>().unwrap().to_string(), IMAGE);
}
