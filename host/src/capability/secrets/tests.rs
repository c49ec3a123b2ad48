use super::*;
use crate::capability::testing::{granted, nobody, somebody};
use crate::cloud::FileKey;
use crate::error::ErrorKind;
use crate::tasks::Tasks;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;
use zeroize::Zeroizing;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api-a1B2c3";

const TWO: &str = "secrets:
- {Name: api, ARN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:api-a1B2c3',
   VersionId: '2', VersionStages: [AWSCURRENT, live], SecretString: new}
- {Name: api, ARN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:api-a1B2c3',
   VersionId: '1', VersionStages: [AWSPREVIOUS], SecretBinary: b2xk}
- {Name: db, SecretString: hunter2}
";

struct Scene {
    secrets: Secrets,
    folder: TempDir,
}

impl Scene {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("secrets.yaml"), text, 0o600);
        let secrets = Secrets::new(Some(folder.path().join("secrets.yaml"))).unwrap();
        Self { secrets, folder }
    }

    fn put(&self, text: &str, mode: u32) {
        put(&self.folder.path().join("secrets.yaml"), text, mode);
    }

    async fn text(&self, caller: &Caller, id: &str, which: &Selector) -> Result<String> {
        let found = self.secrets.get(caller, id, which).await?;
        let value = self.secrets.reveal(caller, &found)?;
        Ok(String::from_utf8(value.as_bytes().to_vec()).unwrap())
    }
}

/// Another file in place of the one that is there.
fn put(path: &Path, text: &str, mode: u32) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(new, path).unwrap();
}

fn current() -> Selector {
    Selector::default()
}

#[tokio::test]
async fn without_a_policy_no_secret_is_found_or_revealed() {
    let scene = Scene::new(TWO);
    let may = granted("a", GET, "*");
    let found = scene.secrets.get(&may, "db", &current()).await.unwrap();
    for caller in [nobody("a"), somebody("a"), granted("a", GET, "api"), granted("a", GET, "d")] {
        // What is not there is told no better than what is.
        for id in ["db", "none"] {
            let error = scene.secrets.get(&caller, id, &current()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{id}");
            let error = scene.secrets.refresh(&caller, id, &current()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{id}");
        }
        let error = scene.secrets.reveal(&caller, &found).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }
    // A policy that was taken back counts from the next call on.
    may.set_policy(gg_model::AccessPolicy::default());
    let error = scene.secrets.reveal(&may, &found).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_secret_is_granted_and_found_by_its_name_and_by_its_arn() {
    let scene = Scene::new(TWO);
    for resource in ["api", ARN, "arn:aws:secretsmanager:*:secret:api*"] {
        let caller = granted("a", GET, resource);
        for id in ["api", ARN, ARN.strip_suffix("-a1B2c3").unwrap()] {
            assert_eq!(
                scene.text(&caller, id, &current()).await.unwrap(),
                "new",
                "{resource} {id}"
            );
        }
    }
}

#[tokio::test]
async fn versions_are_chosen_by_label_and_by_id() {
    let scene = Scene::new(TWO);
    let all = granted("a", GET, "*");
    let stage = |stage: &str| Selector::Stage(stage.to_owned());
    let version = |id: &str| Selector::Version(id.to_owned());
    for (which, value) in [
        (current(), "new"),
        (stage("live"), "new"),
        (stage("AWSPREVIOUS"), "old"),
        (version("1"), "old"),
        (version("2"), "new"),
    ] {
        assert_eq!(scene.text(&all, "api", &which).await.unwrap(), value, "{which:?}");
    }
    for (id, which) in [
        ("api", stage("AWSPENDING")),
        ("api", version("3")),
        ("api", version("AWSCURRENT")),
        ("db", version("1")),
        ("none", current()),
    ] {
        let error = scene.text(&all, id, &which).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{id} {which:?}");
    }
    let found = scene.secrets.get(&all, "api", &version("2")).await.unwrap();
    assert_eq!(found.head().stages, ["AWSCURRENT", "live"]);
    for id in ["", &"x".repeat(LONGEST_SECRET_ID + 1)] {
        let error = scene.text(&all, id, &current()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[tokio::test]
async fn a_change_of_the_file_counts_and_a_mistake_in_it_does_not() {
    let scene = Scene::new(TWO);
    let all = granted("a", GET, "*");
    scene.put("secrets: [{Name: db, SecretString: changed}]", 0o600);
    assert_eq!(scene.text(&all, "db", &current()).await.unwrap(), "changed");
    assert!(scene.text(&all, "api", &current()).await.is_err(), "it is not there any more");
    for (text, mode) in [
        ("secrets: [{Name: db, SecretString: readable}]", 0o640),
        ("secrets: [{Name: db, SecretString: writable}]", 0o602),
        ("secrets: [{Name: db}]", 0o600),
        ("secrets: [{Name: db, SecretString: 'no end", 0o600),
        (&"#".repeat((1 << 20) + 1), 0o600),
    ] {
        scene.put(text, mode);
        assert_eq!(scene.text(&all, "db", &current()).await.unwrap(), "changed", "{text:.60}");
    }
    scene.put("secrets: [{Name: db, SecretString: right again}]", 0o400);
    assert_eq!(scene.text(&all, "db", &current()).await.unwrap(), "right again");
    fs::remove_file(scene.folder.path().join("secrets.yaml")).unwrap();
    assert!(scene.text(&all, "db", &current()).await.is_err());
}

#[test]
fn others_files_and_what_is_no_file_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    for path in [pipe, folder.path().to_owned()] {
        let error = SecretFile::new(path).changed().unwrap_err();
        assert!(error.to_string().contains("it is no file"), "{error}");
    }
    let path = folder.path().join("secrets.yaml");
    put(&path, "secrets: []", 0o644);
    let file = SecretFile::new(path);
    let error = file.changed().unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    assert!(file.changed().unwrap().is_none(), "it is said once");
}

#[test]
fn labels_move_to_the_version_that_has_them_last() {
    let version = |id: &str, stages: &[&str]| SecretVersion {
        head: SecretHead {
            name: "a".to_owned(),
            arn: None,
            version: id.to_owned(),
            stages: stages.iter().map(|stage| (*stage).to_owned()).collect(),
        },
        value: SecretValue::Text(id.to_owned().into()),
    };
    let settled = settle(vec![
        version("1", &["AWSCURRENT", "live"]),
        version("0", &["AWSPREVIOUS"]),
        version("2", &["AWSCURRENT"]),
        version("1", &["AWSPREVIOUS", "live"]),
    ]);
    assert_eq!(settled, [version("2", &["AWSCURRENT"]), version("1", &["AWSPREVIOUS", "live"])]);
}

/// How often some bytes are in this process's memory. They are given with each bit turned, so that
/// who looks for them does not put them there.
fn copies(turned: &[u8]) -> usize {
    use std::os::unix::fs::FileExt as _;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let memory = fs::File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with("rw") || line.contains("[v") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        // Which leaves no copy of what it finds.
        let mut bytes =
            Zeroizing::new(vec![0; usize::try_from(end - start).unwrap().min(64 << 20)]);
        // Parts of it may be out of reach.
        let Ok(read) = memory.read_at(&mut bytes, start) else { continue };
        let found = |window: &[u8]| window.iter().zip(turned).all(|(one, other)| *one == !other);
        count += bytes[..read].windows(turned.len()).filter(|window| found(window)).count();
    }
    count
}

#[test]
fn a_value_is_in_memory_only_while_somebody_holds_it() {
    let letter = |n: u8| b'a' + (n / 5).wrapping_add(n.wrapping_mul(7)) % 26;
    let turned: Vec<u8> = (0..40).map(|n| !letter(n)).collect();
    let vault = Vault::new().unwrap();
    let head =
        SecretHead { name: "a".to_owned(), arn: None, version: "1".to_owned(), stages: Vec::new() };
    let plain: Vec<u8> = turned.iter().map(|byte| !byte).collect();
    let value = SecretValue::Bytes(plain.into());
    assert!(copies(&turned) > 0, "it is found where it is");
    let sealed = vault.seal(&head, &value).unwrap();
    drop(value);
    assert_eq!(copies(&turned), 0, "sealed");
    let opened = vault.open(&head, &sealed).unwrap();
    assert!(copies(&turned) > 0);
    drop(opened);
    assert_eq!(copies(&turned), 0, "opened and dropped");
}

/// A device's store with one secret of the cloud in it, sealed by a key.
async fn store_with_secret(folder: &Path, key: &[u8]) -> Store {
    let store = Store::open(&folder.join("store.db"), &Tasks::new(None).unwrap()).unwrap();
    let device = FileKey::new(key);
    let vault = Vault::new().unwrap();
    store.replace_secret_key(vault.wrap(&device).unwrap()).await.unwrap();
    let head = |version: &str, stage: &str| SecretHead {
        name: "api".to_owned(),
        arn: Some(ARN.to_owned()),
        version: version.to_owned(),
        stages: vec![stage.to_owned()],
    };
    let row = |version: &str, stage: &str, value: &str| {
        let head = head(version, stage);
        let sealed = vault.seal(&head, &SecretValue::Text(value.to_owned().into())).unwrap();
        cloud::row(&Held { head, sealed })
    };
    let rows = vec![row("2", "AWSCURRENT", "new"), row("1", "AWSPREVIOUS", "old")];
    store.set_secret(ARN.to_owned(), rows).await.unwrap();
    store
}

async fn read(store: &Store, keys: &[&[u8]], stage: &str) -> Result<String> {
    let keys: Vec<Box<dyn DeviceKey>> =
        keys.iter().map(|key| Box::new(FileKey::new(key)) as _).collect();
    let secrets = Secrets::kept(store.clone(), &keys, None, None).await.unwrap();
    let (all, which) = (granted("a", GET, "*"), Selector::Stage(stage.to_owned()));
    let found = secrets.get(&all, "api", &which).await?;
    let value = secrets.reveal(&all, &found)?;
    Ok(String::from_utf8(value.as_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_row_that_was_changed_is_not_used_and_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_secret(folder.path(), b"key").await;
    assert_eq!(read(&store, &[b"key"], "AWSCURRENT").await.unwrap(), "new");
    let rows = store.secrets().await.unwrap();
    type Change = fn(&mut SecretRow, &SecretRow);
    let changes: [Change; 4] = [
        |row, _| row.sealed[20] ^= 1,
        |row, other| row.sealed.clone_from(&other.sealed),
        |row, _| row.name = "other".to_owned(),
        |row, _| row.stages = "no JSON".to_owned(),
    ];
    for change in changes {
        let (mut current, mut previous) = (rows[0].clone(), rows[1].clone());
        if current.version != "2" {
            std::mem::swap(&mut current, &mut previous);
        }
        change(&mut current, &previous);
        store.set_secret(ARN.to_owned(), vec![current, previous]).await.unwrap();
        let error = read(&store, &[b"key"], "AWSCURRENT").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(read(&store, &[b"key"], "AWSPREVIOUS").await.unwrap(), "old");
    }
}

#[tokio::test]
async fn a_device_that_comes_to_have_a_key_keeps_its_secrets_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_secret(folder.path(), b"file").await;
    // The key of the device counts from now on, and is enough.
    assert_eq!(read(&store, &[b"device", b"file"], "AWSCURRENT").await.unwrap(), "new");
    assert_eq!(read(&store, &[b"device"], "AWSCURRENT").await.unwrap(), "new");
    let error = read(&store, &[b"another", b"file"], "AWSCURRENT").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // The key may come back.
    assert_eq!(read(&store, &[b"device"], "AWSCURRENT").await.unwrap(), "new");
}

#[tokio::test]
async fn a_key_that_is_renewed_while_it_runs_takes_the_secrets_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_secret(folder.path(), b"device").await;
    let kept = async |key: &[u8]| {
        let keys: [Box<dyn DeviceKey>; 1] = [Box::new(FileKey::new(key))];
        Secrets::kept(store.clone(), &keys, None, None).await.unwrap()
    };
    let before = store.secret_key().await.unwrap();
    let secrets = kept(b"device").await;
    secrets.bind(&FileKey::new(b"device")).await.unwrap();
    assert_eq!(store.secret_key().await.unwrap(), before, "the same key");
    secrets.bind(&FileKey::new(b"renewed")).await.unwrap();
    assert_eq!(read(&store, &[b"renewed"], "AWSCURRENT").await.unwrap(), "new");
    let error = read(&store, &[b"device"], "AWSCURRENT").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    // Where nothing can be opened, nothing is touched until there is something to keep.
    let before = store.secret_key().await.unwrap();
    let secrets = kept(b"another").await;
    secrets.bind(&FileKey::new(b"a third")).await.unwrap();
    assert_eq!(store.secret_key().await.unwrap(), before);
    secrets.keep(&store, ARN.to_owned(), Vec::new()).await.unwrap();
    assert_eq!(store.secret_key().await.unwrap().unwrap().by, FileKey::new(b"a third").id());
}
