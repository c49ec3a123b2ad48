use super::*;
use tokio::io::AsyncReadExt as _;

async fn arrive(artifacts: &Artifacts, parts: &[&[u8]]) -> Whole {
    let mut upload = artifacts.upload(100).await.unwrap();
    for part in parts {
        upload.write(part).await.unwrap();
    }
    upload.finish().await.unwrap()
}

fn arriving(folder: &Path) -> usize {
    fs::read_dir(folder.join("arriving")).unwrap().count()
}

#[tokio::test]
async fn what_arrives_in_parts_is_found_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let whole = arrive(&artifacts, &[b"a", b"bc"]).await;
    assert_eq!(whole.size(), 3);
    assert_eq!(crate::hexadecimal::hexadecimal(&whole.md5()), "900150983cd24fb0d6963f7d28e17f72");
    let digest = artifacts.keep(whole).unwrap();
    assert_eq!(digest, Digest::of(b"abc"));
    assert_eq!(arriving(folder.path()), 0);

    let mut text = String::new();
    artifacts.read(&digest).await.unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "abc");
    artifacts.remove(&digest).unwrap();
    artifacts.remove(&digest).unwrap();
    assert!(artifacts.read(&digest).await.is_err());
}

#[tokio::test]
async fn what_is_not_kept_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    drop(arrive(&artifacts, &[b"abc"]).await);
    assert_eq!(arriving(folder.path()), 0);
    fs::write(folder.path().join("arriving/left"), "by a process that was killed").unwrap();
    Artifacts::open(folder.path()).unwrap();
    assert_eq!(arriving(folder.path()), 0);
}

#[tokio::test]
async fn too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let mut upload = artifacts.upload(3).await.unwrap();
    upload.write(b"abc").await.unwrap();
    let refused = upload.write(b"d").await;
    assert!(matches!(refused, Err(UploadError::TooLarge { limit: 3 })));
}
