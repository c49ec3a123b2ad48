//! S3.

use crate::server::Server;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

#[test]
fn boto3_gets_back_what_it_put() {
    Server::new().python("objects.py").expect_ok();
}

#[test]
fn links_hold_without_a_key() {
    Server::new().python("links.py").expect_ok();
}

#[test]
fn boto3_copies_and_deletes_many() {
    Server::new().python("copies.py").expect_ok();
}

#[test]
fn a_bucket_can_stand_before_the_name_of_the_server() {
    Server::with(&["--name", "gg.test"]).python("hosts.py").expect_ok();
}

/// Bytes that compress badly and repeat nowhere.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

#[test]
fn the_cli_copies_files_of_any_size() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    server.aws(["s3", "mb", "s3://files"]).expect_ok();
    // The larger goes up and comes down in parts of 8 MiB.
    for (name, length) in [("small", 1000), ("large", 20 * 1024 * 1024 + 1)] {
        let content = noise(length);
        fs::write(path(name), &content).unwrap();
        let url = format!("s3://files/folder/{name}");
        server.aws(["s3", "cp", &path(name), &url]).expect_ok();
        server.aws(["s3", "cp", &url, &path("back")]).expect_ok();
        assert!(fs::read(path("back")).unwrap() == content, "{name}");
    }
    let listed = server.aws(["s3", "ls", "s3://files", "--recursive"]).expect_ok();
    assert!(listed.contains("20971521 folder/large"), "{listed}");
    let listed = server.aws(["s3", "ls", "s3://files/"]).expect_ok();
    assert_eq!(listed.trim(), "PRE folder/");
    server.aws(["s3", "rm", "s3://files/folder/small"]).expect_ok();
    server.aws(["s3", "rb", "s3://files"]).expect_failure("BucketNotEmpty");
    server.aws(["s3", "rb", "s3://files", "--force"]).expect_ok();
}

#[test]
fn the_cli_copies_between_buckets_synchronizes_and_removes_folders() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for bucket in ["s3://one", "s3://two"] {
        server.aws(["s3", "mb", bucket]).expect_ok();
    }
    fs::create_dir_all(path("from/deep")).unwrap();
    // The larger is copied in parts.
    for (name, length) in [("a & <b>", 10), ("deep/c", 2000), ("large", 9 * 1024 * 1024)] {
        fs::write(path("from").as_str().to_owned() + "/" + name, noise(length)).unwrap();
    }
    server.aws(["s3", "sync", &path("from"), "s3://one/x"]).expect_ok();
    server.aws(["s3", "cp", "--recursive", "s3://one/x", "s3://two/y"]).expect_ok();
    server.aws(["s3", "sync", "s3://two/y", &path("to")]).expect_ok();
    for name in ["a & <b>", "deep/c", "large"] {
        let read = |folder: &str| fs::read(format!("{}/{name}", path(folder))).unwrap();
        assert!(read("from") == read("to"), "{name}");
    }
    fs::remove_file(path("from/deep/c")).unwrap();
    server.aws(["s3", "sync", "--delete", &path("from"), "s3://one/x"]).expect_ok();
    let listed = server.aws(["s3", "ls", "--recursive", "s3://one"]).expect_ok();
    assert!(!listed.contains("deep/c") && listed.contains("x/a & <b>"), "{listed}");
    server.aws(["s3", "mv", "s3://one/x/a & <b>", "s3://one/moved"]).expect_ok();
    server.aws(["s3", "rm", "--recursive", "s3://two/y"]).expect_ok();
    server.aws(["s3", "rb", "s3://two"]).expect_ok();
    let listed = server.aws(["s3", "ls", "--recursive", "s3://one"]).expect_ok();
    assert!(listed.lines().count() == 2 && listed.contains("moved"), "{listed}");
}

#[test]
fn what_was_acknowledged_survives_kills() {
    let mut server = Server::new();
    server.aws(["s3", "mb", "s3://bucket"]).expect_ok();
    let mut acknowledged: Vec<String> = Vec::new();
    // Kill it after another number of puts each time; where in a put that is, is chance.
    for (round, puts) in [1, 7, 12, 3, 20].into_iter().enumerate() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws/gg_cloud/puts.py");
        let mut client = server.client();
        client.arg(script).arg((round * 1000).to_string()).stdout(Stdio::piped());
        let mut putting = client.spawn().unwrap();
        let lines = BufReader::new(putting.stdout.take().unwrap()).lines();
        let mut here = 0;
        for line in lines {
            acknowledged.push(line.unwrap());
            here += 1;
            if here == puts {
                server.cut();
            }
        }
        assert!(putting.wait().unwrap().success());
    }
    assert!(acknowledged.len() >= 43);
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws/gg_cloud/acknowledged.py");
    let status = server.client().arg(check).args(&acknowledged).status().unwrap();
    assert!(status.success());
    let arriving = server.data().join("objects/arriving");
    assert_eq!(fs::read_dir(arriving).unwrap().count(), 0, "what was cut off is gone");
}
