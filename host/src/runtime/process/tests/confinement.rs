//! What a component may not do.

use super::*;
use std::io::Read as _;

/// A script that says of each file whether it can be read.
fn reads(files: &[&Path]) -> String {
    let read = |file: &&Path| {
        let file = file.display();
        format!("cat {file} >/dev/null 2>&1 && echo yes {file} || echo no {file}")
    };
    files.iter().map(read).collect::<Vec<_>>().join("\n")
}

/// A root folder in which everybody may read everything, so that only the confinement is left.
fn furnish(place: &Place) -> [PathBuf; 4] {
    let files = ["work/other/secret", "store.db", "work/a/own", "packages/artifacts/a/0.0.0/file"];
    files.map(|file| {
        let path = place.path(file);
        let above = path.parent().unwrap();
        fs::create_dir_all(above).unwrap();
        fs::set_permissions(above, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(&path, "").unwrap();
        path
    })
}

#[tokio::test]
async fn of_the_root_folder_a_component_sees_its_own() {
    let mut place = Place::new();
    if !can("hiding the root folder", &place) {
        return;
    }
    let [other, store, own, artifact] = furnish(&place);
    let later = Path::new("/tmp").join(format!("{}-later", mark(place.root.path())));
    let script = format!(
        "{}\nls {}\necho work/$(ls {})\n{}; touch {} || echo read-only; echo > {}; rm {}; ls / >&2",
        reads(&[&other, &store, &own, &artifact, Path::new("/etc/passwd")]),
        place.root.path().display(),
        place.path("work").display(),
        "touch new && echo writable",
        artifact.display(),
        later.display(),
        later.display(),
    );
    let (exit, said) = place.run(&script).await;
    assert!(matches!(exit, Exit::Finished(0)), "{exit:?} {said:?}");
    let yes = |path: &Path| format!("yes {}", path.display());
    let no = |path: &Path| format!("no {}", path.display());
    let wanted = [
        no(&other),
        no(&store),
        yes(&own),
        yes(&artifact),
        yes(Path::new("/etc/passwd")),
        "packages".into(),
        "work".into(),
        "work/a".into(),
        "writable".into(),
        "read-only".into(),
    ];
    for line in wanted {
        assert!(said.contains(&line), "{line:?} is not in {said:#?}");
    }
    assert!(place.path("work/a/new").exists());
}

#[tokio::test]
async fn the_socket_of_ipc_can_be_reached() {
    let mut place = Place::new();
    if !there_is("python3") {
        return;
    }
    let socket = place.root.path().canonicalize().unwrap().join("ipc.socket");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let script = "python3 -c \"import os, socket; s = socket.socket(socket.AF_UNIX); \
                  s.connect(os.environ['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT']); \
                  s.sendall(b'hello')\"";
    let (exit, said) = place.run(script).await;
    assert!(matches!(exit, Exit::Finished(0)), "{said:?}");
    let mut heard = String::new();
    listener.accept().unwrap().0.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
}

#[tokio::test]
async fn what_a_dependency_shares_is_seen() {
    let mut place = Place::new();
    if !can("hiding the root folder", &place) {
        return;
    }
    furnish(&place);
    let [work, artifacts] = ["work/base", "packages/artifacts/base/2.0.0"].map(|folder| {
        fs::create_dir_all(place.path(folder)).unwrap();
        let file = place.path(folder).join("file");
        fs::write(&file, "").unwrap();
        file
    });
    let mut component = place.component("a", &[("run", &reads(&[&work, &artifacts]))]);
    component.dependencies = vec!["base".parse().unwrap()];
    let (_, said) = place.run_component(component).await;
    assert!(said.iter().all(|line| line.starts_with("yes")) && said.len() == 2, "{said:?}");
}

#[tokio::test]
async fn landlock_hides_the_root_folder_where_nothing_can_be_mounted() {
    // In a folder that everybody can write to, nothing can be hidden.
    if !geteuid().is_root() {
        return eprintln!("skipped: hiding the root folder by Landlock needs root");
    }
    let mut place = Place::below(Path::new("/var/lib"));
    place.runtime.shared.harden.lack(What::View, &"a test does without");
    let [other, store, own, artifact] = furnish(&place);
    let mut script = reads(&[&other, &store, &own, &artifact, Path::new("/etc/passwd")]);
    script += "\nf=$(mktemp) && echo a > $f && mv $f own2 && cat own2; ls / > own3 && echo listed";
    let (_, said) = place.run(&script).await;
    let answers: Vec<&str> = said.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(answers, ["no", "no", "yes", "yes", "yes", "a", "listed"], "{said:#?}");
}

#[tokio::test]
async fn a_component_has_no_powers() {
    let mut place = Place::new();
    let script = "grep -E '^(NoNewPrivs|Seccomp|Cap...):' /proc/self/status | tr -d '\\t '";
    let (_, said) = place.run(script).await;
    for field in ["NoNewPrivs:1", "Seccomp:2", "CapEff:0000000000000000", "CapPrm:0000000000000000"]
    {
        assert!(said.iter().any(|line| line == field), "{field} is not in {said:?}");
    }
    if geteuid().is_root() {
        assert!(said.contains(&"CapBnd:0000000000000000".to_owned()), "{said:?}");
    }
}

#[tokio::test]
async fn a_component_of_root_has_no_powers_either() {
    let mut place = Place::new();
    if !can("running as root", &place) {
        return;
    }
    let script = "id -u; grep CapEff /proc/self/status; mount -t tmpfs none /mnt 2>&1; \
                  touch /proc/sys/vm/drop_caches; chown nobody . || echo refused";
    let mut component = place.component("a", &[("run", script)]);
    component.run_as = Some(PosixUser { user: "root".into(), group: None });
    let (_, said) = place.run_component(component).await;
    assert_eq!(said[0], "0");
    assert!(said[1].ends_with("0000000000000000"), "{said:?}");
    assert!(said.iter().any(|line| line.contains("ermission") || line.contains("permitted")));
    assert!(said.contains(&"refused".to_owned()), "{said:?}");
}

#[tokio::test]
async fn system_calls_that_no_component_needs_are_refused() {
    let mut place = Place::new();
    if !there_is("unshare") || !there_is("python3") {
        return;
    }
    let script = r#"unshare -U true 2>&1
python3 - <<'END'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, call in [("mount", lambda: libc.mount(b"none", b"/mnt", b"tmpfs", 0, 0)),
                   ("ptrace", lambda: libc.ptrace(16, os.getppid(), 0, 0)),
                   ("keyctl", lambda: libc.syscall(250, 0, 0, 0, 0, 0)),
                   ("clone3", lambda: libc.syscall(435, 0, 0))]:
    ctypes.set_errno(0)
    print(name, call(), ctypes.get_errno())
END"#;
    let (_, said) = place.run(script).await;
    let wanted: &[&str] = if cfg!(target_arch = "x86_64") {
        &["mount -1 1", "ptrace -1 1", "keyctl -1 1", "clone3 -1 38"]
    } else {
        &["mount -1 1", "ptrace -1 1"]
    };
    assert!(said[0].contains("not permitted"), "{said:?}");
    for line in wanted {
        assert!(said.contains(&(*line).to_owned()), "{said:?}");
    }
}

#[tokio::test]
async fn a_step_with_privilege_is_root_and_free() {
    let mut place = Place::new();
    if !can("privilege", &place) {
        return;
    }
    let [other, store, ..] = furnish(&place);
    // Confined ones have been made before it.
    place.run("exit 0").await;
    let powers = "grep -E '^(NoNewPrivs|CapBnd):' /proc/self/status";
    let script = format!("id -u; {powers}; {}", reads(&[&other, &store]));
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let bounds = own.lines().find(|line| line.starts_with("CapBnd:")).unwrap();
    let mut component =
        place.component("a", &[("install", &script), ("run", "id -un; stat -c %U .")]);
    component.lifecycle.steps.get_mut(&StepName::Install).unwrap().requires_privilege = true;
    place.errand(component.clone(), Errand::Install).await.unwrap().unwrap();
    let said = place.said();
    assert_eq!(said[..3], ["0", bounds, "NoNewPrivs:\t0"]);
    assert!(said[3].starts_with("yes") && said[4].starts_with("yes"), "{said:?}");
    assert_eq!(place.run_component(component).await.1, ["nobody", "nobody"]);
}

#[tokio::test]
async fn one_component_cannot_look_into_another_of_the_same_user() {
    let mut place = Place::new();
    if !can("keeping components apart", &place) {
        return;
    }
    let (mut running, _caller) =
        place.start(place.component("b", &[("run", "echo $$; exec sleep 1000")])).await;
    let other = place.process().await.as_raw_pid();
    let files = ["environ", "maps"].map(|file| PathBuf::from(format!("/proc/{other}/{file}")));
    let (_, said) =
        place.run(&reads(&[&files[0], &files[1], Path::new("/proc/self/environ")])).await;
    running.kill.cancel();
    exit(&mut running).await;
    let answers: Vec<&str> = said.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(answers, ["no", "no", "yes"], "{said:?}");
}

#[tokio::test]
async fn steps_share_a_view_as_long_as_it_shows_what_is_there() {
    let mut place = Place::new();
    if !can("hiding the root folder", &place) {
        return;
    }
    let [.., artifact] = furnish(&place);
    let folder = artifact.parent().unwrap();
    let script = format!("readlink /proc/self/ns/mnt; ls {} || :", folder.display());
    let prepared = place.prepare(place.component("a", &[("run", &script)])).await;
    let other = place.prepare(place.component("other", &[("run", &script)])).await;
    let mut said = Vec::new();
    for prepared in [&prepared, &prepared, &other] {
        let mut running = prepared.start(somebody("a"));
        assert!(matches!(exit(&mut running).await, Exit::Finished(0)));
        said.push(place.said());
    }
    let own = fs::read_link("/proc/self/ns/mnt").unwrap().display().to_string();
    let [first, second, others] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(first, second);
    assert_eq!(first[1], "file");
    assert_ne!(first[0], own);
    assert_ne!(first[0], others[0]);

    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("new"), "").unwrap();
    let mut running = prepared.start(somebody("a"));
    assert!(matches!(exit(&mut running).await, Exit::Finished(0)));
    let third = place.said();
    assert_eq!(third[1], "new");
    assert_ne!(third[0], first[0]);
}
