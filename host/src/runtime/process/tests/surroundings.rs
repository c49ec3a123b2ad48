//! What a process finds around it.

use super::*;

#[tokio::test]
async fn the_environment_has_nothing_of_the_hosts_own() {
    let mut place = Place::new();
    let mut component = place.component("a", &[("run", "tr '\\0' '\\n' < /proc/$$/environ")]);
    component.lifecycle.environment = BTreeMap::from([
        ("ALL".to_owned(), "lifecycle".to_owned()),
        ("ONE".to_owned(), "lifecycle".to_owned()),
        ("GG_HOST_COMPONENT".to_owned(), "forged".to_owned()),
    ]);
    let run = component.lifecycle.steps.get_mut(&StepName::Run).unwrap();
    run.environment.insert("ONE".to_owned(), "step".to_owned());
    component.sandbox.environment.insert("ALL".to_owned(), "operator".to_owned());
    let (_, said) = place.run_component(component).await;
    let found: BTreeMap<&str, &str> =
        said.iter().map(|line| line.split_once('=').unwrap()).collect();
    let root = place.root.path().canonicalize().unwrap();
    let socket = root.join("ipc.socket").display().to_string();
    let owner = format!("{}:a", mark(&root));
    let fixed = [
        ("ALL", "operator"),
        ("ONE", "step"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH", &socket),
        ("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT", &socket),
        ("AWS_IOT_THING_NAME", "thing"),
        ("GGC_VERSION", env!("CARGO_PKG_VERSION")),
        ("GG_HOST_COMPONENT", &owner),
    ];
    for (name, value) in fixed {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
    let secret = found["SVCUID"];
    assert!(secret.len() == 16 && found["AWS_CONTAINER_AUTHORIZATION_TOKEN"] == secret);
    assert!(found["PATH"].ends_with("/bin"));
    let others = ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "HOME", "PATH", "SVCUID"];
    assert_eq!(found.len(), fixed.len() + others.len(), "{:?}", found.keys());
}

#[tokio::test]
async fn a_process_is_known_by_its_token_while_it_runs() {
    let mut place = Place::new();
    let (mut running, _caller) =
        place.start(place.component("a", &[("run", "echo $SVCUID; exec sleep 1000")])).await;
    let token = place.line().await;
    let tokens = place.runtime.shared.config.tokens.clone();
    assert_eq!(tokens.caller(&token).unwrap().name().as_ref(), "a");
    running.kill.cancel();
    exit(&mut running).await;
    while tokens.caller(&token).is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_process_begins_with_nothing_but_its_three_streams() {
    let mut place = Place::new();
    let script = "readlink /proc/self/fd/0; ls /proc/self/fd | tr '\\n' ' '; echo; \
                  grep -E '^Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f1,6 /proc/$$/stat; pwd; umask";
    let (_, said) = place.run(script).await;
    assert_eq!(said[0], "/dev/null");
    assert_eq!(said[1].trim(), "0 1 2 3", "3 is the folder that ls reads");
    for line in &said[2..4] {
        assert!(line.ends_with("\t0000000000000000"), "{said:?}");
    }
    let (pid, sid) = said[4].split_once(' ').unwrap();
    assert_eq!(pid, sid);
    assert_eq!(Path::new(&said[5]), place.path("work/a").canonicalize().unwrap());
    assert_eq!(said[6], "0022");
}
