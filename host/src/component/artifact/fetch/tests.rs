use super::*;
use crate::component::artifact::testing::{Scene, artifact, content};
use crate::component::library::Library;
use gg_model::recipe::Unarchive;
use std::fs;
use std::io::Write as _;

/// A ZIP archive with these files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn zipped(uri: &str, content: Option<&[u8]>) -> Artifact {
    Artifact { unarchive: Unarchive::Zip, ..artifact(uri, content) }
}

#[tokio::test]
async fn a_file_that_is_not_here_needs_somebody_who_brings_it() {
    let scene = Scene::new();
    for (uri, code) in [
        ("s3://bucket/key/a.zip", "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD"),
        ("greengrass:abc/a.zip", "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD"),
        ("ftp://example.com/a.zip", "UNSUPPORTED_ARTIFACT_SCHEME"),
        ("a.zip", "UNSUPPORTED_ARTIFACT_SCHEME"),
    ] {
        let error = scene.fetch(&[artifact(uri, Some(b"x"))]).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains("--artifact-dir"), "{error}");
    }
    let error = scene.fetch(&[artifact("s3://b/k/a.zip", None)]).await.unwrap_err().to_string();
    assert!(error.contains("DIR/NAME/VERSION/a.zip"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_here_is_used() {
    let scene = Scene::new();
    scene.put("a", b"mine");
    // Whatever it is, where the recipe has no digest; and whoever would bring it.
    scene.fetch(&[artifact("s3://bucket/a", None)]).await.unwrap();
    scene.fetch(&[artifact("s3://bucket/a", Some(b"mine"))]).await.unwrap();
    scene.fetch(&[artifact("https://192.0.2.1/a", None)]).await.unwrap();
    assert_eq!(*scene.told.lock().unwrap(), ["a ready"; 3]);
}

#[tokio::test]
async fn where_nothing_is_written_the_store_is_not_looked_through() {
    let mut scene = Scene::new();
    scene.put("a", b"mine");
    // Nothing that can be looked through.
    scene.settings.store = scene.outside("store", b"");
    scene.fetch(&[artifact("s3://bucket/a", None)]).await.unwrap();
    let uri = format!("file:{}", scene.outside("b", b"").display());
    let error = scene.fetch(&[artifact(&uri, None)]).await.unwrap_err();
    assert!(error.to_string().contains("store"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_put_here_must_be_what_the_recipe_says() {
    let scene = Scene::new();
    let source = scene.outside("a", b"theirs");
    scene.put("a", b"mine");
    let wanted = artifact(&format!("file://{}", source.display()), Some(b"theirs"));
    let error = scene.fetch(std::slice::from_ref(&wanted)).await.unwrap_err();
    assert_eq!(error.code(), "ARTIFACT_CHECKSUM_MISMATCH");
    let mine = artifact("s3://b/k", Some(b"mine")).digest.unwrap();
    assert!(error.to_string().contains(&mine), "{error}");
    assert!(error.to_string().contains(&wanted.digest.unwrap()), "{error}");
    assert_eq!(scene.file("a").unwrap(), b"mine");
}

#[tokio::test]
async fn a_file_that_was_brought_is_brought_again_when_it_is_another() {
    let scene = Scene::new();
    let source = scene.outside("a", b"one");
    let uri = format!("file:{}", source.display());
    scene.fetch(&[artifact(&uri, Some(b"one"))]).await.unwrap();
    // Damaged since.
    scene.put("a", b"0ne");
    scene.fetch(&[artifact(&uri, Some(b"one"))]).await.unwrap();
    assert_eq!(scene.file("a").unwrap(), b"one");
    // Another version of it.
    fs::write(&source, "two").unwrap();
    scene.fetch(&[artifact(&uri, Some(b"two"))]).await.unwrap();
    assert_eq!(scene.file("a").unwrap(), b"two");
}

#[tokio::test]
async fn a_file_of_a_local_deployment_is_no_download() {
    let scene = Scene::new();
    let source = scene.outside("a", b"one");
    let uri = format!("file:{}", source.display());
    scene.fetch(&[artifact(&uri, Some(b"one"))]).await.unwrap();
    // Somebody works on it, and deploys his own.
    let mine = scene.folder.path().join("mine/com.example/1.0.0");
    fs::create_dir_all(&mine).unwrap();
    fs::write(mine.join("a"), "mine").unwrap();
    let library = Library::open(scene.folder.path()).unwrap();
    library.import(&[], Some(&scene.folder.path().join("mine")), &BTreeSet::new()).unwrap();
    assert_eq!(scene.file("a").unwrap(), b"mine");
    let error = scene.fetch(&[artifact(&uri, Some(b"one"))]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::MismatchHere { .. }), "{error}");
    scene.fetch(&[artifact(&uri, None)]).await.unwrap();
    assert_eq!(scene.file("a").unwrap(), b"mine");
}

#[tokio::test]
async fn a_file_of_this_machine_is_copied() {
    let scene = Scene::new();
    let body = content(600_000);
    let source = scene.outside("big", &body);
    for uri in ["file:", "file://", "file://localhost"] {
        let uri = format!("{uri}{}", source.display());
        scene.fetch(&[artifact(&uri, None)]).await.unwrap();
        assert_eq!(scene.file("big").unwrap(), body);
        fs::remove_file(scene.folders.artifacts.join("big")).unwrap();
    }
    let error = scene.fetch(&[artifact("file:///no/such", None)]).await.unwrap_err();
    assert_eq!((error.code(), scene.waits()), ("IO_ERROR", 0));
}

#[tokio::test]
async fn what_is_not_a_plain_file_of_this_machine_is_refused() {
    let scene = Scene::new();
    for (uri, code) in [
        ("file:relative", "ARTIFACT_URI_NOT_VALID"),
        ("file:///dev/zero", "IO_ERROR"),
        ("file:///proc", "IO_ERROR"),
    ] {
        let error = scene.fetch(&[artifact(uri, None)]).await.unwrap_err();
        assert_eq!(error.code(), code, "{uri:?}: {error}");
    }
}

#[tokio::test]
async fn images_are_left_to_those_who_run_them() {
    let scene = Scene::new();
    scene.fetch(&[artifact("docker:alpine:3@sha256:abc", None)]).await.unwrap();
    assert!(scene.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_digest_must_be_one_that_can_be_checked() {
    let scene = Scene::new();
    let mut wanted = artifact("s3://bucket/a", Some(b"mine"));
    scene.put("a", b"mine");
    wanted.algorithm = Some("MD5".to_owned());
    let error = scene.fetch(std::slice::from_ref(&wanted)).await.unwrap_err();
    assert_eq!(error.code(), "HASHING_ALGORITHM_UNAVAILABLE");
    for (algorithm, cut) in [(Some("sha-256"), 0), (None, 1)] {
        wanted = artifact("s3://bucket/a", Some(b"mine"));
        wanted.algorithm = algorithm.map(str::to_owned);
        let digest = wanted.digest.as_mut().unwrap();
        digest.truncate(digest.len() - cut);
        scene.fetch(std::slice::from_ref(&wanted)).await.unwrap();
    }
    for text in ["abc", "not base64!", &"00".repeat(32)] {
        wanted.digest = Some(text.to_owned());
        let error = scene.fetch(std::slice::from_ref(&wanted)).await.unwrap_err();
        assert_eq!(error.code(), "RECIPE_PARSE_ERROR", "{error}");
    }
}

#[tokio::test]
async fn two_artifacts_cannot_be_one_file() {
    let scene = Scene::new();
    for name in ["a", "b.zip", "b.tar"] {
        scene.put(name, b"");
    }
    let clash = |one, other| {
        let scene = &scene;
        async move { scene.fetch(&[one, other]).await.unwrap_err().to_string() }
    };
    let error = clash(artifact("s3://one/a", None), artifact("s3://other/a", None)).await;
    assert!(error.contains("artifacts/com.example/1.0.0/a: two artifacts"), "{error}");
    let error = clash(zipped("s3://one/b.zip", None), zipped("s3://one/b.tar", None)).await;
    assert!(error.contains("artifacts-unarchived/com.example/1.0.0/b: two"), "{error}");
    // The same twice is one.
    scene.fetch(&[artifact("s3://one/a", None), artifact("s3://one/a", None)]).await.unwrap();
}

#[tokio::test]
async fn an_archive_is_unpacked_beside() {
    let scene = Scene::new();
    let archive = zip(&[("main.py", b"print()"), ("lib/a.py", b"")]);
    scene.put("code.v1.zip", &archive);
    let wanted = [zipped("s3://bucket/code.v1.zip", Some(&archive))];
    scene.fetch(&wanted).await.unwrap();
    let folder = scene.folders.unarchived.join("code.v1");
    assert_eq!(fs::read(folder.join("main.py")).unwrap(), b"print()");
    assert!(folder.join("lib/a.py").exists());
    // It is not unpacked again: what the component has made in it stays.
    fs::write(folder.join("made"), "").unwrap();
    scene.fetch(&wanted).await.unwrap();
    assert!(folder.join("made").exists());
    assert_eq!(
        *scene.told.lock().unwrap(),
        ["code.v1.zip ready", "code.v1.zip unpacking", "code.v1.zip ready"]
    );
}

#[tokio::test]
async fn another_archive_of_the_name_takes_the_place_of_the_first() {
    let scene = Scene::new();
    let wanted = [zipped("s3://bucket/code.zip", None)];
    scene.put("code.zip", &zip(&[("old", b"")]));
    scene.fetch(&wanted).await.unwrap();
    scene.put("code.zip", &zip(&[("new", b"")]));
    scene.fetch(&wanted).await.unwrap();
    let folder = scene.folders.unarchived.join("code");
    assert!(folder.join("new").exists() && !folder.join("old").exists());
}

#[tokio::test]
async fn an_archive_that_cannot_be_unpacked_leaves_nothing() {
    let mut scene = Scene::new();
    scene.put("code.zip", b"not an archive");
    let wanted = [zipped("s3://bucket/code.zip", None)];
    let error = scene.fetch(&wanted).await.unwrap_err();
    assert_eq!(error.code(), "IO_UNZIP_ERROR", "{error}");
    // Nor one for which the store has no room.
    scene.put("code.zip", &zip(&[("big", &[0; 100_000])]));
    scene.settings.store_bytes = 50_000;
    let error = scene.fetch(&wanted).await.unwrap_err();
    assert_eq!(error.code(), "IO_UNZIP_ERROR", "{error}");
    assert_eq!(fs::read_dir(&scene.folders.unarchived).unwrap().count(), 0);
}

#[tokio::test]
async fn a_fetch_can_be_a_task_of_the_host() {
    let scene = Scene::new();
    scene.put("a", b"");
    let tasks = scene.tasks.clone();
    let fetching = async move { scene.fetch(&[artifact("s3://bucket/a", None)]).await };
    tasks.spawn(fetching).await.unwrap().unwrap();
}

#[test]
fn pauses_grow_to_the_longest_and_are_not_the_same() {
    let retry = Retry::default();
    for (failures, seconds) in [(1, 1), (2, 2), (5, 16), (7, 60), (4_000_000_000, 60)] {
        let whole = Duration::from_secs(seconds);
        let pause = retry.pause(failures, None);
        assert!(pause >= whole / 2 && pause <= whole, "{failures}: {pause:?}");
    }
    assert!(retry.pause(1, Some(Duration::from_secs(9))) >= Duration::from_millis(4500));
    assert!(retry.pause(1, Some(Duration::MAX)) <= Duration::from_secs(60));
}

/// A policy that trusts one key for everything, wants signatures on files of this machine, and takes
/// recipes as they are.
fn judge(key: &gg_trust::PrivateKey) -> Judge {
    let pem = key.public().to_pem().replace('\n', "\n      ");
    let policy = format!(
        "format: gg-host/trust/1\nversion: 1\nsources: {{cloud: off}}\nkeys:\n  - name: build\n    \
         components: ['*']\n    publicKey: |\n      {pem}\n"
    );
    let policy = gg_trust::TrustPolicy::parse(policy.as_bytes()).unwrap();
    let text =
        "RecipeFormatVersion: 2020-01-25\nComponentName: com.example\nComponentVersion: 1.0.0\n";
    let kept = crate::trust::Kept { text: text.into(), signatures: Vec::new(), is_of_cloud: true };
    let id = ("com.example".parse().unwrap(), "1.0.0".parse().unwrap());
    Judge::new(policy.into(), id, &kept, std::time::UNIX_EPOCH).unwrap()
}

#[tokio::test]
async fn a_file_without_a_signature_does_not_get_its_name() {
    let scene = Scene::new();
    let key = gg_trust::PrivateKey::generate().unwrap();
    let judge = judge(&key);
    let archive = zip(&[("a", b"1")]);
    let source = scene.outside("a.zip", &archive);
    let wanted = [zipped(&format!("file:{}", source.display()), None)];
    let refused = || async { scene.fetch_judged(&wanted, Some(&judge)).await.unwrap_err() };
    let error = refused().await;
    assert_eq!(error.code(), "ARTIFACT_NOT_TRUSTED");
    assert!(error.to_string().contains("no signature; sign it with `build`"), "{error}");
    assert_eq!(scene.file("a.zip"), None);
    assert!(!scene.folders.unarchived.join("a").exists());
    // One for something else, and one that is none.
    let other = gg_trust::Signature::on_file(b"other", &key).unwrap().to_bundle();
    scene.outside("a.zip.sigstore.json", other.as_bytes());
    assert!(refused().await.to_string().contains("does not hold"));
    scene.outside("a.zip.sigstore.json", &vec![b'{'; 2 << 20]);
    assert!(refused().await.to_string().contains("cannot be read"));
    assert_eq!(scene.file("a.zip"), None);
    let right = gg_trust::Signature::on_file(&archive, &key).unwrap().to_bundle();
    scene.outside("a.zip.sigstore.json", right.as_bytes());
    scene.fetch_judged(&wanted, Some(&judge)).await.unwrap();
    assert_eq!(fs::read(scene.folders.unarchived.join("a/a")).unwrap(), b"1");
}

#[tokio::test]
async fn a_signature_may_be_an_artifact_of_the_recipe() {
    let scene = Scene::new();
    let key = gg_trust::PrivateKey::generate().unwrap();
    let judge = judge(&key);
    let file = scene.outside("a", b"content");
    let signature = scene.folder.path().join("elsewhere");
    fs::create_dir(&signature).unwrap();
    let right = gg_trust::Signature::on_file(b"content", &key).unwrap().to_base64();
    fs::write(signature.join("a.sig"), right).unwrap();
    let uri = |path: &Path| format!("file:{}", path.display());
    let wanted = [artifact(&uri(&file), None), artifact(&uri(&signature.join("a.sig")), None)];
    scene.fetch_judged(&wanted, Some(&judge)).await.unwrap();
    // What only has such a name is a file like others.
    fs::write(signature.join("b.sig"), "#!/bin/sh").unwrap();
    let wanted = [artifact(&uri(&signature.join("b.sig")), None)];
    let error = scene.fetch_judged(&wanted, Some(&judge)).await.unwrap_err();
    assert_eq!(error.code(), "ARTIFACT_NOT_TRUSTED");
}

#[tokio::test]
async fn images_are_taken_by_their_digests() {
    let scene = Scene::new();
    let judge = judge(&gg_trust::PrivateKey::generate().unwrap());
    let digest = "0".repeat(64);
    for (image, words) in [
        ("docker:example/a:1".to_owned(), "by their digests"),
        (format!("docker:example/a@sha256:{digest}"), "no signature"),
    ] {
        let wanted = [artifact(&image, None)];
        let error = scene.fetch_judged(&wanted, Some(&judge)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
